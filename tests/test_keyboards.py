"""Queries typed on another keyboard layout than was meant."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptbridge import Index, keyboards, languages, text
from scriptbridge.bridge import Bridge

CODES = [code for code in languages.codes() if keyboards.layout(code)]
RUSSIAN = {
    "привет": 20, "любовь": 5, "мир": 100, "и": 900, "хорошо": 7, "это": 300, "hello": 30, "world": 3,
    "iphone": 5, "больше": 8, "ест": 3,
}  # fmt: skip


def russian() -> Bridge:
    return Bridge.from_terms(RUSSIAN, ["ru"])


def first(bridge: Bridge, query: str) -> list[str | None]:
    return [
        position.readings[0].term if position.readings else None
        for position in bridge.expand(query).positions
    ]


@pytest.mark.parametrize("code", CODES)
def test_a_language_s_words_come_back_from_their_keys(code: str) -> None:
    layout = keyboards.layout(code)
    assert layout is not None
    words = {word for example in languages.load(code).examples for word in text.terms(example)}
    back = [text.terms(layout.native(layout.keys(word))) == [word] for word in words]
    assert sum(back) >= 0.9 * len(back)


@pytest.mark.parametrize(
    ("code", "typed", "native"),
    [
        ("ru", "ghbdtn", "привет"),
        ("ru", "Ghbdtn", "привет"),
        ("ru", "k.,jdm", "любовь"),
        ("ru", "{jhjij", "хорошо"),
        ("he", "akuo", "שלום"),
        ("el", "kalhm;era", "καλημέρα"),
        ("ka", "SeneT", "შენეთ"),
        ("ar", "sbl", "سلام"),
        ("ko", "dkssudgktpdy", "안녕하세요"),
        ("ko", "rkrtk", "각사"),
        ("ko", "ekfrrhrl", "닭고기"),
    ],
)
def test_known_words(code: str, typed: str, native: str) -> None:
    layout = keyboards.layout(code)
    assert layout is not None
    assert layout.native(typed) == native


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("ghbdtn vbh", ["привет", "мир"]),
        ("Ghbdtn, vbh!", ["привет", "мир"]),
        ("k.,jdm", ["любовь"]),
        ("[jhjij", ["хорошо"]),
        ("'nj ,jkmit", ["это", "больше"]),
        ("iphone k.,jdm", ["iphone", "любовь"]),
        ("ghbdtn мир", ["привет", "мир"]),
        ("руддщ цщкдв", ["hello", "world"]),
        ("privet i mir", ["привет", "и", "мир"]),
        ("привет мир", ["привет", "мир"]),
        ("hello world", ["hello", "world"]),
    ],
)
def test_what_was_meant_comes_first(query: str, meant: list[str]) -> None:
    assert first(russian(), query) == meant


def test_a_joined_word_stands_where_its_keys_do() -> None:
    (position,) = russian().expand(" k.,jdm!").positions
    assert (position.token.text, position.token.start, position.token.end) == ("k.,jdm", 1, 7)
    assert russian().deromanize("k.,jdm! [jhjij")[0].text == "любовь! хорошо"


def test_a_native_word_of_the_lexicon_is_nothing_else() -> None:
    bridge = Bridge.from_terms({"руддщ": 1, "hello": 1000}, ["ru"])
    (position,) = bridge.expand("руддщ").positions
    assert [(reading.term, reading.weight) for reading in position.readings] == [("руддщ", 1.0)]


def test_an_ordinary_query_is_read_as_its_tokens_are() -> None:
    bridge = russian()
    for query in ("privet mir", "eto iphone", "xorosho i lyubov"):
        assert bridge.expand(query) == bridge.expand(text.tokenize(query))


def test_without_the_word_in_the_lexicon_nothing_is_meant() -> None:
    assert first(Bridge.from_terms({"мир": 100}, ["ru"]), "ghbdtn k.,jdm") == [None, None, None]


@given(st.lists(st.sampled_from(["k.,jdm", ",jkmit", "'nj", "b", "ghbdtn", "мир", "vbh", ";", "tcn"])))
def test_tokens_keep_their_order_and_never_overlap(words: list[str]) -> None:
    query = " ".join(words)
    tokens = [position.token for position in russian().expand(query).positions]
    assert all(a.end <= b.start for a, b in pairwise(tokens))
    assert all(query[token.start : token.end].lower() == token.text for token in tokens)


def test_an_index_finds_them(tmp_path: Path) -> None:
    with Index.create(tmp_path / "index", languages=["ru"]) as index:
        index.add([("1", "Любовь и мир"), ("2", "хорошо"), ("3", "Hello")])
        index.commit()
        found = {query: [hit.id for hit in index.search(query)] for query in ("k.,jdm", "[jhjij", "руддщ")}
        assert found == {"k.,jdm": ["1"], "[jhjij": ["2"], "руддщ": ["3"]}
        assert index.search("k.,jdm")[0].highlight == "[Любовь] и мир"
