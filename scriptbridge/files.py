"""Files that are read, perhaps gzipped."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .errors import ScriptbridgeError

__all__ = ["reading", "unpacked"]


@contextmanager
def unpacked(path: str | Path) -> Iterator[BinaryIO | gzip.GzipFile]:
    """The bytes of a file; of one whose name ends in .gz, what is packed there."""
    path = Path(path)
    with path.open("rb") as raw, gzip.open(raw) if path.suffix == ".gz" else raw as plain:
        yield plain


@contextmanager
def reading(name: str | Path, error: type[ScriptbridgeError]) -> Iterator[None]:
    """`error` says what is wrong with the file, where it is damaged or cannot be read."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as why:
        raise error(f"{name}: a damaged or incomplete gzip file: {why}") from why
    except OSError as why:
        raise error(f"{name}: cannot be read: {why.strerror or why}") from why
