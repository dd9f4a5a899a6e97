"""Which languages of an index Latin queries find little or nothing of here, and what would change that."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import NamedTuple

from . import segmentation, sounds
from .extras import pip

__all__ = ["LITTLE", "Need", "command", "message", "needs", "warn"]

LITTLE = "Latin queries find little or nothing in some languages here"
AGAIN = "index all documents into a new folder, since an index keeps on cutting words as it began"


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
    """`message` as a RuntimeWarning, where anything is needed."""
    if unread:
        warnings.warn(message(unread), RuntimeWarning, stacklevel=stacklevel + 1)


def message(unread: Mapping[str, Need]) -> str:
    """What is needed, and what to do."""
    each = ", ".join(f"{code} needs {need}" for code, need in unread.items())
    again = AGAIN if any(need.again for need in unread.values()) else ""
    return f"{LITTLE}: {each}: {'; then '.join(filter(None, [command(unread), again]))}"


def command(unread: Mapping[str, Need]) -> str:
    """What installs all that is needed; "" where that is no package."""
    names = ",".join(sorted({need.extra for need in unread.values()} - {""}))
    return f"{pip()} install 'scriptbridge[{names}]'" if names else ""
