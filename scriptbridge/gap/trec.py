"""TREC's files: qrels, which say what a query should find, and runs, which say what a system found.

Both are UTF-8, may be gzipped, and have columns divided by tabs or by other ASCII white space; where
tabs divide them, document ids may hold spaces. Whatever cannot be read is a GapError ``FILE:LINE: …``.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scriptbridge import files
from scriptbridge.errors import GapError

from .records import Ranking

__all__ = ["GRADES", "Run", "checked_grade", "lines", "ranked", "read_qrels", "read_run"]


GRADES = 100_000
"""The highest grade: trec_eval makes room for every grade up to it, and loses those beyond 32 bits."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a run file says: query id → documents, best first; `notes` say what in it was out of order."""

    rankings: Mapping[str, Ranking]
    notes: tuple[str, ...] = ()


def read_qrels(path: str | Path) -> dict[str, dict[str, int]]:
    """Query id → document id → grade, of a file of

    - ``qid docid grade``, also under BEIR's header ``query-id corpus-id score``, or
    - ``qid iteration docid grade``, TREC's, whose second column says nothing.

    A judgement may be repeated, but not contradicted.
    """
    qrels: defaultdict[str, dict[str, int]] = defaultdict(dict)
    widths: tuple[int, ...] = (3, 4)
    for place, line in lines(path):
        cells = _cells(line, widths)
        if len(cells) not in widths:
            accepted = "3 (qid docid grade) or 4 (qid 0 docid grade)"
            if len(widths) == 1:
                accepted = f"{widths[0]}, as in the lines before"
            raise GapError(f"{place}: {len(cells)} columns came; accepted are {accepted}")
        if len(widths) > 1:
            widths = (len(cells),)
            if cells[0].lower() in _HEADERS:
                continue
        query, document, grade = cells[0], cells[-2], _grade(cells[-1], place)
        if qrels[query].setdefault(document, grade) != grade:
            raise GapError(
                f"{place}: query {query!r}, document {document!r}: grade {grade}, but "
                f"{qrels[query][document]} further up; keep one of the two"
            )
    if not qrels:
        raise GapError(f"{path}: no judgements; each line is: qid docid grade, or: qid 0 docid grade")
    return dict(qrels)


def checked_grade(grade: int, place: str) -> int:
    """The grade; GapError where it is above GRADES."""
    if grade > GRADES:
        raise GapError(f"{place}: grade {grade} came; the highest is {GRADES:,}")
    return grade


def read_run(path: str | Path) -> Run:
    """A run of TREC's six columns: ``qid Q0 docid rank score tag``; the 2nd, 4th and 6th say nothing.

    As in trec_eval (`form_res_rels.c`), scores are 32-bit numbers, the highest stands first, and of equal
    ones the document whose id is last in the order of its bytes. A document that a query has twice stands
    where its best score puts it, and a note says so. A run without lines, of a system that found nothing, is
    one too.
    """
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    repeated: dict[str, str] = {}  # query → where it first repeats a document
    repetitions = 0
    for place, line in lines(path):
        cells = _cells(line, (6,))
        if len(cells) != 6:
            raise GapError(f"{place}: {len(cells)} columns came; a run has 6: qid Q0 docid rank score tag")
        query, document, score = cells[0], cells[2], _score(cells[4], place)
        documents = found[query]
        if document in documents:
            repetitions += 1
            repeated.setdefault(query, place)
            score = max(score, documents[document])
        documents[document] = score
    notes = []
    if repetitions:
        notes.append(
            f"{path}: {repetitions:,} rows repeat a document of their query (in {len(repeated):,} queries, "
            f"first at {next(iter(repeated.values()))}); its best score counts"
        )
    if not found:
        notes.append(f"{path}: an empty run: nothing was found for any query")
    return Run({query: _ordered(documents) for query, documents in found.items()}, tuple(notes))


def ranked(hits: Iterable[tuple[str, float]]) -> Ranking:
    """Hits as trec_eval ranks them: by 32-bit score, of equal scores the last id first, each document once.

    Scores that are equal say no order. So every system's hits are ranked in this one, as a run file's are,
    and none gains from the order in which it happens to list its ties.
    """
    hits = list(hits)
    with np.errstate(over="ignore"):
        scores = np.array([score for _, score in hits], np.float64).astype(np.float32).tolist()
    best: dict[str, float] = {}
    for (document, _), score in zip(hits, scores, strict=True):
        best[document] = max(score, best.get(document, score))
    return _ordered(best)


def lines(path: str | Path) -> Iterator[tuple[str, str]]:
    """The lines of a text file that are not blank, each after its place, ``FILE:LINE``."""
    with files.reading(path, GapError), files.unpacked(path) as plain:
        for number, line in enumerate(plain, 1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise GapError(f"{path}:{number}: not UTF-8: {error.reason} at byte {error.start}") from error
            if text and not text.isspace():
                yield f"{path}:{number}", text


_HEADERS = ("query-id", "query_id", "queryid", "qid")
_SPACE = re.compile(r"[ \t\v\f\r]+")  # str.split() would also cut at spaces that trec_eval takes for letters
_GRADE = re.compile(r"[+-]?[0-9]{1,9}")


def _cells(line: str, widths: tuple[int, ...]) -> list[str]:
    """The columns: as tabs divide them if that gives one of the `widths`, else as any white space does."""
    cells = [cell.strip(" ") for cell in line.split("\t")]
    if len(cells) in widths and all(cells):
        return cells
    return _SPACE.split(line.strip(" \t\v\f\r"))


def _grade(cell: str, place: str) -> int:
    if not _GRADE.fullmatch(cell):
        raise GapError(f"{place}: grade {cell!r} came; accepted are whole numbers: 0, 1, 2, … {GRADES:,}")
    return checked_grade(int(cell), place)


def _score(cell: str, place: str) -> float:
    with suppress(ValueError):
        score = _single(float(cell))
        if math.isfinite(score):
            return score
    raise GapError(f"{place}: score {cell!r} came; accepted are finite 32-bit numbers")


def _single(number: float) -> float:
    """The 32-bit number nearest; infinite beyond the largest."""
    with np.errstate(over="ignore"):
        return float(np.float32(number))


def _ordered(documents: Mapping[str, float]) -> list[tuple[str, float]]:
    """Best first; of equal scores, the last id first."""
    return sorted(documents.items(), key=lambda each: (each[1], each[0]), reverse=True)
