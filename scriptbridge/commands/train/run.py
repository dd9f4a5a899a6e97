"""A recipe's run: what it was told, as the recipe takes it, and what is printed at its end."""

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

from ..terminal import progress_shown, say, visible
from .options import EVALUATE_EVERY

if TYPE_CHECKING:
    from scriptbridge.train.data import Examples
    from scriptbridge.train.trainer import Metrics, Settings

__all__ = [
    "Run",
    "chosen",
    "command_line",
    "print_figures",
    "say_encoder",
    "say_measured",
    "say_query_encoder",
    "trained",
    "with_extra",
]

Options = TypeVar("Options")

LINES = 10  # of progress, where stderr is no terminal


class Run:
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
        own = {name: value for name, value in given.items() if name in names}
        kept = {name: value for name, value in preset.items() if name != "epochs" or "steps" not in own}
        return Settings(self._recipe, **(kept | own))

    def options(self, kind: type[Options]) -> Options:
        """The recipe's own options."""
        return chosen(kind, self._given)

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
        print_figures(asdict(metrics))


@contextmanager
def trained(given: Mapping[str, Any], recipe: str) -> Iterator[Run]:
    """A run that says how to go on where it is interrupted."""
    try:
        with with_extra(), progress_shown(LINES) as progress:
            yield Run(given, recipe, progress)
    except KeyboardInterrupt:
        say("interrupted; the same command goes on from the last checkpoint")
        raise


@contextmanager
def with_extra() -> Iterator[None]:
    """The packages that training needs, without their own progress in logs.

    MissingExtraError names the command that installs them.
    """
    extras.load("torch", "train")
    extras.load("sentence_transformers", "train")
    from scriptbridge.encoders.sentence import quiet

    with quiet():
        yield


def chosen(kind: type[Options], given: Mapping[str, Any]) -> Options:
    """A recipe's options, of all that a command was given."""
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


def print_figures(figures: Mapping[str, float | int | None]) -> None:
    for name, value in figures.items():
        if value is not None:
            shown = f"{value:,.4f}" if isinstance(value, float) else f"{value:,}"
            click.echo(f"{name.replace('_', ' ')}\t{shown}")


def command_line(*arguments: str) -> str:
    return visible(shlex.join(["scriptbridge", *arguments]))


def say_measured(data: str, system: str) -> None:
    """Say how to measure the result; a file of queries is no collection."""
    collection = "COLLECTION" if Path(data).is_file() else data
    click.echo(f"measure it: {command_line('gap', collection, '--system', system)}")


def say_encoder(data: str, kind: str, out: Path) -> None:
    """How to use a model that encodes queries and documents."""
    before = {"dense": "st:", "sparse": "sparse:st:", "cross": "INDEX?rerank=st:"}[kind]
    say_measured(data, before + (quote(str(out)) if kind == "cross" else str(out)))


def say_query_encoder(data: str, teacher: str, queries: str) -> None:
    """How to use an encoder of queries over an index of the teacher's documents."""
    made = command_line("index", "INDEX", "DOCS", "--encoder", teacher)
    click.echo(f"documents are the teacher's: {made}")
    say_measured(data, f"INDEX?mode=dense&deromanize=no&queries={quote(queries, safe=':/')}")
