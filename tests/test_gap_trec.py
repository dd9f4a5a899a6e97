"""Qrels and runs: read as trec_eval reads them, written so that they are read back."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptbridge.errors import GapError
from scriptbridge.gap.trec import ranked, read_qrels, read_run


def file(tmp_path: Path, content: str | bytes, name: str = "file.txt") -> Path:
    path = tmp_path / name
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def order(path: Path, query: str = "q1") -> list[str]:
    return [document for document, _ in read_run(path).rankings[query]]


# ---- qrels


@pytest.mark.parametrize(
    "content",
    [
        "q1\td1\t2\nq1\td2\t0\nq2\td1\t1\n",
        "q1 d1 2\r\n\r\nq1  d2 0\r\nq2 d1 1",
        "q1 0 d1 2\nq1 0 d2 0\nq2 Q0 d1 1\n",
        "q1\t0\td1\t2\nq1\t0\td2\t0\nq2\t0\td1\t1\n",
        "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\td1\t1\n",
        "\ufeffq1\td1\t2\nq1\td1\t2\nq1\td2\t0\nq2\td1\t1\n",
    ],
    ids=["three", "spaces", "trec", "trec-tabs", "beir", "repeated"],
)
@pytest.mark.parametrize("name", ["qrels.tsv", "qrels.tsv.gz"])
def test_all_kinds_of_qrels_say_the_same(tmp_path: Path, content: str, name: str) -> None:
    assert read_qrels(file(tmp_path, content, name)) == {"q1": {"d1": 2, "d2": 0}, "q2": {"d1": 1}}


def test_only_ascii_white_space_divides_columns(tmp_path: Path) -> None:
    assert read_qrels(file(tmp_path, "q1 a\u00a0b\u3000c 1\n")) == {"q1": {"a\u00a0b\u3000c": 1}}


def test_where_tabs_divide_ids_may_hold_spaces(tmp_path: Path) -> None:
    assert read_qrels(file(tmp_path, "q1\ta b\t1\nq1\tc\t-1\n")) == {"q1": {"a b": 1, "c": -1}}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("q1 d1 1\nq1 d2\n", ":2: 2 columns came; accepted are 3, as in the lines before"),
        ("q1\n", ":1: 1 columns came; accepted are 3"),
        ("q1 d1 1\nq1 0 d2 1\n", ":2: 4 columns came"),
        ("q1 d1 good\n", ":1: grade 'good' came"),
        ("q1 d1 1.5\n", ":1: grade '1.5' came"),
        ("q1 d1 ٣\n", ":1: grade '٣' came"),
        (
            "q1 d1 100000\nq1 d2 100001\n",
            ":2: grade 100001 came; the highest is 100,000",
        ),
        ("q1 d1 3000000000\n", ":1: grade '3000000000' came; accepted are whole numbers: 0, 1, 2, … 100,000"),
        ("q1 d1 1\nq1 d1 0\n", ":2: query 'q1', document 'd1': grade 0, but 1"),
        ("", "no judgements"),
        ("query-id\tcorpus-id\tscore\n", "no judgements"),
        (b"q1 d1 1\nq1 \xff 1\n", ":2: not UTF-8"),
    ],
)
def test_bad_qrels_are_refused_with_their_place(tmp_path: Path, content: str | bytes, says: str) -> None:
    path = file(tmp_path, content)
    with pytest.raises(GapError) as caught:
        read_qrels(path)
    assert str(caught.value).startswith(str(path))
    assert says in str(caught.value)


def test_missing_and_damaged_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GapError, match=r"nothing\.tsv: cannot be read: No such file"):
        read_qrels(tmp_path / "nothing.tsv")
    damaged = file(tmp_path, "q1 d1 1\n" * 1000, "qrels.gz")
    damaged.write_bytes(damaged.read_bytes()[:-12])
    with pytest.raises(GapError, match="damaged or incomplete gzip"):
        read_qrels(damaged)


# ---- runs


def test_scores_order_a_run_whatever_its_ranks_say(tmp_path: Path) -> None:
    path = file(tmp_path, "q1 Q0 low 1 0.5 x\nq2 Q0 only 7 -3 x\nq1 Q0 high 2 1e2 x\n")
    assert read_run(path).rankings == {"q1": [("high", 100.0), ("low", 0.5)], "q2": [("only", -3.0)]}
    assert read_run(path).notes == ()


def test_equal_scores_stand_in_descending_order_of_ids(tmp_path: Path) -> None:
    tied = ["d10", "d9", "Δ", "a", "Z", "ｚ", "𐐀"]
    path = file(tmp_path, "".join(f"q1\tQ0\t{document}\t1\t1.0\tx\n" for document in tied))
    assert order(path) == sorted(tied, key=str.encode, reverse=True)


def test_scores_equal_in_32_bits_are_ties(tmp_path: Path) -> None:
    assert order(file(tmp_path, "q1 Q0 a 1 1.00000001 x\nq1 Q0 b 2 1.0 x\n")) == ["b", "a"]
    assert order(file(tmp_path, "q1 Q0 a 1 1.000001 x\nq1 Q0 b 2 1.0 x\n")) == ["a", "b"]


def test_a_repeated_document_stands_where_its_best_score_puts_it(tmp_path: Path) -> None:
    path = file(tmp_path, "q1 Q0 a 1 1 x\nq1 Q0 b 2 2 x\nq1 Q0 a 3 3 x\nq1 Q0 b 4 0 x\n")
    run = read_run(path)
    assert run.rankings == {"q1": [("a", 3.0), ("b", 2.0)]}
    assert len(run.notes) == 1
    assert "2 rows repeat" in run.notes[0] and f"{path}:3" in run.notes[0]


def test_an_empty_run_is_one_and_noted(tmp_path: Path) -> None:
    run = read_run(file(tmp_path, ""))
    assert run.rankings == {} and "empty run" in run.notes[0]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("q1 Q0 d 1 0.5", "5 columns came"),
        ("q1 Q0 d 1 0.5 x y", "7 columns came"),
        ("q1 Q0 d 1 best x", "score 'best' came"),
        ("q1 Q0 d 1 nan x", "score 'nan' came"),
        ("q1 Q0 d 1 -inf x", "score '-inf' came"),
        ("q1 Q0 d 1 1e39 x", "score '1e39' came"),
    ],
)
def test_bad_lines_of_a_run_are_refused_with_their_place(tmp_path: Path, line: str, says: str) -> None:
    path = file(tmp_path, f"q1 Q0 a 1 9 x\n\n{line}\n")
    with pytest.raises(GapError) as caught:
        read_run(path)
    assert str(caught.value).startswith(f"{path}:3: {says}")


def test_a_run_is_ordered_as_trec_eval_orders_it(tmp_path: Path) -> None:
    """The reciprocal rank of each document, by pytrec_eval, is 1 / its place in the ranking read."""
    pytrec_eval = pytest.importorskip("pytrec_eval")
    scores = {"a": 1.0, "b": 1.0, "é": 1.0, "c": 1.00000001, "d": 1.000001, "10": -2.5, "9": -2.5}
    lines = "".join(f"q1 Q0 {document} 0 {score!r} x\n" for document, score in scores.items())
    for place, document in enumerate(order(file(tmp_path, lines)), 1):
        evaluator = pytrec_eval.RelevanceEvaluator({"q1": {document: 1}}, {"recip_rank"})
        assert math.isclose(evaluator.evaluate({"q1": scores})["q1"]["recip_rank"], 1 / place)


# ---- hits

ids = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=4)
scores = st.sampled_from([0.0, -0.0, 1.0, 1.0 + 1e-9, 12.3]) | st.floats(-1e38, 1e38)
hits = st.lists(st.tuples(ids, scores), max_size=12)


@given(hits=hits)
def test_hits_are_ranked_as_a_run_file_of_them_is(
    tmp_path_factory: pytest.TempPathFactory, hits: list[tuple[str, float]]
) -> None:
    lines = "".join(f"q1\tQ0\t{document}\t0\t{score!r}\tx\n" for document, score in hits)
    run = read_run(file(tmp_path_factory.mktemp("run"), lines)).rankings
    assert ranked(hits) == list(run.get("q1", []))
    assert ranked(reversed(hits)) == ranked(hits)
