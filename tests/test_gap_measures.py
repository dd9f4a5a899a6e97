"""Measures against numbers worked by hand, ir_measures itself, and slow twins."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from time import process_time
from typing import Any

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptbridge.errors import GapError, MissingExtraError
from scriptbridge.gap.measures import Answers, behaviour, confidence, language_of, per_query
from scriptbridge.gap.records import MEASURES, Answer, Qrels


def answer(*documents: str, seconds: float | None = None) -> Answer:
    """Documents, best first, with scores 10, 9, …"""
    return Answer(tuple((document, 10.0 - at) for at, document in enumerate(documents)), seconds)


def told(rankings: Mapping[str, Sequence[str]]) -> dict[str, list[Answer]]:
    return {query: [answer(*documents)] for query, documents in rankings.items()}


def scored(answers: Answers, qrels: Qrels, *ids: str) -> dict[str, list[float]]:
    return {name: values.tolist() for name, values in per_query(answers, qrels, ids).items()}


# ---- scores, by hand

QRELS = {
    "θάλασσα": {"d1": 3, "d2": 1, "d3": 0},
    "βουνό": {"d4": 1},
    "पानी": {"d5": 2, "d6": 2, "d7": 1},
    "нет": {"d8": 1},
}
RANKINGS = {
    "θάλασσα": ["d2", "d3", "d1"],
    "βουνό": [*(f"x{n}" for n in range(10)), "d4"],
    "पानी": ["x", "d7", "unknown", "d5"],
}
LOG3, LOG5 = math.log2(3), math.log2(5)
BY_HAND = {
    "nDCG@10": [(1 + 3 / 2) / (3 + 1 / LOG3), 0.0, (1 / LOG3 + 2 / LOG5) / (2 + 2 / LOG3 + 1 / 2), 0.0],
    "MRR@10": [1.0, 0.0, 1 / 2, 0.0],
    "R@100": [1.0, 1.0, 2 / 3, 0.0],
}


def test_scores_by_hand() -> None:
    found = scored(told(RANKINGS), QRELS, *QRELS)
    assert tuple(found) == MEASURES
    for name in MEASURES:
        assert found[name] == pytest.approx(BY_HAND[name])


def test_scores_come_in_the_order_of_ids() -> None:
    some = per_query(told(RANKINGS), QRELS, ["पानी", "нет", "θάλασσα"])
    for name in MEASURES:
        assert some[name].shape == (3,)
        assert some[name].tolist() == pytest.approx([BY_HAND[name][at] for at in (2, 3, 0)])


def test_means_are_those_of_ir_measures() -> None:
    rng = np.random.default_rng(1)
    names = [f"d{n}" for n in range(300)]
    qrels = {
        f"q{n}": {str(d): int(rng.integers(1, 4)) for d in rng.choice(names, 8, replace=False)}
        for n in range(40)
    }
    rankings = {query: rng.permutation(names)[: 10 * n].tolist() for n, query in enumerate(qrels)}
    run = {query: {d: -float(at) for at, d in enumerate(found)} for query, found in rankings.items()}
    found = per_query(told(rankings), qrels, list(qrels))
    wanted = ir_measures.calc_aggregate([ir_measures.parse_measure(name) for name in MEASURES], qrels, run)
    assert {str(measure): value for measure, value in wanted.items()} == pytest.approx(
        {name.replace("MRR", "RR"): values.mean() for name, values in found.items()}
    )


# ---- scores, by a slow twin

documents = st.sampled_from([*"abcdefgh", "ά", "य", "", "a b", "a\0b", "a\0c", "\ud800", "0", "missed 0"])
rankings = st.lists(documents, max_size=14)
judgements = st.dictionaries(documents, st.integers(-2, 4), max_size=14)


def twin(ranking: Sequence[str], grades: Mapping[str, int]) -> list[float]:
    """nDCG@10, MRR@10 and R@100 of one ranking."""
    seen: list[str] = []
    for document in ranking:
        if document not in seen:
            seen.append(document)
    gains = [max(0, grades.get(document, 0)) for document in seen]
    ideal = sorted((grade for grade in grades.values() if grade > 0), reverse=True)
    if not ideal:
        return [0.0, 0.0, 0.0]
    dcg, best = (
        sum(gain / math.log2(at + 2) for at, gain in enumerate(each[:10])) for each in (gains, ideal)
    )
    first = next((1 / (at + 1) for at, gain in enumerate(gains[:10]) if gain), 0.0)
    return [dcg / best, first, sum(gain > 0 for gain in gains[:100]) / len(ideal)]


@given(st.lists(st.tuples(rankings, judgements), min_size=1, max_size=4))
def test_scores_are_the_twin_s(queries: list[tuple[list[str], dict[str, int]]]) -> None:
    """Whatever the ids, with duplicates, grades of 0 and below, and queries without relevant documents."""
    names = [f"q\ud800{n}" for n in range(len(queries))]
    answers = told({name: ranking for name, (ranking, _) in zip(names, queries, strict=True)})
    qrels = {name: grades for name, (_, grades) in zip(names, queries, strict=True)}
    found = scored(answers, qrels, *names)
    for at, (ranking, grades) in enumerate(queries):
        assert [found[name][at] for name in MEASURES] == pytest.approx(twin(ranking, grades))


def test_recall_ends_at_100_and_the_rest_at_10() -> None:
    others = [f"x{n}" for n in range(99)]
    assert scored(told({"q": [*others, "a"]}), {"q": {"a": 1}}, "q")["R@100"] == [1.0]
    assert scored(told({"q": [*others, "x99", "a"]}), {"q": {"a": 1}}, "q")["R@100"] == [0.0]
    tenth = scored(told({"q": [*others[:9], "a"]}), {"q": {"a": 1}}, "q")
    assert (tenth["nDCG@10"], tenth["MRR@10"]) == ([1 / math.log2(11)], [0.1])


@pytest.mark.parametrize("name", ["a", "z"])
def test_ties_stay_as_the_system_put_them(name: str) -> None:
    """Whether its id comes before or after that of the document above it."""
    for score in (1.0, 0.0, -math.inf):
        tied = {"q": [Answer((("m", score), (name, score)))]}
        assert scored(tied, {"q": {name: 1}}, "q")["MRR@10"] == [0.5]


def test_the_order_counts_not_the_scores() -> None:
    rising = {"q": [Answer((("a", 1.0), ("b", 2.0), ("c", math.nan)))]}
    assert scored(rising, {"q": {"a": 1}}, "q")["MRR@10"] == [1.0]
    assert scored(rising, {"q": {"c": 1}}, "q")["MRR@10"] == pytest.approx([1 / 3])


def test_a_document_listed_twice_counts_once_where_it_is_first() -> None:
    assert scored(told({"q": ["x", "a", "x", "a", "b"]}), {"q": {"a": 1, "b": 1}}, "q") == {
        name: pytest.approx(values)
        for name, values in {
            "nDCG@10": [(1 / LOG3 + 1 / 2) / (1 + 1 / LOG3)],
            "MRR@10": [0.5],
            "R@100": [1.0],
        }.items()
    }


def test_wordings_are_averaged() -> None:
    answers = {"a": [answer("1"), answer("x", "1"), answer()], "b": [answer("2")]}
    found = scored(answers, {"a": {"1": 1}, "b": {"2": 1}}, "b", "a")
    assert found["MRR@10"] == [1.0, 0.5]
    assert found["nDCG@10"] == pytest.approx([1.0, (1 + 1 / LOG3) / 3])
    assert found["R@100"] == pytest.approx([1.0, 2 / 3])


def test_nothing_found_is_0() -> None:
    failed: Answers = {"a": [Answer((), error="timed out")], "b": [], "c": [answer()]}
    assert scored(failed, {id: {"1": 1} for id in "abcd"}, *"abcd") == {name: [0.0] * 4 for name in MEASURES}
    assert scored({}, {}, "no judgements") == {name: [0.0] for name in MEASURES}
    assert scored({}, {}) == {name: [] for name in MEASURES}


def test_answers_to_other_queries_do_not_count() -> None:
    assert scored(told({"other": ["d"], "q": ["d"]}), {"other": {"d": 1}, "q": {"d": 1}}, "q")["R@100"] == [
        1.0
    ]


def test_grades_beyond_what_trec_eval_holds_are_refused() -> None:
    with pytest.raises(
        GapError, match=r"query 'q', document 'd': grade 3000000000 came; the highest is 100,000"
    ):
        per_query(told({"q": ["d"]}), {"q": {"d": 3_000_000_000}}, ["q"])
    assert scored(told({"q": ["d"]}), {"q": {"d": 100_000}}, "q")["nDCG@10"] == [1.0]


def test_without_ir_measures_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, *rest: Any) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr("scriptbridge.extras.import_module", refuse)
    with pytest.raises(MissingExtraError, match=r"pip install 'scriptbridge\[gap\]'"):
        per_query({}, {}, ["q"])


def test_quick() -> None:
    rng = np.random.default_rng(0)
    numbers = rng.integers(10_000, size=(1500, 100)).tolist()
    answers = told({f"q{n}": [f"d{each}" for each in row] for n, row in enumerate(numbers)})
    qrels = {query: {f"d{n}": 1 for n in range(10)} for query in answers}
    started = process_time()
    per_query(answers, qrels, list(answers))
    behaviour(answers, qrels, {f"d{n}": "el" if n % 2 else "ru" for n in range(10_000)}, 1.0)
    assert process_time() - started < 1.5


# ---- behaviour

LANGUAGES = {"e1": "el", "e2": "el", "e3": "el", "r1": "ru", "r2": "ru", "h1": "hi"}
RIGHT = {"q": {"e1": 1, "e2": 2, "r1": 0}, "p": {"r1": 1}}


def hits(*pairs: tuple[str, float]) -> list[Answer]:
    return [Answer(pairs)]


def test_shares_are_over_all_wordings() -> None:
    answers = {"q": [answer("e1"), answer(), Answer((), 0.5, "HTTP 500")], "p": [answer("r1")]}
    found = behaviour(answers, RIGHT, {}, None)
    assert (found.zero_results, found.errors, found.silent_wrong) == (0.5, 1, 0.0)


def test_a_query_that_was_not_answered_found_nothing() -> None:
    assert behaviour({"q": [], "p": [answer("r1")]}, RIGHT, {}, None).zero_results == 0.5


def test_silent_is_a_wrong_first_hit_as_sure_as_right_ones() -> None:
    native = {str(n): hits(("right", score)) for n, score in enumerate([2.0, 2.5, 3.0, 9.0])}
    native |= {"wrong": hits(("x", 7.0), ("right", 6.0)), "none": hits(), "odd": hits(("right", math.nan))}
    qrels = {query: {"right": 1, "x": 0} for query in native}
    sure = confidence(native, qrels)
    assert sure == 2.0
    assert confidence({"wrong": native["wrong"]}, qrels) is None
    latin = {
        "0": hits(("x", 2.0), ("right", 1.0)),  # wrong and as sure
        "1": hits(("x", 1.9)),  # wrong, but unsure
        "2": hits(("right", 5.0), ("x", 5.0)),  # right
        "3": hits(),
    }
    assert behaviour(latin, qrels, {}, sure).silent_wrong == 0.25
    assert behaviour(latin, qrels, {}, 1.9).silent_wrong == 0.5
    assert behaviour(latin, qrels, {}, None).silent_wrong == 0.5


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=20))
def test_confidence_is_reached_by_nine_in_ten(scores: list[float]) -> None:
    answers = {str(n): hits(("right", score)) for n, score in enumerate(scores)}
    least = confidence(answers, {query: {"right": 1} for query in answers})
    assert least in scores
    assert sum(score >= least for score in scores) >= 0.9 * len(scores)
    assert sum(score > least for score in scores) < 0.9 * len(scores)


def test_foreign_is_another_language_than_the_relevant_documents() -> None:
    answers = {"q": [answer("e1", "r1", "h1", "unknown"), answer("e3")], "p": [answer("e1", "r2")]}
    assert behaviour(answers, RIGHT, LANGUAGES, None).foreign == 3 / 6
    assert behaviour({"q": [answer("e1")]}, RIGHT, LANGUAGES, None).foreign == 0.0


def test_foreign_looks_at_ten_hits_each_once() -> None:
    others = [f"r{n}" for n in range(20)]
    languages = LANGUAGES | dict.fromkeys(others, "ru")
    answers = {"q": [answer("e1", "e1", "e1", "e2", "e3", *others)]}
    assert behaviour(answers, RIGHT, languages, None).foreign == 0.7


@pytest.mark.parametrize(
    ("answers", "languages"),
    [
        ({"q": [answer("e1", "e2")]}, {"e1": "el", "e2": "el"}),  # one language
        ({"q": [answer("e1")]}, {}),
        ({"q": [answer()]}, LANGUAGES),  # no hits
        ({"q": [answer("unknown")]}, LANGUAGES),
        ({"q": [answer("r1", "h1")]}, {"r1": "ru", "h1": "hi"}),  # the query's own language is not known
    ],
)
def test_foreign_is_none_where_it_cannot_be_told(answers: Answers, languages: dict[str, str]) -> None:
    assert behaviour(answers, RIGHT, languages, None).foreign is None


def test_latencies_are_milliseconds() -> None:
    answers = {
        f"q{n}": [answer("e1", seconds=n / 1000), Answer((), n / 1000, "timed out")] for n in range(101)
    }
    found = behaviour(answers, {}, {}, None)
    assert [found.p50, found.p99] == pytest.approx([50, 99])
    some = {"q": [answer("e1", seconds=0.002), answer("e1")]}
    assert behaviour(some, {}, {}, None).p99 == pytest.approx(2)
    none = behaviour({"q": [answer("e1")]}, {}, {}, None)
    assert (none.p50, none.p99) == (None, None)


def test_behaviour_needs_answers() -> None:
    with pytest.raises(ValueError, match="no answers"):
        behaviour({}, {}, {}, None)


@pytest.mark.parametrize(
    ("grades", "language"),
    [
        ({"e1": 1, "e2": 3, "r1": 1}, "el"),
        ({"e1": 1, "r1": 1, "r2": 1}, "ru"),
        ({"r1": 1, "e1": 1}, "el"),  # as many: by code
        ({"e1": 1, "r1": 0, "r2": -1}, "el"),  # not relevant
        ({"unknown": 1, "unknown too": 1, "h1": 1}, "hi"),
        ({"unknown": 1}, None),
        ({}, None),
    ],
)
def test_a_query_speaks_the_language_of_most_relevant_documents(
    grades: dict[str, int], language: str | None
) -> None:
    assert language_of("q", {"q": grades}, LANGUAGES) == language


def test_no_judgements_no_language() -> None:
    assert language_of("q", {}, LANGUAGES) is None
