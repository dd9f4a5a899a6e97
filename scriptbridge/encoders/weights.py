"""Files of small weights, for encoders that need numpy alone. The layout, whatever the kind::

scriptbridge-KIND 1\\n
CRC-32 of all that follows, 8 hexadecimal digits, \\n
a line of JSON: {"about": {…}, "arrays": [[name, dtype, shape], …]}\\n
the arrays' numbers, little-endian, in that order
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scriptbridge import atomic
from scriptbridge.errors import EncoderError

__all__ = ["Arrays", "read", "write"]

VERSION = 1

Arrays = Mapping[str, NDArray[Any]]


def write(path: Path, kind: str, about: Mapping[str, object], arrays: Arrays) -> None:
    """Write a file, whole or not at all; EncoderError where it cannot be, or numbers are not finite."""
    if wrong := [name for name, each in arrays.items() if not np.isfinite(each).all()]:
        raise EncoderError(
            f"{path}: {wrong[0]} holds NaN or numbers too large; train at a lower learning_rate"
        )
    whole = {name: np.ascontiguousarray(each, each.dtype.newbyteorder("<")) for name, each in arrays.items()}
    listed = [[name, each.dtype.str, each.shape] for name, each in whole.items()]
    body = json.dumps({"about": about, "arrays": listed}, ensure_ascii=False).encode() + b"\n"
    body += b"".join(each.tobytes() for each in whole.values())
    try:
        with atomic.replacing(path) as file:
            file.write(f"scriptbridge-{kind} {VERSION}\n{zlib.crc32(body):08x}\n".encode() + body)
    except OSError as error:
        raise EncoderError(f"{path}: cannot be written: {error.strerror or error}") from error


def read(path: Path, kind: str, shapes: Mapping[str, tuple[str, int]]) -> tuple[dict[str, Any], Arrays]:
    """What a file is about, and its arrays.

    `shapes` has the dtype and the number of axes of each array that such a file holds. EncoderError for a
    file that is missing, damaged, of another kind or newer than this version.
    """
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: no path at all
        raise EncoderError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    name, _, rest = data.partition(b"\n")
    if not name.startswith(b"scriptbridge-"):
        raise EncoderError(f"{path}: no file of kind {kind!r}; it starts with {name[:40]!r}")
    if name != f"scriptbridge-{kind} {VERSION}".encode():
        came = name.removeprefix(b"scriptbridge-")[:40].decode(errors="replace")
        raise EncoderError(f"{path}: a file of {came!r} came; this version reads '{kind} {VERSION}' here")
    checksum, _, body = rest.partition(b"\n")
    if checksum != b"%08x" % zlib.crc32(body):
        raise EncoderError(f"{path}: damaged (the checksum differs); train or copy it anew")
    line, _, blob = body.partition(b"\n")
    try:
        header = json.loads(line)
        arrays = _arrays(header["arrays"], blob)
        about: dict[str, Any] = header["about"]
    except (KeyError, TypeError, ValueError) as error:
        raise EncoderError(f"{path}: not what such a file holds ({error})") from error
    found = {name: (each.dtype.str, each.ndim) for name, each in arrays.items()}
    if found != dict(shapes) or not isinstance(about, dict):
        raise EncoderError(f"{path}: holds {found}; expected are {dict(shapes)}")
    return about, arrays


def _arrays(listed: list[tuple[str, str, list[int]]], blob: bytes) -> dict[str, NDArray[Any]]:
    arrays, at = {}, 0
    for name, dtype, shape in listed:
        flat = np.frombuffer(blob, np.dtype(dtype), math.prod(shape), at)
        arrays[name] = flat.reshape(shape).copy()  # aligned, and the file's bytes can go
        at += flat.nbytes
    if at != len(blob):
        raise ValueError(f"{len(blob)} bytes of numbers, {at} expected")
    return arrays
