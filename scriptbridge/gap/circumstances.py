"""What a measurement was made with."""

from __future__ import annotations

import datetime
import os
import platform
import re
import shlex
from collections.abc import Sequence
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scriptbridge import __version__

__all__ = ["circumstances"]

_PACKAGES = (
    *("tantivy", "numba", "numpy", "regex", "rapidfuzz", "ir-measures", "uroman"),
    *("torch", "transformers", "sentence-transformers"),
)


def circumstances(command: Sequence[str], seed: int) -> dict[str, Any]:
    """The command, the seed, the date (UTC), the versions of what figures depend on, and the machine."""
    versions = {"python": platform.python_version(), "scriptbridge": __version__}
    versions |= {name: found for name in _PACKAGES if (found := _version(name))}
    if find_spec("icu"):
        versions["icu"] = import_module("icu").ICU_VERSION  # the library's, on which romanization depends
    return {
        "command": shlex.join(command),
        "seed": seed,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "versions": versions,
        "machine": {"cpu": _cpu_model(), "cores": os.cpu_count(), "system": platform.system()},
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    try:
        described = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"model name\s*: (.*)", described)
    return found[1].strip() if found else platform.machine()
