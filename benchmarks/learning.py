"""What learning brings: from queries without pairs, and from a related language's channel.

``python -m benchmarks.learning ../shared/data`` learns from one half of each set's Latin queries and measures
on the other: how often the likeliest reading, or one of eight, of a word is the right one, over all terms of
the set's index, and nDCG@10. Channels are the language's scheme, what queries teach it, the shipped channel
(estimated from pairs) and what queries teach that. Then users' own pairs, in ways of writing that the
shipped channel has not seen, added to it or to the scheme. Then languages that have pairs pretend to have
few, or none, and start from their schemes alone or from a related language's channel, too.

Progress goes to stderr, the tables to stdout, the figures to a JSON file, to which a later run of one part
adds its own.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import channels, datasets, report, tables
from benchmarks.crossfit import SEEN_PAIRS, own_pairs
from scriptbridge import languages, text
from scriptbridge.channel import Channel
from scriptbridge.gap import measures
from scriptbridge.gap.records import MAIN, Answer, Collection, QuerySet
from scriptbridge.index import Index
from scriptbridge.learning import learn_from_queries
from scriptbridge.lexicon import Lexicon
from scriptbridge.pairs import Pair, quality
from scriptbridge.types import Reading

__all__ = ["main"]

SETS = (
    ("ar.atar-jordanian", ""),  # words alone
    ("ar.narabizi-sentences-knownitem", ""),
    ("fa.finglish-telegram-knownitem", ""),
    ("el.greeklish-dev", ""),
    ("hi.dakshina-dev", "rare"),
    ("hi.dakshina-dev", "window"),
)
WORD_PAIRS = {
    "ar.atar-jordanian": "ar.atar-jordanian",
    "ar.narabizi-sentences-knownitem": "ar.narabizi-words",
    "fa.finglish-telegram-knownitem": "fa.finglish-telegram-words",
}
"""The pairs that say what the words of a set without native queries mean."""
MOST_QUERIES = 2000  # of a half
MOST_WORDS = 2000
OWN_PAIRS = ("ar.atar-jordanian", "ar.tarc-words")
RELATED = (("hi", "mr"), ("mr", "hi"), ("ur", "fa"), ("fa", "ur"), ("sd", "ur"))
PRETENDED = (0, 50, 200, 1000)  # pairs
MEASURED = 1000  # pairs
K = 10

Row = dict[str, Any]
WordPairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Half:
    """What is learned from, and what is measured on: (native, Latin) words, and perhaps queries."""

    documents: Mapping[str, str]
    log: Sequence[str]
    words: WordPairs
    asked: Mapping[str, str]
    queries: QuerySet | None = None


def halves(data: Path, name: str, kind: str) -> Half:
    """A set: every second query to learn from; of the others, those that are no query learned from."""
    if name == "ar.atar-jordanian":
        return _words_alone(data / "pairs" / f"{name}.tsv.gz")
    collection = datasets.load(data, name)
    (queries,) = [each for each in collection.query_sets if each.name == kind]
    typed = {id: texts[0] for id, texts in (queries.latin.texts if queries.latin else {}).items()}
    log = list(typed.values())[1::2][:MOST_QUERIES]
    asked = dict(list(typed.items())[::2][:MOST_QUERIES])
    asked = {id: query for id, query in asked.items() if query not in set(log)}
    if queries.native:
        words = _aligned(queries.native, asked)
    else:
        words = _paired(data / "pairs" / f"{WORD_PAIRS[name]}.tsv.gz", collection, queries, asked)
    return Half(collection.documents, log, _some(words), asked, queries)


def _words_alone(file: Path) -> Half:
    """A set of words: each is a document, and the Latin ones of half of them are queries."""
    pairs = sorted(
        {(text.normalize(native), text.normalize(latin)) for native, latin, _ in datasets.read_pairs(file)}
    )
    pairs = [pair for pair in pairs if all(len(text.terms(word)) == 1 for word in pair)]
    natives = sorted({native for native, _ in pairs})
    learned = set(random.Random(report.SEED).sample(natives, len(natives) // 2))
    log = _some([latin for native, latin in pairs if native in learned])
    words = [pair for pair in pairs if pair[0] not in learned]
    return Half({word: word for word in natives}, log, _some(words), {})


def _aligned(native: Mapping[str, str], asked: Mapping[str, str]) -> WordPairs:
    """The words of queries that have as many native as Latin ones."""
    both = [(text.terms(native[id]), text.terms(query)) for id, query in asked.items()]
    pairs = {pair for one, other in both if len(one) == len(other) for pair in zip(one, other, strict=True)}
    return sorted(pair for pair in pairs if text.script_of(pair[0]) not in ("Latn", "Zyyy"))


def _paired(file: Path, collection: Collection, queries: QuerySet, asked: Mapping[str, str]) -> WordPairs:
    """The known pairs of words that stand in a query and in the documents it asks for."""
    known = {
        (text.normalize(native), text.normalize(latin)) for native, latin, _ in datasets.read_pairs(file)
    }
    pairs: set[tuple[str, str]] = set()
    for id, query in asked.items():
        natives = {term for each in queries.qrels[id] for term in text.terms(collection.documents[each])}
        pairs |= {(native, latin) for latin in text.terms(query) for native in natives} & known
    return sorted(pairs)


def _some(items: Sequence[datasets.Value]) -> list[datasets.Value]:
    return random.Random(report.SEED).sample(items, min(len(items), MOST_WORDS))


def measure_queries(data: Path, name: str, kind: str) -> Row:
    """Every channel on one set."""
    half, code = halves(data, name, kind), name.split(".")[0]
    with (
        tempfile.TemporaryDirectory() as folder,
        Index.create(Path(folder) / "index", languages=[code]) as index,
    ):
        index.add(half.documents.items())
        index.commit()
        lexicon = index.bridge.lexicon
        words = [pair for pair in half.words if pair[0] in lexicon]
        known = {"scheme": Channel.from_scheme(code), "shipped": _shipped(data, name, half)}
        rows = {}
        for start, channel in known.items():
            lesson = learn_from_queries(half.log, index, code, channel, seed=report.SEED)
            rows[start] = _figures(index.path, channel, half, words)
            rows[f"{start} + queries"] = _figures(index.path, lesson.channel, half, words) | {
                "log_likelihood": [lesson.before, lesson.after]
            }
            report.say(f"{name} {kind} {start}: {rows[start]} → {rows[f'{start} + queries']}")
    facts = {"set": name, "kind": kind or None, "documents": len(half.documents), "queries": len(half.log)}
    return facts | {"words": len(words), "asked": len(half.asked), "channels": rows}


def _shipped(data: Path, name: str, half: Half) -> Channel:
    """The shipped channel; estimated without the pairs of the sentences that are measured on."""
    code = name.split(".")[0]
    if name not in SEEN_PAIRS:
        return Channel.load(code)
    return channels.estimate(data, code, own_pairs(data, datasets.load(data, name), half.asked))


def _figures(path: Path, channel: Channel, half: Half, words: WordPairs) -> Row:
    with Index.open(path, [channel]) as index:
        read = [[each.term for each in _readings(index, latin)] for _, latin in words]
        ranks = [
            found.index(native) if native in found else K
            for (native, _), found in zip(words, read, strict=True)
        ]
        figures: Row = {
            "top1": sum(rank == 0 for rank in ranks) / len(ranks),
            "top8": sum(rank < 8 for rank in ranks) / len(ranks),
        }
        if half.queries is not None:
            answers = {id: [Answer(tuple(index.rank(query, K)))] for id, query in half.asked.items()}
            scores = measures.per_query(answers, half.queries.qrels, list(half.asked))
            figures["ndcg"] = float(scores[MAIN].mean())
    return figures


def _readings(index: Index, latin: str) -> Sequence[Reading]:
    positions = index.bridge.expand(latin, 8).positions
    return positions[0].readings if len(positions) == 1 else ()


def measure_pairs(data: Path, name: str) -> Iterator[Row]:
    """A user's pairs, learned from beside the scheme alone and beside the shipped channel."""
    code = name.split(".")[0]
    language, shipped = languages.load(code), Channel.load(code)
    learned, held, lexicon = _pretended(data / "pairs" / f"{name}.tsv.gz")
    for count in PRETENDED:
        row: Row = {"source": name, "pairs": count}
        for arm, start in (("scheme", None), ("shipped", shipped)):
            row[arm] = asdict(quality(_learned(language, learned[:count], start), held, lexicon))
        report.say(str(row))
        yield row


