"""Rankings as one, against numbers worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptbridge import fusion
from scriptbridge.errors import QueryError

LEXICAL = [("a", 9.0), ("b", 6.0), ("c", 3.0)]
DENSE = [("c", 0.9), ("d", 0.7), ("a", 0.5)]

rankings = st.lists(
    st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-1e6, 1e6), max_size=8).map(
        lambda scores: sorted(scores.items(), key=lambda each: (-each[1], each[0]))
    ),
    min_size=1,
    max_size=3,
)


def test_reciprocal_ranks() -> None:
    found = fusion.reciprocal_ranks([LEXICAL, DENSE])
    assert [id for id, _ in found] == ["a", "c", "b", "d"]
    assert [score for _, score in found] == pytest.approx([1 / 61 + 1 / 63] * 2 + [1 / 62] * 2)
    assert dict(fusion.fuse("rrf", [LEXICAL, DENSE], [0.5, 2.0]))["a"] == pytest.approx(0.5 / 61 + 2 / 63)


def test_min_max() -> None:
    assert dict(fusion.fuse("minmax", [LEXICAL, DENSE], [0.4, 0.6])) == pytest.approx(
        {"a": 0.4, "b": 0.2, "c": 0.6, "d": 0.3}
    )
    assert fusion.min_max([("a", 2.0), ("b", 2.0)]) == {"a": 1.0, "b": 1.0}


def test_z_scores() -> None:
    half = 1.5**0.5  # of three evenly spaced scores, the outer ones' distance from the mean in deviations
    assert dict(fusion.fuse("zscore", [LEXICAL, DENSE], [1.0, 1.0])) == pytest.approx(
        {"a": 0.0, "b": 0.0 - half, "c": 0.0, "d": -half}, abs=1e-9
    )
    assert fusion.z_scores([("a", 2.0), ("b", 2.0)]) == {"a": 0.0, "b": 0.0}


@pytest.mark.parametrize("how", list(fusion.FUSIONS))
@given(rankings)
def test_every_document_once_best_first(how: str, given: list[list[tuple[str, float]]]) -> None:
    fused = fusion.fuse(how, given, [1.0] * len(given))
    assert sorted(id for id, _ in fused) == sorted({id for ranking in given for id, _ in ranking})
    assert fused == sorted(fused, key=lambda each: (-each[1], each[0]))


@pytest.mark.parametrize("how", list(fusion.FUSIONS))
def test_one_ranking_keeps_its_order(how: str) -> None:
    assert [id for id, _ in fusion.fuse(how, [LEXICAL], [1.0])] == ["a", "b", "c"]
    assert [id for id, _ in fusion.fuse(how, [LEXICAL, []], [1.0, 1.0])] == ["a", "b", "c"]


def test_an_unknown_fusion_is_refused() -> None:
    with pytest.raises(QueryError, match="'sum' came; accepted are rrf, minmax, zscore"):
        fusion.fuse("sum", [], [])
