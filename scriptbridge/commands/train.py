"""``scriptbridge train RECIPE``: encoders that need no help with Latin queries.

Options have the names of the recipe's fields; a default that is shown is the field's own.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import click

from scriptbridge import extras

from .arguments import Command, language, with_options
from .terminal import progress_shown, say, visible

if TYPE_CHECKING:
    from scriptbridge.train.data import Examples
    from scriptbridge.train.trainer import Metrics, Settings

__all__ = ["train"]

Options = TypeVar("Options")

LATIN = "channel:4"
EVALUATE_EVERY = 100  # steps, where dev is given
LINES = 10  # of progress, where stderr is no terminal


# ---- options


def _field(name: str, kind: Any, default: str, what: str) -> Callable[[Command], Command]:
    """An option of a recipe's field; where it is not given, the field's own default stands."""
    return click.option(f"--{name.replace('_', '-')}", name, type=kind, help=f"{what}  [default: {default}]")


def _model(value: str) -> str:
    """A model that is trained: its name or folder."""
    name = value.removeprefix("st:")
    if name == value and (Path(name).exists() or ":" not in name):
        return name
    if name == value or "?" in name:
        raise click.BadParameter(
            f"{value!r} came; accepted is a model's name or folder, whose own prompts and length are used"
        )
    return name


_OUT = click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A new folder for the result, or that of the same run, to go on with.",
)
_LATIN = click.option(
    "--latin",
    multiple=True,
    metavar="AUTHOR",
    default=(LATIN,),
    show_default=True,
    help="Who writes the Latin queries, as `gap`'s; given are the data's own. May be repeated.",
)
_KIND = _field("kind", click.Choice(["dense", "sparse", "cross"]), "dense", "What the model is.")
_SEED = click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all that is random."
)


def _run_options(model: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """What every recipe that is trained is told."""
    return with_options(
        model,
        click.option(
            "--data",
            required=True,
            metavar="DATA",
            help="A collection, as `gap` reads it; where documents are not needed, also a file of queries.",
        ),
        _OUT,
        _LATIN,
        click.option(
            "--lang", type=language, metavar="LANGUAGE", help="Of the queries; else as documents say."
        ),
        click.option(
            "--set", "sets", multiple=True, metavar="NAME", help="Only this query set; may be repeated."
        ),
        click.option(
            "--dev",
            metavar="SHARE|SET|FILE",
            help="What chooses the step that is kept: a share of the documents with their queries (0.1), a "
            "set that --set leaves out, or, beside a file of queries, another one.",
        ),
        click.option(
            "--spans",
            type=click.IntRange(0),
            default=0,
            show_default=True,
            metavar="N",
            help="Passages of each document, a few words long, that are queries for it beside the others.",
        ),
        click.option(
            "--evaluate-every", type=int, metavar="N", help=f"Steps, with --dev; by default {EVALUATE_EVERY}."
        ),
        click.option(
            "--steps", type=int, metavar="N", help="How long to train; by default as the recipe says."
        ),
        click.option("--epochs", type=float, metavar="N", help="The same, in rounds through the queries."),
        click.option("--learning-rate", type=float, help="The highest; by default as the recipe says."),
        _SEED,
        _field("precision", click.Choice(["float32", "bfloat16"]), "float32", "Of matrix products."),
        _field("device", str, "auto", "torch's name of it."),
        click.option("--threads", type=int, metavar="N", help="torch's; by default as torch chooses."),
        click.option(
            "--checkpoint-every", type=int, metavar="N", help="Steps; by default as the recipe says."
        ),
    )


_TRAINED = click.option(
    "--model",
    required=True,
    metavar="MODEL",
    type=_model,
    help="The sentence-transformers model to train, by name or folder.",
)
_ASKED = click.option(
    "--model", required=True, metavar="SPEC", help="The encoder whose documents are searched: st:BAAI/bge-m3."
)
_CACHE = click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the teacher's vectors are kept. By default in the user's cache.",
)
_ALIGNED = (
    _field("cosine_weight", float, "1.0", "Weight of the cosine to the teacher's vectors."),
    _field("mse_weight", float, "1.0", "Weight of the squared distance to them."),
    _field("info_nce_weight", float, "0.2", "Weight of telling the batch's own apart, at"),
    _field("temperature", float, "0.05", "this temperature."),
    _CACHE,
)
_SCORED = (
    _field("script_weight", float, "0.0", "Weight of the script-contrastive loss."),
    _field("kl_weight", float, "0.0", "Weight of the divergence from the teacher's scores, listwise."),
    _field("margin_weight", float, "0.0", "Weight of the squared distance to the teacher's margins."),
)
_NOISE = (
    _field("noise", float, "0.5", "Share of Latin wordings that are typed badly."),
    _field("vowels", float, "0.3", "Share of vowels that these leave out."),
    _field("typos", float, "0.1", "Share of words in which these have a slip."),
)


# ---- recipes


@click.group(subcommand_metavar="RECIPE [OPTIONS]")
def train() -> None:
    """Train an encoder, by a recipe, to find with Latin queries what native ones find.

    A run that is interrupted goes on from its last checkpoint when the same command runs again. Which recipe
    is for whom, and what a run writes, is in docs/neural.md.

    \b
    Example:
      scriptbridge train align --model BAAI/bge-m3 --data my-collection --out my-encoder
    """


@train.command()
@_run_options(_TRAINED)
@_KIND
@_field("mix", float, "0.5", "Share of Latin queries.")
@click.option("--preset", type=click.Choice(["paper"]), help="One epoch, learning rate 1e-5.")
@_field("batch_size", int, "32", "Queries of a batch, or documents with several each:")
@_field("queries_per_document", int, "1", "Queries that share their document in a batch, at most.")
@click.option(
    "--near",
    is_flag=True,
    default=None,
    help="Documents of a batch near each other by the model's own vectors: hard negatives at no cost.",
)
@_field("renamed", float, "0.0", "Share of subwords that trade names in a batch; with --mix 0 alone.")
@_field("negatives", int, "1", "Hard negatives that a query brings to a batch, of those mined.")
@click.option(
    "--mine",
    type=click.IntRange(0),
    default=8,
    show_default=True,
    help="Hard negatives that BM25 finds for each query; 0: the other queries' documents alone.",
)
@_field("temperature", float, "by kind", "Of the scores.")
@_field("query_tokens", int, "64", "Tokens of a query.")
@_field("passage_tokens", int, "256", "Tokens of a document.")
@_field("dropout", float, "the model's own", "0 takes half the time on a CPU.")
@_field("objective", click.Choice(["listwise", "binary"]), "listwise", "Of cross-encoders.")
@with_options(*_SCORED)
@click.option(
    "--teacher",
    "teachers",
    multiple=True,
    metavar="SPEC",
    help="A dense encoder, cross:SPEC or bm25, whose scores --kl-weight and --margin-weight follow; "
    "several are averaged.",
)
@_field("teacher_temperature", float, "0.02", "Of its scores.")
@_field("label_weight", float, "1.0", "Of the objective without teachers, beside theirs.")
@_CACHE
def translit(preset: str | None, mine: int, cache: Path | None, **given: Any) -> None:
    """Contrastive fine-tuning on native and Latin queries and their documents.

    After Chari, Ounis and MacAvaney (SIGIR 2025), whose settings are --preset paper.

    \b
    Example:
      scriptbridge train translit --model BAAI/bge-m3 --data my-collection --out my-encoder --dev 0.1
    """
    with _trained(given, "translit") as run:
        from scriptbridge.train import data
        from scriptbridge.train import translit as recipe

        settings = run.settings(recipe.PAPER if preset else {})
        options = run.options(recipe.Translit)
        examples, dev = run.examples(latin=options.mix > 0)
        if (
            mine
            and options.negatives
            and examples.documents
            and any(query.native for query in examples.queries)
        ):
            run.progress("mining negatives", 0, 0)
            examples = data.hard_negatives(examples, mine, settings.seed)
        run.ended(recipe.train(examples, settings, options, run.out, dev=dev, cache=cache, progress=run.told))
        _say_encoder(run.data, options.kind, run.out)


@train.command()
@_run_options(_TRAINED)
@click.option("--teacher", metavar="SPEC", help="The encoder to learn from. By default the model as it is.")
@click.option("--router", is_flag=True, help="Save the teacher with it, for documents: st:OUT is both then.")
@_field("latin_per_batch", int, "48", "Latin queries of a batch.")
@_field("native_per_batch", int, "16", "Native ones, which stay where they are.")
@with_options(*_NOISE, *_ALIGNED, *_SCORED)
@_field("query_tokens", int, "64", "Tokens of a query.")
@_field("dropout", float, "0.0", "Of the model in training.")
def align(router: bool, cache: Path | None, **given: Any) -> None:
    """A query encoder that puts Latin queries where a teacher puts native ones.

    It needs neither labels nor documents. The teacher goes on encoding documents; vectors that are already
    indexed stay valid.

    \b
    Example:
      scriptbridge train align --model BAAI/bge-m3 --data queries.txt --lang fa --out my-encoder
    """
    with _trained(given, "align") as run:
        from scriptbridge.encoders import specs
        from scriptbridge.train import align as recipe

        settings, options = run.settings(recipe.SETTINGS), run.options(recipe.Align)
        examples, dev = run.examples()
        run.ended(
            recipe.train(
                examples, settings, options, run.out, dev=dev, cache=cache, router=router, progress=run.told
            )
        )
        taught = specs.of_model(options.teacher or settings.model)
        if router:
            _say_encoder(run.data, "dense", run.out)
        else:
            _say_query_encoder(run.data, taught, f"st:{run.out}")


@train.command()
@_run_options(_ASKED)
@_field("buckets", int, "65536", "Rows of the table, a power of 2.")
@_field("width", int, "128", "Numbers of a row, a byte each.")
@_field("shortest", int, "2", "Characters of the shortest n-grams.")
@_field("longest", int, "5", "Characters of the longest.")
@_field("dropout", float, "0.1", "Share of n-grams left out.")
@_field("latin_per_batch", int, "192", "Latin queries of a batch.")
@_field("native_per_batch", int, "64", "Native ones.")
@with_options(*_NOISE, *_ALIGNED)
def ngrams(cache: Path | None, **given: Any) -> None:
    """A query encoder of a few megabytes, aligned with a teacher, that needs numpy alone.

    \b
    Example:
      scriptbridge train ngrams --model st:BAAI/bge-m3 --data queries.txt --lang fa --out my-ngrams
    """
    with _trained(given, "ngrams") as run:
        from scriptbridge.encoders import specs
        from scriptbridge.train import ngrams as recipe

        settings, options = run.settings(recipe.SETTINGS), run.options(recipe.Ngrams)
        examples, dev = run.examples()
        run.ended(recipe.train(examples, settings, options, run.out, dev=dev, cache=cache, progress=run.told))
        _say_query_encoder(run.data, specs.of_model(settings.model), f"ngrams:{run.out / recipe.FILE}")


@train.command()
@_run_options(_ASKED)
@_field("rank", int, "64", "Of the residual.")
@_field("latin_per_batch", int, "192", "Latin queries of a batch.")
@_field("native_per_batch", int, "0", "Native ones; above 0, native queries are adapted too.")
@_field("document_weight", float, "0.0", "Weight of telling the queries' documents apart.")
@with_options(*_ALIGNED)
def adapter(cache: Path | None, **given: Any) -> None:
    """A low-rank residual on the query vectors of an encoder that cannot be trained.

    Such as one behind an API. Native queries stay as they are, and so do documents.

    \b
    Example:
      scriptbridge train adapter --model openai:text-embedding-3-small@https://api.openai.com/v1 \\
          --data my-collection --out my-adapter --dev 0.1
    """
    with _trained(given, "adapter") as run:
        from scriptbridge.train import adapter as recipe

        settings, options = run.settings(recipe.SETTINGS), run.options(recipe.Adapter)
        examples, dev = run.examples()
        run.ended(recipe.train(examples, settings, options, run.out, dev=dev, cache=cache, progress=run.told))
        _measure(run.data, f"adapter:{run.out / recipe.FILE}")


@train.command()
@_TRAINED
@click.option(
    "--data",
    required=True,
    metavar="DATA",
    help="A collection, as `gap` reads it, or a file of queries: the texts to learn from.",
)
@_OUT
@_field("size", int, "12000", "Subwords that are learnt, at most.")
@_field("least", int, "3", "Times that one has to be there.")
@_KIND
def subwords(model: str, data: str, out: Path, **given: Any) -> None:
    """Native subwords for an encoder whose tokenizer spells a language letter by letter.

    Texts are a third as long with them. The encoder has to be trained then, by `translit`.

    \b
    Example:
      scriptbridge train subwords --model all-MiniLM-L6-v2 --data my-collection --out base
    """
    with _with_extra():
        from scriptbridge.train import data as examples_of
        from scriptbridge.train import subwords as recipe

        options = _chosen(recipe.Subwords, given)
        texts = examples_of.texts(data)
        _print_figures(asdict(recipe.extend(model, texts, out, options)))
        click.echo(_command("train", "translit", "--model", str(out), "--data", data, "--out", "DIR"))


@train.command()
@_TRAINED
@_OUT
@click.option(
    "--languages",
    required=True,
    multiple=True,
    type=language,
    metavar="LANGUAGE",
    help="Whose native subwords get Latin ones; may be repeated.",
)
@_field(
    "author",
    str,
    "channel",
    "Who writes subwords in Latin letters: channel:3 its three likeliest; uroman; channel:3,uroman both.",
)
@with_options(
    click.option(
        "--merge",
        "mode",
        type=click.Choice(["max", "average", "min"]),
        help="What a subword of several sources gets: what the likeliest has, their mean, or what the "
        "unlikeliest has.  [default: max]",
    ),
    _field("existing", click.Choice(["keep", "average"]), "keep", "Latin subwords that are there already."),
)
@_field("least", int, "100", "Native subwords of two letters or more that the vocabulary must have.")
@_KIND
@_SEED
def vocab(model: str, out: Path, languages: tuple[str, ...], **given: Any) -> None:
    """Latin subwords for a multilingual tokenizer's native ones, without training.

    After TransMI (Liu, Ma, Ye and Schütze, COLING 2025). Native texts are read as before.

    \b
    Example:
      scriptbridge train vocab --model intfloat/multilingual-e5-small --languages fa --out my-encoder
    """
    with _with_extra():
        from scriptbridge.train import vocab as recipe

        options = _chosen(recipe.Vocab, given)
        _print_figures(asdict(recipe.apply(model, languages, out, options)))
        _say_encoder("COLLECTION", options.kind, out)


# ---- a run


class _Run:
    """What a command was given, as its recipe takes it."""

    def __init__(
        self, given: Mapping[str, Any], recipe: str, progress: Callable[[str, int, int], None]
    ) -> None:
        self.out: Path = given["out"]
        self.data: str = given["data"]
        self.progress = progress
        self._given = given
        self._recipe = recipe
        if given["evaluate_every"] is not None and given["dev"] is None:
            raise click.UsageError("--evaluate-every needs --dev.")

    def told(self, step: int, steps: int, loss: float) -> None:
        """Show how far training is."""
        self.progress(f"{self._recipe}, loss {loss:.4f}", step, steps)

    def settings(self, preset: Mapping[str, Any]) -> Settings:
        """What was given, over the recipe's own settings."""
        from scriptbridge.train.trainer import Settings

        given = {name: value for name, value in self._given.items() if value is not None}
        if given.get("dev") is not None:
            given.setdefault("evaluate_every", EVALUATE_EVERY)
        names = {field.name for field in fields(Settings)}
        chosen = {name: value for name, value in given.items() if name in names}
        kept = {name: value for name, value in preset.items() if name != "epochs" or "steps" not in chosen}
        return Settings(self._recipe, **(kept | chosen))

    def options(self, kind: type[Options]) -> Options:
        """The recipe's own options."""
        return _chosen(kind, self._given)

    def examples(self, latin: bool = True) -> tuple[Examples, Examples | None]:
        """What is trained on, and what chooses the step that is kept; native queries alone unless `latin`."""
        from scriptbridge.train import data

        self.progress("queries", 0, 0)
        given, dev, spans = self._given, self._given["dev"], self._given["spans"]
        sets, share = given["sets"] or None, _share(dev)
        told = (given["latin"] if latin else (), given["seed"], given["lang"])
        if Path(self.data).is_file():
            if sets or share is not None or given["spans"]:
                raise click.UsageError(
                    "A file of queries has no sets and no documents, nor spans; --dev is another file."
                )
            examples = data.load_queries(self.data, *told)
            judged = data.load_queries(dev, *told) if dev else None
        elif share is not None:
            fractions = (1 - share, share, 0.0)
            examples = data.load(self.data, *told, "train", sets=sets, fractions=fractions, spans=spans)
            judged = data.load(self.data, *told, "dev", sets=sets, fractions=fractions)
        else:
            if dev and (not sets or dev in sets):
                raise click.UsageError(
                    f"--dev {dev}: name the query sets that are trained on, without it, by --set."
                )
            examples = data.load(self.data, *told, sets=sets, spans=spans)
            judged = data.load(self.data, *told, sets=[dev]) if dev else None
        for note in examples.notes:
            say(note)
        return examples, judged

    def ended(self, metrics: Metrics) -> None:
        """Print what came of it."""
        _print_figures(asdict(metrics))


