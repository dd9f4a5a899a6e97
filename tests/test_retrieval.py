"""Real queries, where the data is present: Latin ones find nearly what native ones do."""

from __future__ import annotations

import math
import os
from pathlib import Path
from statistics import fmean

import pytest

from scriptbridge import Index

DATA = Path(os.environ.get("SCRIPTBRIDGE_DATA", Path(__file__).parents[2] / "shared" / "data")) / "retrieval"


@pytest.mark.parametrize(
    ("name", "kind", "least"),
    [
        ("hi.dakshina-dev", "rare", 0.97),
        ("ta.dakshina-dev", "window", 0.97),
        ("ur.dakshina-dev", "window", 0.92),
    ],
)
def test_latin_queries_find_what_native_ones_do(name: str, kind: str, least: float, tmp_path: Path) -> None:
    if not (DATA / name).exists():
        pytest.skip(f"needs {DATA / name}")
    from benchmarks import datasets

    collection = datasets.load_collection(DATA.parent, name)
    queries = datasets.load_queries(DATA.parent, name, kind, limit=200, skip=1300)
    assert queries.native is not None
    with Index.create(tmp_path / "index") as index:
        index.add(collection.texts.items())
        index.commit()
        native, latin = (
            fmean(_ndcg(index.rank(text, 10), queries.relevant[id][0]) for id, text in typed.items())
            for typed in (queries.native, queries.latin)
        )
    assert latin >= least * native > 0.8


def _ndcg(ranking: list[tuple[str, float]], relevant: str) -> float:
    """nDCG@10 with one relevant document."""
    ids = [id for id, _ in ranking]
    return 1 / math.log2(2 + ids.index(relevant)) if relevant in ids else 0.0
