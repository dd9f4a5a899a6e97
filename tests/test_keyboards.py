"""Queries typed on another keyboard layout than was meant."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptbridge import Index, keyboards, languages, text
from scriptbridge.bridge import Bridge
from scriptbridge.channel import Channel

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


OTHERS = {
    "ru": "привет любовь", "uk": "їжак привіт єдність", "bg": "здравей площад ябълка", "be": "прывітанне",
    "sr": "здраво љубав школа", "mk": "здраво љубов ѓавол", "kk": "сәлем қазақ", "mn": "монгол өдөр",
    "ar": "سلام مدرسة البيت", "fa": "سلام کتاب می‌خواهم", "ur": "سلام پاکستان", "he": "שלום תודה צהריים",
    "ka": "გამარჯობა წყალი ჭიქა", "hy": "բարեւ շնորհակալություն ջուր", "el": "καλημέρα θάλασσα ψωμί",
    "ko": "안녕하세요 학교에서 대한민국", "hi": "नमस्ते विद्यालय", "ta": "வணக்கம்", "bn": "বাংলা",
    "th": "สวัสดี โรงเรียน",
}  # fmt: skip


@pytest.mark.parametrize("code", OTHERS)
def test_a_word_typed_on_the_wrong_layout_is_read_and_cut_as_if_it_were_native(code: str) -> None:
    layout = keyboards.layout(code)
    assert layout is not None
    forms = {form: 7 for word in OTHERS[code].split() for form in text.terms(word)}
    bridge = Bridge.from_terms(
        forms | dict.fromkeys(["hello", "iphone", "samsung"], 5), [code], documents=100
    )
    for word in OTHERS[code].split():
        keys = layout.keys(word)
        positions = bridge.expand(keys).positions
        assert [text.normalize(each.readings[0].term) for each in positions if each.readings] == text.terms(
            word
        )
        assert "".join(keys[each.token.start : each.token.end] for each in positions) == keys


# As a touch typist of each language would press them.
PRESSED = {
    "ru": ("ghbdtn", "привет"), "he": ("akuo", "שלום"), "el": ("kalhm;era", "καλημέρα"),
    "ar": ("hgsghl", "السلام"), "fa": (";jhf", "کتاب"), "uk": ("];fr", "їжак"), "bg": ("zdrawej", "здравей"),
    "ka": ("Cai", "ჩაი"), "hy": ("bare&", "բարև"), "th": ("l;ylfu", "สวัสดี"), "ko": ("dkssud", "안녕"),
    "sr": ("qubav", "љубав"),
}  # fmt: skip


@pytest.mark.parametrize("code", PRESSED)
def test_a_word_of_each_language_on_its_layout(code: str) -> None:
    pressed, word = PRESSED[code]
    terms = dict.fromkeys(text.terms(word), 7) | {"hello": 5, "iphone": 5}
    (position,) = Bridge.from_terms(terms, [code], documents=100).expand(pressed).positions
    assert text.normalize(position.readings[0].term) == text.normalize(word)


def test_bulgarian_is_typed_on_either_of_its_layouts() -> None:
    bridge = Bridge.from_terms({"здравей": 7, "площад": 5, "ябълка": 5, "hello": 5}, ["bg", "ru"], 100)
    for name in ("", "bds"):
        layout = keyboards.layout("bg", name)
        assert layout is not None
        for word in ("здравей", "площад", "ябълка"):
            assert first(bridge, layout.keys(word)) == [word]
    assert first(bridge, "po,dlex m.fydo s/c.ud") == ["здравей", "площад", "ябълка"]
    assert bridge.complete("po,dl")[0].term == "здравей"
    assert keyboards.layout("bg", "dvorak") is None


def test_nobody_switches_layouts_within_a_query() -> None:
    bridge = Bridge.from_terms({"भारत": 9, "नमस्ते": 3, "me": 900, "hello": 30}, ["hi"])
    layout = keyboards.layout("hi")
    assert layout is not None
    assert (
        keyboards.Keyboards(bridge.lexicon, [layout]).read("सा", text.tokenize("सा"), latin=False) == []
    )  # me
    hello = layout.native("hello")
    assert first(bridge, hello) == ["hello"]
    assert first(bridge, f"भारत {hello}")[0] == "भारत"
    assert "hello" not in first(bridge, f"भारत {hello}")


def test_keys_that_leave_a_sign_without_a_letter_are_no_word() -> None:
    layout = keyboards.layout("hi")
    assert layout is not None
    assert "तू" in layout.native("asfafalt")
    assert first(Bridge.from_terms({"तू": 900, "है": 90}, ["hi"]), "asfafalt hai") == [None, "है"]


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


@pytest.mark.parametrize(
    ("code", "terms", "query", "read"),
    [
        ("ru", ["привет"], "ghbdtn", ["привет"]),
        ("ar", ["البيت", "بيت"], "el beit", ["البيت"]),
        ("th", ["กรุงเทพ"], "krung thep", ["กรุงเทพ"]),
    ],
)
def test_a_language_of_one_s_own_is_typed_as_its_file_says(
    code: str, terms: list[str], query: str, read: list[str], tmp_path: Path
) -> None:
    shipped = Path(languages.__file__).with_name(f"{code}.toml")
    (tmp_path / "xq.toml").write_bytes(shipped.read_bytes())
    made = Channel.from_scheme(languages.load_file(tmp_path / "xq.toml"))
    made.save(tmp_path / "xq.channel")
    assert Channel.load(tmp_path / "xq.channel").typing == languages.load(code).typing
    bridge = Bridge.from_terms(dict.fromkeys(terms, 9), [Channel.load(tmp_path / "xq.channel")])
    assert first(bridge, query) == read
    assert Channel.from_scheme(code).own_typing is None


def test_a_long_query_without_spaces() -> None:
    layout = keyboards.layout("th")
    assert layout is not None
    words = [
        "กรุงเทพ",
        "โรงเรียน",
        "ประเทศไทย",
        "มหาวิทยาลัย",
        "อาหาร",
        "ภาษาไทย",
        "โทรศัพท์",
        "นักเรียน",
        "ร้านอาหาร",
    ]
    native = "".join(words)
    terms = dict.fromkeys(text.terms(native), 9)
    keys = layout.keys(native)
    assert len(keys) > 70 and " " not in keys
    assert first(Bridge.from_terms(terms, ["th"]), keys) == text.terms(native)


def test_a_word_begun_on_the_wrong_layout_is_completed() -> None:
    assert [each.term for each in russian().complete("ghbd")] == ["привет"]
    assert [each.term for each in russian().complete("hel")][:1] == ["hello"]
    assert russian().complete("ghbd ") == russian().complete("privet ") == []
