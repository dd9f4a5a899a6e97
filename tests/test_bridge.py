"""Expansion, deromanization and completion over a lexicon."""

from __future__ import annotations

import heapq
import json
import math
import random
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import resources
from typing import Any

import oracles
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scriptbridge import identification, languages, text
from scriptbridge.bridge import ITSELF, READINGS, Bridge
from scriptbridge.channel import Channel, romanize
from scriptbridge.errors import LanguageError, QueryError, ScriptbridgeError
from scriptbridge.lexicon import Lexicon
from scriptbridge.types import Expansion, Token
from scriptbridge.weights import PRIOR, SHARPNESS, Terms, boost, outside
from scriptbridge.writing import Speller

GREEK = {
    "μουσακάς": 12, "μπύρα": 30, "πίτα": 9, "σαλάτα": 15, "Θεσσαλονίκη": 40, "και": 900, "το": 950,
    "τον": 400, "νησιά": 22, "θάλασσα": 35, "θάλαμος": 3, "εισιτήρια": 18, "καλημέρα": 6, "αυγό": 7,
    "ευχαριστώ": 11, "wifi": 5, "pizza": 8, "kala": 2, "2024": 60,
}  # fmt: skip
QUERIES = st.text(st.sampled_from("aeiousktmnlrpvbdgh' 2ςαμπ!я"), max_size=24) | st.text(max_size=12)
UNSPACED = ["ja", "km", "ko", "my", "th", "zh"]
# What the words of these languages hold, their pinyin and the like, tones' digits and signs.
UNSPACED_QUERIES = st.lists(
    st.sampled_from([
        "中国", "中國", "zhongguo", "bei3", "jing1", "xi'an", "nü", "東京", "とうきょう", "tokyo", "大阪",
        "서울", "seoul", "에서", "กรุงเทพ", "krungthep", "ភ្នំពេញ", "phnom", "ရန်ကုန်", "yangon", " ", " ", "'",
        "lu:", "行",
    ])
    | st.characters(categories=["Lo", "Mn", "Mc", "Ll", "Nd"]),
    max_size=8,
).map("".join)  # fmt: skip


@cache
def greek() -> Bridge:
    return Bridge.from_terms(GREEK, languages=["el"])


@cache
def sample_of(code: str) -> dict[str, int]:
    """Terms of the sample collection in a language, beside its examples, with document frequencies."""
    sample = resources.files("scriptbridge") / "sample" / f"{code}.jsonl"
    lines = sample.read_text(encoding="utf-8").splitlines() if sample.is_file() else []
    documents = [json.loads(line) for line in lines]
    texts = [
        *(f"{document['title']} {document['text']}" for document in documents),
        *languages.load(code).examples,
    ]
    frequencies: dict[str, int] = {}
    for each in texts:
        for term in set(text.terms(each)):
            frequencies[term] = frequencies.get(term, 0) + 1
    return frequencies


@cache
def many() -> Bridge:
    """Five languages over one lexicon of all their words."""
    codes = ["ar", "el", "hi", "ru", "ta"]
    merged: dict[str, int] = {}
    for code in codes:
        for term, df in sample_of(code).items():
            merged[term] = merged.get(term, 0) + df
    return Bridge.from_terms(merged | {"pizza": 4, "online": 9}, languages=codes)


@cache
def unspaced() -> Bridge:
    """Six languages written without spaces or by sound, beside words of theirs in Latin letters."""
    merged = {"中国": 9, "中國": 4, "zhongguo": 5, "tokyo": 7, "seoul": 3, "krungthep": 2, "phnom": 1}
    for code in UNSPACED:
        for term, df in sample_of(code).items():
            merged[term] = merged.get(term, 0) + df
    bridge = Bridge.from_terms(merged, languages=UNSPACED)
    powers = bridge._decoders[0].powers
    bridge._variants.__dict__["spellers"] = [
        Speller(channel, bridge.lexicon, powers) for channel in bridge.channels
    ]
    return bridge


def readings(bridge: Bridge, query: str, n: int = 10) -> list[list[str]]:
    """The normal forms of each position's readings."""
    return [
        [text.normalize(reading.term) for reading in position.readings]
        for position in bridge.expand(query, n).positions
    ]


