"""Write docs/cli-reference.md from the commands' own help: ``make docs``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from scriptbridge.cli import main

PAGE = Path(__file__).with_name("cli-reference.md")


def reference() -> str:
    """The page: the help of `scriptbridge` and of each of its commands."""
    root = click.Context(main, info_name="scriptbridge", terminal_width=100, **main.context_settings)
    commands = [
        click.Context(command, root, info_name=name, terminal_width=100)
        for name, command in sorted(main.commands.items())
    ]
    sections = [f"## {each.command_path}\n\n```\n{each.get_help()}\n```\n" for each in (root, *commands)]
    return "\n".join(["# Command line\n\nWhat `--help` says, written by `make docs`.\n", *sections])


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
    print(PAGE, file=sys.stderr)
