"""Functions of the user's, named ``module:function``."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from .errors import ScriptbridgeError

__all__ = ["imported", "is_named"]

_NAMED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


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
    try:
        found: Any = import_module(module)
    except ModuleNotFoundError as missing:
        if missing.name is None or not f"{module}.".startswith(f"{missing.name}."):
            raise error(f"{spec}: importing {module} failed: {missing}") from missing
        raise error(f"{spec}: no module {missing.name!r} is installed, nor is it in {here}") from None
    except Exception as failed:
        raise error(f"{spec}: importing {module} failed: {type(failed).__name__}: {failed}") from failed
    for name in path.split("."):
        if not hasattr(found, name):
            there = [each for each in getattr(found, "__dict__", {}) if not each.startswith("_")]
            raise error(f"{spec}: there is no {name!r}; there are {', '.join(there[:20]) or 'no names'}")
        found = getattr(found, name)
    return found