# ── golden words: what people usually type is read back


@pytest.mark.parametrize("code", languages.codes())
def test_usual_romanizations_are_read_back(code: str) -> None:
    bridge = Bridge.from_terms(sample_of(code), languages=[code])
    ranks = []
    for word, spelled in languages.load(code).examples.items():
        wanted = text.terms(word)
        for latin in spelled:
            found = readings(bridge, latin, n=8)
            assert len(found) == len(wanted) == 1
            ranks.append(found[0].index(wanted[0]) + 1 if wanted[0] in found[0] else 99)
    first = sum(rank == 1 for rank in ranks) / len(ranks)
    among_eight = sum(rank <= 8 for rank in ranks) / len(ranks)
    assert first >= 0.85 and among_eight >= 0.97, f"first {first:.1%}, among eight {among_eight:.1%}"


@pytest.mark.parametrize("code", languages.codes())
def test_what_the_channel_writes_is_read_back(code: str) -> None:
    bridge = Bridge.from_terms(sample_of(code), languages=[code])
    words = random.Random(7).sample(sorted(languages.load(code).examples), 30)
    found = [
        text.normalize(word) in terms
        for seed, word in enumerate(words)
        for terms in readings(bridge, romanize(word, code, seed=seed)[0])
    ]
    assert sum(found) >= 0.8 * len(found)


# ── expansion


@given(QUERIES)
@example("~T")
@example("\u3400\U00020000")
def test_readings_are_terms_and_their_probabilities_a_distribution(query: str) -> None:
    """Keys of signs, which belong to no token, are letters on other layouts: of a word typed there."""
    for bridge in (greek(), many()):
        expansion = check_expansion(bridge, query)
        tokens = [position.token for position in expansion.positions]
        terms = text.terms(query)
        cut = (token.text if token.text in terms else "".join(text.terms(token.text)) for token in tokens)
        assert "".join(cut) == "".join(terms)


@given(UNSPACED_QUERIES)
@settings(max_examples=50, deadline=None)
def test_so_they_are_without_spaces_and_beside_documents_in_latin_letters(query: str) -> None:
    check_expansion(unspaced(), query)


@pytest.mark.parametrize("query", ["中国", "中國", "zhongguo"])
def test_one_word_in_two_ways_of_writing_beside_its_pinyin(query: str) -> None:
    (position,) = check_expansion(unspaced(), query).positions
    assert {"中国", "中國", "zhongguo"} == {reading.term for reading in position.readings[:3]}


def check_expansion(bridge: Bridge, query: str) -> Expansion:
    """What holds of every expansion."""
    expansion = bridge.expand(query)
    for position in expansion.positions:
        assert 0 <= position.token.start < position.token.end <= len(query)
        probabilities = [reading.probability for reading in position.readings]
        assert all(text.normalize(reading.term) in bridge.lexicon for reading in position.readings)
        assert len({reading.term for reading in position.readings}) == len(position.readings)
        assert all(0 < probability <= 1 for probability in probabilities)
        assert probabilities == sorted(probabilities, reverse=True)
        assert math.fsum(probabilities) <= 1 + 1e-9
        assert all(0 <= reading.weight <= 1 for reading in position.readings)
        spoken = {reading.language for reading in position.readings} - {None}
        assert spoken <= {channel.language for channel in bridge.channels}
    return expansion


def test_a_greek_query() -> None:
    assert [terms[0] for terms in readings(greek(), "Mousakas kai mpira!")] == ["μουσακασ", "και", "μπυρα"]
    position = greek().expand("  Mousakas").positions[0]
    assert (position.token.start, position.token.end) == (2, 10)
    assert position.readings[0].language == "el"
    assert position.readings[0].probability > 0.9


@pytest.mark.parametrize("noise", ["qqqqqqq", "q" * 100, "zzzzzz"])
def test_one_letter_for_long_means_nothing_for_sure(noise: str) -> None:
    probabilities = [reading.probability for reading in greek().expand(noise).positions[0].readings]
    assert math.fsum(probabilities) < 0.5


