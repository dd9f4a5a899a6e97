"""The meter: gaps that are known, answers that are resumed, what is said of lost queries."""

from __future__ import annotations

import errno
import json
import math
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from scriptbridge import extras
from scriptbridge.errors import GapError, MissingExtraError, QueryError
from scriptbridge.gap import reportfile
from scriptbridge.gap.journal import Journal
from scriptbridge.gap.meter import measure
from scriptbridge.gap.records import MAIN, Cell, Collection, LatinQueries, QuerySet, Ranking, Report
from scriptbridge.gap.systems import Candidate, RunFiles
from scriptbridge.types import Expansion

pytest.importorskip("ir_measures", reason="needs ir_measures: pip install 'scriptbridge[gap]'")

DOCUMENTS = {
    "d1": "Πώς φτιάχνεται ο μουσακάς με μελιτζάνες",
    "d2": "Το λιμάνι του Πειραιά και τα πλοία για τα νησιά",
    "d3": "Η θάλασσα της Κρήτης το καλοκαίρι",
    "d4": "Ο καιρός στη Θεσσαλονίκη τον χειμώνα",
}
NATIVE = {
    "q1": "μουσακάς μελιτζάνες",
    "q2": "λιμάνι Πειραιά",
    "q3": "θάλασσα Κρήτης",
    "q4": "καιρός Θεσσαλονίκη",
}
LATIN = {
    "q1": "mousakas melitzanes",
    "q2": "limani Peiraia",
    "q3": "thalassa Kritis",
    "q4": "kairos Thessaloniki",
}
QRELS = {f"q{n}": {f"d{n}": 1} for n in range(1, 5)}


def collection(native: dict[str, str] = NATIVE, latin: dict[str, str] = LATIN) -> Collection:
    typed = LatinQueries("given", {id: (text,) for id, text in latin.items()})
    queries = QuerySet("", native, typed, {id: QRELS[id] for id in latin})
    return Collection("greek", DOCUMENTS, dict.fromkeys(DOCUMENTS, "el"), (queries,))


class Fake:
    """A system that answers by a function of the query, and counts how often it is asked."""

    notes: tuple[str, ...] = ()
    keeps_order = False

    def __init__(self, answer: Callable[[str], Ranking], name: str = "fake") -> None:
        self.name = name
        self._answer = answer
        self.asked: list[str] = []
        self.closed = False

    def search(self, text: str, k: int) -> Ranking:
        self.asked.append(text)
        return self._answer(text)

    def close(self) -> None:
        self.closed = True

    def candidate(self) -> Candidate:
        return Candidate(self.name, self.name, self.name, lambda collection, folder: self)


def right(text: str) -> Ranking:
    """The relevant document, whichever script asks."""
    both = {**{text: id for id, text in NATIVE.items()}, **{text: id for id, text in LATIN.items()}}
    return [(f"d{both[text][1:]}", 2.0)] if text in both else []


def only_native(text: str) -> Ranking:
    return right(text) if text in NATIVE.values() else []


def test_what_cannot_be_measured_is_found_before_anything_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(collection: Collection) -> None:
        raise GapError(f"holds none of the documents of {collection.name}")

    first, second = Fake(right), Fake(right, "other")
    with pytest.raises(GapError, match="holds none of the documents of greek"):
        measure([collection()], [first.candidate(), replace(second.candidate(), check=refuses)])

    def load(module: str, extra: str) -> None:
        raise MissingExtraError(f"{module} is needed")

    monkeypatch.setattr(extras, "load", load)
    with pytest.raises(MissingExtraError, match="ir_measures"):
        measure([collection()], [first.candidate()])
    assert first.asked == second.asked == []


def one(report: Report) -> Cell:
    (cell,) = report.cells
    return cell


