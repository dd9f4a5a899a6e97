"""Why queries are lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scriptbridge import text
from scriptbridge.bridge import Bridge
from scriptbridge.channel import Channel
from scriptbridge.gap.causes import CAUSES, SEARCHES, aligned, diagnose
from scriptbridge.types import Expansion, Position, Reading

GREEK = Channel.load("el")


def told(query: str, *readings: list[tuple[str, float]]) -> Expansion:
    """What a system says it read each word as."""
    tokens = text.tokenize(query)
    return Expansion(
        tuple(
            Position(token, tuple(Reading(term, p) for term, p in each))
            for token, each in zip(tokens, readings, strict=True)
        )
    )


def found_with(*needed: str) -> Callable[[str], float]:
    """A search that finds half for each of these native words in the query."""
    return lambda query: sum(word in text.terms(query) for word in needed) / len(needed)


def test_no_reading() -> None:
    readings = told("kala psaria", [("καλα", 0.9)], [("ψαρας", 0.5)])
    found = diagnose("kala psaria", "καλά ψάρια", "el", readings, found_with("ψαρια"))
    assert (found.cause, found.token, found.missed) == ("no reading", "psaria", "ψάρια")
    assert found.readings == (("ψαρας", 0.5),)


def test_wrong_reading_first() -> None:
    readings = told("kala psaria", [("καλα", 0.9)], [("ψαρας", 0.5), ("ψαρια", 0.4)])
    found = diagnose("kala psaria", "καλά ψάρια", "el", readings, found_with("ψαρια"))
    assert (found.cause, found.token) == ("wrong reading first", "psaria")


def test_noise() -> None:
    readings = told("kala zqwk", [("καλα", 0.9)], [])
    found = diagnose("kala zqwk", "καλά ψάρια", "el", readings, found_with("ψαρια"))
    assert (found.cause, found.token, found.missed) == ("noise", "zqwk", "ψάρια")


def test_ambiguity_names_the_least_sure_word() -> None:
    readings = told("kala psaria", [("καλα", 0.9)], [("ψαρια", 0.4), ("ψαρας", 0.3)])
    found = diagnose("kala psaria", "καλά ψάρια", "el", readings, found_with("ψαρια"))
    assert (found.cause, found.token) == ("ambiguity", "psaria")


def test_of_several_suspects_the_one_that_brings_most_back() -> None:
    readings = told("kala psaria", [("καλο", 0.9)], [("ψαρας", 0.9)])
    lost = diagnose("kala psaria", "καλά ψάρια", "el", readings, found_with("καλα"))
    assert lost.token == "kala"
    lost = diagnose("kala psaria", "καλά ψάρια", "el", readings, found_with("ψαρια"))
    assert lost.token == "psaria"


def test_words_run_together_and_apart() -> None:
    lost = diagnose("kalimerakosme", "καλημέρα κόσμε", "el", told("kalimerakosme", []), found_with("κοσμε"))
    assert (lost.cause, lost.token, lost.missed) == ("segmentation", "kalimerakosme", "καλημέρα κόσμε")
    lost = diagnose("mous akas", "μουσακάς", "el", told("mous akas", [], []), found_with("μουσακασ"))
    assert (lost.cause, lost.token, lost.missed) == ("segmentation", "mous akas", "μουσακάς")


def test_a_system_without_readings_is_asked_again_with_each_word() -> None:
    lost = diagnose("kala psaria", "καλά ψάρια", "el", None, found_with("ψαρια"))
    assert (lost.cause, lost.token, lost.missed) == ("unread", "psaria", "ψάρια")
    nothing = diagnose("kala psaria", "καλά ψάρια", "el", None, lambda query: 0.0)
    assert nothing.cause == "unknown"


def test_run_files_name_a_word_without_searching() -> None:
    assert diagnose("kala zqwk", "καλά ψάρια", "el", None, None).cause == "noise"


@pytest.mark.parametrize(
    ("latin", "native"), [("", "καλά"), ("kala", ""), ("", ""), ("123", "123"), ("!", "?")]
)
def test_strange_queries_have_a_cause_too(latin: str, native: str) -> None:
    for readings in (None, Bridge.from_terms({"καλα": 1}, ["el"]).expand(latin)):
        assert diagnose(latin, native, None, readings, found_with("καλα")).cause in CAUSES


def test_long_queries_take_bounded_searches() -> None:
    asked: list[str] = []

    def effectiveness(query: str) -> float:
        asked.append(query)
        return 0.0

    latin, native = "lexi " * 3000 + "telos", "λέξη " * 2900 + "άλλο " + "α" * 100_000
    for readings in (None, told("")):
        asked.clear()
        assert diagnose(latin, native, "el", readings, effectiveness).cause in CAUSES
        assert 0 < len(asked) <= 1 + SEARCHES
    assert diagnose("a" * 100_000, "α" * 100_000, "el", told(""), None).cause == "noise"


def test_the_likeliest_of_many_suspects_are_asked_about() -> None:
    words = " ".join(f"zz{n}" for n in range(30))
    lost = diagnose(f"{words} psaria kala", f"{words} ψάρια καλά", "el", None, found_with("ψαρια"))
    assert (lost.cause, lost.token) == ("unread", "psaria")


def test_an_unknown_language_is_aligned_by_position() -> None:
    tokens = text.tokenize("a b"), text.tokenize("ა ბ")
    assert [(typed.text, word.text) for (typed,), (word,) in aligned(*tokens, None)] == [
        ("a", "ა"),
        ("b", "ბ"),
    ]
    ((latin, native),) = aligned(text.tokenize("a b c"), text.tokenize("ა ბ"), None)
    assert len(latin) == 3 and len(native) == 2


def test_alignment_covers_every_word_once_and_in_order() -> None:
    latin = text.tokenize("pos ftiaxnetaio mous akas simera")
    native = text.tokenize("Πώς φτιάχνεται ο μουσακάς")
    pairs = aligned(latin, native, GREEK)
    assert [token for typed, _ in pairs for token in typed] == latin
    assert [token for _, meant in pairs for token in meant] == native
    meant = [" ".join(token.text for token in words) for _, words in pairs]
    assert meant == ["πωσ", "φτιαχνεται ο", "μουσακασ", ""]
