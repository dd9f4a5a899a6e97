"""Estimate the shipped channels: ``python -m benchmarks.channels DATA [--lang xx] [--out DIR]`` (``make
channels``).

Only sources whose weights may ship are read (DATA/README.md), and of the Dakshina lexicons only the
training words. The same data gives the same bytes.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.datasets import folder, read_pairs
from scriptbridge import languages, text
from scriptbridge.channel import Channel, latin_trigrams
from scriptbridge.documents import read_documents

__all__ = ["estimate", "main", "sources"]

PACKAGE = Path(__file__).parent.parent / "scriptbridge"
NAMES_STRENGTH = 300.0  # names tell little of how people type words: the scheme keeps much of its say
DICTIONARY_STRENGTH = 60.0  # a few hundred words, in spellings that are guesses
NAMES_LIKELIHOOD = (
    -1.1
)  # least log P a Latin letter under the scheme: rarer ones are foreign spellings, not romanizations
NAMES_WEIGHT = 0.05
THINNED = 10  # what a tenth of a dictionary of pinyin shows, the rest only repeats
APOSTROPHES = 0.2  # of those of standard pinyin are typed
DICTIONARY_WEIGHT = 0.5  # a phrasebook's word stands for more than one occurrence

Pairs = Iterator[tuple[str, str, float]]


def lexicon(path: Path) -> Pairs:
    """Words as people romanized them, weighted by how many did."""
    for native, latin, note in read_pairs(path):
        split, _, times = note.partition(":")
        if split == "train":
            yield native, latin, float(times)


def counted(path: Path) -> Pairs:
    """Word pairs of running text, weighted by the square root of their frequency: a habit isn't a rule."""
    for native, latin, note in read_pairs(path):
        yield native, latin, math.sqrt(float(note))


def phrases(path: Path) -> Pairs:
    """Phrases of as many native as Latin words, word by word."""
    for native, latin, _ in read_pairs(path):
        natives, latins = text.terms(native), text.terms(latin)
        if len(natives) == len(latins):
            for pair in zip(natives, latins, strict=True):
                yield *pair, DICTIONARY_WEIGHT


def dictionary(path: Path) -> Pairs:
    """Words in a dictionary's scholarly letters, in the ways that people type these."""
    for native, latin, _ in read_pairs(path):
        natives, latins = text.terms(native), unicodedata.normalize("NFC", latin.casefold()).split()
        if len(natives) == len(latins):
            for word, scholarly in zip(natives, latins, strict=True):
                yield from ((word, typed, DICTIONARY_WEIGHT * share) for typed, share in _typed(scholarly))


# What people type for the letters of scholarly Pashto, and how often; of others only the accents go.
SCHOLARLY = {
    "āãâ": {"a": 0.85, "aa": 0.15},
    "ëǝəәᶕ": {"a": 0.55, "e": 0.35, "": 0.1},
    "úūǔ": {"u": 0.65, "oo": 0.35},
    "íī": {"i": 0.8, "ee": 0.2},
    "š": {"sh": 1.0},
    "ž": {"zh": 0.75, "j": 0.25},
    "č": {"ch": 1.0},
    "ǰ": {"j": 1.0},
    "ǧğġγ": {"gh": 1.0},
    "x": {"kh": 0.85, "x": 0.15},
    "ẍӽṧ": {"kh": 0.55, "sh": 0.35, "x": 0.1},
    "ģẓɀǵ": {"g": 0.6, "zh": 0.4},
    "źż": {"dz": 0.6, "z": 0.4},
    "c": {"ts": 0.75, "s": 0.25},
}


def _typed(scholarly: str) -> list[tuple[str, float]]:
    """The ways to type a word and their shares, one way for each letter throughout."""
    ways = [(scholarly, 1.0)]
    for letters, spellings in SCHOLARLY.items():
        if not set(letters).isdisjoint(scholarly):
            to = [({ord(letter): latin for letter in letters}, share) for latin, share in spellings.items()]
            ways = [(word.translate(table), share * part) for word, share in ways for table, part in to]
    return ways


# Plain letters for those of the Khmer words' editors, who write several schemes; accents go.
KHMER = str.maketrans(
    {"ŋ": "ng", "ɲ": "nh", "ʰ": "h", "ɑ": "a", "ɔ": "o", "ʊ": "u", "ɨ": "eu", "ə": "e", "ɛ": "ae"}
    | {"ɓ": "b", "ɗ": "d"}
)