@pytest.mark.parametrize("latin", ["bira", "mpira", "byra", "mpyra"])
def test_letters_written_together_are_read_together(latin: str) -> None:
    assert readings(greek(), latin)[0][0] == "μπυρα"


@pytest.mark.parametrize("latin", ["eyxaristo", "efxaristo", "efharisto", "euxaristw", "EFHARISTO"])
def test_one_word_spelled_in_many_ways(latin: str) -> None:
    assert readings(greek(), latin)[0][0] == "ευχαριστω"


@pytest.mark.parametrize(
    ("latin", "native"),
    [
        ("axyza", "αβγδα"),
        ("abgda", "αβγδα"),
        ("aqda", "αβγδα"),
        ("aqa", "αβγα"),
        ("xyz", "βγδ"),
        ("qd", "βγδ"),
        ("q", "βγ"),
    ],
)
def test_units_of_three_letters(latin: str, native: str) -> None:
    letters = {(letter, "", ""): {latin: 0} for letter, latin in zip("αβγδ", "abgd", strict=True)}
    channel = oracles.channel_of({**letters, ("βγ", "", ""): {"q": 0}, ("βγδ", "", ""): {"xyz": 0}})
    bridge = Bridge.from_terms({"αβγδα": 1, "αβγα": 1, "βγδ": 1, "βγ": 1, "βδ": 1}, languages=[channel])
    assert readings(bridge, latin)[0][0] == native


@pytest.mark.parametrize(
    ("query", "term"), [("θάλασσα", "θάλασσα"), ("ΘΆΛΑΣΣΑ", "θάλασσα"), ("2024", "2024")]
)
def test_native_words_stand_as_they_are(query: str, term: str) -> None:
    (position,) = greek().expand(query).positions
    (reading,) = position.readings
    assert (reading.term, reading.probability, reading.language) == (term, 1.0, None)
    assert reading.weight == 1.0


@pytest.mark.parametrize("query", ["άγνωστο", "мама", "1999", "xzxzxzxz", "salmonella" * 5])
def test_unknown_words_have_no_readings(query: str) -> None:
    (position,) = greek().expand(query).positions
    assert position.readings == ()


def test_latin_words_of_the_lexicon_keep_themselves() -> None:
    for word in ("wifi", "pizza", "kala"):
        itself = [reading for reading in greek().expand(word).positions[0].readings if reading.term == word]
        assert len(itself) == 1 and itself[0].language is None
    assert readings(greek(), "wifi")[0][0] == "wifi"
    assert readings(many(), "online")[0][0] == "online"


def test_no_query_has_no_positions() -> None:
    assert greek().expand("").positions == greek().expand(" !? ").positions == ()


def test_at_most_so_many_readings() -> None:
    assert len(readings(many(), "kala", n=3)[0]) <= 3
    assert readings(many(), "kala", n=3)[0] == readings(many(), "kala", n=10)[0][:3]


def test_tokens_may_be_given() -> None:
    query = "mousakas kai pita"
    assert greek().expand(text.tokenize(query)) == greek().expand(query)


@pytest.mark.parametrize(
    ("query", "language"),
    [("privet moskva spasibo", "ru"), ("kalimera thessaloniki", "el"), ("namaste bahut accha", "hi")],
)
def test_a_query_is_read_in_its_language(query: str, language: str) -> None:
    spoken = [
        position.readings[0].language for position in many().expand(query).positions if position.readings
    ]
    assert spoken.count(language) > len(spoken) / 2


def test_words_of_a_document_pay_for_its_language_once() -> None:
    found = {
        "sath": {0: Terms.one(1, 6.0), 1: Terms.one(2, 2.0)},
        "kaam": {0: Terms.one(3, 5.0), 1: Terms.one(4, 4.0)},
        "station": {0: Terms.one(5, 1.0), 1: Terms.one(6, 3.0)},
    }
    shares = identification.shares(found, [0, 1])
    said = {at: math.prod(outside(token) + each[at].total for token, each in found.items()) for at in (0, 1)}
    assert math.prod([shares[1]] * len(found)) == pytest.approx(said[1] / sum(said.values()))
    assert sum(share ** len(found) for share in shares.values()) == pytest.approx(1)
    assert identification.shares(found, [1]) == {1: 1}


