"""Japanese: words are read as kana spell them; kanji need the extra."""

from __future__ import annotations

import pytest

from scriptbridge import Bridge, sounds
from scriptbridge.errors import MissingExtraError
from scriptbridge.sounds import hiragana


@pytest.mark.parametrize(
    ("word", "first"),
    [
        ("すし", "すし"), ("コーヒー", "こーひー"), ("ヴァイオリン", "ゔぁいおりん"), ("すゞ", "すず"),
        ("は", "わ"),
        ("こんにちは", "こんにちわ"), ("へ", "え"), ("を", "を"),
    ],
)  # fmt: skip
def test_kana_are_hiragana(word: str, first: str) -> None:
    assert hiragana.spoken(word)[0] == first


def test_particles_are_also_as_they_are_spelled() -> None:
    assert hiragana.spoken("では") == ["でわ", "では"]


@pytest.mark.parametrize("word", ["abc", "12", "학교", "1月"])
def test_nothing_else_is_said(word: str) -> None:
    assert hiragana.spoken(word) == []


def test_readings_of_kanji() -> None:
    pytest.importorskip("sudachidict_small")
    assert hiragana.spoken("東京") == ["とうきょう"]
    assert {"にほん", "にっぽん"} <= set(hiragana.spoken("日本"))
    assert {"ひと", "じん", "にん"} <= set(hiragana.spoken("人"))
    assert hiragana.spoken("食べ") == ["たべ"]


def test_a_name_ends_as_its_last_character_may_sound() -> None:
    pytest.importorskip("sudachipy")
    assert {"ふじやま", "ふじさん"} <= set(hiragana.spoken("富士山"))
    assert "すみだがわ" in hiragana.spoken("隅田川")
    assert hiragana.spoken("第一") == ["だいいち"]  # no suffix
    bridge = Bridge.from_terms({"富士山": 5, "富士": 5, "不死鳥": 2, "三": 9}, languages=["ja"])
    assert bridge.deromanize("fujisan")[0].text == bridge.deromanize("fujiyama")[0].text == "富士山"


def test_without_the_extra_kana_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise MissingExtraError("sudachipy is needed: pip install 'scriptbridge[ja]'", "ja")

    monkeypatch.setattr(hiragana, "_tokenizer", missing)
    sounds.spoken.cache_clear()
    assert sounds.forms(["東京", "すし"], ["hiragana"]) == {"すし": {"すし": 1.0}}
    sounds.spoken.cache_clear()


@pytest.mark.parametrize("latin", ["tokyo", "toukyou", "tōkyō", "tookyoo", "Tokyo"])
def test_schemes_are_one_channel(latin: str) -> None:
    pytest.importorskip("sudachidict_small")
    bridge = Bridge.from_terms({"東京": 5, "京都": 5, "時計": 3, "トーク": 2}, languages=["ja"])
    assert bridge.deromanize(latin)[0].text == "東京"


def test_kanji_and_kana_of_one_sound_are_both_meant() -> None:
    pytest.importorskip("sudachidict_small")
    bridge = Bridge.from_terms({"寿司": 5, "すし": 3, "スシ": 1, "さしみ": 9}, languages=["ja"])
    (position,) = bridge.expand("sushi").positions
    assert {"寿司", "すし", "スシ"} <= {reading.term for reading in position.readings}


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("おおさか", "大阪"),
        ("オオサカ", "大阪"),
        ("すし", "スシ"),
        ("林檎", "りんご"),
        ("箸", None),
        ("たこ", None),
    ],
)
def test_kana_find_kanji_and_kanji_kana(typed: str, found: str | None) -> None:
    pytest.importorskip("sudachidict_small")
    bridge = Bridge.from_terms(
        {"大阪": 5, "橋": 3, "スシ": 1, "りんご": 9, "逢坂": 1}, languages=["el", "ja"]
    )
    (position,) = bridge.expand(typed).positions
    terms = [reading.term for reading in position.readings]
    assert terms[:1] == ([found] if found else [])
    assert sum(reading.probability for reading in position.readings) <= 1 + 1e-9


def test_what_the_lexicon_holds_is_itself_alone() -> None:
    bridge = Bridge.from_terms({"すし": 1, "寿司": 5}, languages=["ja"])
    (position,) = bridge.expand("すし").positions
    assert [(reading.term, reading.weight) for reading in position.readings] == [("すし", 1.0)]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("ken'ichi", ["健一"]), ("Ken’ichi", ["健一"]), ("ken-ichi", ["健一"]), ("shin'ichi", ["真一"]),
        ("jun-ichi", ["純一"]), ("jun'ichi", ["純一"]), ("tan'i", ["単位"]), ("ren-ai", ["恋愛"]),
        ("shin-kan-sen", ["新幹線"]), ("Shin-Ōsaka", ["新", "大阪"]), ("Tōkyō-Ōsaka", ["東京", "大阪"]),
    ],
)  # fmt: skip
def test_hyphens_and_apostrophes_between_syllables(typed: str, words: list[str]) -> None:
    pytest.importorskip("sudachidict_small")
    terms = {
        **{
            "健一": 3,
            "真一": 4,
            "純一": 3,
            "純": 5,
            "潤": 2,
            "一": 60,
            "県": 40,
            "新": 30,
            "単位": 7,
            "谷": 9,
        },
        **{"恋愛": 6, "新幹線": 9, "東京": 50, "大阪": 30, "線": 20, "感": 9, "市": 60, "愛": 12, "歴史": 20},
        **{f"{a}{b}ゾ": 9 for a in "アイウエオカキクケコサシスセソ" for b in "タチツテトナニヌネノ"},
    }
    positions = Bridge.from_terms(terms, ["ja"], documents=1000).expand(typed).positions
    assert [each.readings[0].term if each.readings else "" for each in positions] == words


def test_hyphens_part_words_where_every_letter_is_written() -> None:
    bridge = Bridge.from_terms({"из": 900, "за": 900, "иза": 5, "москва": 50}, ["ru"])
    assert len(bridge.expand("iz-za").positions) == 2
