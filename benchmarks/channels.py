"""Estimate the shipped channels: ``python -m benchmarks.channels DATA [--lang xx] [--out DIR]`` (``make
channels``).

Only sources whose weights may ship are read (DATA/README.md), and of the Dakshina lexicons only the
training words. The same data gives the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from scriptbridge import languages, text
from scriptbridge.channel import Channel, latin_trigrams
from scriptbridge.documents import read_documents

__all__ = ["estimate", "main", "sources"]

PACKAGE = Path(__file__).parent.parent / "scriptbridge"
NAMES_STRENGTH = 300.0  # names tell little of how people type words: the scheme keeps much of its say
NAMES_LIKELIHOOD = (
    -1.1
)  # least log P a Latin letter under the scheme: rarer ones are foreign spellings, not romanizations
NAMES_WEIGHT = 0.05
DICTIONARY_WEIGHT = 0.5  # a phrasebook's word stands for more than one occurrence

Pairs = Iterator[tuple[str, str, float]]


def read(path: Path) -> Iterator[tuple[str, str, str]]:
    """(native, latin, note) of a pairs file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            native, latin, note = line.rstrip("\n").split("\t")
            if (native, latin) != ("native", "latin"):  # a head line
                yield native, latin, note


def lexicon(path: Path) -> Pairs:
    """Words as people romanized them, weighted by how many did."""
    for native, latin, note in read(path):
        split, _, times = note.partition(":")
        if split == "train":
            yield native, latin, float(times)


def counted(path: Path) -> Pairs:
    """Word pairs of running text, weighted by the square root of their frequency: a habit isn't a rule."""
    for native, latin, note in read(path):
        yield native, latin, math.sqrt(float(note))


def phrases(path: Path) -> Pairs:
    """Phrases of as many native as Latin words, word by word."""
    for native, latin, _ in read(path):
        natives, latins = text.terms(native), text.terms(latin)
        if len(natives) == len(latins):
            for pair in zip(natives, latins, strict=True):
                yield *pair, DICTIONARY_WEIGHT


def names(path: Path) -> Pairs:
    """Names whose Latin spelling the language's scheme can explain."""
    scheme = Channel.from_scheme(languages.load(path.name.split(".")[0]))
    for native, latin, _ in read(path):
        if scheme.score(native, latin) >= NAMES_LIKELIHOOD * len(latin):
            yield native, latin, NAMES_WEIGHT


READERS = {
    "dakshina-lexicon": lexicon,
    "banglatlit-words": counted,
    "finglish-telegram-words": counted,
    "phrasebook": phrases,
    "wikidata-names": names,
    "google-ar2en-names": names,
}


def sources(data: Path, code: str) -> list[Path]:
    """The files of pairs that a language's channel is estimated from."""
    return [path for name in READERS if (path := data / "pairs" / f"{code}.{name}.tsv.gz").exists()]


def estimate(data: Path, code: str, without: frozenset[tuple[str, str]] = frozenset()) -> Channel:
    """A language's channel, from all its sources but the normalised word pairs in `without`."""
    language, files = languages.load(code), sources(data, code)
    if not any("phrasebook" not in path.name for path in files):  # a phrasebook alone adds nothing
        channel = Channel.from_scheme(language)
    else:
        pairs = [
            pair
            for path in files
            for pair in READERS[path.name.split(".")[1]](path)
            if (text.normalize(pair[0]), text.normalize(pair[1])) not in without
        ]
        has_words = any("names" not in path.name for path in files if "phrasebook" not in path.name)
        channel = Channel.learn(
            language,
            pairs,
            sources=[path.name for path in files],
            scheme_strength=20.0 if has_words else NAMES_STRENGTH,
        )
    if any("dakshina" in path.name for path in files):
        return channel
    return replace(channel, trigrams=latin_trigrams(_romanized(channel, language)))


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
    parser.add_argument("data", type=Path)
    parser.add_argument("--lang", action="append", choices=languages.codes())
    parser.add_argument("--out", type=Path, default=PACKAGE / "weights")
    options = parser.parse_args(arguments)
    for code in options.lang or languages.codes():
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
