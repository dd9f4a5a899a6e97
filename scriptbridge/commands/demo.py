"""``scriptbridge demo``: the sample collection, searched."""

from __future__ import annotations

import json
import warnings
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from .search import print_hit
from .terminal import counted, say_if_compiling

if TYPE_CHECKING:
    from scriptbridge.index import Index

__all__ = ["demo"]


@click.command()
def demo() -> None:
    """Index the sample collection that comes with scriptbridge, and search it in every language.

    Those that need an extra that is not installed are named instead.

    \b
    Example:
      scriptbridge demo
    """
    from scriptbridge import languages as known
    from scriptbridge import unread
    from scriptbridge.documents import read_documents
    from scriptbridge.index import Index

    with (
        resources.as_file(resources.files("scriptbridge") / "sample") as sample,
        TemporaryDirectory(prefix="scriptbridge-demo-") as directory,
        Index.create(directory, fields={"title": 2.0, "text": 1.0}) as opened,
    ):
        say_if_compiling()
        files = sorted(file for file in sample.glob("*.jsonl") if not file.name.startswith("queries."))
        for file in files:
            opened.add(counted(read_documents(file, ("title", "text")), "documents"))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", unread.LITTLE)  # the last line says it
            opened.commit()
        click.echo(f"{len(opened)} short documents in {len(opened.languages)} languages, in one index.\n")
        for file in files:
            if file.stem not in opened.unread:
                _show_query(opened, file.stem, sample / f"queries.{file.name}")
        if opened.unread:
            names = ", ".join(known.load(code).name for code in opened.unread)
            click.echo(f"not searched: {names}, which need {unread.command(opened.unread)}")


def _show_query(opened: Index, code: str, file: Path) -> None:
    """The first query of a language's file, and what it finds first."""
    from scriptbridge import languages as known

    query = json.loads(file.read_text(encoding="utf-8").splitlines()[0])
    click.echo(f"{query['text']}   ({known.load(code).name})")
    for rank, hit in enumerate(opened.search(query["text"], 1), 1):
        print_hit(rank, hit)
    click.echo()
