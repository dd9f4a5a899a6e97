"""Chinese: how words sound, in Simplified and Traditional characters, and what pinyin finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from scriptbridge import languages, text
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
    assert letters == bopomofo.LETTERS
    for code in range(0x4E00, 0x9FFF, 7):
        for form in bopomofo.spoken(chr(code)):
            assert form and letters.issuperset(form)


def test_short_forms_are_of_consonants_only() -> None:
    assert bopomofo.short("北京大学") == "ㄅㄐㄉㄒ"
    assert bopomofo.short("银行") == bopomofo.short("北") == bopomofo.short("北の") == ""


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
