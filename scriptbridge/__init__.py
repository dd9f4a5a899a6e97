"""Find native-script documents with queries typed in Latin letters.

    import scriptbridge as sb

    with sb.Index.create("my-index") as index:
        index.add([{"id": "1", "text": "Πώς φτιάχνεται ο μουσακάς"}])
        index.commit()
        for hit in index.search("pos ftiaxnetai o mousakas"):
            print(hit.id, hit.highlight)

What this module names is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import languages as languages
    from .bridge import Bridge
    from .channel import Channel, romanize
    from .documents import read_documents, read_queries
    from .errors import (
        ChannelError,
        DocumentError,
        EncoderError,
        GapError,
        IndexFormatError,
        IndexLockedError,
        IndexStorageError,
        LanguageError,
        MissingExtraError,
        NotAnIndexError,
        QueryError,
        ScriptbridgeError,
        TrainingError,
    )
    from .index import Index
    from .learning import learn_from_queries
    from .lexicon import Lexicon
    from .text import tokenize
    from .types import (
        Completion,
        Deromanization,
        Document,
        Expansion,
        Highlight,
        Hit,
        Position,
        Reading,
        Token,
    )

__version__ = "0.1.0"

__all__ = [
    "Bridge",
    "Channel",
    "ChannelError",
    "Completion",
    "Deromanization",
    "Document",
    "DocumentError",
    "EncoderError",
    "Expansion",
    "GapError",
    "Highlight",
    "Hit",
    "Index",
    "IndexFormatError",
    "IndexLockedError",
    "IndexStorageError",
    "LanguageError",
    "Lexicon",
    "MissingExtraError",
    "NotAnIndexError",
    "Position",
    "QueryError",
    "Reading",
    "ScriptbridgeError",
    "Token",
    "TrainingError",
    "languages",
    "learn_from_queries",
    "read_documents",
    "read_queries",
    "romanize",
    "tokenize",
]

_MODULES = {
    "Bridge": "bridge",
    "Channel": "channel",
    "Index": "index",
    "Lexicon": "lexicon",
    "learn_from_queries": "learning",
    "read_documents": "documents",
    "read_queries": "documents",
    "romanize": "channel",
    "tokenize": "text",
    **dict.fromkeys((name for name in __all__ if name.endswith("Error")), "errors"),
}  # the rest are records, in `types`


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "languages":
        return import_module(".languages", __name__)
    value = getattr(import_module(f".{_MODULES.get(name, 'types')}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
