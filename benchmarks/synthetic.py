"""A collection of one language with as many terms as a large one has, made of a small one."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable

from benchmarks.report import SEED
from scriptbridge import text
from scriptbridge.gap.records import Collection

__all__ = ["enlarge", "invented"]

_NEW_WORDS, _REAL_WORDS = 8, 4  # of an invented document


def invented(words: Iterable[str], count: int) -> list[str]:
    """`count` words that aren't among `words`, each the beginning of one and the rest of another.

    The two parts share the pair of letters where they meet, so that the new words have the letters, the
    sequences of letters and nearly the lengths of real ones: what a decoder or an automaton tells apart.
    """
    choose = random.Random(SEED)
    real = sorted(word for word in set(words) if len(word) > 2)
    endings: dict[str, list[str]] = defaultdict(list)
    for word in real:
        for at in range(1, len(word) - 1):
            endings[word[at : at + 2]].append(word[at + 2 :])
    known = set(real)
    new: dict[str, None] = {}  # in the order of invention
    while len(new) < count:
        word = choose.choice(real)
        at = choose.randrange(1, len(word) - 1)
        word = word[: at + 2] + choose.choice(endings[word[at : at + 2]])
        if word not in known:
            new[word] = None
    return list(new)


def enlarge(collection: Collection, terms: int) -> Collection:
    """The collection with invented documents of twelve words, until it holds `terms` terms.

    Each has eight invented words, that stand nowhere else, and four real ones.
    """
    language = next(iter(collection.languages.values()))
    real = sorted({term for words in collection.documents.values() for term in text.terms(words)})
    letters_only = [word for word in real if text.script_of(word) not in ("Latn", "Zyyy")]
    new = invented(letters_only, max(0, terms - len(real)))
    choose = random.Random(SEED)
    texts = dict(collection.documents)
    for at in range(0, len(new), _NEW_WORDS):
        words = new[at : at + _NEW_WORDS] + choose.choices(letters_only, k=_REAL_WORDS)
        choose.shuffle(words)
        texts[f"invented-{at}"] = " ".join(words)
    return Collection(f"{collection.name}, {terms:,} terms", texts, dict.fromkeys(texts, language), ())