def test_a_system_that_answers_both_alike_has_a_gap_of_exactly_zero() -> None:
    cell = one(measure([collection()], [Fake(right).candidate()]))
    for figures in cell.figures.values():
        assert (figures.gap, figures.gap_low, figures.gap_high) == (0.0, 0.0, 0.0)
        assert (figures.ratio, figures.ratio_low, figures.ratio_high) == (1.0, 1.0, 1.0)
    assert (cell.figures[MAIN].p, cell.figures[MAIN].p_corrected) == (1.0, 1.0)
    assert measure([collection()], [Fake(right).candidate()]).lost == ()


def test_a_system_that_finds_nothing_in_latin_loses_everything() -> None:
    fake = Fake(only_native)
    report = measure([collection()], [fake.candidate()])
    cell = one(report)
    assert cell.figures[MAIN].gap == 1.0
    assert cell.figures[MAIN].ratio == 0.0
    assert cell.figures[MAIN].p == 2 / 2**4  # the two extreme assignments of signs to four queries
    assert cell.latin.zero_results == 1.0
    assert cell.native is not None and cell.native.zero_results == 0.0
    assert [each.group for each in report.lost] == ["worst"] * 4
    assert fake.closed


@pytest.mark.parametrize(("number", "groups"), [(9, (9, 0)), (12, (10, 1)), (25, (10, 7)), (40, (10, 10))])
def test_a_lost_query_is_shown_once(number: int, groups: tuple[int, int]) -> None:
    natives = {f"q{n}": f"λέξη{n} άλλη" for n in range(number)}
    typed = LatinQueries("given", {id: (f"leksi{id} alli",) for id in natives})
    queries = QuerySet("", natives, typed, {id: {"d1": 1} for id in natives})
    fake = Fake(lambda text: [("d1", 1.0)] if text in natives.values() else [])
    report = measure([replace(collection(), query_sets=(queries,))], [fake.candidate()])
    shown = Counter(each.group for each in report.lost)
    assert (shown["worst"], shown["median"]) == groups
    assert len({each.id for each in report.lost}) == len(report.lost)


def test_identical_systems_do_not_differ() -> None:
    report = measure([collection()], [Fake(right, "a").candidate(), Fake(right, "b").candidate()])
    (comparison,) = report.comparisons
    assert (comparison.system, comparison.other) == ("a", "b")
    assert (comparison.difference, comparison.low, comparison.high, comparison.p) == (0.0, 0.0, 0.0, 1.0)


def test_a_failing_query_is_lost_and_counted_not_fatal() -> None:
    def fails(text: str) -> Ranking:
        if text == LATIN["q2"]:
            raise QueryError("no")
        return right(text)

    report = measure([collection()], [Fake(fails).candidate()])
    assert report.notes == ("greek: fake, given: 1 of 4 queries failed, the first: no",)
    cell = one(report)
    assert cell.latin.errors == 1
    assert cell.scores.latin == (1.0, 0.0, 1.0, 1.0)


def test_without_native_queries_there_is_no_gap_to_tell() -> None:
    report = measure([collection(native={})], [Fake(right).candidate()])
    figures = one(report).figures[MAIN]
    assert figures.latin == 1.0
    assert figures.native is figures.gap is figures.ratio is figures.p is None
    assert report.lost == ()


@pytest.mark.parametrize("stop", [1, 5, 7])
def test_an_interrupted_measurement_goes_on(stop: int, tmp_path: Path) -> None:
    def interrupted(text: str) -> Ranking:
        if len(first.asked) > stop:
            raise KeyboardInterrupt
        return right(text)

    first, second = Fake(interrupted), Fake(right)
    with pytest.raises(KeyboardInterrupt):
        measure([collection()], [first.candidate()], journal=Journal(tmp_path))
    assert first.closed
    journal = Journal(tmp_path)
    resumed = measure([collection()], [second.candidate()], journal=journal)
    assert journal.resumed == stop - (1 if stop <= 5 else 2)  # the first of each side warms the system up
    whole = measure([collection()], [Fake(right).candidate()])
    assert one(resumed).figures == one(whole).figures
    warm_up = 2 if journal.resumed < 4 else 1
    assert len(second.asked) == 8 - journal.resumed + warm_up
    assert list(tmp_path.iterdir())  # until the report is safe
    journal.finish()
    assert not list(tmp_path.iterdir())  # complete: the next one asks again


