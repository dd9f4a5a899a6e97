"""What a measurement was made with, its JSON file, and the way to fill it set by set."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import datasets
from scriptbridge import atomic
from scriptbridge.gap.circumstances import circumstances as made_with

__all__ = ["SEED", "circumstances", "load", "save", "say", "set_by_set"]

SEED = 0

Rows = Callable[[Path, str, int], list[dict[str, Any]]]


def circumstances(module: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Command, date, seed, versions and machine of a measurement."""
    return made_with(["python", "-m", module, *arguments], SEED)


def load(file: Path) -> dict[str, Any]:
    """An earlier measurement; empty where there is none."""
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}


def save(file: Path, measurement: dict[str, Any]) -> None:
    """Write a measurement, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(file) as whole:
        whole.write((json.dumps(measurement, indent=1, ensure_ascii=False) + "\n").encode())


def say(message: str) -> None:
    """Progress, for people."""
    print(message, file=sys.stderr, flush=True)


def set_by_set(
    module: str,
    description: str | None,
    sets: Sequence[str],
    rows: Rows,
    items: tuple[str, int],
    about: dict[str, Any],
    arguments: Sequence[str] | None,
) -> dict[str, Any]:
    """The command line of a measurement that has `rows(data, set, how many)`, and what it measured.

    `items` says what a set holds, and of how many the measurement is by default. Every set is saved when it
    is measured; of those that are not asked for, an earlier measurement's rows stay.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    what, many = items
    results = Path("benchmarks/results", f"{module.rpartition('.')[2]}.json")
    parser.add_argument("data", type=datasets.folder, help="the folder with retrieval/ and pairs/")
    parser.add_argument("--sets", nargs="+", choices=sets, default=sets, help="only these sets")
    parser.add_argument(f"--{what}", type=int, default=many, help="of each set, at most; 0 for all of them")
    parser.add_argument("--out", type=Path, default=results)
    options = parser.parse_args(arguments)
    limit = getattr(options, what)
    measured = load(options.out).get("rows", [])
    for name in options.sets:
        started = time.monotonic()
        new = rows(options.data, name, limit)
        for row in new:
            say(str(row))
        say(f"{name}: {time.monotonic() - started:.0f} s")
        measured = [row for row in measured if row["set"] != name] + new
        measured.sort(key=lambda row: sets.index(row["set"]))
        made = circumstances(module, arguments) | about | {f"{what}_per_set": limit}
        save(options.out, made | {"rows": measured})
    return load(options.out)
