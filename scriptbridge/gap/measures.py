"""What answers are worth, and how a system behaved in giving them.

Answers come by query id, several where a query has several wordings. Their order counts: ir_measures gets
ranks, not scores, because its providers break ties in different ways (trec_eval by id downwards, as
`trec.ranked` does; MS MARCO's upwards). Of a document that is listed twice, the first place counts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .. import extras
from .records import MEASURES, Answer, Behaviour, Qrels
from .trec import checked_grade

__all__ = ["Answers", "behaviour", "confidence", "language_of", "per_query"]

Answers = Mapping[str, Sequence[Answer]]
"""Query id → one answer a wording. A query that is not in it, or has none, found nothing."""

SHOWN = 10  # hits a person looks at
NOTHING = (Answer(hits=()),)


def per_query(answers: Answers, qrels: Qrels, ids: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Each of MEASURES, by ir_measures: (n,), one a query in the order of `ids`, the mean of its wordings.

    nDCG's gain is the grade and its discount log2(rank + 1) (Järvelin & Kekäläinen 2002, as trec_eval does);
    for the others a document is relevant from grade 1 on. A query without hits or without relevant documents
    scores 0. GapError for a grade above `trec.GRADES`; MissingExtraError where ir_measures is not installed.
    """
    ir_measures = extras.load("ir_measures", "gap")
    measures = {ir_measures.parse_measure(name): name for name in MEASURES}
    wordings = [(row, answer) for row, query in enumerate(ids) for answer in _of(answers, query)]
    run, relevant = {}, {}
    for key, (row, answer) in enumerate(wordings):
        # What ir_measures calls a query is one wording, and a document its place: some ids trec_eval, in C,
        # would cut short (NUL) or crash at (half a surrogate pair).
        places = {document: str(place) for place, document in enumerate(_documents(answer))}
        run[str(key)] = {place: -float(place) for place in places.values()}
        relevant[str(key)] = {
            places.get(document, f"missed {n}"): checked_grade(
                grade, f"query {ids[row]!r}, document {document!r}"
            )
            for n, (document, grade) in enumerate(_relevant(qrels, ids[row]).items())
        }
    rows = np.array([row for row, _ in wordings], np.int64)
    scores = {name: np.zeros(len(wordings)) for name in MEASURES}
    for metric in ir_measures.iter_calc(list(measures), relevant, run):
        scores[measures[metric.measure]][int(metric.query_id)] = metric.value
    count = np.bincount(rows, minlength=len(ids))
    return {name: np.bincount(rows, values, len(ids)) / count for name, values in scores.items()}


def behaviour(
    answers: Answers, qrels: Qrels, languages: Mapping[str, str], threshold: float | None
) -> Behaviour:
    """The Behaviour over all these answers; `threshold` is the `confidence` that silent wrong hits reach.

    A failed answer counts among the errors and, having no hits, among those with zero results; the seconds it
    took count among the latencies. Without a threshold, no first hit being right, every wrong one is silent.
    Hits whose language is not known are not foreign, nor are they counted; `foreign` is None also where no
    hit is counted. ValueError without answers.
    """
    told = [(query, answer) for query in answers for answer in _of(answers, query)]
    if not told:
        raise ValueError("no answers to tell a system's behaviour from")
    least = -math.inf if threshold is None else threshold
    silent = sum(
        score >= least
        for query, answer in told
        for document, score in answer.hits[:1]
        if document not in _relevant(qrels, query)
    )
    milliseconds = [1000 * answer.seconds for _, answer in told if answer.seconds is not None]
    p50, p99 = np.percentile(milliseconds, [50, 99]).tolist() if milliseconds else (None, None)
    return Behaviour(
        zero_results=sum(not answer.hits for _, answer in told) / len(told),
        silent_wrong=silent / len(told),
        foreign=_foreign(told, qrels, languages),
        p50=p50,
        p99=p99,
        errors=sum(answer.error is not None for _, answer in told),
    )


def confidence(answers: Answers, qrels: Qrels) -> float | None:
    """The highest score that nine in ten right first hits reach; None if no first hit is right.

    Who cuts off a system's doubtful answers without losing its right ones would cut off there.

    Right is a document of grade 1 or more.
    """
    scores = [
        score
        for query, wordings in answers.items()
        for answer in wordings
        for document, score in answer.hits[:1]
        if document in _relevant(qrels, query) and not math.isnan(score)
    ]
    return sorted(scores)[len(scores) // 10] if scores else None


def language_of(query: str, qrels: Qrels, languages: Mapping[str, str]) -> str | None:
    """The language of most of the query's relevant documents; None where none's is known.

    Of equally many, the first by its code.
    """
    counts = Counter(languages[document] for document in _relevant(qrels, query) if document in languages)
    return min(counts, key=lambda language: (-counts[language], language), default=None)


def _of(answers: Answers, query: str) -> Sequence[Answer]:
    return answers.get(query) or NOTHING


def _documents(answer: Answer) -> Iterable[str]:
    """The documents of an answer, best first, each once."""
    return dict.fromkeys(document for document, _ in answer.hits)


def _relevant(qrels: Qrels, query: str) -> dict[str, int]:
    return {document: grade for document, grade in qrels.get(query, {}).items() if grade >= 1}


def _foreign(told: Iterable[tuple[str, Answer]], qrels: Qrels, languages: Mapping[str, str]) -> float | None:
    """Of the first hits with a known language, to queries with one: the share that is in another language."""
    if len(set(languages.values())) < 2:
        return None
    foreign = []
    for query, answer in told:
        own = language_of(query, qrels, languages)
        shown = list(_documents(answer))[:SHOWN]
        if own is not None:
            foreign += [languages[document] != own for document in shown if document in languages]
    return sum(foreign) / len(foreign) if foreign else None
