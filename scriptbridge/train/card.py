"""The model card of a run: what was trained, how, on what, and what came of it."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from scriptbridge import __version__

__all__ = ["versions", "written"]

_PACKAGES = ("torch", "transformers", "sentence-transformers", "numpy")
_OWN = ("ngrams", "adapter")  # recipes whose result is no model of sentence-transformers
_LOSSES = "Losses are means of the first and the last 50 steps; `training/metrics.jsonl` has each step's."


def versions() -> dict[str, str]:
    """The versions that a run depends on, by package."""
    there = {"scriptbridge": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            there[name] = version(name)
        except PackageNotFoundError:
            continue
    return there


def written(about: str, config: Mapping[str, Any], metrics: Mapping[str, Any], note: str = _LOSSES) -> str:
    """The card, in Markdown with the header that model hubs read; `note` says what the metrics are."""
    recipe, model = config["recipe"], config["model"].removeprefix("st:")
    header = {
        "library_name": "scriptbridge" if recipe in _OWN else "sentence-transformers",
        "base_model": model,
        "tags": ["scriptbridge", recipe, "cross-script retrieval", "romanization"],
    }
    return "\n".join(
        [
            "---",
            *(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in header.items()),
            "---",
            "",
            f"# {model}, trained by scriptbridge's recipe {recipe}",
            "",
            about.strip() or f"Trained by `scriptbridge train {recipe}`.",
            "",
            "## Result",
            "",
            *_table({name: value for name, value in metrics.items() if value is not None}),
            "",
            note,
            "",
            "## Configuration",
            "",
            "```json",
            json.dumps(config, ensure_ascii=False, indent=2),
            "```",
            "",
        ]
    )


def _table(values: Mapping[str, Any]) -> list[str]:
    rows = (
        f"| {name} | {f'{value:.4f}' if isinstance(value, float) else value} |"
        for name, value in values.items()
    )
    return ["| | |", "|---|---|", *rows]