def khmer(path: Path) -> Pairs:
    """Khmer words in plain letters, without spaces: those of the documents are not those of the Latin."""
    for native, latin, _ in read_pairs(path):
        plain = unicodedata.normalize("NFD", latin.casefold().translate(KHMER))
        typed = "".join(letter for letter in plain if letter.isascii() and letter.isalnum())
        if typed:
            yield native.replace(" ", ""), typed, DICTIONARY_WEIGHT


def names(path: Path) -> Pairs:
    """Names whose Latin spelling the language's scheme can explain."""
    scheme = Channel.from_scheme(languages.load(path.name.split(".")[0]))
    for native, latin, _ in read_pairs(path):
        if scheme.score(native, latin) >= NAMES_LIKELIHOOD * len(latin):
            yield native, latin, NAMES_WEIGHT


def pinyin(path: Path) -> Pairs:
    """Of a dictionary's words one in `THINNED`, as one Latin word each, with or without its apostrophes."""
    for native, latin, _ in read_pairs(path):
        if zlib.crc32(native.encode()) % THINNED == 0:
            standard = re.sub(r" (?=[aeo])", "'", latin).replace(" ", "")
            share = APOSTROPHES if "'" in standard else 1.0
            yield native, standard, DICTIONARY_WEIGHT * share
            if share < 1.0:
                yield native, standard.replace("'", ""), DICTIONARY_WEIGHT * (1 - share)


READERS = {
    "dakshina-lexicon": lexicon,
    "banglatlit-words": counted,
    "finglish-telegram-words": counted,
    "phrasebook": phrases,
    "ps.wiktionary-words": dictionary,
    "km.wiktionary-words": khmer,
    "cc-cedict": pinyin,
    "phrase-pinyin": pinyin,
    "wikidata-names": names,
    "google-ar2en-names": names,
}


def sources(data: Path, code: str) -> list[Path]:
    """The files of pairs that a language's channel is estimated from."""
    return [
        path
        for name in READERS
        if (path := data / "pairs" / f"{code}.{name.removeprefix(f'{code}.')}.tsv.gz").exists()
    ]


def _reader(path: Path) -> Callable[[Path], Pairs]:
    """A source's reader: that of the language's own file, else of the source."""
    own = path.name.removesuffix(".tsv.gz")
    return READERS[own if own in READERS else own.split(".")[1]]


def estimate(data: Path, code: str, without: frozenset[tuple[str, str]] = frozenset()) -> Channel:
    """A language's channel, from all its sources but the normalised word pairs in `without`."""
    language, files = languages.load(code), sources(data, code)
    if not any("phrasebook" not in path.name for path in files):  # a phrasebook alone adds nothing
        channel = Channel.from_scheme(language)
    else:
        pairs = [
            pair
            for path in files
            for pair in _reader(path)(path)
            if (text.normalize(pair[0]), text.normalize(pair[1])) not in without
        ]
        channel = Channel.learn(
            language,
            pairs,
            sources=[path.name for path in files],
            scheme_strength=_scheme_strength(files),
        )
    if any("dakshina" in path.name for path in files):
        return channel
    return replace(channel, trigrams=latin_trigrams(_romanized(channel, language)))


def _scheme_strength(files: list[Path]) -> float:
    """How many observations of a unit the scheme weighs as much as: few beside words as people typed them."""
    kinds = {path.name.split(".")[1] for path in files} - {"phrasebook"}
    if all("names" in kind for kind in kinds):
        return NAMES_STRENGTH
    return DICTIONARY_STRENGTH if kinds == {"wiktionary-words"} else 20.0


def _romanized(channel: Channel, language: languages.Language) -> Iterator[tuple[str, float]]:
    """The channel's own romanizations of the sample collection's words, for languages without much
    romanized text.
    """
    documents = read_documents(PACKAGE / "sample" / f"{language.code}.jsonl", fields=("title", "text"))
    words = {word for document in documents for part in document.fields.values() for word in text.terms(part)}
    for number, word in enumerate(
        sorted(words | set(language.frequent) | set(map(text.normalize, language.examples)))
    ):
        for latin in channel.sample(word, 5, seed=number):
            yield latin, 1.0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=folder)
    parser.add_argument("--lang", action="append", choices=languages.codes())
    parser.add_argument("--out", type=Path, default=PACKAGE / "weights")
    options = parser.parse_args(arguments)
    for code in sorted(options.lang or languages.codes(), key=lambda code: languages.load(code).related):
        channel = estimate(options.data, code)
        channel.save(options.out / f"{code}.channel")
        size = len(channel.to_bytes())
        print(
            f"{code}  {len(channel.rows)} rows  {len(channel.slot_cost)} slots  {size / 1000:.0f} kB",
            file=sys.stderr,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
