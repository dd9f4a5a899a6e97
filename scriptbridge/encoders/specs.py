"""``KIND:WHAT?option=value&option=value``: what names an encoder on the command line and in files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from scriptbridge.errors import EncoderError

__all__ = ["count", "has_kind", "located", "of_model", "options", "path", "seconds"]

ON_DISK = ("st", "ngrams", "adapter")
"""Kinds that may name a folder or a file."""


def has_kind(spec: str) -> bool:
    """Whether `spec` says its kind, as ``st:`` does; a function's has none."""
    kind, colon, _ = spec.partition(":")
    return bool(colon) and kind in (*ON_DISK, "openai")


def path(spec: str) -> Path | None:
    """The folder or file that a spec names; None where there is none, as of a model on the hub."""
    kind, _, rest = spec.partition(":")
    named = rest.partition("?")[0]
    there = Path(named).expanduser()
    return there if kind in ON_DISK and named and there.exists() else None


def located(spec: str) -> str:
    """A spec whose model is found from anywhere, where it is a folder or a file."""
    kind, _, rest = spec.partition(":")
    _, mark, tail = rest.partition("?")
    there = path(spec)
    return spec if there is None else f"{kind}:{there.absolute()}{mark}{tail}"


def of_model(name: str) -> str:
    """The spec that a model's bare name or folder stands for; a spec is one already."""
    return name if ":" in name and not Path(name).is_dir() else f"st:{name}"


def options(spec: str, accepted: Mapping[str, Callable[[str], object]]) -> tuple[str, dict[str, Any]]:
    """What the spec names, without its kind, and its options as `accepted` reads them.

    Values are percent-decoded: ``%26`` is an ``&``; spaces may stand as they are, and count. EncoderError
    names an unknown option, one given twice, and one whose value its reader refuses by a ValueError, which
    says what is accepted; the value itself is not shown, for it may be a key.
    """
    what, _, tail = spec.partition(":")[2].partition("?")
    shown = spec.partition("?")[0]
    read: dict[str, Any] = {}
    for part in tail.split("&") if tail else ():
        name, equals, value = part.partition("=")
        if not equals or name not in accepted:
            raise EncoderError(
                f"{shown}: unknown option {name!r}; accepted are "
                + (", ".join(f"{each}=…" for each in accepted) or "none")
            )
        if name in read:
            raise EncoderError(f"{shown}: the option {name!r} is given twice")
        try:
            read[name] = accepted[name](unquote(value))
        except ValueError as error:
            raise EncoderError(f"{shown}: {name}: {error}") from None
    return what, read


def count(value: str) -> int:
    """A positive whole number."""
    if not re.fullmatch("0*[1-9][0-9]{0,8}", value):
        raise ValueError("accepted are whole numbers from 1")
    return int(value)


def seconds(value: str) -> float:
    """A positive number."""
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", value) or float(value) == 0:
        raise ValueError("accepted are seconds above 0")
    return float(value)
