"""Chinese: how words sound, in Simplified and Traditional characters, and what pinyin finds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scriptbridge import languages, sounds, text
from scriptbridge.bridge import Bridge
from scriptbridge.channel import Channel, romanize
from scriptbridge.index import Index
from scriptbridge.sounds import bopomofo

WORDS = ["北京", "背景", "大学", "大雪", "银行", "女儿", "中国", "旅游", "长城", "重庆", "臺灣", "上海"]


def first(bridge: Bridge, query: str) -> list[str]:
    return [position.readings[0].term for position in bridge.expand(query).positions if position.readings]


@pytest.fixture(scope="module")
def bridge() -> Bridge:
    return Bridge.from_terms({word: len(WORDS) - place for place, word in enumerate(WORDS)}, ["zh"])


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("北京", ["ㄅㄟㄐㄧㄥ"]),
        ("银行", ["ㄧㄣㄏㄤ"]),
        ("行", ["ㄒㄧㄥ", "ㄏㄤ", "ㄏㄥ"]),
        ("重庆", ["ㄔㄨㄥㄑㄧㄥ"]),
        ("臺灣", ["ㄊㄞㄨㄢ"]),
        ("重庆大学", ["ㄔㄨㄥㄑㄧㄥㄉㄚㄒㄩㄝ"]),
        ("西安", ["ㄒㄧ·ㄢ"]),
        ("女儿", ["ㄋㄩ·ㄦ"]),
        ("安全", ["ㄢㄑㄩㄢ"]),
        ("ㄅㄟ", ["ㄅㄟ"]),
        ("の", []),
        ("北の", []),
        ("", []),
    ],
)
def test_how_words_sound(word: str, forms: list[str]) -> None:
    assert bopomofo.spoken(word) == forms


def test_every_form_is_in_the_languages_letters() -> None:
    letters = set(languages.load("zh").letters)
    assert letters == bopomofo.LETTERS | {bopomofo.BREAK}
    for code in range(0x4E00, 0x9FFF, 7):
        for form in bopomofo.spoken(chr(code)):
            assert form and letters.issuperset(form)


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("北京大学", "ㄅㄐㄉㄒ"),
        ("中国银行", "·ㄓㄍ·ㄧㄏ"),
        ("微信", "·ㄨㄒ"),
        ("元旦", "·ㄧㄉ"),
        ("西安", "ㄒㄚ"),
        ("北", ""),
        ("北の", ""),
    ],
)
def test_first_letters_of_syllables(word: str, form: str) -> None:
    assert bopomofo.short(word) == form
    assert set(languages.load("zh").letters).issuperset(form)


@pytest.mark.parametrize(
    ("token", "sound"),
    [
        ("bei3jing1", "beijing"),
        ("nv3", "nv"),
        ("xi'an", "xi'an"),
        ("xi1'an1", "xi'an"),
        ("bei'jing", "beijing"),
        ("mp3", "mp3"),
        ("mp3player", "mp3player"),
        ("win10", "win10"),
        ("iphone5s", "iphone5s"),
        ("don't", "don't"),
        ("a" * 300 + "1" * 300, "a" * 300 + "1" * 300),
    ],
)
def test_what_of_a_token_is_sound(token: str, sound: str) -> None:
    assert bopomofo.typed(token) == sound


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("beijing", "北京"), ("bei3jing1", "北京"), ("daxue", "大学"), ("yinhang", "银行"), ("nver", "女儿"),
        ("zhongguo", "中国"), ("zongguo", "中国"), ("luyou", "旅游"), ("lvyou", "旅游"), ("lyuyou", "旅游"),
        ("changcheng", "长城"), ("cangceng", "长城"), ("chongqing", "重庆"), ("taiwan", "臺灣"),
        ("sanghai", "上海"),
    ],
)  # fmt: skip
def test_pinyin_is_read(bridge: Bridge, typed: str, word: str) -> None:
    assert first(bridge, typed) == [word]


def test_first_letters_are_read_where_nothing_else_is() -> None:
    bridge = Bridge.from_terms({"北京大学": 5, "北京": 9, "大学": 9}, ["zh"])
    assert first(bridge, "bjdx") == ["北京大学"]
    assert first(bridge, "beijingdaxue") == ["北京大学"]


def test_first_letters_of_words_side_by_side_are_read_among_many_words(tmp_path: Path) -> None:
    others = ["中国", "人民", "银行", "上海", "长城", "女儿", "旅游", "重庆", "手机", "国家", "火车", "鸡蛋"]
    with Index.create(tmp_path / "index", languages=["zh"]) as index:
        index.add([(str(n), "".join(others[: n % 12 + 1])) for n in range(300)])
        index.add([("bjdx", "北京大学"), *((f"b{n}", "北京") for n in range(50))])
        index.commit()
        assert index.rank("bjdx")[0][0] == "bjdx"
        assert first(index.bridge, "bjdx") == ["北京", "大学"]
        assert first(index.bridge, "bcpl") == []  # ㄅㄘ begins none of them


def test_what_is_typed_in_either_characters_finds_both(tmp_path: Path) -> None:
    with Index.create(tmp_path / "index", languages=["zh"]) as index:
        index.add([("s", "台湾的大学"), ("t", "臺灣的大學"), *((str(n), "北京") for n in range(9))])
        index.commit()
        assert (
            {hit.id for hit in index.search("臺灣")} == {hit.id for hit in index.search("台湾")} == {"s", "t"}
        )
        assert {hit.id for hit in index.search("taiwan")} == {"s", "t"}


def test_words_are_romanized_apart() -> None:
    assert text.terms(romanize("北京大学", "zh", seed=1)[0]) != []
    assert len(romanize("北京大学", "zh")[0].split()) == 2
    assert Channel.load("zh").score("北京", "beijing") > Channel.load("zh").score("北京", "peking") > -40


DOCUMENTS = {
    "capital": "你好，北京大学在北京",
    "xian": "西安的城墙",
    "county": "先进的县城",
    "square": "天安门在北京",
    "daughter": "女儿喜欢旅游",
    "plan": "解决方案",
    "dislike": "令人反感",
    "bank": "中国银行",
    "app": "微信",
    "safety": "北京安全",
    "english": "mp3 player",
    **{str(n): "上海现在很先进" for n in range(20)},
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with Index.create(tmp_path_factory.mktemp("zh") / "index", languages=["zh"]) as index:
        index.add(DOCUMENTS.items())
        index.commit()
        yield index


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("bei3 jing1", [("bei3 jing1", "北京")]),
        ("ni3 hao3", [("ni3 hao3", "你好")]),
        ("bei3jing1da4xue2", [("bei3jing1", "北京"), ("da4xue2", "大学")]),
        ("bei3jing1 da4 xue2", [("bei3jing1", "北京"), ("da4 xue2", "大学")]),
        ("xi1 an1", [("xi1 an1", "西安")]),
        ("Xi’an", [("Xi’an", "西安")]),
        ("xi'an", [("xi'an", "西安")]),
        ("tian'anmen", [("tian'anmen", "天安门")]),
        ("nü'er", [("nü'er", "女儿")]),
        ("nv3'er2", [("nv3'er2", "女儿")]),
        ("fang'an", [("fang'an", "方案")]),
        ("bei'jing", [("bei'jing", "北京")]),
        ("Tian-an-men", [("Tian-an-men", "天安门")]),
        ("beijing'anquan", [("beijing'", "北京"), ("anquan", "安全")]),
        ("mp3 player", [("mp3", "mp3"), ("player", "player")]),
    ],
)
def test_tones_and_apostrophes(index: Index, query: str, words: list[tuple[str, str]]) -> None:
    positions = index.bridge.expand(query).positions
    assert [(query[p.token.start : p.token.end], p.readings[0].term) for p in positions] == words


@pytest.mark.parametrize(
    ("query", "document"),
    [
        ("bei3 jing1 da4 xue2", "capital"),
        ("ni3hao3", "capital"),
        ("ni3 hao3", "capital"),
        ("xi'an", "xian"),
        ("xi an", "xian"),
        ("tian'anmen", "square"),
        ("nü'er", "daughter"),
        ("zgyh", "bank"),
        ("bjdx", "capital"),
        ("wx", "app"),
        ("mp3player", "english"),
    ],
)
def test_what_is_typed_is_found(index: Index, query: str, document: str) -> None:
    assert index.search(query)[0].id == document


def test_an_apostrophe_tells_syllables_apart(index: Index) -> None:
    assert "反感" in {reading.term for reading in index.bridge.expand("fangan").positions[0].readings}
    assert [reading.term for reading in index.bridge.expand("fang'an").positions[0].readings] == ["方案"]


def test_native_queries_over_latin_documents_without_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sounds.spoken.cache_clear()
    monkeypatch.setitem(sys.modules, "pypinyin", None)
    posts = ["wo men zai beijing daxue", "zhongguo de daxue hen da", "beijing huan ying ni"]
    with Index.create(tmp_path / "index", languages=["zh"]) as index:
        index.add([(str(n), post) for n, post in enumerate(posts)])
        index.commit()
        assert index.bridge._variants.spellers
        assert index.search("北京") == []
