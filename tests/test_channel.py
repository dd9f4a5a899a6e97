"""Channels: scoring, sampling, learning, files."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriptbridge import languages, text
from scriptbridge.channel import LATIN, NOISE, Channel, romanize, trigram_codes
from scriptbridge.errors import ChannelError, LanguageError, QueryError
from scriptbridge.estimation import KEPT

# Probabilities are rounded to a twelfth of a bit, so that a word may come to a little more than certain.
ROUNDING = math.log(2) / 24

TOY = """
name = "Toy"
native_name = "Τοι"
scripts = ["Grek"]
letters = "αβγδ"
frequent = ["αβ"]
[segments]
"α" = {{ a = {a}, e = {e} }}
"β" = {{ b = {b}, v = {v} }}
"γ" = {{ g = 1 }}
"δ" = {{ d = 1 }}
"γδ" = {{ x = {x}, gd = {gd} }}
"""


def toy(directory: Path, **weights: float) -> languages.Language:
    """A language of four letters, spelled as likely as `weights` say."""
    path = directory / "toy.toml"
    path.write_text(
        TOY.format(**dict.fromkeys(("a", "e", "b", "v", "x", "gd"), 1) | weights), encoding="utf-8"
    )
    return languages.load_file(path)


def word_of(code: str) -> st.SearchStrategy[str]:
    return st.text(languages.load(code).letters, min_size=1, max_size=12)


# Those whose words are written in the letters that the channel reads.
codes = st.sampled_from([code for code in languages.codes() if not languages.load(code).sounds])
spoken = codes.flatmap(lambda code: st.tuples(st.just(code), word_of(code)))


# ── scoring and sampling


@given(spoken, st.integers(0, 2**32))
def test_what_is_sampled_can_be_scored(spoken: tuple[str, str], seed: int) -> None:
    code, word = spoken
    channel = Channel.load(code)
    for written in channel.sample(word, 3, seed):
        if written and text.normalize(word) == word:
            assert set(written) <= set(LATIN)
            assert -math.inf < channel.score(word, written) <= ROUNDING * len(word)


@given(spoken)
def test_sampling_is_told_by_its_seed(spoken: tuple[str, str]) -> None:
    channel = Channel.load(spoken[0])
    samples = channel.sample(spoken[1], 5, seed=7)
    assert samples == channel.sample(spoken[1], 5, seed=7)
    assert len(samples) == 5


def test_samples_are_drawn_as_often_as_the_channel_says(tmp_path: Path) -> None:
    channel = Channel.from_scheme(toy(tmp_path, a=3, e=1))
    drawn = oracles.shares(channel.sample("αγ", 4000, seed=1))
    assert drawn == pytest.approx({"ag": 0.75, "eg": 0.25}, abs=0.03)


@settings(max_examples=50)
@given(spoken, st.text("abcdeghiklmnoprstuvy", max_size=8))
def test_scores_are_the_oracles(spoken: tuple[str, str], latin: str) -> None:
    code, word = spoken
    if text.normalize(word) != word:
        return
    channel = Channel.load(code)
    wanted = oracles.likelihood(table_of(code), word, latin)
    assert math.exp(channel.score(word, latin)) == pytest.approx(wanted, rel=1e-9, abs=1e-300)


_tables: dict[str, oracles.Table] = {}


def table_of(code: str) -> oracles.Table:
    if code not in _tables:
        _tables[code] = oracles.table_of(Channel.load(code))
    return _tables[code]


def test_words_are_normalised_before_they_are_scored() -> None:
    channel = Channel.load("el")
    assert channel.score("Μουσακάς", "Mousakas") == channel.score("μουσακασ", "mousakas") > -10


@pytest.mark.parametrize(
    ("native", "latin"), [("мама", "mama"), ("μαμά", "мама"), ("μαμά2", "mama"), ("μαμά", "ma-ma")]
)
def test_letters_of_others_cannot_be(native: str, latin: str) -> None:
    assert Channel.load("el").score(native, latin) == -math.inf


def test_a_word_with_letters_of_others_has_no_samples() -> None:
    assert Channel.load("el").sample("мама", 3) == []


def test_a_slip_of_the_hand_is_unlikely_but_possible(tmp_path: Path) -> None:
    channel = Channel.from_scheme(toy(tmp_path))
    right, wrong = channel.score("αγ", "ag"), channel.score("αγ", "zg")
    assert wrong == pytest.approx(math.log(NOISE), abs=0.1) and wrong < right
    assert channel.score("αγ", "agzzz") == -math.inf


@pytest.mark.parametrize("code", languages.codes())
def test_every_letter_can_be_written(code: str) -> None:
    channel = Channel.load(code)
    for letter in languages.load(code).letters:
        rows = channel.word_rows(letter)
        assert rows is not None and (rows >= 0).any(), letter


@pytest.mark.parametrize("code", languages.codes())
def test_probabilities_of_a_context_sum_to_one_at_most(code: str) -> None:
    starts: dict[tuple[str, str, str], float] = {}
    for context, spelled in table_of(code).items():
        starts[context] = math.fsum(spelled.values())
    assert max(starts.values()) < 1.05


@pytest.mark.parametrize("code", languages.codes())
def test_romanized_words_are_likelier_than_noise(code: str) -> None:
    trigrams = Channel.load(code).trigrams
    examples = [latin for spelled in languages.load(code).examples.values() for latin in spelled]

    def cost_of(words: list[str]) -> float:
        codes = [trigram for word in words for trigram in trigram_codes(word)]
        return float(trigrams[codes].mean())

    assert cost_of(examples) <= cost_of(["xqxq", "zzjvwk", "qgbx"])
    assert all(len(trigrams[trigram_codes(word)]) > 0 for word in ["", "42", "naïve", "κ"])


# ── romanize


@given(spoken, st.integers(0, 1000))
def test_romanize_is_told_by_its_seed(spoken: tuple[str, str], seed: int) -> None:
    code, word = spoken
    versions = romanize(f"{word}, {word}", code, n=2, seed=seed)
    assert versions == romanize(f"{word}, {word}", code, n=2, seed=seed)
    assert len(versions) == 2


def test_romanize_leaves_alone_what_is_not_in_the_languages_letters() -> None:
    for version in romanize("(Κιμάς, iPhone 15: мама!)", "el", n=5):
        assert re.fullmatch(r"\([a-z0-9']+, iPhone 15: мама!\)", version)


def test_romanize_varies() -> None:
    assert len(set(romanize("θάλασσα και ουρανός", "el", n=20))) > 3
    assert romanize("θάλασσα", "el", n=10, seed=1) != romanize("θάλασσα", "el", n=10, seed=2)


def test_romanize_an_unknown_language() -> None:
    with pytest.raises(LanguageError, match="el"):
        romanize("γεια", "xx")


def test_romanize_nothing() -> None:
    assert romanize("", "el", n=2) == ["", ""]
    with pytest.raises(QueryError, match="from 1"):
        romanize("γεια", "el", n=0)


@pytest.mark.parametrize("n, seed", [(0, 0), (-1, 0), (1.5, 0), (True, 0), ("2", 0), (1, -1), (1, None)])
def test_how_many_and_the_seed_are_checked(n: Any, seed: Any) -> None:
    for draw in (Channel.load("el").sample, lambda word, n, seed: romanize(word, "el", n, seed)):
        with pytest.raises(QueryError, match="from 1"):
            draw("γεια", n, seed)


@pytest.mark.parametrize("word", [None, 3, b"geia", ["geia"]])
def test_words_that_are_no_text_are_refused(word: Any) -> None:
    channel = Channel.load("el")
    for use in (channel.sample, lambda word: channel.score(word, "geia"), lambda w: channel.score("γεια", w)):
        with pytest.raises(QueryError, match="str"):
            use(word)


@pytest.mark.parametrize("language", [None, 3, b"el", ["el"]])
def test_languages_of_other_types_are_refused(language: Any) -> None:
    for use in (
        Channel.load,
        Channel.from_scheme,
        lambda language: Channel.learn(language, [("μαμά", "mama", 1.0)]),
        lambda language: romanize("γεια", language),
    ):
        with pytest.raises(LanguageError, match="code"):
            use(language)


@given(spoken, st.integers(0, 2**32))
def test_no_probability_is_above_one(spoken: tuple[str, str], seed: int) -> None:
    channel, native = Channel.load(spoken[0]), spoken[1]
    assert all(channel.score(native, latin) <= 0 for latin in channel.sample(native, 3, seed))


# ── learning


def test_learning_recovers_the_channel_that_made_the_pairs(tmp_path: Path) -> None:
    true = Channel.from_scheme(toy(tmp_path, a=9, e=1, b=1, v=4))
    words = ["αβα", "βαγ", "δαβα", "βαδα", "αγαβ", "γαβα", "δα", "αβγα"]
    pairs = [(word, latin, 1.0) for seed, word in enumerate(words) for latin in true.sample(word, 400, seed)]
    learned = Channel.learn(toy(tmp_path), pairs)  # what it starts from takes all for equally likely
    table = oracles.table_of(learned)
    shares = {"a": 0.9, "e": 0.1, "b": 0.2, "v": 0.8}
    expected = {spelling: (1 - KEPT) * share + KEPT * 0.5 for spelling, share in shares.items()}
    assert table["α", "", ""] == pytest.approx({"a": expected["a"], "e": expected["e"]}, abs=0.03)
    assert table["β", "", ""] == pytest.approx({"b": expected["b"], "v": expected["v"]}, abs=0.03)
    mixed = Channel.from_scheme(toy(tmp_path, **expected))
    for word in words:
        for latin in set(true.sample(word, 20, seed=99)):
            assert learned.score(word, latin) == pytest.approx(mixed.score(word, latin), abs=0.35)


def test_learning_tells_neighbours_apart(tmp_path: Path) -> None:
    pairs = [("αβ", "av", 100.0), ("βα", "ba", 100.0), ("γαβ", "gav", 100.0), ("βαδ", "bad", 100.0)]
    learned = Channel.learn(toy(tmp_path), pairs)
    assert learned.score("αβ", "av") > learned.score("αβ", "ab") + 1
    assert learned.score("βα", "ba") > learned.score("βα", "va") + 1


def test_learning_units_of_two_letters(tmp_path: Path) -> None:
    learned = Channel.learn(toy(tmp_path), [("αγδα", "axa", 50.0), ("γδα", "xa", 50.0)])
    assert learned.score("γδα", "xa") > learned.score("γδα", "gda") + 1


def test_pairs_make_what_they_show_likelier(tmp_path: Path) -> None:
    language = toy(tmp_path)
    before = Channel.from_scheme(language)
    after = Channel.learn(language, [("αβ", "av", 5.0)] * 20)
    assert after.score("αβ", "av") > before.score("αβ", "av")


def test_learning_what_the_scheme_forgot(tmp_path: Path) -> None:
    language = toy(tmp_path)
    pairs = [("αβα", "aqa", 1.0), ("βα", "qa", 1.0), ("αβ", "aq", 1.0)] * 60
    before, after = Channel.from_scheme(language), Channel.learn(language, pairs)
    assert after.score("βα", "qa") > before.score("βα", "qa") + 3


def test_learning_takes_a_language_by_its_code_and_normalises() -> None:
    learned = Channel.learn("el", [("Μουσακάς", "Mousakas", 1.0)], sources=["a list"])
    assert learned.language == "el" and learned.sources == ("a list",)
    assert -math.inf < learned.score("μουσακάς", "mousakas")


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("мама", "mama", 1.0)],
        [("μαμά", "мама", 1.0)],
        [("", "mama", 1.0), ("μαμά", "", 1.0)],
        [("μαμά μαμά", "mama mama", 1.0)],
    ],
)
def test_pairs_that_teach_nothing_are_refused(pairs: list[tuple[str, str, float]]) -> None:
    with pytest.raises(ChannelError, match="Greek"):
        Channel.learn("el", pairs)


def test_pairs_that_cannot_be_aligned_or_are_too_long_do_no_harm() -> None:
    useless = [("α", "mousakas", 1.0), ("α" * 60, "a" * 60, 1.0)]
    learned = Channel.learn("el", [("μουσακας", "mousakas", 1.0), *useless])
    assert -math.inf < learned.score("μουσακας", "mousakas") < 0.5


@pytest.mark.parametrize("pair", [("α", "mousakas", 1.0), ("α" * 60, "a" * 60, 1.0)])
def test_pairs_of_which_none_can_be_aligned_are_refused(pair: tuple[str, str, float]) -> None:
    with pytest.raises(ChannelError):
        Channel.learn("el", [pair])


@pytest.mark.parametrize("strength", [0.0, -1.0, math.nan, math.inf, None])
def test_a_scheme_that_weighs_nothing_is_refused(strength: Any) -> None:
    with pytest.raises(ChannelError, match="scheme_strength"):
        Channel.learn("el", [("μαμά", "mama", 1.0)], scheme_strength=strength)


@pytest.mark.parametrize("weight", [0.0, -1.0, math.nan, math.inf])
def test_weights_that_weigh_nothing_are_refused(weight: float) -> None:
    with pytest.raises(ChannelError):
        Channel.learn("el", [("μαμά", "mama", weight)])


@pytest.mark.parametrize(
    "pair",
    [
        ("μαμά", "mama"),
        ("μαμά", "mama", 1.0, 1.0),
        ("μαμά", "mama", "1"),
        ("μαμά", "mama", None),
        ("μαμά", "mama", math.nan),
        ("μαμά", "mama", math.inf),
        ("μαμά", "mama", 1e10),
        (3, "mama", 1.0),
        ("μαμά", None, 1.0),
        "abc",
        None,
    ],
)
def test_what_is_no_pair_is_refused_beside_good_ones(pair: Any) -> None:
    with pytest.raises(ChannelError, match="weight"):
        Channel.learn("el", [("μαμά", "mama", 1e9), pair])


def test_learning_repeats_itself_whatever_the_hash_seed(tmp_path: Path) -> None:
    program = (
        "import sys, zlib; from scriptbridge.channel import Channel; true = Channel.load('el');"
        "words = ['μουσακασ', 'θαλασσα', 'ουρανοσ', 'μπυρα', 'αυγο'];"
        "pairs = [(w, s, 1.0) for w in words for s in true.sample(w, 30, 3) if s];"
        "sys.stdout.buffer.write(Channel.learn('el', pairs).to_bytes())"
    )
    files = [
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert files[0] == files[1]
    assert Channel.from_bytes(files[0], "again").to_bytes() == files[0]


# ── files


@pytest.mark.parametrize("code", languages.codes())
def test_files_come_back(code: str, tmp_path: Path) -> None:
    channel = Channel.load(code)
    path = tmp_path / "mine.channel"
    channel.save(path)
    loaded = Channel.load(path)
    assert loaded.to_bytes() == channel.to_bytes() == path.read_bytes()
    assert Channel.load(str(path)).to_bytes() == channel.to_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["mine.channel"]
    for word, spelled in languages.load(code).examples.items():
        for latin in spelled:
            assert loaded.score(word, latin) == channel.score(word, latin)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("channel")
    Channel.from_scheme(toy(directory)).save(directory / "toy.channel")
    return directory / "toy.channel"


@given(data=st.data())
def test_a_damaged_file_is_refused(saved: Path, data: st.DataObject) -> None:
    content = bytearray(saved.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    damaged = saved.with_name("damaged.channel")
    damaged.write_bytes(content)
    with pytest.raises(ChannelError, match=r"damaged\.channel"):
        Channel.load(damaged)


@given(data=st.data())
def test_a_cut_file_is_refused(saved: Path, data: st.DataObject) -> None:
    content = saved.read_bytes()
    cut = saved.with_name("cut.channel")
    cut.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(ChannelError, match=r"cut\.channel"):
        Channel.load(cut)


def test_a_newer_file_says_upgrade(saved: Path) -> None:
    newer = saved.with_name("newer.channel")
    newer.write_bytes(saved.read_bytes().replace(b"scriptbridge-channel 1", b"scriptbridge-channel 2", 1))
    with pytest.raises(ChannelError, match="upgrade"):
        Channel.load(newer)


def test_what_cannot_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(LanguageError, match="xx"):
        Channel.load("xx")
    with pytest.raises(ChannelError, match=r"absent\.channel"):
        Channel.load(tmp_path / "absent.channel")
    with pytest.raises(ChannelError):
        Channel.load(tmp_path)
    with pytest.raises(ChannelError, match="too long"):
        Channel.load("x" * 300)
    other = tmp_path / "other.channel"
    other.write_text("something else\n")
    with pytest.raises(ChannelError, match="not a channel"):
        Channel.load(other)


def test_saving_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    channel = Channel.load("el")
    (tmp_path / "real.channel").write_bytes(b"old")
    (tmp_path / "link.channel").symlink_to("real.channel")
    channel.save(tmp_path / "link.channel")
    assert (tmp_path / "link.channel").is_symlink()
    assert (tmp_path / "real.channel").read_bytes() == channel.to_bytes()


def test_what_cannot_be_saved_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = Channel.load("el")
    with pytest.raises(ChannelError, match="folder"):
        channel.save(tmp_path)
    with pytest.raises(ChannelError, match="No such file"):
        channel.save(tmp_path / "no" / "my.channel")
    with pytest.raises(ChannelError, match="cannot write"):
        channel.save("a\0b")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ChannelError, match="folder"):
        channel.save(".")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ChannelError, match="No space left"):
        channel.save("my.channel")
    assert list(tmp_path.iterdir()) == []
