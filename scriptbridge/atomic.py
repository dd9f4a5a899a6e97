"""Files that are there whole or not at all, whenever the process is killed or the power fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from uuid import uuid4

__all__ = ["replacing", "sync_directory"]

NAMED = 40  # characters of a file's name in that of its half: names have 255 bytes at most


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write and read, which takes the place of the one at `path` once it is whole and on the disk.

    OSError where it cannot; that, and whatever else is raised meanwhile, leaves what was at `path`. A kill
    leaves that too, and beside it ``NAME.….partial``, which nobody else writes.
    """
    partial = path.with_name(f"{path.name[:NAMED]}.{uuid4().hex}.partial")
    try:
        with partial.open("w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        sync_directory(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def sync_directory(path: Path) -> None:
    """Have the names in a directory on the disk."""
    if os.name != "posix":  # elsewhere a directory cannot be opened
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
