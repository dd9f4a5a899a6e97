"""What a measurement was made with, and its JSON file."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scriptbridge.gap.circumstances import circumstances as made_with

__all__ = ["SEED", "circumstances", "load", "save", "say"]

SEED = 0


def circumstances(module: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Command, date, seed, versions and machine of a measurement."""
    return made_with(["python", "-m", module, *arguments], SEED)


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
