"""The command line: data to stdout, messages to stderr; exit codes 0 done, 1 failed, 2 wrong usage.

Every command is a few lines around the library, whose modules are imported when a command needs them.
"""

from __future__ import annotations

import errno
import os
import sys
import warnings
from typing import Any

import click

from scriptbridge import __version__
from scriptbridge.commands.demo import demo
from scriptbridge.commands.gap import gap
from scriptbridge.commands.index import index, info
from scriptbridge.commands.languages import languages
from scriptbridge.commands.learn import learn
from scriptbridge.commands.search import run, search
from scriptbridge.commands.terminal import say, visible
from scriptbridge.commands.text import complete, deromanize, romanize
from scriptbridge.commands.train import train
from scriptbridge.errors import ScriptbridgeError

__all__ = ["main"]

INTERRUPTED = 130


class _Commands(click.Group):
    """The command group: UTF-8 in and out, errors as one line, quiet where a pipe closes."""

    def invoke(self, ctx: click.Context) -> Any:
        _set_up("stdin", "r", "surrogateescape")
        _set_up("stdout", "w", "strict")
        _set_up("stderr", "w", "backslashreplace")
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _say_warning
                result = super().invoke(ctx)
            sys.stdout.flush()
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except ScriptbridgeError as error:
            notes: list[str] = getattr(error, "__notes__", [])
            lines = [line for said in [str(error), *notes] for line in said.splitlines()]
            raise click.ClickException("\n".join(map(visible, lines))) from error
        except MemoryError as error:
            raise click.ClickException(visible(f"not enough memory: {error}".rstrip(": "))) from error
        except RuntimeError as error:
            if "no locator available" not in str(error):
                raise
            raise click.ClickException(
                "there is no folder to keep compiled loops in: set NUMBA_CACHE_DIR to one that can be written"
            ) from error
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # click ends quietly
            if error.errno == errno.ENOSPC:
                _discard_output()
            raise click.ClickException(visible(str(error))) from error
        return result


def _say_warning(message: Warning | str, *where: object, **more: object) -> None:
    """A line of it: users have no use for where in the source it came from."""
    say(str(message))


def _set_up(name: str, mode: str, errors: str) -> None:
    """A standard stream in UTF-8; where it was closed (`>&-`), nothing is read from it and all is lost."""
    if getattr(sys, name) is None:
        setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
    getattr(sys, name).reconfigure(encoding="utf-8", errors=errors)


def _discard_output() -> None:
    """What could not be written is not tried again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, "--version", prog_name="scriptbridge", message="%(prog)s %(version)s")
def main() -> None:
    """Find native-script documents with queries typed in Latin letters.

    \b
    Example:
      scriptbridge index my-index docs.jsonl
      scriptbridge search my-index pos ftiaxnetai o mousakas
    """


for command in (index, search, run, romanize, deromanize, complete, languages, info, demo, learn, gap, train):
    main.add_command(command)
