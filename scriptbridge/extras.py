"""Packages that only some parts of scriptbridge need."""

from __future__ import annotations

import shlex
import sys
from importlib import import_module
from pathlib import Path
from shutil import which
from typing import Any

from .errors import MissingExtraError

__all__ = ["load", "pip"]


def load(module: str, extra: str) -> Any:
    """The module of an optional package, or a MissingExtraError that names the command to install it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise  # the package is there and broken
        message = f"{module} is needed: pip install 'scriptbridge[{extra}]'"
        raise MissingExtraError(message, extra) from None


def pip() -> str:
    """What to type for the pip of the Python that runs, whose environment may not be the active one."""
    python, found = Path(sys.executable), which("pip")
    if found and Path(found).parent == python.parent:
        return "pip"
    here = python.relative_to(Path.cwd()) if python.is_relative_to(Path.cwd()) else python
    return f"{shlex.quote(str(here))} -m pip"