def test_a_torn_line_of_the_journal_is_asked_again(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        measure([collection()], [Fake(_third_interrupts()).candidate()], journal=Journal(tmp_path))
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    assert whole.count(b"\n") == 2
    file.write_bytes(whole[:-7])
    journal = Journal(tmp_path)
    fake = Fake(right)
    assert one(measure([collection()], [fake.candidate()], journal=journal)).figures[MAIN].ratio == 1.0
    assert journal.resumed == 1


def _third_interrupts() -> Callable[[str], Ranking]:
    asked = 0

    def answer(text: str) -> Ranking:
        nonlocal asked
        asked += 1
        if asked > 3:
            raise KeyboardInterrupt
        return right(text)

    return answer


def test_a_changed_collection_is_measured_anew(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        measure([collection()], [Fake(_third_interrupts()).candidate()], journal=Journal(tmp_path))
    for changed in (
        replace(collection(), documents=DOCUMENTS | {"d5": "άλλο"}),
        replace(collection(), languages=dict.fromkeys(DOCUMENTS, "grc")),
    ):
        journal = Journal(tmp_path)
        measure([changed], [Fake(right).candidate()], journal=journal)
        assert journal.resumed == 0


def test_a_journal_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GapError, match="--work"):
        measure([collection()], [Fake(right).candidate()], journal=Journal(tmp_path / "file" / "below"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_keeps_no_answers_and_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open
    full = Path("/dev/full")
    monkeypatch.setattr(
        Path, "open", lambda self, *how, **more: opened(full if "ab" in how else self, *how, **more)
    )
    report = measure([collection()], [Fake(right).candidate()], journal=Journal(tmp_path))
    assert one(report).figures[MAIN].ratio == 1.0
    (note,) = report.notes
    assert "answers could not be kept (No space left on device)" in note

    def refuse(*how: object, **more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert measure([collection()], [Fake(right).candidate()], journal=Journal(tmp_path)).notes == (note,)


@pytest.mark.parametrize("came", [None, [("d1", float("nan"))], [("d1", None)], [(1, 1.0)], [("d1",)], 3])
def test_hits_that_are_none_are_the_systems_failure(came: object) -> None:
    def odd(text: str) -> Ranking:
        return came if text == LATIN["q2"] else right(text)  # type: ignore[return-value]

    report = measure([collection()], [Fake(odd).candidate()])
    assert one(report).latin.errors == 1
    assert "1 of 4 queries failed, the first: fake gave " in report.notes[0]
    with pytest.raises(GapError, match="queries failed: fake gave "):
        measure([collection()], [Fake(lambda text: came).candidate()])  # type: ignore[arg-type,return-value]


def test_readings_that_fail_are_none() -> None:
    class Unread(Fake):
        def readings(self, text: str) -> Expansion:
            raise QueryError("not this one")

    report = measure([collection()], [Unread(only_native).candidate()])
    assert {each.readings for each in report.lost} == {()}


def test_progress_moves_while_causes_are_sought() -> None:
    seen: list[tuple[str, int, int]] = []
    measure([collection()], [Fake(only_native).candidate()], progress=lambda *each: seen.append(each))
    assert [done for what, done, of in seen if what.endswith("why")] == [0, 1, 2, 3, 4]


def test_run_files_are_looked_up_by_query_id() -> None:
    native = {id: [(f"d{id[1:]}", 1.0)] for id in NATIVE}
    latin = {"q1": [("d1", 1.0)], "q2": [("d1", 1.0), ("d2", 0.5)], "q3": [("unknown", 1.0)]}
    runs = RunFiles("runs", native, latin)
    report = measure([collection()], [candidate(runs)])
    cell = one(report)
    assert cell.scores.latin == pytest.approx((1.0, 1 / 1.5849625007211562, 0.0, 0.0))
    assert cell.latin.p50 is None
    assert cell.latin.zero_results == 0.25
    assert {each.id for each in report.lost} == {"q2", "q3", "q4"}


def candidate(runs: RunFiles) -> Candidate:
    return Candidate(runs.name, runs.name, runs.name, lambda collection, folder: runs)


def test_run_files_cannot_answer_queries_that_are_made() -> None:
    runs = RunFiles("runs", None, {})
    with pytest.raises(GapError, match="run files"):
        measure([collection()], [candidate(runs)], ["channel"])


def test_a_run_of_other_queries_is_refused() -> None:
    with pytest.raises(GapError, match="none of the queries' ids"):
        measure([collection()], [candidate(RunFiles("runs", None, {"other": [("d1", 1.0)]}))])


def test_what_a_run_lacks_is_told() -> None:
    latin = {"q1": [("d1", 1.0), ("elsewhere", 0.5)], "q2": [("d2", 1.0)], "q3": [("d3", 1.0)]}
    report = measure([collection()], [candidate(RunFiles("runs", None, latin))])
    missing, unknown = report.notes
    assert "nothing for 1 of 4 queries, such as 'q4'" in missing
    assert "1 documents whose ids" in unknown and "'elsewhere'" in unknown


def test_a_system_with_ids_of_its_own_is_refused() -> None:
    with pytest.raises(GapError, match=r"only documents whose ids .* such as '17'; the collection's .* 'd1'"):
        measure([collection()], [Fake(lambda text: [("17", 1.0)]).candidate()])


def test_a_system_that_always_fails_is_given_up_soon() -> None:
    fake = Fake(_fail)
    with pytest.raises(GapError, match="all 4 queries failed: down"):
        measure([collection()], [fake.candidate()])
    assert len(fake.asked) == 1 + 4  # the warm-up, and each native query


def _fail(text: str) -> Ranking:
    raise GapError("down")


def test_of_several_wordings_the_worst_is_explained() -> None:
    typed = LatinQueries("given", {"q1": ("mousakas melitzanes", "xxx")})
    queries = QuerySet("", {"q1": NATIVE["q1"]}, typed, {"q1": QRELS["q1"]})
    made = replace(collection(), query_sets=(queries,))
    for lost in measure([made], ["scriptbridge"]).lost:
        assert lost.latin_text == "xxx"
        assert (lost.latin, lost.native) == (0.0, 1.0)


def test_the_order_of_hits_is_kept_or_made() -> None:
    """Of equal scores, an engine's first stays first; where order means nothing, trec_eval's is made."""

    def ties(text: str) -> Ranking:
        return [("d1", 1.0), ("d2", 1.0), ("d3", 1.0), ("d4", 1.0)]

    engine, scores = Fake(ties, "engine"), Fake(ties, "scores")
    engine.keeps_order = True
    first, second = measure([collection()], [engine.candidate(), scores.candidate()]).cells
    assert first.scores.latin[0] == second.scores.latin[3] == 1.0
    assert first.scores.latin == second.scores.latin[::-1]


def test_names_must_differ() -> None:
    with pytest.raises(GapError, match="two systems are called 'fake'"):
        measure([collection()], [Fake(right).candidate(), Fake(right).candidate()])
    with pytest.raises(GapError, match="two collections are called 'greek'"):
        measure([collection(), collection()], [Fake(right).candidate()])


def test_nothing_to_measure() -> None:
    with pytest.raises(GapError, match="at least one"):
        measure([], ["scriptbridge"])
    with pytest.raises(GapError, match="at least one"):
        measure([collection()], [])


def test_queries_that_only_the_channel_wrote_are_pointed_out() -> None:
    made = replace(collection(), query_sets=(replace(collection().query_sets[0], latin=None),))
    report = measure([made], ["scriptbridge"], ["channel:2"])
    assert "own channel alone" in report.notes[0]
    wordings = report.queries["greek"][""]["channel:2"]
    assert {len(texts) for texts in wordings.values()} == {2}
    again = measure([made], ["scriptbridge"], ["channel:2"])
    assert again.queries == report.queries
    assert one(again).scores == one(report).scores


def test_latin_queries_are_made_where_none_came() -> None:
    made = replace(collection(), query_sets=(replace(collection().query_sets[0], latin=None),))
    report = measure([made], ["scriptbridge"])
    assert "channel" in report.authors
    assert len(report.authors) > 1  # never the channel alone
    assert not report.notes
    with pytest.raises(GapError, match="no Latin queries of its own"):
        measure([made], ["scriptbridge"], ["given"])


def test_scriptbridge_closes_the_gap_that_bm25_has() -> None:
    report = measure([collection()], ["scriptbridge", "bm25"])
    ours, plain = report.cells
    assert ours.figures[MAIN].ratio == 1.0
    assert plain.figures[MAIN].latin == 0.0
    assert ours.figures[MAIN].native == plain.figures[MAIN].native == 1.0
    assert ours.language == "el"


def test_a_report_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    report = measure([collection()], ["scriptbridge", Fake(only_native).candidate()])
    assert report.lost and report.cells[1].causes
    reportfile.save(report, tmp_path / "report.json")
    assert reportfile.load(tmp_path / "report.json") == report
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["schema"] == report.schema


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"schema": 99}',
        '{"schema": true}',
        '{"schema": 1.0}',
        '{"schema": 1}',
        '{"schema": 1, "cells": 3}',
        "[" * 100_000,
    ],
)
def test_what_is_no_report_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(content)
    with pytest.raises(GapError, match=r"report\.json"):
        reportfile.load(file)


@pytest.fixture(scope="module")
def written() -> Report:
    return measure([collection()], ["bm25", Fake(only_native).candidate()])


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (("cells", 0, "queries"), "x", "cells[0].queries: 'x' came; accepted is an integer"),
        (("cells", 0, "queries"), True, "cells[0].queries: True came; accepted is an integer"),
        (
            ("cells", 1, "scores", "latin", 2),
            None,
            "cells[1].scores.latin[2]: None came; accepted is a finite number",
        ),
        (("cells", 1, "scores", "latin", 2), False, "cells[1].scores.latin[2]: False came"),
        (("cells", 1, "scores", "latin"), [1.0], "cells[1].scores: ids, latin and native have "),
        (("cells", 1, "latin", "p50"), math.inf, "cells[1].latin.p50: inf came"),
        (("cells", 1, "latin", "p50"), 10**400, "cells[1].latin.p50: 1000"),
        (("cells", 0, "figures"), [], "cells[0].figures: [] came; accepted is an object"),
        (("cells", 0, "figures", "nDCG@10", "gap"), "0", "cells[0].figures['nDCG@10'].gap: '0' came"),
        (("cells", 0, "more"), 1, "cells[0] has the key 'more'; accepted are collection, query_set"),
        (("cells",), {}, "cells: {} came; accepted is a list"),
        (("lost", 0, "readings"), [["a"]], "lost[0].readings[0]: ['a'] came; accepted is a list of 2"),
        (("lost", 0, "token"), 3, "lost[0].token: 3 came; accepted is a string"),
        (("queries", "greek", "", "given", "q1"), "x", "queries['greek']['']['given']['q1']: 'x' came"),
        (("unknown",), 1, "the report has the key 'unknown'"),
    ],
)
def test_what_is_wrong_in_a_report_is_named(
    place: tuple[str | int, ...], value: object, says: str, written: Report, tmp_path: Path
) -> None:
    file = tmp_path / "report.json"
    reportfile.save(written, file)
    content = json.loads(file.read_text())
    *above, last = place
    within = content
    for key in above:
        within = within[key]
    within[last] = value
    file.write_text(json.dumps(content))
    with pytest.raises(GapError) as caught:
        reportfile.load(file)
    assert f"not a report of schema 1: {says}" in str(caught.value)


