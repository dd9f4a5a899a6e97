"""Whose Latin queries to train on: the channel's or uroman's, judged by what people typed.

``python -m benchmarks.wordings ../shared/data --work DIR`` trains the small query encoder (recipe `ngrams`)
to speak the space of a teacher that hashes native words, on passages of a set's own documents in the wordings
of one author or of both, and searches with the queries that people typed. The teacher is deliberately plain:
what differs between the rows is the wordings alone. Its own figure, for native queries, is the ceiling.
Channels know pairs of people's words, of Dakshina's lexicons and, for Bangla and Persian, of the collections
that the two other sets are from; Dakshina's windows are of sentences that nothing has seen.
"""

from __future__ import annotations

import argparse
import sys
import time
import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import datasets, report
from benchmarks.neural import Searched
from scriptbridge import text
from scriptbridge.gap import load_collection, measure
from scriptbridge.gap.records import GIVEN, MAIN, Collection, System
from scriptbridge.gap.systems import Candidate
from scriptbridge.index import Index

__all__ = ["hashed", "main"]

SETS = {
    "fa.finglish-telegram-knownitem": "fa",
    "bn.banglatlit-knownitem": "bn",
    "bn.dakshina-dev": "bn",
    "hi.dakshina-dev": "hi",
    "ta.dakshina-dev": "ta",
}
WORDINGS = {"uroman": ("uroman",), "channel": ("channel:4",), "both": ("uroman", "channel:3")}
TEACHER = "benchmarks.wordings:hashed"
DIMENSION = 512
STEPS = 1500
SPANS = {"bn.dakshina-dev": 2, "hi.dakshina-dev": 2, "ta.dakshina-dev": 2}  # of 10,000 documents; else 6
SEED = 0


def hashed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Vectors (texts, `DIMENSION`) of length 1: the sum of a random direction for each native word."""
    vectors = np.stack([sum(map(_direction, text.terms(each)), np.zeros(DIMENSION)) for each in texts])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (vectors / np.where(lengths, lengths, 1)).astype(np.float32)
    return unit


@lru_cache(maxsize=200_000)
def _direction(word: str) -> NDArray[np.float64]:
    return np.random.default_rng(zlib.crc32(word.encode())).standard_normal(DIMENSION)


def trained(folder: Path, language: str, wordings: Sequence[str], out: Path) -> Path:
    """The query encoder's file, trained unless it is there."""
    from scriptbridge.train import data, ngrams
    from scriptbridge.train.trainer import Settings

    examples = data.load(folder, wordings, SEED, language, spans=SPANS.get(folder.name, 6))
    settings = replace(
        Settings("ngrams", TEACHER, seed=SEED, steps=STEPS, threads=1),
        learning_rate=ngrams.SETTINGS["learning_rate"],
        weight_decay=ngrams.SETTINGS["weight_decay"],
    )
    ngrams.train(examples, settings, ngrams.Ngrams(), out, cache=out.parent / "vectors")
    return out / ngrams.FILE


def searched(collection: Collection, language: str, encoder: str, author: str) -> dict[str, float | None]:
    """nDCG@10 with people's queries, and with native ones where the set has them, of its hardest kind."""

    def opened(collection: Collection, folder: Path) -> System:
        index = Index.create(folder / "index", languages=[language], encoder=TEACHER)
        index.add(collection.documents.items())
        index.commit()
        return Searched(author, index, "dense", {"queries": encoder, "deromanize": False})

    cells = measure([collection], [Candidate(author, author, author, opened)], [GIVEN], explain=False).cells
    figures = cells[-1].figures[MAIN]  # of rare and window, window
    return {"native": figures.native, "latin": figures.latin}


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wordings", description=__doc__)
    parser.add_argument("data", type=datasets.folder, help="the folder with retrieval/")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), help="only these")
    parser.add_argument("--work", type=Path, required=True, help="where encoders stay")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/wordings.json"))
    options = parser.parse_args(arguments)
    rows = report.load(options.out).get("sets", {})
    for name in options.sets:
        folder = options.data / "retrieval" / name
        collection = load_collection(folder)
        for author, wordings in WORDINGS.items():
            started = time.monotonic()
            file = trained(folder, SETS[name], wordings, options.work / name / author)
            rows.setdefault(name, {})[author] = searched(collection, SETS[name], f"ngrams:{file}", author)
            report.say(f"{name}: {author}: {rows[name][author]}, {time.monotonic() - started:.0f} s")
        rows[name]["teacher"] = searched(collection, SETS[name], TEACHER, "teacher")
        shown = ["DIR" if each == str(options.work) else each for each in arguments]
        made = report.circumstances("benchmarks.wordings", shown)
        report.save(options.out, made | {"metric": "nDCG@10", "sets": rows})


if __name__ == "__main__":
    main()
