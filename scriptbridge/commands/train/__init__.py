"""``scriptbridge train RECIPE``: encoders that need no help with Latin queries.

Options have the names of the recipe's fields; a default that is shown is the field's own.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..arguments import language, seed_option, with_options
from .options import (
    align_options,
    asked_model,
    cache_option,
    field,
    kind_option,
    noise_options,
    out_option,
    run_options,
    score_options,
    trained_model,
)
from .run import (
    chosen,
    command_line,
    print_figures,
    say_encoder,
    say_measured,
    say_query_encoder,
    trained,
    with_extra,
)

__all__ = ["train"]


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
@run_options(trained_model)
@kind_option
@field("mix", float, "0.5", "Share of Latin queries.")
@click.option("--preset", type=click.Choice(["paper"]), help="One epoch, learning rate 1e-5.")
@field("batch_size", int, "32", "Queries of a batch, or documents with several each:")
@field("queries_per_document", int, "1", "Queries that share their document in a batch, at most.")
@click.option(
    "--near",
    is_flag=True,
    default=None,
    help="Documents of a batch near each other by the model's own vectors: hard negatives at no cost.",
)
@field("renamed", float, "0.0", "Share of subwords that trade names in a batch; with --mix 0 alone.")
@field("negatives", int, "1", "Hard negatives that a query brings to a batch, of those mined.")
@click.option(
    "--mine",
    type=click.IntRange(0),
    default=8,
    show_default=True,
    help="Hard negatives that BM25 finds for each query; 0: the other queries' documents alone.",
)
@field("temperature", float, "by kind", "Of the scores.")
@field("query_tokens", int, "64", "Tokens of a query.")
@field("passage_tokens", int, "256", "Tokens of a document.")
@field("dropout", float, "the model's own", "0 takes half the time on a CPU.")
@field("objective", click.Choice(["listwise", "binary"]), "listwise", "Of cross-encoders.")
@score_options
@click.option(
    "--teacher",
    "teachers",
    multiple=True,
    metavar="SPEC",
    help="A dense encoder, cross:SPEC or bm25, whose scores --kl-weight and --margin-weight follow; "
    "several are averaged.",
)
@field("teacher_temperature", float, "0.02", "Of its scores.")
@field("label_weight", float, "1.0", "Of the objective without teachers, beside theirs.")
@cache_option
def translit(preset: str | None, mine: int, cache: Path | None, **given: Any) -> None:
    """Contrastive fine-tuning on native and Latin queries and their documents.

    After Chari, Ounis and MacAvaney (SIGIR 2025), whose settings are --preset paper.

    \b
    Example:
      scriptbridge train translit --model BAAI/bge-m3 --data my-collection --out my-encoder --dev 0.1
    """
    with trained(given, "translit") as run:
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
        say_encoder(run.data, options.kind, run.out)


@train.command()
@run_options(trained_model)
@click.option("--teacher", metavar="SPEC", help="The encoder to learn from. By default the model as it is.")
@click.option("--router", is_flag=True, help="Save the teacher with it, for documents: st:OUT is both then.")
@field("latin_per_batch", int, "48", "Latin queries of a batch.")
@field("native_per_batch", int, "16", "Native ones, which stay where they are.")
@noise_options
@align_options
@score_options
@field("query_tokens", int, "64", "Tokens of a query.")
@field("dropout", float, "0.0", "Of the model in training.")
def align(router: bool, cache: Path | None, **given: Any) -> None:
    """A query encoder that puts Latin queries where a teacher puts native ones.

    It needs neither labels nor documents. The teacher goes on encoding documents; vectors that are already
    indexed stay valid.

    \b
    Example:
      scriptbridge train align --model BAAI/bge-m3 --data queries.txt --lang fa --out my-encoder
    """
    with trained(given, "align") as run:
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
            say_encoder(run.data, "dense", run.out)
        else:
            say_query_encoder(run.data, taught, f"st:{run.out}")


@train.command()
@run_options(asked_model)
@field("buckets", int, "65536", "Rows of the table, a power of 2.")
@field("width", int, "128", "Numbers of a row, a byte each.")
@field("shortest", int, "2", "Characters of the shortest n-grams.")
@field("longest", int, "5", "Characters of the longest.")
@field("dropout", float, "0.1", "Share of n-grams left out.")
@field("latin_per_batch", int, "192", "Latin queries of a batch.")
@field("native_per_batch", int, "64", "Native ones.")
@noise_options
@align_options
def ngrams(cache: Path | None, **given: Any) -> None:
    """A query encoder of a few megabytes, aligned with a teacher, that needs numpy alone.

    \b
    Example:
      scriptbridge train ngrams --model st:BAAI/bge-m3 --data queries.txt --lang fa --out my-ngrams
    """
    with trained(given, "ngrams") as run:
        from scriptbridge.encoders import specs
        from scriptbridge.train import ngrams as recipe

        settings, options = run.settings(recipe.SETTINGS), run.options(recipe.Ngrams)
        examples, dev = run.examples()
        run.ended(recipe.train(examples, settings, options, run.out, dev=dev, cache=cache, progress=run.told))
        say_query_encoder(run.data, specs.of_model(settings.model), f"ngrams:{run.out / recipe.FILE}")


@train.command()
@run_options(asked_model)
@field("rank", int, "64", "Of the residual.")
@field("latin_per_batch", int, "192", "Latin queries of a batch.")
@field("native_per_batch", int, "0", "Native ones; above 0, native queries are adapted too.")
@field("document_weight", float, "0.0", "Weight of telling the queries' documents apart.")
@align_options
def adapter(cache: Path | None, **given: Any) -> None:
    """A low-rank residual on the query vectors of an encoder that cannot be trained.

    Such as one behind an API. Native queries stay as they are, and so do documents.

    \b
    Example:
      scriptbridge train adapter --model openai:text-embedding-3-small@https://api.openai.com/v1 \\
          --data my-collection --out my-adapter --dev 0.1
    """
    with trained(given, "adapter") as run:
        from scriptbridge.train import adapter as recipe

        settings, options = run.settings(recipe.SETTINGS), run.options(recipe.Adapter)
        examples, dev = run.examples()
        run.ended(recipe.train(examples, settings, options, run.out, dev=dev, cache=cache, progress=run.told))
        say_measured(run.data, f"adapter:{run.out / recipe.FILE}")


@train.command()
@trained_model
@click.option(
    "--data",
    required=True,
    metavar="DATA",
    help="A collection, as `gap` reads it, or a file of queries: the texts to learn from.",
)
@out_option
@field("size", int, "12000", "Subwords that are learnt, at most.")
@field("least", int, "3", "Times that one has to be there.")
@kind_option
def subwords(model: str, data: str, out: Path, **given: Any) -> None:
    """Native subwords for an encoder whose tokenizer spells a language letter by letter.

    Texts are a third as long with them. The encoder has to be trained then, by `translit`.

    \b
    Example:
      scriptbridge train subwords --model all-MiniLM-L6-v2 --data my-collection --out base
    """
    with with_extra():
        from scriptbridge.train import data as examples_of
        from scriptbridge.train import subwords as recipe

        options = chosen(recipe.Subwords, given)
        texts = examples_of.texts(data)
        print_figures(asdict(recipe.extend(model, texts, out, options)))
        click.echo(command_line("train", "translit", "--model", str(out), "--data", data, "--out", "DIR"))


@train.command()
@trained_model
@out_option
@click.option(
    "--languages",
    required=True,
    multiple=True,
    type=language,
    metavar="LANGUAGE",
    help="Whose native subwords get Latin ones; may be repeated.",
)
@field(
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
    field("existing", click.Choice(["keep", "average"]), "keep", "Latin subwords that are there already."),
)
@field("least", int, "100", "Native subwords of two letters or more that the vocabulary must have.")
@kind_option
@seed_option()
def vocab(model: str, out: Path, languages: tuple[str, ...], **given: Any) -> None:
    """Latin subwords for a multilingual tokenizer's native ones, without training.

    After TransMI (Liu, Ma, Ye and Schütze, COLING 2025). Native texts are read as before.

    \b
    Example:
      scriptbridge train vocab --model intfloat/multilingual-e5-small --languages fa --out my-encoder
    """
    with with_extra():
        from scriptbridge.train import vocab as recipe

        options = chosen(recipe.Vocab, given)
        print_figures(asdict(recipe.apply(model, languages, out, options)))
        say_encoder("COLLECTION", options.kind, out)
