"""Text without spaces is cut into words, by the same means in documents and queries, with exact offsets."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptbridge import segmentation, store, text
from scriptbridge.bridge import Bridge
from scriptbridge.errors import IndexFormatError, MissingExtraError
from scriptbridge.index import Index
from scriptbridge.segmentation import ICU, NGRAMS, WHOLE

UNSPACED = "北京大学东京都の食べるカタカナー々ｶﾞ臺𠀀ไทยน้ำเกมลາວភាសាខ្មែរမြန်မာ09กaя한٣"
runs = st.text(UNSPACED, max_size=30)


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("北京大学在北京。", ["北京", "大学", "在", "北京"]),
        ("東京に住む", ["東京", "に", "住む"]),
        ("ภาษาไทยง่ายมาก", ["ภาษา", "ไทย", "ง่าย", "มาก"]),
        ("邹游来", ["邹", "邹游", "游", "游来", "来"]),
        ("2010年iPhone手机", ["2010", "年", "iphone", "手机"]),
        ("中國에서", ["中國", "에서"]),
        ("Ο Μουσακάς και το Москва", ["ο", "μουσακασ", "και", "το", "москва"]),
    ],
)
def test_icu_finds_words(sentence: str, words: list[str]) -> None:
    assert text.terms(sentence, ICU) == words


def test_ngrams_of_code_points_overlap() -> None:
    assert text.terms("北京大学在2010年", NGRAMS) == ["北京", "京大", "大学", "学在", "2010", "年"]
    assert text.terms("ภาษาไทย", NGRAMS) == ["ภาษ", "าษา", "ษาไ", "าไท", "ไทย"]
    assert text.terms("北", NGRAMS) == ["北"] and text.terms("北京大学", WHOLE) == ["北京大学"]


@given(runs)
@pytest.mark.parametrize("segmenter", [ICU, NGRAMS, WHOLE])
def test_offsets_are_of_the_text(segmenter: str, run: str) -> None:
    spans = list(segmentation.cut(run, segmenter))
    assert all(0 <= start < end <= len(run) for start, end in spans)
    assert {at for start, end in spans for at in range(start, end)} == set(range(len(run)))
    if segmenter == WHOLE:
        assert all(before[1] == after[0] for before, after in pairwise(spans))
    for token in text.tokenize(run, segmenter):
        assert token.text in text.terms(run[token.start : token.end], WHOLE)
    assert text.terms(run, segmenter) == [token.text for token in text.tokenize(run, segmenter)]


@given(runs)
def test_only_scripts_without_spaces_are_cut(run: str) -> None:
    assert segmentation.is_unspaced(run) == any(segmentation.is_unspaced(letter) for letter in run)
    if not segmentation.is_cut(run):
        assert text.tokenize(run, ICU) == text.tokenize(run, WHOLE)


def test_a_bridge_keeps_the_words_of_another_engine() -> None:
    assert "北京大学" in Bridge.from_terms({"北京大学": 3}, ["el"]).lexicon


# -- an index


def made(path: Path, *documents: str) -> Index:
    index = Index.create(path / "index")
    index.add((str(number), document) for number, document in enumerate(documents))
    index.commit()
    return index


def without_icu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segmentation, "default", lambda: NGRAMS)


def test_an_index_remembers_what_cut_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with made(tmp_path, "北京大学很大") as index:
        assert [hit.highlight for hit in index.search("大学")] == ["北京[大学]很大"]
    assert store.Manifest.read(tmp_path / "index").segmenter == ICU
    without_icu(monkeypatch)
    with pytest.warns(RuntimeWarning), Index.open(tmp_path / "index") as index:
        assert len(index) == 1 and "大学" in index.lexicon
        for what in (index.search, index.rank, index.deromanize, index.complete):
            for query in ("daxue", "大学" * 40):
                with pytest.raises(MissingExtraError, match=r"index: ICU cut .* 'scriptbridge\[zh\]'"):
                    what(query)


@pytest.mark.parametrize(
    ("languages", "extra"),
    [(["el"], "th"), (["km"], "th"), (["zh", "el"], "zh"), (["my", "ja", "zh"], "ja,th,zh")],
)
def test_the_extras_of_the_indexs_languages_are_named(
    languages: list[str], extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_icu(monkeypatch)
    with pytest.raises(MissingExtraError, match=rf"pip install 'scriptbridge\[{extra}\]'"):
        segmentation.require(ICU, languages, "index")


def test_one_made_without_icu_is_searched_everywhere(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        without_icu(patch)
        made(tmp_path, "北京大学很大").close()
    with Index.open(tmp_path / "index") as index:
        assert [hit.highlight for hit in index.search("大学")] == ["北京[大学]很大"]
        index.add([("1", "上海大学")])
        index.commit()
        assert {hit.id for hit in index.search("大学")} == {"0", "1"}
    assert store.Manifest.read(tmp_path / "index").segmenter == NGRAMS


def test_spaced_text_remembers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, "Ο μουσακάς").close()
    manifest = store.Manifest.read(tmp_path / "index")
    assert manifest.segmenter is None and manifest.format == store.FORMAT
    without_icu(monkeypatch)
    Index.open(tmp_path / "index").close()


def test_an_unknown_segmenter_is_refused(tmp_path: Path) -> None:
    made(tmp_path, "北京大学").close()
    file = tmp_path / "index" / store.Manifest.NAME
    file.write_text(file.read_text().replace('"icu"', '"scissors"'))
    with pytest.raises(IndexFormatError, match="segmenter 'scissors'"):
        Index.open(tmp_path / "index")


@pytest.mark.parametrize(
    ("code", "words", "by", "said"),
    [("ko", "학교에서", "particles", True), ("th", "กรุงเทพ", "icu", True), ("el", "θάλασσα", "icu", False)],
)
def test_an_index_that_was_cut_otherwise_says_so(
    code: str, words: str, by: str, said: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = segmentation.versions() | {by: "0"}
    with monkeypatch.context() as patched:
        patched.setattr(segmentation, "versions", lambda: older)
        with Index.create(tmp_path / "index", languages=[code]) as index:
            index.add([("1", words)])
            index.commit()
    assert store.Manifest.read(tmp_path / "index").cut_by == older
    expected = pytest.warns(RuntimeWarning, match=rf"cut by {by} 0, now") if said else nullcontext()
    with expected, Index.open(tmp_path / "index") as index:
        assert [hit.id for hit in index.search(words)] == ["1"]
