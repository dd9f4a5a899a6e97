"""What several commands take on the command line, and what they make of it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from scriptbridge.errors import DocumentError, LanguageError

from .terminal import numbered, say, visible

if TYPE_CHECKING:
    from scriptbridge.index import Index

__all__ = [
    "NO_LANGUAGE",
    "Command",
    "channel_option",
    "count_option",
    "file",
    "format_hinted",
    "format_option",
    "index_argument",
    "index_to_read",
    "json_option",
    "language",
    "language_or",
    "say_skipped",
    "say_unread",
    "seed_option",
    "skip_option",
    "utf8",
    "with_options",
]

Command = TypeVar("Command", bound=Callable[..., Any])

FORMATS = ("jsonl", "csv", "tsv")
LOOKED_AT = 1000  # characters of a query that tell whether it is read
NO_LANGUAGE = "no language: name its documents' with `index --lang`"


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


def with_options(*each: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator."""

    def decorated(command: Command) -> Command:
        for option in reversed(each):
            command = option(command)
        return command

    return decorated


def count_option(name: str, default: int, most: int, what: str) -> Callable[[Command], Command]:
    return click.option(
        name, type=click.IntRange(1, most), metavar="N", default=default, show_default=True, help=what
    )


def seed_option(what: str = "Of all that is random.") -> Callable[[Command], Command]:
    return click.option(
        "--seed", type=click.IntRange(min=0), metavar="N", default=0, show_default=True, help=what
    )


def _index_folder(value: str) -> Path:
    path = Path(value)
    if path.exists() and not path.is_dir():
        raise click.BadParameter(visible(f"{value} is a file; the first argument is the index folder"))
    return path


index_argument = click.argument("index_dir", type=_index_folder)
channel_option = click.option(
    "--channel",
    "channels",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read with this channel, of `learn`, in place of the shipped one. May be repeated.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
format_option = click.option(
    "--format",
    "file_format",
    type=click.Choice(FORMATS),
    help="What the file is; by default, as its name says.",
)
skip_option = click.option("--skip-bad", is_flag=True, help="Leave bad lines out; list them on stderr.")


def index_to_read(path: Path, files: Sequence[Path], quiet: bool = False) -> Index:
    """The index at `path`, read with these channels; LanguageError where one reads nothing there.

    With `quiet`, languages that Latin queries cannot find are not told; see `say_unread`.
    """
    from scriptbridge import unread
    from scriptbridge.channel import Channel
    from scriptbridge.index import Index

    channels = [Channel.load(file) for file in files]
    with warnings.catch_warnings():
        if quiet:
            warnings.filterwarnings("ignore", unread.LITTLE)
        opened = Index.open(path, channels)
    idle = opened.bridge.idle if channels and len(opened.bridge.lexicon) else ()
    for given, channel in zip(files, channels, strict=True):
        if channel.language in idle:
            opened.close()
            spoken = " ".join(opened.languages) or "no language"
            raise LanguageError(
                f"{given} reads {channel.language}; {path} has no word of it, but reads {spoken}"
            )
    return opened


def say_unread(opened: Index, query: str) -> None:
    """Which languages are not read, where a Latin word of the query is likelier one of theirs than what it is
    read as.
    """
    from scriptbridge import unread

    if opened.unread and any(
        position.token.script == "Latn" and sum(each.probability for each in position.readings) < 0.5
        for position in opened.bridge.expand(query[:LOOKED_AT]).positions
    ):
        say(unread.message(opened.unread))


def say_skipped(skipped: list[str] | None) -> None:
    for reason in skipped or ():
        say(f"skipped {reason}")
    if skipped:
        say(f"skipped {numbered(len(skipped), 'bad line')}")


@contextmanager
def format_hinted(file: Path, file_format: str | None) -> Iterator[None]:
    """Where standard input, which has no name that tells its format, is not what it is taken for."""
    try:
        yield
    except DocumentError as error:
        if str(file) == "-" and file_format is None and "not JSON" in str(error):
            error.add_note("standard input is read as JSON lines; else use --format tsv or --format csv")
        raise