def test_what_a_report_lacks_is_named(written: Report, tmp_path: Path) -> None:
    reportfile.save(written, tmp_path / "report.json")
    content = json.loads((tmp_path / "report.json").read_text())
    content["circumstances"] = {"anything": [{"at": None}, 1, "all"]}
    (tmp_path / "report.json").write_text(json.dumps(content))
    assert reportfile.load(tmp_path / "report.json").circumstances == content["circumstances"]
    del content["cells"][1]["scores"]
    (tmp_path / "report.json").write_text(json.dumps(content))
    with pytest.raises(GapError, match=r"cells\[1\] lacks the key 'scores'"):
        reportfile.load(tmp_path / "report.json")


def test_a_report_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "gap.html").symlink_to(tmp_path / "elsewhere" / "page.html")
    reportfile.write("new", tmp_path / "gap.html")
    assert (tmp_path / "gap.html").is_symlink()
    assert (tmp_path / "elsewhere" / "page.html").read_text() == "new"
    assert len(list(tmp_path.rglob("*"))) == 3


def test_two_that_write_the_same_report_do_not_meet(tmp_path: Path) -> None:
    texts = [letter * 1_000_000 for letter in "ab"]
    file = tmp_path / "gap.html"

    def write(text: str) -> None:
        for _ in range(20):
            reportfile.write(text, file)

    threads = [Thread(target=write, args=(text,)) for text in texts]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert file.read_text() in texts
    assert list(tmp_path.iterdir()) == [file]


