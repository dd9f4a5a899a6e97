"""What commands show: text that is safe on a terminal, messages and progress on stderr."""

from __future__ import annotations

import json
import os
import pickle
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import click

__all__ = [
    "counted",
    "numbered",
    "print_json",
    "progress_shown",
    "say",
    "say_if_compiling",
    "visible",
]

Item = TypeVar("Item")

_BIDI = "\u202a-\u202e\u2066-\u2069"
_SURROGATES = "\ud800-\udfff"  # bytes of a path that are no UTF-8
_CONTROLS = re.compile(rf"[\x00-\x1f\x7f-\x9f\u2028\u2029{_BIDI}{_SURROGATES}]")


def visible(text: str) -> str:
    """Text as it may go to a terminal: valid, no control characters, no overridden direction."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def print_json(value: Mapping[str, Any]) -> None:
    """One line of JSON, with controls that JSON itself lets through escaped."""
    line = json.dumps(value, ensure_ascii=False)
    click.echo(_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", line))


def say(message: str) -> None:
    click.echo(visible(message), err=True)


def numbered(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def counted(items: Iterable[Item], what: str) -> Iterator[Item]:
    """The items, their number shown on stderr while they pass if that is a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    shown = 0.0
    number = 0
    try:
        for number, item in enumerate(items, 1):
            yield item
            if (now := time.monotonic()) - shown > 0.1:
                click.echo(f"\r{number:,} {what}", nl=False, err=True)
                shown = now
    finally:
        click.echo("\r\x1b[K", nl=False, err=True)


@contextmanager
def progress_shown(lines: int = 1) -> Iterator[Callable[[str, int, int], None]]:
    """What is under way, on stderr: live on a terminal, else in so many lines for each thing."""
    from scriptbridge.gap.table import shortened

    live = sys.stderr.isatty()
    shown = 0.0

    def progress(what: str, done: int, of: int) -> None:
        nonlocal shown
        if not live:
            if done == of > 0:
                say(f"{what}: {done:,}")
            elif done * lines // max(of, 1) > max(done - 1, 0) * lines // max(of, 1):
                say(f"{what}: {done:,} of {of:,}")
        elif done in (0, of) or time.monotonic() - shown > 0.1:
            count = f": {done:,} of {of:,}" if of else " …"
            room = max(1, _columns() - 1 - len(count))
            click.echo(f"\r\x1b[K{shortened(visible(what), room)}{count}", nl=False, err=True)
            shown = time.monotonic()

    try:
        yield progress
    finally:
        if live:
            click.echo("\r\x1b[K", nl=False, err=True)


def _columns() -> int:
    """Of the terminal that stderr is."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def say_if_compiling(loop: str = "decode") -> None:
    """On a terminal, why the first search, or what else runs this loop of `kernels`, takes long."""
    if sys.stderr.isatty() and not _compiled(loop):
        say("compiling once, about ten seconds …")


def _compiled(loop: str) -> bool:
    """Whether numba will find a loop in its cache, by its own look there; True where that cannot be told.

    It knows a source by time and size or, in newer versions, by its content, and compiles for one machine.
    """
    from scriptbridge import kernels

    try:
        compiler = getattr(kernels, loop)
        machine = compiler.targetctx.codegen().magic_tuple()
        return any(key[1] == machine for key in compiler._cache._cache_file._load_index())
    except (AttributeError, IndexError, OSError, EOFError, pickle.UnpicklingError):
        return True
