"""Single words that people typed in Latin letters: how often the native word is read, among a lexicon's.

``python -m benchmarks.words ../shared/data`` measures top-1 and top-8 accuracy on words that no weight was
estimated from: those of the Dakshina lexicons' dev part, and the sets that may only be measured on. Every
distinct Latin spelling is one item, in which any native word that the set pairs with it is right. Of each
set as many are drawn at random.

What is read against is the lexicon of an index: the terms of all the collections of ``DATA/retrieval`` in the
language, with their document frequencies, and the set's own native words, at least one document each, so that
every word can be found; of Dakshina all parts'. Beside it, PyPI's transliterators into the script, as they
write, and the lexicon's words nearest to that by edit distance, the more frequent first.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from benchmarks import datasets, report, tables
from benchmarks.transliterators import TRANSLITERATORS
from scriptbridge import Bridge, Channel, segmentation, sounds, text
from scriptbridge.lexicon import Lexicon

__all__ = ["SETS", "Words", "main", "nearest", "pairs", "rows", "share"]

SETS = (
    *(f"{name.partition('.')[0]}.dakshina-lexicon" for name in datasets.DAKSHINA),
    *("hi.xlitcrowd", "el.greeklish-realworld-half", "ar.atar-jordanian", "ar.narabizi-words"),
    *("ar.doda-moroccan-words", "ar.tarc-words", "th.names", "th.rtgs-dictionary", "zh.pinyin-ime-test"),
)
WORDS = 500
BEST = 8

Words = Mapping[str, set[str]]
"""Latin spelling → the native words, in their normal form, that it may stand for."""
Answers = Callable[[str], Sequence[str]]


def pairs(file: Path) -> Iterator[tuple[str, str, str]]:
    """(native, latin, note) of single words: of sentences, where both sides have as many words."""
    for native, latin, note in datasets.read_pairs(file):
        if file.name.startswith("zh."):
            yield from ((*pair, note) for pair in _words_of_syllables(native, latin.split()))
        elif len(natives := native.split()) == len(latins := latin.split()):
            yield from ((*pair, note) for pair in zip(natives, latins, strict=True))


def _words_of_syllables(native: str, syllables: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The words of two characters and more, where every character is a syllable."""
    if len(native) == len(syllables):
        for token in text.tokenize(native, segmentation.default()):
            if token.end - token.start > 1:
                yield token.text, "".join(syllables[token.start : token.end])


def native_words(words: Iterable[str]) -> dict[str, str]:
    """The normal form of each of these that is one native word."""
    forms = {word: text.terms(word, segmentation.WHOLE) for word in words}
    return {
        word: form[0]
        for word, form in forms.items()
        if len(form) == 1
        and text.script_of(form[0]) not in ("Latn", "Zyyy")
        and not any(map(str.isdigit, form[0]))
    }


def lexicon(data: Path, language: str, words: Iterable[str]) -> Counter[str]:
    """Terms and document frequencies of the language's collections, and these native words."""
    frequencies = _collected(data, language).copy()
    for word in words:
        frequencies[word] = max(1, frequencies[word])
    return frequencies


@cache
def _collected(data: Path, language: str) -> Counter[str]:
    segmenter = segmentation.default()
    return Counter(
        term
        for folder in sorted((data / "retrieval").glob(f"{language}.*"))
        for document in datasets.load(data, folder.name, limit=1).documents.values()
        for term in set(text.terms(document, segmenter))
    )


def nearest(written: Sequence[Sequence[str]], terms: Sequence[str]) -> list[list[str]]:
    """The `BEST` terms with the least Levenshtein distance to any of what was written for each word.

    Of equally near ones, those that stand first among `terms` come first.
    """
    every = sorted({"", *(each for wordings in written for each in wordings)})
    distances = dict(
        zip(every, process.cdist(every, terms, scorer=Levenshtein.distance, dtype=np.uint8), strict=True)
    )
    found = []
    for wordings in written:
        least = np.min([distances[each] for each in wordings or [""]], axis=0).astype(np.int64)
        rank = least * len(terms) + np.arange(len(terms))
        best = np.argpartition(rank, min(BEST, len(terms)) - 1)[:BEST]
        found.append([terms[at] for at in best[np.argsort(rank[best])]])
    return found


def share(answers: Iterable[Sequence[str]], right: Iterable[Collection[str]], among: int) -> float:
    """How often a right word is among the first answers."""
    return fmean(
        any(each in accepted for each in given[:among])
        for given, accepted in zip(answers, right, strict=True)
    )


def readings(bridge: Bridge) -> Answers:
    """What scriptbridge reads a word as; nothing where it takes it for several."""

    def read_by_bridge(latin: str) -> list[str]:
        positions = bridge.expand(latin, BEST).positions
        return [reading.term for reading in positions[0].readings] if len(positions) == 1 else []

    return read_by_bridge


def rows(data: Path, name: str, limit: int) -> list[dict[str, Any]]:
    """One set's figures: a row."""
    language = name.partition(".")[0]
    every = list(pairs(data / "pairs" / f"{name}.tsv.gz"))
    known = native_words({native for native, _, _ in every})
    words: dict[str, set[str]] = defaultdict(set)
    for native, latin, note in every:
        if native in known and ("dakshina" not in name or note.startswith("dev")):
            words[latin.lower()].add(known[native])
    typed = random.Random(report.SEED).sample(sorted(words), len(words))
    chosen = list(islice(filter(_is_typed_word, typed), limit or None))
    right = [words[latin] for latin in chosen]
    frequencies = lexicon(data, language, known.values())
    read_by_bridge = readings(_bridge(frequencies, language))
    ours = [read_by_bridge(latin) for latin in chosen]
    row = {
        "set": name,
        "words": len(chosen),
        "lexicon": len(frequencies),
        "scriptbridge": {"top1": share(ours, right, 1), "top8": share(ours, right, BEST)},
        "others": _others(language, chosen, right, frequencies),
    }
    return [row]


def _is_typed_word(latin: str) -> bool:
    return [token.script for token in text.tokenize(latin)] == ["Latn"]


def _bridge(frequencies: Mapping[str, int], language: str) -> Bridge:
    """Over the terms as an index holds them."""
    channel = Channel.load(language)
    forms = sounds.forms(frequencies, [channel.sounds])
    return Bridge(Lexicon.from_terms(frequencies, forms=forms), [channel], None, segmentation.default())


def _others(
    language: str, chosen: Sequence[str], right: Sequence[Collection[str]], frequencies: Mapping[str, int]
) -> dict[str, dict[str, float]]:
    """What the transliterators that know the language get: as they write, and by the lexicon's nearest."""
    terms = sorted(frequencies, key=lambda term: (-frequencies[term], term))
    found = {}
    for name, write in TRANSLITERATORS.items():
        if write(chosen[0], language):
            written = [[text.normalize(each) for each in write(latin, language)] for latin in chosen]
            near = nearest(written, terms)
            found[name] = {
                "written": share(written, right, 1),
                "top1": share(near, right, 1),
                "top8": share(near, right, BEST),
            }
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    items = ("words", WORDS)
    print(tables.words(report.set_by_set("benchmarks.words", __doc__, SETS, rows, items, {}, arguments)))


if __name__ == "__main__":
    main()
