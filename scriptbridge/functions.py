"""Functions of the user's, named ``module:function``."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from .errors import ScriptbridgeError

__all__ = ["described", "foreign", "imported", "is_named", "raised", "source"]

_NAMED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_DESCRIBED = 80  # characters


def is_named(spec: str) -> bool:
    """Whether `spec` has the form ``module:name`` or ``module:object.name``."""
    return _NAMED.fullmatch(spec) is not None


def imported(spec: str, error: type[ScriptbridgeError]) -> Any:
    """What ``module:name`` or ``module:object.name`` is; modules are also found in the current directory.

    Raises `error` where there is no such thing, or importing it fails.
    """
    module, _, path = spec.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)

    def failed(why: BaseException) -> ScriptbridgeError:
        if not isinstance(why, ModuleNotFoundError):
            return error(f"{spec}: importing {module} failed: {raised(why)}")
        if why.name is None or not f"{module}.".startswith(f"{why.name}."):
            return error(f"{spec}: importing {module} failed: {why}")
        return error(f"{spec}: no module {why.name!r} is installed, nor is it in {here}")

    with foreign(failed):
        found: Any = import_module(module)
    for name in path.split("."):
        with foreign(lambda why, name=name: error(f"{spec}: {name!r} cannot be had: {raised(why)}")):  # type: ignore[misc]
            there, found = found, getattr(found, name, _NOTHING)
        if found is _NOTHING:
            names = [each for each in getattr(there, "__dict__", {}) if not each.startswith("_")]
            raise error(f"{spec}: there is no {name!r}; there are {', '.join(names[:20]) or 'no names'}")
    return found


_NOTHING = object()


def source(found: Any) -> Path | None:
    """The file that a function is written in, or an object's class; None where Python cannot say."""
    for written in (found, type(found)):
        with suppress(Exception):  # TypeError, or of whatever its attributes are
            path = Path(inspect.getfile(inspect.unwrap(written)))
            return path if path.is_file() else None
    return None


@contextmanager
def foreign(failed: Callable[[BaseException], ScriptbridgeError]) -> Iterator[None]:
    """Where the user's code runs: what it prints goes to stderr, and of what it raises `failed` makes ours.

    That is sys.exit(), too, and a panic of compiled code, which are no Exception; but not Ctrl-C.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except KeyboardInterrupt:
        raise
    except BaseException as why:
        raise failed(why) from why


def raised(error: BaseException) -> str:
    """What was raised, as part of a message's line; safe where its __str__ raises too."""
    try:
        said = " ".join(str(error).split())
    except Exception:
        said = ""
    return ": ".join(filter(None, [type(error).__name__, said]))


def described(value: object) -> str:
    """A value's repr, cut; safe where that raises."""
    try:
        return repr(value)[:_DESCRIBED]
    except Exception:
        return f"<{type(value).__name__}>"
