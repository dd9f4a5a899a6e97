"""Options that several recipes have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..arguments import Command, language, seed_option, with_options

__all__ = [
    "EVALUATE_EVERY",
    "align_options",
    "asked_model",
    "cache_option",
    "field",
    "kind_option",
    "noise_options",
    "out_option",
    "run_options",
    "score_options",
    "trained_model",
]

EVALUATE_EVERY = 100  # steps, where dev is given


def field(name: str, kind: Any, default: str, what: str) -> Callable[[Command], Command]:
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


out_option = click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A new folder for the result, or that of the same run, to go on with.",
)
kind_option = field("kind", click.Choice(["dense", "sparse", "cross"]), "dense", "What the model is.")


def run_options(model: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """What every recipe that is trained is told."""
    return with_options(
        model,
        click.option(
            "--data",
            required=True,
            metavar="DATA",
            help="A collection, as `gap` reads it; where documents are not needed, also a file of queries.",
        ),
        out_option,
        click.option(
            "--latin",
            multiple=True,
            metavar="AUTHOR",
            default=("channel:4",),
            show_default=True,
            help="Who writes the Latin queries, as `gap`'s; given are the data's own. May be repeated.",
        ),
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
        seed_option(),
        field("precision", click.Choice(["float32", "bfloat16"]), "float32", "Of matrix products."),
        field("device", str, "auto", "torch's name of it."),
        click.option("--threads", type=int, metavar="N", help="torch's; by default as torch chooses."),
        click.option(
            "--checkpoint-every", type=int, metavar="N", help="Steps; by default as the recipe says."
        ),
    )


trained_model = click.option(
    "--model",
    required=True,
    metavar="MODEL",
    type=_model,
    help="The sentence-transformers model to train, by name or folder.",
)
asked_model = click.option(
    "--model", required=True, metavar="SPEC", help="The encoder whose documents are searched: st:BAAI/bge-m3."
)
cache_option = click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the teacher's vectors are kept. By default in the user's cache.",
)
align_options = with_options(
    field("cosine_weight", float, "1.0", "Weight of the cosine to the teacher's vectors."),
    field("mse_weight", float, "1.0", "Weight of the squared distance to them."),
    field("info_nce_weight", float, "0.2", "Weight of telling the batch's own apart, at"),
    field("temperature", float, "0.05", "this temperature."),
    cache_option,
)
score_options = with_options(
    field("script_weight", float, "0.0", "Weight of the script-contrastive loss."),
    field("kl_weight", float, "0.0", "Weight of the divergence from the teacher's scores, listwise."),
    field("margin_weight", float, "0.0", "Weight of the squared distance to the teacher's margins."),
)
noise_options = with_options(
    field("noise", float, "0.5", "Share of Latin wordings that are typed badly."),
    field("vowels", float, "0.3", "Share of vowels that these leave out."),
    field("typos", float, "0.1", "Share of words in which these have a slip."),
)
