"""What a measurement was made with, and its JSON file."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
import shlex
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["SEED", "circumstances", "load", "save", "say"]

SEED = 0
_PACKAGES = ("tantivy", "numba", "numpy", "regex", "PyICU", "rapidfuzz", "ir-measures")


def circumstances(module: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Command, date, seed, versions and machine of a measurement."""
    return {
        "command": shlex.join(["python", "-m", module, *arguments]),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "seed": SEED,
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in _PACKAGES},
        "machine": {"cpu": _cpu_model(), "cores": os.cpu_count(), "system": platform.system()},
    }


def load(file: Path) -> dict[str, Any]:
    """An earlier measurement; empty where there is none."""
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}


def save(file: Path, measurement: dict[str, Any]) -> None:
    """Write a measurement, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(measurement, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(file)


def say(message: str) -> None:
    """Progress, for people."""
    print(message, file=sys.stderr, flush=True)


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
