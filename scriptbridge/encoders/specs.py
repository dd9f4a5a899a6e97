"""``KIND:WHAT?option=value&option=value``: what names an encoder on the command line and in files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from scriptbridge.errors import EncoderError

__all__ = ["count", "options", "seconds"]


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
