"""Questions in native script only, typed in Latin letters by romanizers that know nothing of scriptbridge.

``python -m benchmarks.native ../shared/data`` measures, on the sets whose queries have no Latin form, nDCG@10
of native queries, of Latin ones by independent romanizers, and of native queries over BM25 of character
bigrams, which languages without spaces must not fall behind. The index finds out what language it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import datasets, report
from scriptbridge import segmentation, text
from scriptbridge.gap import measure
from scriptbridge.gap.baselines import PlainIndex
from scriptbridge.gap.records import MAIN, Collection, Ranking, System
from scriptbridge.gap.systems import Candidate

__all__ = ["main"]

SPELLED = ("uroman", "icu")
AUTHORS = {
    "zh": ("pinyin", "pinyin_syllables", "pinyin_run_on"),
    "ja": ("hepburn",),
    "ko": ("hangul",),
}
ASKED = {"zh": 0.90, "ja": 0.85, "ko": 0.90, "th": 0.80, "he": 0.90, "fa": 0.90, "ar": 0.90}  # else .95
ASKED_RUN_ON = 0.85
UNSPACED = ("zh", "ja", "ko", "th")
SETS = (
    *("ar.xquad", "ar.arcd", "el.xquad", "hi.xquad", "ru.xquad", "fa.pquad", "he.heq", "am.amqa"),
    *("kk.kazqad-val", "bn.bangla-qa", "zh.xquad", "zh.cmrc2018", "ja.jaquad-dev", "ko.korquad1-dev"),
    *("th.xquad", "th.iapp-test"),
)
QUERIES = 500
BIGRAMS = "BM25, character bigrams"


class Bigrams:
    """BM25 over the character bigrams of both sides."""

    notes: tuple[str, ...] = ()
    keeps_order = False
    name = BIGRAMS

    def __init__(self, collection: Collection) -> None:
        """Index the documents."""
        self._index = PlainIndex((id, _bigrams(each)) for id, each in collection.documents.items())

    def search(self, text: str, k: int) -> Ranking:
        """The k best documents."""
        return self._index.rank(_bigrams(text), k)

    def close(self) -> None:
        """Nothing is open."""


def _bigrams(document: str) -> list[str]:
    """Pairs of letters of runs without spaces; words of others."""
    whole = [token.text for token in text.tokenize(document, segmentation.WHOLE)]
    return [word[at : at + 2] for word in whole for at in range(max(1, len(word) - 1))]


def rows(data: Path, name: str, queries: int) -> list[dict[str, Any]]:
    """A row for each author: how many of what native queries find Latin ones find."""
    language = name.partition(".")[0]
    collection = replace(datasets.load(data, name, limit=queries), languages={})
    specs = [f"benchmarks.romanizers:{each}" for each in AUTHORS.get(language, ())] or list(SPELLED)
    found: list[dict[str, Any]] = []
    bigrams = None
    if language in UNSPACED:
        plain = Candidate(BIGRAMS, BIGRAMS, BIGRAMS, lambda opened, folder: _opened(opened))
        bigrams = measure([collection], [plain], specs[:1], explain=False).cells[0].figures[MAIN].native
    for cell in measure([collection], ["scriptbridge"], specs, explain=False).cells:
        figures = cell.figures[MAIN]
        author = cell.author.rpartition(":")[2]
        asked = ASKED_RUN_ON if author == "pinyin_run_on" else ASKED.get(language, 0.95)
        assert figures.native
        found.append(
            {
                "set": name,
                "author": author,
                "queries": cell.queries,
                "native": figures.native,
                "latin": figures.latin,
                "ratio": figures.latin / figures.native,
                "asked": asked,
                "bigrams": bigrams,
            }
        )
    return found


def _opened(collection: Collection) -> System:
    return Bigrams(collection)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    items, about = ("queries", QUERIES), {"metric": "nDCG@10"}
    report.set_by_set("benchmarks.native", __doc__, SETS, rows, items, about, arguments)


if __name__ == "__main__":
    main()
