"""Which languages of an index Latin queries find little or nothing of here, and what would change that."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import NamedTuple

from . import segmentation, sounds

__all__ = ["LITTLE", "Need", "command", "needs", "warn"]

LITTLE = "Latin queries find little or nothing in some languages here"


class Need(NamedTuple):
    """What a language needs to be read: an extra to be installed, its documents in a new index, or both."""

    extra: str
    again: bool = False

    def __str__(self) -> str:
        return " and ".join([f"scriptbridge[{self.extra}]"] * bool(self.extra) + ["a new index"] * self.again)


def needs(spoken: Mapping[str, str], segmenter: str | None) -> dict[str, Need]:
    """What languages need, by their modules of `sounds`, where they do; `segmenter` cut their words.

    Where that is missing, no query is read, in any language.
    """
    if extra := segmentation.missing(segmenter, spoken):
        return dict.fromkeys(spoken, Need(extra))
    each = {code: _need(name, segmenter) for code, name in spoken.items() if name}
    return {code: need for code, need in each.items() if need is not None}


def _need(name: str, segmenter: str | None) -> Need | None:
    if extra := sounds.missing(name):
        return Need(extra)
    if not sounds.of_words(name):
        return None
    again = segmenter == segmentation.NGRAMS
    if segmentation.default() != segmentation.ICU:
        return Need("th", again)
    return Need("", again) if again else None


def warn(unread: Mapping[str, Need], stacklevel: int) -> None:
    """A RuntimeWarning, where anything is needed, that names it and the command."""
    if not unread:
        return
    each = ", ".join(f"{code} needs {need}" for code, need in unread.items())
    message = ": ".join(filter(None, [f"{LITTLE}: {each}", command(unread)]))
    warnings.warn(message, RuntimeWarning, stacklevel=stacklevel + 1)


def command(unread: Mapping[str, Need]) -> str:
    """What installs all that is needed; "" where that is no package."""
    extras = ",".join(sorted({need.extra for need in unread.values()} - {""}))
    return f"pip install 'scriptbridge[{extras}]'" if extras else ""
