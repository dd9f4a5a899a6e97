"""Functions of the user's, named ``module:function``."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from scriptbridge.errors import GapError

__all__ = ["imported"]


def imported(spec: str) -> Any:
    """What ``module:name`` or ``module:object.name`` is; modules are also found in the current directory.

    GapError where there is no such thing, or importing it fails.
    """
    module, _, path = spec.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise GapError(f"{spec}: importing {module} failed: {error}") from error
        raise GapError(f"{spec}: no module {error.name!r} is installed, nor is it in {here}") from None
    except Exception as error:
        raise GapError(f"{spec}: importing {module} failed: {type(error).__name__}: {error}") from error
    for name in path.split("."):
        if not hasattr(found, name):
            there = [each for each in getattr(found, "__dict__", {}) if not each.startswith("_")]
            raise GapError(f"{spec}: there is no {name!r}; there are {', '.join(there[:20]) or 'no names'}")
        found = getattr(found, name)
    return found