def test_words_of_the_less_likely_language_weigh_more_together_than_alone() -> None:
    terms = {"साथ": 30, "काम": 30, "साथी": 8, "ساتھ": 4, "کام": 4, "ساتھی": 1}
    documents = 1000
    bridge = Bridge.from_terms(terms, languages=["hi", "ur"], documents=documents)
    for position in bridge.expand("sath kaam").positions:
        hindi, urdu = (
            next(each for each in position.readings if each.language == code) for code in ("hi", "ur")
        )
        alone = {each: boost(each.probability, terms[each.term], documents) for each in (hindi, urdu)}
        assert hindi.probability > 5 * urdu.probability
        assert alone[hindi] <= hindi.weight <= 1
        assert alone[urdu] < urdu.weight - 0.1 < hindi.weight
        alike = Bridge.from_terms(terms, languages=["hi"], documents=documents).expand(position.token.text)
        assert hindi.weight <= next(
            each.weight for each in alike.positions[0].readings if each.term == hindi.term
        )


def test_letters_repeated_for_emphasis() -> None:
    assert readings(greek(), "kalimeraaaaaa")[0][0] == "καλημερα"


def test_without_languages_words_are_only_themselves() -> None:
    bridge = Bridge.from_terms(GREEK, languages=[])
    assert readings(bridge, "wifi mousakas θάλασσα") == [["wifi"], [], ["θαλασσα"]]


def test_without_terms_nothing_is_read() -> None:
    bridge = Bridge.from_terms({}, languages=["el", "ru"])
    assert readings(bridge, "mousakas και") == [[], []]
    assert bridge.complete("mou") == []
    assert [each.text for each in bridge.deromanize("mousakas")] == ["mousakas"]


def test_threads_read_the_same() -> None:
    queries = ["mousakas kai mpira", "privet moskva", "namaste", "thalassa", "marhaba", "vanakkam"] * 20
    alone = [
        Bridge(many().lexicon, ["ar", "el", "hi", "ru", "ta"]).expand(query) for query in queries[:6]
    ] * 20
    shared = Bridge(many().lexicon, ["ar", "el", "hi", "ru", "ta"])
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(shared.expand, queries)) == alone


@given(st.dictionaries(st.text("αβγδ", min_size=1, max_size=5), st.integers(0, 50), min_size=1, max_size=20))
def test_any_lexicon_can_be_read_over(terms: dict[str, int]) -> None:
    bridge = Bridge.from_terms(terms, languages=["el"])
    for word in terms:
        latin = "".join({"α": "a", "β": "v", "γ": "g", "δ": "d"}[letter] for letter in word)
        if len(terms) < 8 and not re.search(r"(.)\1\1", word):  # a letter thrice is emphasis
            assert word in readings(bridge, latin)[0]


# ── the weight of a reading


@given(st.floats(0, 1), st.integers(0, 1000), st.integers(1000, 10**6))
def test_a_reading_weighs_what_its_probability_leaves(probability: float, df: int, documents: int) -> None:
    boosted = boost(probability, df, documents)
    assert 0 <= boosted <= 1
    assert boost(1.0, df, documents) == 1.0 and boost(0.0, df, documents) == 0.0
    assert boost(probability / 2, df, documents) <= boosted


# ── terms of any engine


def test_terms_of_one_normal_form_are_read_as_one_and_share_its_probability() -> None:
    bridge = Bridge.from_terms(
        [("Θάλασσα", 2), ("θάλασσα", 5), ("Θάλασσα", 3), ("ουρανός", 9)], languages=["el"]
    )
    assert bridge.lexicon.df.tolist() == [10, 9]
    for query in ("thalassa", "θαλασσα"):
        first, second = bridge.expand(query).positions[0].readings[:2]
        assert {first.term, second.term} == {"Θάλασσα", "θάλασσα"}
        assert first.probability == second.probability
        assert first.weight == second.weight


def test_terms_of_several_words_are_left_out() -> None:
    assert len(Bridge.from_terms({"καλή μέρα": 3, "!": 2, "μέρα": 1}, languages=["el"]).lexicon) == 1


