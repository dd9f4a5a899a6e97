"""Real queries, where the data is present: Latin ones find nearly what native ones do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scriptbridge.gap.collection import load
from scriptbridge.gap.meter import measure

DATA = Path(os.environ.get("SCRIPTBRIDGE_DATA", Path(__file__).parents[2] / "shared" / "data")) / "retrieval"


@pytest.mark.parametrize(
    ("name", "kind", "least"),
    [
        ("hi.dakshina-dev", "rare", 0.97),
        ("ta.dakshina-dev", "window", 0.97),
        ("ur.dakshina-dev", "window", 0.92),
    ],
)
def test_latin_queries_find_what_native_ones_do(name: str, kind: str, least: float) -> None:
    if not (DATA / name).exists():
        pytest.skip(f"needs {DATA / name}")
    report = measure([load(DATA / name, sets=[kind], limit=200, skip=1300)], ["scriptbridge"], explain=False)
    figures = report.cells[0].figures["nDCG@10"]
    assert figures.native is not None and figures.native > 0.8
    assert figures.latin >= least * figures.native
