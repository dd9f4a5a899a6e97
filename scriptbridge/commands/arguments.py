"""What values on the command line may be: languages, files, texts, counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from scriptbridge.errors import LanguageError

from .terminal import visible

__all__ = ["count_option", "file", "language", "language_or", "utf8"]

Command = TypeVar("Command", bound=Callable[..., Any])


def utf8(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise click.BadParameter(f"{value!r} is not UTF-8 text") from None
    return value


def language(value: str) -> str:
    """The code of a language that is called by it or by its English name, in letters of any case."""
    from scriptbridge import languages

    called = value.lower()
    if called not in languages.codes():
        names = {languages.load(code).name.lower(): code for code in languages.codes()}
        called = names.get(called, value)
    try:
        return languages.load(called).code
    except LanguageError as error:
        raise click.BadParameter(str(error)) from None


def language_or(suffix: str) -> Callable[[str], str]:
    """A known language's code, or a file of that suffix."""
    return lambda value: value if value.endswith(suffix) else language(value)


def file(value: str) -> Path:
    path = Path(value)
    if path.is_dir():
        raise click.BadParameter(visible(f"{value} is a folder; a file is wanted"))
    return path


def count_option(name: str, default: int, most: int, what: str) -> Callable[[Command], Command]:
    return click.option(
        name, type=click.IntRange(1, most), metavar="N", default=default, show_default=True, help=what
    )
