"""The benchmarks' own parts: what counts as a word, as near, as right; transliterators; tables."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rapidfuzz")

from benchmarks import datasets, report, retrieval, tables, words
from benchmarks.transliterators import TRANSLITERATORS
from scriptbridge import languages

RESULTS = Path(__file__).parent.parent / tables.RESULTS


def pairs(folder: Path, name: str, *lines: str) -> list[tuple[str, str, str]]:
    file = folder / f"{name}.tsv.gz"
    with gzip.open(file, "wt", encoding="utf-8") as stream:
        stream.write("\n".join(["native\tlatin\tnote", *lines]) + "\n")
    return list(words.pairs(file))


def collection(folder: Path) -> None:
    """One Greek document and a query for it."""
    folder.mkdir(parents=True)
    for name, line in {
        "docs": '{"id": "1", "text": "η θάλασσα"}',
        "queries": '{"id": "q", "text": "θάλασσα"}',
    }.items():
        (folder / f"{name}.jsonl").write_text(line + "\n", encoding="utf-8")
    (folder / "qrels.tsv").write_text("q\t1\t1\n", encoding="utf-8")


def test_sentences_are_taken_apart_where_both_have_as_many_words(tmp_path: Path) -> None:
    lines = ("καλή μέρα\tkali mera\ta", "καλή μέρα\tkalimera\tb")
    assert pairs(tmp_path, "el.x", *lines) == [("καλή", "kali", "a"), ("μέρα", "mera", "a")]


def test_chinese_words_have_the_syllables_of_their_characters(tmp_path: Path) -> None:
    pytest.importorskip("icu")
    found = pairs(tmp_path, "zh.x", "北京的城市\tbei jing de cheng shi\ta", "北京\tbeijing\tb")
    assert found == [("北京", "beijing", "a"), ("城市", "chengshi", "a")]


def test_a_native_word_is_one_term_without_digits_or_latin_letters() -> None:
    assert words.native_words({"Μέρα", "καλή μέρα", "مخبي1205", "sms", "2020", "!"}) == {"Μέρα": "μερα"}


def test_a_set_is_measured_against_its_words_and_the_collections(tmp_path: Path) -> None:
    (tmp_path / "pairs").mkdir()
    pairs(tmp_path / "pairs", "el.x", "μέρα\tmera\ta", "νύχτα\tnuxta\ta", "μέρα\tMERA!\tb")
    collection(tmp_path / "retrieval" / "el.docs")
    (row,) = words.rows(tmp_path, "el.x", 0)
    assert (row["set"], row["words"], row["lexicon"]) == ("el.x", 3, 4)
    assert row["scriptbridge"] == {"top1": 1.0, "top8": 1.0}


def test_the_nearest_terms_are_those_of_least_distance_then_the_first() -> None:
    terms = [*"pqrstuvw", "ab", "abc", "abd", "xyz"]
    near = words.nearest([["abc"], ["abd"], ["xyy", "ab"]], terms)
    assert [each[:3] for each in near] == [["abc", "ab", "abd"], ["abd", "ab", "abc"], ["ab", "abc", "abd"]]
    assert near[0][3:] == [*"pqrst"]


def test_a_word_is_right_where_any_accepted_one_is_among_the_first() -> None:
    answers, right = [["a", "b"], ["c"], []], [{"b"}, {"c", "d"}, {"e"}]
    assert words.share(answers, right, 1) == pytest.approx(1 / 3)
    assert words.share(answers, right, 2) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("name", "module", "latin", "language", "native"),
    [
        ("ICU", "icu", "kalo", "el", "καλο"),
        ("indic-transliteration", "indic_transliteration", "bhaarat", "hi", "भारत"),
        ("avro.py", "avro", "ami", "bn", "আমি"),
        ("Open-Tamil", "transliterate", "vaNakkam", "ta", "வணக்கம்"),
        ("Pinyin2Hanzi", "Pinyin2Hanzi", "beijing", "zh", "北京"),
    ],
)
def test_transliterators(name: str, module: str, latin: str, language: str, native: str) -> None:
    pytest.importorskip(module)
    assert TRANSLITERATORS[name](latin, language)[0] == native
    assert TRANSLITERATORS[name](latin, "ka") == []


def test_the_table_has_a_row_for_each_transliterator() -> None:
    figures = {"written": 0.1, "top1": 0.2, "top8": 0.3}
    row = {"set": "xx.set", "words": 500, "lexicon": 9000, "scriptbridge": {"top1": 0.8, "top8": 0.9}}
    page = tables.words({"rows": [row | {"others": {"A": figures, "B": figures}}, row | {"others": {}}]})
    assert page.splitlines()[2:] == [
        "| xx.set | 500 | 9,000 | 0.800 | 0.900 | A | 0.100 | 0.200 | 0.300 |",
        "|  |  |  |  |  | B | 0.100 | 0.200 | 0.300 |",
        "| xx.set | 500 | 9,000 | 0.800 | 0.900 | none |  |  |  |",
    ]


def test_the_table_of_completions_has_both_indexes_and_the_times() -> None:
    arms = {"alone": 0.1, "context": 0.2}
    measured = {
        "recall": [{"set": "xx.set", "letters": 2, "there": arms, "new": {"alone": 0.3, "context": 0.4}}],
        "times": [
            {
                "terms": 1000,
                "letters": 2,
                "alone": {"median": 1.0, "p99": 2.0},
                "context": {"median": 3.0, "p99": 4.0},
            }
        ],
    }
    lines = tables.completion(measured).splitlines()
    assert lines[2] == "| xx.set | 2 | 0.100 | 0.200 | 0.300 | 0.400 |"
    assert lines[6] == "| 1,000 | 2 | 1.00 (p99 2.00) | 3.00 (p99 4.00) |"


def test_documents_of_every_language_can_stand_beside_dakshinas(tmp_path: Path) -> None:
    collection(tmp_path / "retrieval" / "el.docs")
    collection(tmp_path / "retrieval" / "hi.docs")  # of Dakshina's
    collection(tmp_path / "retrieval" / "en.docs")  # of no language
    others = datasets.other_languages(tmp_path)
    assert "η θάλασσα" in others[0].documents.values() and not any(each.query_sets for each in others)
    found = {code for each in others for code in each.languages.values()}
    dakshina = {name.partition(".")[0] for name in datasets.DAKSHINA}
    assert found == set(languages.codes()) - dakshina
    assert len(others) == len(found)


def test_the_table_of_everything_tells_how_far_figures_fall() -> None:
    def rows(index: str, *scores: float) -> list[dict[str, object]]:
        return [
            {"index": index, "set": name, "kind": "rare", "documents": 10, "scores": {"scriptbridge": score}}
            for name, score in zip(("aa.set", "bb.set"), scores, strict=True)
        ]

    def mean(index: str, ours: float) -> dict[str, object]:
        return {
            "index": index,
            "kind": "rare",
            "scores": {"native": 1.0, "scriptbridge": ours},
            "ratio": ours,
        }

    alone, together = "each set by itself", "all languages in one index"
    page = tables.everything(
        {
            "results": rows(alone, 0.9, 0.8) + rows(together, 0.9, 0.6),
            "means": [mean(alone, 0.85), mean(together, 0.75)],
        }
    )
    assert page.splitlines()[2:] == [
        f"| rare | {alone} | 10 | 1.000 | 0.850 | 0.850 |  |  |",
        f"| rare | {together} | 10 | 1.000 | 0.750 | 0.750 | 0.100 | 0.200 (bb) |",
    ]


def test_the_table_of_languages_has_all_and_says_where_there_is_no_data() -> None:
    words = {"rows": [{"set": "el.words", "scriptbridge": {"top1": 0.5, "top8": 0.75}}]}
    scores = {"scriptbridge": 0.8}
    results = [
        {"index": "each set by itself", "set": "el.a", "kind": "rare", "scores": scores, "ratio": 0.9},
        {"index": "each set by itself", "set": "el.b", "kind": None, "scores": scores, "ratio": None},
        {"index": "all twelve in one index", "set": "el.a", "kind": "rare", "scores": scores, "ratio": 0.1},
    ]
    questions = {
        "rows": [{"set": "zh.c-d", "author": author, "ratio": 0.95} for author in ("pinyin", "run_on")]
    }
    lines = tables.languages(words, {"results": results}, questions).splitlines()[2:]
    none = "–"
    assert [line.split()[1] for line in lines] == list(languages.codes())
    assert f"| el Greek | words 0.500, 0.750 | a 0.900<br>b 0.800 | {none} |" in lines
    assert f"| zh Chinese | {none} | {none} | c 0.950, 0.950 |" in lines
    assert f"| my Burmese | {none} | {none} | {none} |" in lines


def test_the_page_of_languages_says_how_each_is_typed_and_what_is_weak() -> None:
    page = (RESULTS.parent.parent / "docs" / "languages.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w\w)\*? \| ([^|]+) \| [^|]+ \| [^|]{6,} \| [^|]{6,} \|$", page, re.MULTILINE)
    assert rows == [(code, languages.load(code).name) for code in languages.codes()]


@pytest.mark.parametrize("file", sorted(RESULTS.glob("*.json")), ids=lambda file: file.stem)
def test_results_name_no_place_on_the_machine_that_made_them(file: Path) -> None:
    commands = re.findall(r'"command": "(.*)"', file.read_text(encoding="utf-8"))
    assert commands and all(command.startswith("python -m benchmarks.") for command in commands)
    assert not [command for command in commands if re.search(r"(^|[ '=])[/~]", command)]


# ---- set by set


def test_sets_not_asked_for_keep_their_rows(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    for name in ("retrieval", "pairs"):
        (tmp_path / name).mkdir()

    def measured(*arguments: str) -> list[tuple[str, int]]:
        asked = [str(tmp_path), "--out", str(out), *arguments]
        found = report.set_by_set("benchmarks.some", None, ("a", "b"), rows, ("words", 7), {}, asked)
        return [(row["set"], row["words"]) for row in found["rows"]]

    def rows(data: Path, name: str, limit: int) -> list[dict[str, Any]]:
        return [{"set": name, "words": limit, "at": str(data)}] * 2

    assert measured() == [("a", 7), ("a", 7), ("b", 7), ("b", 7)]
    assert measured("--sets", "a", "--words", "3") == [("a", 3), ("a", 3), ("b", 7), ("b", 7)]


# ---- without data


def test_without_data_a_line_says_what_it_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "retrieval").mkdir()

    def refused() -> str:
        with pytest.raises(SystemExit, match="2"):
            retrieval.main([str(tmp_path), "--sets", "el.greeklish-dev", "--out", str(tmp_path / "out.json")])
        return capsys.readouterr().err.splitlines()[-1]

    assert "has no pairs folder; DATA holds retrieval/NAME/ with docs.jsonl" in refused()
    (tmp_path / "pairs").mkdir()
    assert refused().endswith("has no el.greeklish-dev; --sets names those to measure")
