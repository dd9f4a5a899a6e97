"""Packages that only some parts of scriptbridge need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .errors import MissingExtraError

__all__ = ["load"]


def load(module: str, extra: str) -> Any:
    """The module of an optional package, or a MissingExtraError that names the command to install it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise  # the package is there and broken
        message = f"{module} is needed: pip install 'scriptbridge[{extra}]'"
        raise MissingExtraError(message, extra) from None
