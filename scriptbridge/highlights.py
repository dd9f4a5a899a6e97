"""Where a document matched: its words that are readings of the query, and the passage with most of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from scriptbridge import text
from scriptbridge.types import Expansion, Highlight

__all__ = ["Sought", "find", "passage", "sought"]

PASSAGE = 160  # characters, marks aside
READ = 100_000  # characters of a field that are looked through
NEARLY = 0.5  # of the best reading a document holds, the weight that a word needs to be marked


@dataclass(frozen=True, slots=True)
class Sought:
    """A reading: the query's token it reads and its weight there."""

    token: str
    weight: float


def sought(expansion: Expansion) -> dict[str, Sought]:
    """term → what it is sought for; the heaviest, where it is a reading of several tokens."""
    terms: dict[str, Sought] = {}
    for position in expansion.positions:
        for reading in position.readings:
            known = terms.get(reading.term)
            if reading.weight > 0 and (known is None or known.weight < reading.weight):
                terms[reading.term] = Sought(position.token.text, reading.weight)
    return terms


def find(
    fields: Mapping[str, str], terms: Mapping[str, Sought], segmenter: str | None = None
) -> tuple[Highlight, ...]:
    """The words that matched, field by field, in order.

    Where a document holds several readings of a token, only those that weigh nearly as much as its best.
    Of a long field, only the first `READ` characters are looked through.
    """
    found = [
        Highlight(field, token.start, token.end, token.text, terms[token.text].token)
        for field, value in fields.items()
        for token in text.tokenize(value[:READ], segmenter)
        if token.text in terms
    ]
    best: dict[str, float] = {}
    for highlight in found:
        best[highlight.token] = max(best.get(highlight.token, 0.0), terms[highlight.term].weight)
    return tuple(each for each in found if terms[each.term].weight >= NEARLY * best[each.token])


def passage(fields: Mapping[str, str], highlights: Sequence[Highlight], terms: Mapping[str, Sought]) -> str:
    """The passage where most of the query matched, on one line, the matched words between ``[`` and ``]``."""
    best_score, best = -1.0, highlights[:0]
    for _, in_field in groupby(highlights, key=lambda each: each.field):
        for window in _windows(list(in_field)):
            score = _score(window, terms)
            if score > best_score:
                best_score, best = score, window
    if not best:
        value = next(iter(fields.values()), "")
        return _marked(value, *_cut(value, 0, 0), [])
    value = fields[best[0].field]
    low, high = _cut(value, best[0].start, best[-1].end)
    return _marked(value, low, high, [each for each in highlights if each.field == best[0].field])


def _windows(highlights: Sequence[Highlight]) -> list[Sequence[Highlight]]:
    """From every highlight on, those that fit into one passage with it."""
    windows = []
    last = 0
    for first, highlight in enumerate(highlights):
        last = max(last, first + 1)
        while last < len(highlights) and highlights[last].end - highlight.start <= PASSAGE:
            last += 1
        windows.append(highlights[first:last])
    return windows


def _score(window: Sequence[Highlight], terms: Mapping[str, Sought]) -> float:
    """The weight of the query's tokens that matched, each once."""
    best: dict[str, float] = {}
    for each in window:
        best[each.token] = max(best.get(each.token, 0.0), terms[each.term].weight)
    return sum(best.values())


def _cut(value: str, start: int, end: int) -> tuple[int, int]:
    """About `PASSAGE` characters around value[start:end], without cutting words."""
    low = max(0, min(start - (PASSAGE - (end - start)) // 2, len(value) - PASSAGE))
    high = max(end, min(len(value), low + PASSAGE))
    low = min(low, start)
    if low > 0:
        low = next((i + 1 for i in range(low - 1, start) if value[i].isspace()), low)
    if high < len(value):
        high = next((i for i in range(high, max(end, low), -1) if value[i].isspace()), high)
    return low, high


def _marked(value: str, low: int, high: int, highlights: Sequence[Highlight]) -> str:
    parts, at = ["…"] if low > 0 else [], low
    for each in highlights:
        if each.start >= at and each.end <= high:  # several words of one character share its place
            parts += [value[at : each.start], "[", value[each.start : each.end], "]"]
            at = each.end
    parts += [value[at:high], "…"] if high < len(value) else [value[at:high]]
    return " ".join("".join(parts).split())
