"""Terms and their trie in flat arrays, and snapshots of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import oracles
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scriptbridge import lexicon as lexicon_module
from scriptbridge.errors import ScriptbridgeError
from scriptbridge.lexicon import Lexicon

words = st.text(st.characters(min_codepoint=ord(" "), exclude_categories=["Cs"]), min_size=1, max_size=8)
vocabularies = st.dictionaries(words, st.integers(0, 2**31 - 1), max_size=30)
ARRAYS: tuple[str, ...] = ("blob", "start", "df", "alphabet", "label", "first", "term", "top")
ARRAYS += ("spelled", "spelling", "spelling_start", "shared_start", "shared_term", "share")


def assert_same(one: Lexicon, other: Lexicon) -> None:
    assert one.documents == other.documents
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).dtype == getattr(other, name).dtype
        assert getattr(other, name).flags.aligned


@given(vocabularies)
@example({})
@example({"a": 1})
@example({"é": 1, "éa": 2, "e": 3, "𐐀": 4})
def test_terms_stand_in_code_point_order(terms: dict[str, int]) -> None:
    lexicon = Lexicon.from_terms(terms)
    assert len(lexicon) == len(terms)
    assert [lexicon[i] for i in range(len(lexicon))] == sorted(terms)
    assert lexicon.df.tolist() == [terms[term] for term in sorted(terms)]
    for i, term in enumerate(sorted(terms)):
        assert lexicon.find(term) == i and term in lexicon


@given(vocabularies, words)
def test_what_is_not_a_term_is_not_found(terms: dict[str, int], word: str) -> None:
    lexicon = Lexicon.from_terms(terms)
    assert (word in lexicon) == (word in terms)
    assert (lexicon.find(word) is None) == (word not in terms)
    assert (lexicon.node(word) is None) == (not oracles.complete(terms, word))
    assert 3 not in lexicon and "" not in lexicon


@given(vocabularies)
def test_pairs_in_any_order_make_the_same_lexicon(terms: dict[str, int]) -> None:
    assert_same(Lexicon.from_terms(terms), Lexicon.from_terms(reversed(list(terms.items()))))


@given(vocabularies)
def test_terms_of_letters_beyond_the_labels_are_found_but_not_in_the_trie(terms: dict[str, int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lexicon_module, "MAX_LABEL", 3)
        lexicon = Lexicon.from_terms(terms)
        counts = Counter(letter for term in terms for letter in term)
        labelled = set(sorted(counts, key=lambda letter: (-counts[letter], letter))[:3])
        for i, term in enumerate(sorted(terms)):
            assert lexicon.find(term) == i and lexicon[i] == term
            node = lexicon.node(term)
            assert (node is not None) == labelled.issuperset(term)
            assert node is None or lexicon.term[node] == i
        assert "no term" not in lexicon and lexicon.find("\U0010ffff" * 9) is None


def test_more_letters_than_labels_do_not_wrap() -> None:
    letters = [chr(code) for code in range(ord(" "), 70_000) if not 0xD800 <= code < 0xE000]
    lexicon = Lexicon.from_terms([(letter, 1) for letter in letters] + [(letters[-1] * 2, 1)])
    assert len(lexicon.alphabet) == 65_536
    assert len(set(lexicon.label[lexicon.roots].tolist())) == len(lexicon.roots) == 65_535
    assert all(lexicon.find(letters[i]) == i for i in range(0, len(letters), 997))
    assert letters[-1] * 2 in lexicon and lexicon.node(letters[-1]) is not None
    assert letters[-2] in lexicon and lexicon.node(letters[-2]) is None


@pytest.mark.parametrize(
    "terms",
    [
        [("", 1)],
        [("a\nb", 1)],
        [("a\x00b", 1)],
        [("a", 1), ("b", 1), ("a", 2)],
        [("a", -1)],
        [("a\ud800", 1)],
    ],
)
def test_terms_that_cannot_be_kept_are_refused(terms: list[tuple[str, int]]) -> None:
    with pytest.raises(ScriptbridgeError):
        Lexicon.from_terms(terms)


def test_a_frequency_beyond_the_counter_is_the_largest() -> None:
    for df in (2**40, 2**70):
        lexicon = Lexicon.from_terms({"a": df})
        assert lexicon.df.tolist() == [2**31 - 1]
        assert lexicon.documents == 2 * (2**31 - 1)


def test_documents_are_as_told_or_guessed() -> None:
    assert Lexicon.from_terms({"a": 3, "b": 5}, documents=100).documents == 100
    assert Lexicon.from_terms({"a": 3, "b": 5}).documents >= 5
    assert Lexicon.from_terms({}).documents >= 1


@given(vocabularies, st.dictionaries(words, words, max_size=10), words)
def test_terms_are_spelled_as_told(terms: dict[str, int], spellings: dict[str, str], other: str) -> None:
    lexicon = Lexicon.from_terms(terms, spellings=spellings)
    for word in [*terms, *spellings, other, ""]:
        assert lexicon.usual(word) == (spellings.get(word, word) if word in terms else word)


@given(terms=vocabularies, stamp=st.text(max_size=20), spelling=words)
def test_snapshots_come_back(
    tmp_path_factory: pytest.TempPathFactory, terms: dict[str, int], stamp: str, spelling: str
) -> None:
    path = tmp_path_factory.mktemp("snapshot") / "lexicon"
    lexicon = Lexicon.from_terms(terms, spellings=dict.fromkeys(list(terms)[::2], spelling))
    lexicon.save(path, stamp)
    loaded = Lexicon.load(path, stamp)
    assert loaded is not None
    assert_same(lexicon, loaded)
    assert Lexicon.load(path, stamp + "!") is None
    assert [file.name for file in path.parent.iterdir()] == ["lexicon"]


def test_saving_replaces_and_repeats_itself(tmp_path: Path) -> None:
    path = tmp_path / "lexicon"
    Lexicon.from_terms({"old": 1}).save(path, "1")
    lexicon = Lexicon.from_terms({"new": 1, "newer": 2})
    lexicon.save(path, "2")
    first = path.read_bytes()
    lexicon.save(path, "2")
    assert path.read_bytes() == first
    assert Lexicon.load(path, "1") is None


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("snapshot") / "lexicon"
    Lexicon.from_terms({"ζωή": 3, "ζώο": 2, "नमस्ते": 7}).save(path, "now")
    return path


@given(data=st.data())
def test_a_damaged_snapshot_is_none(snapshot: Path, data: st.DataObject) -> None:
    content = bytearray(snapshot.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    damaged = snapshot.with_name("damaged")
    damaged.write_bytes(content)
    assert Lexicon.load(damaged, "now") is None


@given(data=st.data())
def test_a_cut_or_lengthened_snapshot_is_none(snapshot: Path, data: st.DataObject) -> None:
    content = snapshot.read_bytes()
    keep = data.draw(st.integers(0, len(content) - 1))
    damaged = snapshot.with_name("cut")
    for changed in (content[:keep], content + content[keep:]):
        damaged.write_bytes(changed)
        assert Lexicon.load(damaged, "now") is None


def test_no_snapshot_or_a_newer_one_is_none(snapshot: Path, tmp_path: Path) -> None:
    assert Lexicon.load(tmp_path / "absent", "now") is None
    assert Lexicon.load(tmp_path, "now") is None
    newer = tmp_path / "newer"
    newer.write_bytes(snapshot.read_bytes().replace(b"scriptbridge-lexicon 3", b"scriptbridge-lexicon 4", 1))
    assert Lexicon.load(newer, "now") is None


def test_a_failed_save_leaves_what_was_there(snapshot: Path, tmp_path: Path) -> None:
    target = tmp_path / "lexicon"
    (target / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match=r".+"):
        Lexicon.from_terms({"a": 1}).save(target, "now")
    assert [file.name for file in tmp_path.iterdir()] == ["lexicon"]


def test_the_terms_of_many_entries_are_those_of_each() -> None:
    lexicon = Lexicon.from_terms(
        {"α": 1, "β": 2, "γ": 3, "δ": 4}, forms={"α": {"x": 0.5, "y": 0.5}, "β": {"x": 1.0}, "γ": {"γ": 1.0}}
    )
    entries = lexicon.term[lexicon.term >= 0]
    terms, places, shares = lexicon.all_named(entries)
    each = [(place, *named) for place, entry in enumerate(entries) for named in lexicon.named(int(entry))]
    assert len(each) > len(entries)
    assert [*zip(places.tolist(), terms.tolist(), shares.tolist(), strict=True)] == each
    assert [len(none) for none in lexicon.all_named(entries[:0])] == [0, 0, 0]
