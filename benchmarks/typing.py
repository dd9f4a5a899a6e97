"""The ways people type: on the wrong keyboard layout, words in both scripts, the other direction, with slips.

``python -m benchmarks.typing ../shared/data`` measures, on the first queries of a few development sets:
nDCG@10 of native queries, of the same pressed on a keyboard that was not switched, of Latin ones and of
those with every second word native; of native queries over the same sentences written in Latin letters,
beside Latin queries over these; and recall@8 of held-out words, as typed and with one slip.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks import datasets, report, tables
from scriptbridge import Bridge, Index, text
from scriptbridge.gap import authors, noise

__all__ = ["main"]

SETS = ("hi.dakshina-dev", "ta.dakshina-dev", "ur.dakshina-dev", "ru.xquad", "el.xquad", "he.heq", "ar.xquad")
REVERSED = ("hi.dakshina-dev", "ta.dakshina-dev", "ur.dakshina-dev", *datasets.USER_TEXT[1:])
SLIPS = ("hi", "ta", "ur")
LENGTHS = (4, 6, 8, 10)

Wordings = Mapping[str, str]


def ndcg(index: Index, queries: Wordings, relevant: Mapping[str, set[str]]) -> float:
    """nDCG@10 of queries with one relevant document that counts, the best ranked."""
    gains = []
    for id, query in queries.items():
        ranks = [rank for rank, (found, _) in enumerate(index.rank(query), 2) if found in relevant[id]]
        gains.append(1 / math.log2(ranks[0]) if ranks else 0.0)
    return fmean(gains)


def typed(data: Path, name: str, limit: int) -> dict[str, Any]:
    """One set: native, on the wrong layout and, where there are Latin queries, these and half of each."""
    collection = datasets.load(data, name, limit=limit)
    queries, code = collection.query_sets[-1], name.split(".")[0]
    relevant = {id: set(documents) for id, documents in queries.qrels.items()}
    pressed = {id: each[0] for id, each in authors.write("keyboard", queries.native, code).texts.items()}
    wordings: dict[str, Wordings] = {"native": queries.native, "layout": pressed}
    if queries.latin:
        wordings["latin"] = {id: each[0] for id, each in queries.latin.texts.items()}
        wordings["half"] = {id: _half(queries.native[id], each) for id, each in wordings["latin"].items()}
    with tempfile.TemporaryDirectory() as folder:
        index = _index(Path(folder), code, collection.documents)
        scores = {kind: ndcg(index, each, relevant) for kind, each in wordings.items()}
    return {"set": name, "queries": len(queries.native), **scores}


def _half(native: str, latin: str) -> str:
    """Every second word in native script, where the two have as many."""
    pairs = list(zip(text.terms(native), text.terms(latin), strict=False))
    return " ".join(pair[at % 2] for at, pair in enumerate(pairs))


def turned(data: Path, name: str, limit: int) -> dict[str, Any]:
    """One set the other way round: its documents in Latin letters, native queries."""
    collection, code = datasets.load(data, name, limit=limit), name.split(".")[0]
    queries = collection.query_sets[-1]
    latin = {id: each[0] for id, each in queries.latin.texts.items()} if queries.latin else {}
    native: Wordings = queries.native
    if native:
        sentences = datasets.read_pairs(data / "pairs" / f"{code}.dakshina-sentences-dev.tsv.gz")
        romanized = {sentence: typed for sentence, typed, _ in sentences}
        documents = {id: romanized[each] for id, each in collection.documents.items() if each in romanized}
    else:  # whole sentences: what was typed is the document, the document is asked for
        documents = {min(queries.qrels[id]): each for id, each in latin.items()}
        native = {id: collection.documents[min(queries.qrels[id])] for id in latin}
    relevant = {id: set(queries.qrels[id]) for id in native if set(queries.qrels[id]) & documents.keys()}
    native = {id: native[id] for id in relevant}
    with tempfile.TemporaryDirectory() as folder:
        index = _index(Path(folder), code, documents)
        scores = {"native": ndcg(index, native, relevant)}
        scores["latin"] = ndcg(index, {id: latin[id] for id in relevant}, relevant)
        both = documents | {f"native {id}": each for id, each in collection.documents.items()}
        (Path(folder) / "both").mkdir()
        alike = {id: each | {f"native {one}" for one in each} for id, each in relevant.items()}
        scores["both"] = ndcg(_index(Path(folder) / "both", code, both), native, alike)
    return {"set": name, "documents": len(documents), "queries": len(native), **scores}


def slips(data: Path, code: str, limit: int) -> list[dict[str, Any]]:
    """Recall@8 of held-out words by the letters of their Latin spelling, as typed and with one slip."""
    collection = datasets.load(data, f"{code}.dakshina-dev", limit=1)
    frequencies = Counter(term for each in collection.documents.values() for term in set(text.terms(each)))
    bridge = Bridge.from_terms(frequencies, [code], documents=len(collection.documents))
    lexicon = datasets.read_pairs(data / "pairs" / f"{code}.dakshina-lexicon.tsv.gz")
    pairs = [(text.normalize(native), latin) for native, latin, note in lexicon if note.startswith("dev")]
    pairs = [pair for pair in pairs if pair[0] in bridge.lexicon]
    rng = random.Random(report.SEED)
    rng.shuffle(pairs)
    result = []
    for least, most in zip(LENGTHS, [*LENGTHS[1:], 99], strict=True):
        some = [pair for pair in pairs if least <= len(pair[1]) < most and pair[1].isalpha()][:limit]
        as_typed = [_among_eight(bridge, latin, native) for native, latin in some]
        slipped = [_among_eight(bridge, noise.slip(latin, rng), native) for native, latin in some]
        row = {"language": code, "letters": least, "words": len(some)}
        result.append(row | {"typed": fmean(as_typed), "slip": fmean(slipped)})
    return result


def _among_eight(bridge: Bridge, latin: str, native: str) -> bool:
    positions = bridge.expand(latin, 8).positions
    return len(positions) == 1 and any(text.normalize(each.term) == native for each in positions[0].readings)


def _index(folder: Path, code: str, documents: Mapping[str, str]) -> Index:
    index = Index.create(folder / "index", languages=[code])
    index.add(documents.items())
    index.commit()
    return index


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.typing", description=__doc__)
    parser.add_argument("data", type=datasets.folder, help="the folder with retrieval/ and pairs/")
    parser.add_argument("--queries", type=int, default=200, help="of each set, and words of each length")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/typing.json"))
    options = parser.parse_args(arguments)
    measured: dict[str, Any] = {"metric": "nDCG@10", "queries_per_set": options.queries}
    for section, of_one, names in (("typed", typed, SETS), ("turned", turned, REVERSED)):
        measured[section] = []
        for name in names:
            measured[section].append(of_one(options.data, name, options.queries))
            report.say(str(measured[section][-1]))
    measured["slips"] = [row for code in SLIPS for row in slips(options.data, code, options.queries)]
    report.save(options.out, measured | report.circumstances("benchmarks.typing", arguments))
    print(tables.typing(report.load(options.out)))


if __name__ == "__main__":
    main()
