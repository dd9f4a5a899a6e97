"""One tree of errors. A message says what came, what is accepted and what to do."""

from __future__ import annotations

__all__ = [
    "ChannelError",
    "DocumentError",
    "EncoderError",
    "GapError",
    "IndexFormatError",
    "IndexLockedError",
    "IndexStorageError",
    "LanguageError",
    "MissingExtraError",
    "NotAnIndexError",
    "QueryError",
    "ScriptbridgeError",
    "TrainingError",
]


class ScriptbridgeError(Exception):
    """Whatever scriptbridge refuses or cannot do; catch this one to catch them all."""


class DocumentError(ScriptbridgeError):
    """A document, or a line of a file of documents, queries or pairs, that cannot be used."""


class QueryError(ScriptbridgeError):
    """A query or an argument of a search that cannot be used."""


class LanguageError(ScriptbridgeError):
    """An unknown language, or a language file that cannot be read."""


class ChannelError(ScriptbridgeError):
    """A channel file that is damaged or newer than this version, or pairs that teach nothing."""


class NotAnIndexError(ScriptbridgeError):
    """A path that holds no scriptbridge index."""


class IndexFormatError(ScriptbridgeError):
    """An index that is damaged, or written in a newer format than this version reads."""


class IndexLockedError(ScriptbridgeError):
    """Another writer holds the index."""


class IndexStorageError(ScriptbridgeError):
    """The disk refused a read or a write; what was committed before is intact."""


class GapError(ScriptbridgeError):
    """A collection, a system, a run file or a romanizer that the gap cannot be measured with."""


class MissingExtraError(ScriptbridgeError):
    """A part of scriptbridge whose packages are not installed; the message names the command that does.

    `extra` is what that installs of scriptbridge: ``scriptbridge[zh]`` is "zh".
    """

    def __init__(self, message: str, extra: str = "") -> None:
        super().__init__(message)
        self.extra = extra


class EncoderError(ScriptbridgeError):
    """An encoder that cannot be found or used, or vectors that do not fit."""


class TrainingError(ScriptbridgeError):
    """A model, data or settings that cannot be trained with."""
