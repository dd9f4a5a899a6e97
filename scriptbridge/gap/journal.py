"""Answers that were got already, so that an interrupted measurement goes on where it stopped."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from scriptbridge.errors import GapError

from .records import Answer, Collection

__all__ = ["Journal", "default_folder", "digest"]

KEPT = 86_400.0  # seconds: older answers are not resumed, who knows what changed meanwhile


def default_folder() -> Path:
    """Where journals stand unless told otherwise: the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "scriptbridge" / "gap"


def digest(collection: Collection) -> str:
    """Equal for equal documents in the same languages, whatever is asked of them."""
    state = hashlib.sha256()
    for id, text in collection.documents.items():
        language = collection.languages.get(id, "")
        state.update(f"{id}\0{language}\0{text}\0".encode("utf-8", "surrogatepass"))
    return state.hexdigest()


class Journal:
    """A folder of files of answers, one for each system over each collection.

    A file's name is made of all that an answer is known to depend on. A system may change in ways that nobody
    tells, so the file lives only as long as its measurement: `finish` removes it, and is called as soon as
    the report is safe. Two processes that measure the same at once write the same file, line by line, and
    neither is harmed. Where the disk is full, what is missing is an answer kept: a note tells, nothing fails.
    """

    def __init__(self, folder: Path | None, *, fresh: bool = False, needed: bool = True) -> None:
        """No folder: nothing is kept. `fresh`: what an interrupted measurement left is forgotten.

        Not `needed`: where the folder cannot be used, a note tells so, and nothing fails.
        """
        self._folder = folder
        self._fresh = fresh
        self._needed = needed
        self._files: list[Path] = []
        self.resumed = 0
        """Answers that an interrupted measurement had got."""
        self.notes: list[str] = []
        """What could not be kept."""

    @contextmanager
    def page(self, *identity: str) -> Iterator[Page]:
        """The answers of one system over one collection, which `identity` names; written as they come."""
        if self._folder is None:
            yield Page({}, None, self.notes)
            return
        name = hashlib.sha256("\0".join(identity).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        file = self._folder / f"{name}.jsonl"
        lines = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if self._fresh:
                file.unlink(missing_ok=True)
            known = dict(_read(file))
            lines = file.open("ab", buffering=0)  # a kill loses nothing but the last line
        except OSError as error:
            if self._needed and error.errno not in _FULL:
                raise GapError(
                    f"{file}: answers cannot be kept for a later run: {error.strerror or error}; "
                    "name another folder with --work"
                ) from error
            self.notes.append(_not_kept(error))
        if lines is None:
            yield Page({}, None, self.notes)
            return
        self._files.append(file)
        self.resumed += len(known)
        try:
            with lines:
                yield Page(known, lines, self.notes)
        finally:
            with suppress(OSError):
                if not file.stat().st_size:
                    file.unlink()

    def finish(self) -> None:
        """Forget everything: the measurement is complete, and the next one asks again."""
        for file in self._files:
            with suppress(OSError):
                file.unlink()


class Page:
    """Answers by (author, query id, wording); the author of native queries is ""."""

    def __init__(
        self, known: dict[tuple[str, ...], Answer], lines: BinaryIO | None, notes: list[str]
    ) -> None:
        self._known = known
        self._lines = lines
        self._notes = notes

    def get(self, key: tuple[str, ...]) -> Answer | None:
        """The answer that was got already."""
        return self._known.get(key)

    def add(self, key: tuple[str, ...], answer: Answer) -> None:
        """Keep an answer. Failed ones are not: they are asked again; and none where the disk refuses."""
        if self._lines is None or answer.error is not None:
            return
        try:
            self._lines.write(json.dumps([key, answer.hits, answer.seconds]).encode() + b"\n")
        except OSError as error:
            self._lines = None
            self._notes.append(_not_kept(error))


_FULL = (errno.ENOSPC, errno.EDQUOT)


def _not_kept(error: OSError) -> str:
    return f"answers could not be kept ({error.strerror}): if interrupted, this measurement would begin anew"


def _read(file: Path) -> Iterable[tuple[tuple[str, ...], Answer]]:
    """Whole lines only: a kill may have torn the last one."""
    if not file.exists():
        return
    if time.time() - file.stat().st_mtime > KEPT:
        file.unlink()
        return
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            with suppress(ValueError, TypeError):
                key, hits, seconds = json.loads(line)
                yield tuple(key), Answer(tuple((id, score) for id, score in hits), seconds)
    _end_line(file)


def _end_line(file: Path) -> None:
    """A torn line gets its end, so that the next one starts anew."""
    with file.open("rb+") as raw:
        if raw.seek(0, os.SEEK_END) and raw.seek(-1, os.SEEK_END) is not None and raw.read(1) != b"\n":
            raw.write(b"\n")