def test_a_report_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(GapError, match="nowhere"):
        reportfile.write("", tmp_path / "nowhere" / "report.html")


def test_a_query_that_failed_is_not_explained_by_its_words() -> None:
    def fails(text: str) -> Ranking:
        if text == LATIN["q2"]:
            raise QueryError("no")
        return only_native(text)

    cell = one(measure([collection()], [Fake(fails).candidate()]))
    assert cell.causes == {"unknown": 3, "failed": 1}


def test_an_engine_that_dies_while_causes_are_looked_for_is_noticed() -> None:
    natives = {f"q{n}": f"λέξη{n} άλλη" for n in range(30)}
    typed = LatinQueries("given", {id: (f"leksi{id} alli",) for id in natives})
    queries = QuerySet("", natives, typed, {id: {"d1": 1} for id in natives})
    asked = 0

    def dies(text: str) -> Ranking:
        nonlocal asked
        asked += 1
        if asked > 70:
            raise GapError("down")
        return [("d1", 1.0)] if text in natives.values() else []

    with pytest.raises(GapError, match="why: 20 queries in a row failed: down"):
        measure([replace(collection(), query_sets=(queries,))], [Fake(dies).candidate()])


def test_what_causes_were_looked_for_with_is_resumed_too(tmp_path: Path) -> None:
    first, second = Fake(only_native), Fake(only_native)
    measure([collection()], [first.candidate()], journal=Journal(tmp_path))
    measure([collection()], [second.candidate()], journal=Journal(tmp_path))
    assert len(second.asked) == 0


def test_a_system_that_finds_nothing_at_all_is_pointed_out() -> None:
    report = measure([collection()], [Fake(lambda text: []).candidate()])
    assert "finds nothing for any native query" in report.notes[0]


def test_a_journal_that_is_not_needed_may_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    report = measure(
        [collection()], [Fake(right).candidate()], journal=Journal(tmp_path / "file" / "x", needed=False)
    )
    assert one(report).figures[MAIN].ratio == 1.0
    assert report.notes


def test_what_is_no_ordinary_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(GapError, match="not an ordinary file"):
        reportfile.write("x", tmp_path / "pipe.json")
    assert (tmp_path / "pipe.json").is_fifo()