@contextmanager
def _trained(given: Mapping[str, Any], recipe: str) -> Iterator[_Run]:
    try:
        with _with_extra(), progress_shown(LINES) as progress:
            yield _Run(given, recipe, progress)
    except KeyboardInterrupt:
        say("interrupted; the same command goes on from the last checkpoint")
        raise


@contextmanager
def _with_extra() -> Iterator[None]:
    """The packages that training needs, without their own progress in logs.

    MissingExtraError names the command that installs them.
    """
    extras.load("torch", "train")
    extras.load("sentence_transformers", "train")
    from scriptbridge.encoders.sentence import quiet

    with quiet():
        yield


def _chosen(kind: type[Options], given: Mapping[str, Any]) -> Options:
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in given.items() if name in names and value is not None})


def _share(dev: str | None) -> float | None:
    try:
        share = float(dev or "")
    except ValueError:
        return None
    if not 0 < share < 1:
        raise click.BadParameter(f"--dev {dev}: accepted are shares above 0 and below 1")
    return share


# ---- what is printed


def _print_figures(figures: Mapping[str, float | int | None]) -> None:
    for name, value in figures.items():
        if value is not None:
            shown = f"{value:,.4f}" if isinstance(value, float) else f"{value:,}"
            click.echo(f"{name.replace('_', ' ')}\t{shown}")


def _command(*arguments: str) -> str:
    return visible(shlex.join(["scriptbridge", *arguments]))


def _measure(data: str, system: str) -> None:
    """Say how to measure the result; a file of queries is no collection."""
    collection = "COLLECTION" if Path(data).is_file() else data
    click.echo(f"measure it: {_command('gap', collection, '--system', system)}")


def _say_encoder(data: str, kind: str, out: Path) -> None:
    """How to use a model that encodes queries and documents."""
    before = {"dense": "st:", "sparse": "sparse:st:", "cross": "INDEX?rerank=st:"}[kind]
    _measure(data, before + (quote(str(out)) if kind == "cross" else str(out)))


def _say_query_encoder(data: str, teacher: str, queries: str) -> None:
    """How to use an encoder of queries over an index of the teacher's documents."""
    made = _command("index", "INDEX", "DOCS", "--encoder", teacher)
    click.echo(f"documents are the teacher's: {made}")
    _measure(data, f"INDEX?mode=dense&deromanize=no&queries={quote(queries, safe=':/')}")
