"""What an encoder is made of, so that what was made with it is known to be out of date."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from scriptbridge.errors import EncoderError
from scriptbridge.functions import imported, is_named, source

from . import adapter, sentence, specs, weights

__all__ = ["content", "precision", "state", "stats"]

RUN = "training"
"""The folder of a model's that tells how it was trained, and has no part in what it does."""


def state(spec: str) -> str:
    """What differs where the encoder is known to give other vectors than before.

    Sizes and times of its files, of those of the encoder that it adapts, or of the one that its function is
    written in. EncoderError where that cannot be imported.
    """
    return str(stats(_files(spec)))


def precision(spec: str) -> str:
    """The dtype that its model has on this machine, if it has one; MissingExtraError without its packages."""
    base = _base(spec)
    return sentence.precision(base) if base.startswith("st:") else ""


def content(spec: str) -> str:
    """SHA-256, in hexadecimal, of the same files' names and content, wherever they are; "" without any."""
    digest, paths = hashlib.sha256(), _files(spec)
    for path in paths:
        with path.open("rb") as file:
            digest.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest() if paths else ""


def stats(paths: Iterable[Path]) -> list[tuple[str, int, int]]:
    """Names, sizes and times of files."""
    return [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths if path.is_file()]


def _files(spec: str) -> list[Path]:
    """The files on this disk that the encoder is made of, in one order."""
    if not specs.has_kind(spec):
        written_in = source(imported(spec, EncoderError)) if is_named(spec) else None
        return [written_in] if written_in else []
    there, base = specs.path(spec), _base(spec)
    if there is None:
        return []
    if there.is_dir():
        files = (path for path in there.rglob("*") if path.is_file())
        return sorted(path for path in files if path.relative_to(there).parts[0] != RUN)
    return [there, *(_files(base) if base != spec else ())]


def _base(spec: str) -> str:
    """The spec of the encoder that an adapter adapts; any other as it is."""
    there = specs.path(spec)
    if not spec.startswith(f"{adapter.KIND}:") or there is None:
        return spec
    try:
        about, _ = weights.read(there, adapter.KIND, adapter.SHAPES)
    except EncoderError:  # which opening it will say
        return spec
    base = str(about.get("encoder"))
    return spec if base.startswith(f"{adapter.KIND}:") else base