def test_terms_that_no_document_holds_any_more_can_still_be_read() -> None:
    bridge = Bridge.from_terms({"Θάλασσα": 0, "wifi": 0}, languages=["el"])
    assert bridge.expand("thalassa").positions[0].readings[0].probability > 0.5
    assert bridge.expand("wifi").positions[0].readings[0].term == "wifi"
    assert bridge.expand("Θάλασσα").positions[0].readings[0].probability == 1.0


@pytest.mark.parametrize("terms", [{"a": -1}, {"a": 1.5}, {"a": True}, {"a": None}, {1: 1}, {None: 2}])
def test_terms_that_are_none_are_refused(terms: dict[str, int]) -> None:
    with pytest.raises(QueryError):
        Bridge.from_terms(terms, languages=["el"])


@pytest.mark.parametrize("chosen", [["xx"], ["el", "el"], ["el", Channel.load("el")]])
def test_languages_that_cannot_be_used_are_refused(chosen: list[str | Channel]) -> None:
    with pytest.raises(LanguageError):
        Bridge.from_terms(GREEK, languages=chosen)


# ── deromanization


def test_a_query_in_its_own_script() -> None:
    (best,) = greek().deromanize("Mousakas, kai: pita 2024 qqqq!")
    assert best.text == "μουσακάς, και: πίτα 2024 qqqq!"
    assert 0 < best.probability <= 1


@settings(max_examples=60)
@given(
    st.lists(
        st.sampled_from(["mousakas", "kai", "to", "kala", "thalasa", "wifi", "qqqq", "θάλασσα"]), max_size=5
    ),
    st.integers(1, 12),
)
def test_alternatives_are_the_likeliest_and_in_order(words: list[str], n: int) -> None:
    bridge = greek()
    found = bridge.deromanize(" ".join(words), n)
    probabilities = [each.probability for each in found]
    assert probabilities == sorted(probabilities, reverse=True)
    assert 1 <= len(found) <= n
    assert len({each.text for each in found}) == len(found)
    combined = {"": 1.0}
    for position in bridge.expand(" ".join(words)).positions:
        choices = {reading.term: reading.probability for reading in position.readings}
        if position.token.text not in map(
            text.normalize, choices
        ):  # it may be a word that isn't in the lexicon
            share = ITSELF if choices else 1.0
            choices[position.token.text] = share * (1 - math.fsum(choices.values()))
        combined = {
            f"{before} {term}".strip(): p * q for before, p in combined.items() for term, q in choices.items()
        }
    assert probabilities == pytest.approx(sorted(combined.values(), reverse=True)[:n], abs=1e-6)
    for each in found:
        assert each.probability == pytest.approx(combined[each.text], abs=1e-6)


def test_the_first_alternative_does_not_depend_on_how_many_are_wanted() -> None:
    assert greek().deromanize("kala to", 5)[0] == greek().deromanize("kala to")[0]


@pytest.mark.parametrize("n", [0, -1])
def test_no_alternatives_cannot_be_asked_for(n: int) -> None:
    with pytest.raises(QueryError, match="at least 1"):
        greek().deromanize("kala", n)
    with pytest.raises(QueryError, match="at least 1"):
        greek().complete("kala", n)
    with pytest.raises(QueryError, match="at least 1"):
        greek().expand("kala", n)


@pytest.mark.parametrize("n", [10**12, 2**63, 10**30])
def test_all_that_there_are_may_be_asked_for(n: int) -> None:
    """No room is made for what is not there."""
    bridge = greek()
    assert bridge.expand("kala to", n) == bridge.expand("kala to", 1000)
    assert bridge.deromanize("kala to", n) == bridge.deromanize("kala to", 1000)
    assert bridge.complete("ka", n) == bridge.complete("ka", 1000)
    assert bridge.complete("κα", n) == bridge.complete("κα", 1000) != []


# ── completion


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=6), st.integers(0, 99), max_size=30),
    st.text("abc", min_size=1, max_size=3),
    st.integers(1, 12),
)
def test_completions_of_words_as_they_are(terms: dict[str, int], prefix: str, n: int) -> None:
    found = Bridge.from_terms(terms, languages=[]).complete(prefix, n)
    wanted = oracles.complete(terms, prefix)
    assert len({each.term for each in found}) == len(found) == min(n, len(wanted))
    assert all(each.term.startswith(prefix) and each.df == terms[each.term] for each in found)
    assert [each.df for each in found] == [terms[term] for term in wanted[:n]]