def measure_related(data: Path, code: str, start: str) -> Iterator[Row]:
    """A language that pretends to have few pairs, with its scheme alone and with another's channel."""
    language, neighbour = languages.load(code), Channel.load(start)
    files = channels.sources(data, code)
    learned, held, lexicon = _pretended(
        next(path for path in files if "lexicon" in path.name or "telegram" in path.name)
    )
    for count in PRETENDED:
        row: Row = {"language": code, "start": start, "pairs": count}
        for arm, given in (("alone", None), ("started", neighbour)):
            row[arm] = asdict(quality(_learned(language, learned[:count], given), held, lexicon))
        report.say(str(row))
        yield row


def _learned(language: languages.Language, pairs: Sequence[Pair], start: Channel | None) -> Channel:
    return Channel.learn(language, pairs, start=start) if pairs else Channel.from_scheme(language, start)


def _pretended(file: Path) -> tuple[list[Pair], list[Pair], Lexicon]:
    """Pairs of half of the words, to learn from, in a random order of words; some of the other half's, to
    measure on; and all words.
    """
    pairs = [
        Pair(text.normalize(native), text.normalize(latin))
        for native, latin, _ in datasets.read_pairs(file)
        if len(text.terms(native)) == 1 == len(text.terms(latin))
    ]
    words = sorted({pair.native for pair in pairs})
    random.Random(report.SEED).shuffle(words)
    learned = {word: number for number, word in enumerate(words[: len(words) // 2])}
    rest = [pair for pair in pairs if pair.native not in learned]
    held = random.Random(report.SEED).sample(rest, min(len(rest), MEASURED))
    taken = [pair for pair in pairs if pair.native in learned]
    return (
        sorted(taken, key=lambda pair: learned[pair.native]),
        held,
        Lexicon.from_terms(dict.fromkeys(words, 1)),
    )


TABLE_OF = {"queries": "learning", "pairs": "pairs", "related": "related"}
PARTS: dict[str, Callable[[Path], list[Row]]] = {
    "queries": lambda data: [measure_queries(data, name, kind) for name, kind in SETS],
    "pairs": lambda data: [row for name in OWN_PAIRS for row in measure_pairs(data, name)],
    "related": lambda data: [row for code, start in RELATED for row in measure_related(data, code, start)],
}


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning", description=__doc__)
    parser.add_argument("data", type=datasets.folder, help="the folder with retrieval/ and pairs/")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/learning.json"))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="only these")
    options = parser.parse_args(arguments)
    for part in options.parts:
        measured = {part: PARTS[part](options.data)}
        made = report.circumstances("benchmarks.learning", arguments)
        report.save(options.out, report.load(options.out) | made | measured)
        print(tables.TABLES[TABLE_OF[part]][1](measured))


if __name__ == "__main__":
    main()
