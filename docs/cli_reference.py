"""Write docs/cli-reference.md from the commands' own help: ``make docs``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from scriptbridge.cli import main

PAGE = Path(__file__).with_name("cli-reference.md")


def contexts(context: click.Context) -> Iterator[click.Context]:
    """Of a command and, after it, of those that belong to it."""
    yield context
    if isinstance(context.command, click.Group):
        for name, command in sorted(context.command.commands.items()):
            yield from contexts(click.Context(command, context, info_name=name, terminal_width=100))


def reference() -> str:
    """The page: the help of `scriptbridge` and of each of its commands."""
    root = click.Context(main, info_name="scriptbridge", terminal_width=100, **main.context_settings)
    sections = [f"## {each.command_path}\n\n```\n{each.get_help()}\n```\n" for each in contexts(root)]
    return "\n".join(["# Command line\n\nWhat `--help` says, written by `make docs`.\n", *sections])


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
    print(PAGE, file=sys.stderr)