@pytest.mark.parametrize("typed", ["xyzzyx", "xzxzxzxz"])
def test_nothing_completes_nonsense(typed: str) -> None:
    assert greek().complete(typed) == []


@pytest.mark.parametrize("typed", ["zz", "zzz", "dhh"])
def test_a_guess_completes_nothing(typed: str) -> None:
    """One slip away from الذهب, which is the likeliest of three words and unlikely all the same."""
    few = Bridge.from_terms({"الذهب": 1, "الكشري": 1, "القاهرة": 1}, languages=["ar"])
    assert few.complete(typed) == []
    assert few.complete("aldh")[0].term == "الذهب"


def test_completions_of_a_native_beginning() -> None:
    assert [each.term for each in greek().complete("θαλ")] == ["θάλασσα", "θάλαμος"]


@pytest.mark.parametrize(
    ("prefix", "term"),
    [
        ("mous", "μουσακάς"),
        ("thess", "Θεσσαλονίκη"),
        ("eis", "εισιτήρια"),
        ("kalim", "καλημέρα"),
        ("bir", "μπύρα"),
        ("wi", "wifi"),
        ("mousakas kai thal", "θάλασσα"),
    ],
)
def test_completions_of_a_latin_beginning(prefix: str, term: str) -> None:
    found = greek().complete(prefix, 5)
    assert found[0].term == term
    assert greek().complete(prefix, 1) == found[:1]


def test_nothing_typed_completes_to_nothing() -> None:
    assert greek().complete("") == greek().complete(" !") == greek().complete("ώώώ") == []


def test_what_nobody_would_write_has_no_likely_completions() -> None:
    assert math.fsum(each.probability for each in greek().complete("xzxzxzxz")) < 0.1
    assert math.fsum(each.probability for each in greek().complete("mousa")) > 0.9


@given(QUERIES, st.integers(1, 12))
def test_completions_are_terms_in_order(prefix: str, n: int) -> None:
    found = many().complete(prefix, n)
    assert len(found) <= n
    assert [each.probability for each in found] == sorted((each.probability for each in found), reverse=True)
    assert math.fsum(each.probability for each in found) <= 1 + 1e-9
    for each in found:
        number = many().lexicon.find(text.normalize(each.term))
        assert number is not None and each.df == many().lexicon.df[number]


# ── anything else


@given(QUERIES)
def test_nothing_that_is_typed_breaks_it(query: str) -> None:
    try:
        many().expand(query)
        many().deromanize(query, 3)
        many().complete(query, 3)
    except ScriptbridgeError:
        pytest.fail("a query is never refused")


def test_a_lexicon_may_be_shared() -> None:
    lexicon = Lexicon.from_terms({"θαλασσα": 3, "море": 2})
    assert readings(Bridge(lexicon, ["el"]), "thalassa more")[0] == ["θαλασσα"]
    assert readings(Bridge(lexicon, ["ru"]), "more")[0] == ["море"]


# ── the search as it is used


@pytest.mark.parametrize("code", ["ar", "el", "hi", "ta"])
def test_the_beam_finds_what_an_exhaustive_search_finds(code: str) -> None:
    """With the budget and greed of production: the same best term, nearly all worth a mention."""
    bridge, channel = sample_bridge(code), Channel.load(code)
    terms = [bridge.lexicon[term] for term in range(len(bridge.lexicon))]
    native = [term for term in terms if channel.word_rows(term) is not None and len(term) > 2][::12][:40]
    best, found, wanted = 0, 0, 0
    for number, word in enumerate(native):
        token = channel.sample(word, 1, seed=number)[0]
        scores = {
            term: math.exp(channel.score(term, token)) * max(1, bridge.lexicon.df[at]) ** (PRIOR / SHARPNESS)
            for at, term in enumerate(terms)
            if channel.word_rows(term) is not None
        }
        ranked = sorted(scores, key=lambda term: -scores[term])[:READINGS]
        read = [bridge.lexicon[term] for term in bridge._decoders[0].read(token, READINGS)[0]]
        best += scores[read[0]] == pytest.approx(scores[ranked[0]]) if read else 0
        worth = [term for term in ranked if scores[term] > 1e-2 * scores[ranked[0]]]
        wanted += len(worth)
        found += len(set(worth) & set(read))
    assert best >= len(native) - 1
    assert found >= 0.9 * wanted


def test_more_forms_of_a_long_query_take_work_by_its_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compared at a word doesn't grow with the words before it."""
    bridge, nsmallest, compared = sample_bridge("el"), heapq.nsmallest, 0

    def size(value: object) -> int:
        return sum(map(size, value)) if isinstance(value, tuple) else 1

    def counting(n: int, items: Iterable[Any]) -> list[Any]:
        nonlocal compared
        listed = list(items)
        compared += sum(map(size, listed))
        return nsmallest(n, listed)

    def work(times: int) -> int:
        before = compared
        assert len(bridge.deromanize("mousakas tora stin thalasa " * times, 5)) == 5
        return compared - before

    monkeypatch.setattr(heapq, "nsmallest", counting)
    assert 400 < work(200) < 2.1 * work(100)


@cache
def sample_bridge(code: str) -> Bridge:
    """A bridge over the terms of a language's sample documents."""
    lines = (resources.files("scriptbridge") / "sample" / f"{code}.jsonl").read_text(encoding="utf-8")
    df: dict[str, int] = {}
    for line in lines.splitlines():
        for term in set(text.terms(json.loads(line)["text"])):
            df[term] = df.get(term, 0) + 1
    return Bridge(Lexicon.from_terms(df), [code])


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (lambda bridge: bridge.expand(["mousakas"]), "a query is a str, or the list of its tokens"),
        (lambda bridge: bridge.expand([Token("", 0, 0, "Latn")]), "a query is a str, or the list of its"),
        (lambda bridge: bridge.likelihoods("mousakas", "xx"), "'xx': this bridge reads el"),
        (lambda bridge: bridge.likelihoods("mousakas", "el", 0), "n is how many terms are wanted"),
        (lambda bridge: bridge.from_terms(None, ["el"]), "terms are words with document frequencies"),
        (lambda bridge: bridge.from_terms({"α": 1}, None), "a language's code or a channel file's path"),
        (lambda bridge: bridge.from_terms({"α": 1}, [1]), "a language's code or a channel file's path"),
        (lambda bridge: bridge.from_terms({"α": 1}, ["el"], -3), "an int >= 0"),
    ],
)
def test_what_a_bridge_is_asked_is_checked(wrong: Callable[[Any], object], error: str) -> None:
    with pytest.raises(ScriptbridgeError, match=error):
        wrong(Bridge.from_terms({"μουσακάς": 3}, ["el"]))


def test_the_best_form_is_the_same_however_many_are_asked_for() -> None:
    """Each document has one that it likes best; together they like another."""
    bridge = Bridge.from_terms({"ηυ": 9, "ωλε": 9, "ηυη": 9, "ωη": 9, "ωυι": 3, "υη": 3}, ["el"])
    documents = [{"ηυ", "ωλε"}, {"ηυ", "υη"}, {"ωυι", "ηυη"}, {"ωη", "υη"}, {"ωλε", "ωυι"}]
    for query in ("hu wui", "wi hy", "hu wle", "oh uh", "yh wi hu"):
        alone = bridge.deromanize(query, 1, documents=documents)
        assert alone == bridge.deromanize(query, 10, documents=documents)[:1]


def test_a_word_typed_twice_is_one_of_those_that_tell_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    speaking = identification.Identifier.speaking

    def seen(self: identification.Identifier, latin: Sequence[str]) -> list[int]:
        asked.append([*latin])
        return speaking(self, latin)

    monkeypatch.setattr(identification.Identifier, "speaking", seen)
    bridge = Bridge.from_terms({"μουσακάς": 3, "мир": 2}, ["el", "ru"])
    bridge.complete("mir mir mousa")
    assert asked[-1] == ["mir", "mousa"]
