"""Words that were run together, and words that were split."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_bridge import sample_bridge
from test_kernels import channels, lexicons

from scriptbridge import boundaries, kernels, text, weights
from scriptbridge.bridge import Bridge
from scriptbridge.channel import NOISE, Channel, encode_latin
from scriptbridge.decoding import Decoder
from scriptbridge.index import Index
from scriptbridge.lexicon import Lexicon
from scriptbridge.types import Token

GREEK = {
    "μουσακάς": 12, "μπύρα": 30, "και": 900, "το": 950, "κόσμε": 5, "καλημέρα": 6, "θάλασσα": 35,
    "Θεσσαλονίκη": 40, "νησιά": 22, "wifi": 5, "pizza": 8, "2024": 60, "ευχαριστώ": 11, "πίτα": 9,
}  # fmt: skip


@cache
def greek() -> Bridge:
    return Bridge.from_terms(GREEK, languages=["el"])


@cache
def arabic() -> Bridge:
    terms = {
        "البيت": 5,
        "بيت": 9,
        "القاهرة": 12,
        "بالقاهرة": 4,
        "مدينة": 40,
        "في": 200,
        "الكتاب": 8,
        "بالبيت": 3,
        "والبيت": 2,
        "الرجل": 7,
        "الشمس": 6,
        "مصر": 9,
    }
    return Bridge.from_terms(terms, languages=["ar"])


def words(bridge: Bridge, query: str) -> list[tuple[str, str]]:
    """What was typed for each word, and its likeliest reading."""
    return [
        (
            query[position.token.start : position.token.end],
            position.readings[0].term if position.readings else "",
        )
        for position in bridge.expand(query).positions
    ]


@pytest.mark.parametrize(
    ("query", "read"),
    [
        ("kalimerakosme", [("kalimera", "καλημέρα"), ("kosme", "κόσμε")]),
        ("Mousakaskaibira!", [("Mousakas", "μουσακάς"), ("kai", "και"), ("bira", "μπύρα")]),
        ("mous akas", [("mous akas", "μουσακάς")]),
        ("mou-sakas kai pita", [("mou-sakas", "μουσακάς"), ("kai", "και"), ("pita", "πίτα")]),
        (
            "thes saloniki kai thalassa",
            [("thes saloniki", "Θεσσαλονίκη"), ("kai", "και"), ("thalassa", "θάλασσα")],
        ),
        ("wifipizza", [("wifi", "wifi"), ("pizza", "pizza")]),
        ("thalassa2024", [("thalassa", "θάλασσα"), ("2024", "2024")]),
        ("2024thalassa", [("2024", "2024"), ("thalassa", "θάλασσα")]),
        ("pizzanisia", [("pizza", "pizza"), ("nisia", "νησιά")]),
    ],
)
def test_greek_words_run_together_and_split(query: str, read: list[tuple[str, str]]) -> None:
    assert words(greek(), query) == read


@pytest.mark.parametrize(
    ("query", "read"),
    [
        ("elbeit", [("elbeit", "البيت")]),
        ("el beit", [("el beit", "البيت")]),
        ("al-bayt", [("al-bayt", "البيت")]),
        ("l'bayt", [("l'bayt", "البيت")]),
        ("bel beit", [("bel beit", "بالبيت")]),
        ("wel beit", [("wel beit", "والبيت")]),
        ("w el beit", [("w el beit", "والبيت")]),
        ("el-kitab", [("el-kitab", "الكتاب")]),
        ("beit", [("beit", "بيت")]),
        ("fi el qahira", [("fi", "في"), ("el qahira", "القاهرة")]),
        ("bel qahira", [("bel qahira", "بالقاهرة")]),
        ("er rajol fi-l qahira", [("er rajol", "الرجل"), ("fi", "في"), ("l qahira", "القاهرة")]),
        ("esh shams", [("esh shams", "الشمس")]),
        ("madinatelqahira", [("madinat", "مدينة"), ("elqahira", "القاهرة")]),
        ("madina fi masr", [("madina", "مدينة"), ("fi", "في"), ("masr", "مصر")]),
    ],
)
def test_arabic_articles_attached_or_apart(query: str, read: list[tuple[str, str]]) -> None:
    assert words(arabic(), query) == read


@pytest.mark.parametrize("query", ["bel beit", "fel beit", "lil beit", "wel-beit", "el beit"])
def test_prepositions_that_no_document_attaches_leave_the_article(query: str, tmp_path: Path) -> None:
    terms = {"البيت": 5, "القاهرة": 12, "مدينة": 40, "في": 200, "الكتاب": 8, "بالقاهرة": 4, "للكتاب": 1}
    assert words(Bridge.from_terms(terms, ["ar"]), query)[-1][1] == "البيت"
    with Index.create(tmp_path / "index", languages=["ar"]) as index:
        index.add([("1", "البيت الكبير"), ("2", "مدينة القاهرة"), ("3", "في الكتاب"), ("4", "كتاب جميل")])
        index.commit()
        assert [hit.id for hit in index.search(query)][:1] == ["1"]


def test_a_word_without_its_article_is_found_after_a_preposition() -> None:
    bridge = Bridge.from_terms({"بيت": 9, "القاهرة": 12, "بالقاهرة": 4, "في": 200}, ["ar"])
    assert words(bridge, "bel beit")[-1] == ("beit", "بيت")


def test_hebrew_prepositions_attached_or_apart() -> None:
    terms = {"הבית": 5, "בית": 9, "ירושלים": 12, "בירושלים": 4, "וירושלים": 2, "של": 90, "לא": 80}
    bridge = Bridge.from_terms(terms, ["he"])
    assert words(bridge, "ha bait shel") == [("ha bait", "הבית"), ("shel", "של")]
    assert words(bridge, "ha-bayit be yerushalayim") == [
        ("ha-bayit", "הבית"),
        ("be yerushalayim", "בירושלים"),
    ]


def test_what_documents_print_apart_is_typed_apart() -> None:
    bridge = Bridge.from_terms({"ال": 300, "بيت": 30, "البيت": 40, "في": 200}, ["ar"])
    assert words(bridge, "el beit") == [("el", "ال"), ("beit", "بيت")]


@pytest.mark.parametrize(
    "query", ["mousakas kai mpira", "to nisia", "kai to", "wifi pizza 2024", "καλημέρα kosme"]
)
def test_what_is_typed_well_is_left_as_it_is(query: str) -> None:
    assert [position.token for position in greek().expand(query).positions] == text.tokenize(query)


def test_what_no_words_explain_is_left_as_it_is() -> None:
    assert words(greek(), "xzqxzwqk") == [("xzqxzwqk", "")]


@pytest.mark.parametrize(
    ("code", "split", "meant"),
    [("hi", "sam bhalkar", "संभालकर"), ("fa", "sinama haaay", "سينماهاي")],
)
def test_a_split_word_is_joined_as_it_is_read_whole(code: str, split: str, meant: str) -> None:
    bridge = sample_bridge(code)
    assert words(bridge, split.replace(" ", "")) == [(split.replace(" ", ""), meant)]
    assert words(bridge, split) == [(split, meant)]


def test_words_far_apart_are_not_joined() -> None:
    assert len(words(greek(), "mous, akas")) == 2


def test_run_on_words_are_written_apart() -> None:
    assert greek().deromanize("kalimerakosme!")[0].text == "καλημέρα κόσμε!"
    assert greek().deromanize("mous akas, thalassa2024")[0].text == "μουσακάς, θάλασσα 2024"


def test_a_token_that_has_other_letters_than_were_typed_is_not_cut() -> None:
    assert words(greek(), "kalimeraßkosme") == [("kalimeraßkosme", "")]
    typed = greek().expand("kálimérakosme").positions
    assert [(each.token.start, each.token.end) for each in typed] == [(0, 8), (8, 13)]


@given(st.text(st.sampled_from("aeioukmtsrlnpvbd -'23ß"), max_size=60))
def test_any_run_is_cut_at_its_letters(query: str) -> None:
    positions = greek().expand(query).positions
    tokens = [position.token for position in positions]
    assert "".join(token.text for token in tokens) == "".join(text.terms(query))
    for token in tokens:
        typed = query[token.start : token.end]
        assert token.text == "".join(text.terms(typed))
    assert all(a.end <= b.start for a, b in pairwise(tokens))
    for position in positions:
        assert all(text.normalize(reading.term) in greek().lexicon for reading in position.readings)
        assert math.fsum(reading.probability for reading in position.readings) <= 1 + 1e-9


def test_a_long_run_on_is_read_in_bounded_time() -> None:
    greek().expand("mousakaskaibira" * 4)
    assert greek().expand("mousakaskaibira" * 1000).positions[0].readings == ()


# ── the path


@given(
    st.integers(1, 6).flatmap(
        lambda length: st.tuples(
            st.just(length),
            st.dictionaries(
                st.tuples(st.integers(0, length - 1), st.integers(1, length)).filter(
                    lambda part: part[0] < part[1]
                ),
                st.floats(-20, 0),
                max_size=20,
            ),
            st.sets(st.integers(1, max(1, length - 1)), max_size=3),
        )
    ),
    st.lists(st.sampled_from([0.0, 2.5, 6.0]), min_size=3, max_size=3),
)
def test_the_best_path(case: tuple[int, dict[tuple[int, int], float], set[int]], costs: list[float]) -> None:
    length, weights, places = case
    marks = dict(zip(sorted(places), costs, strict=False))

    def score(path: list[tuple[int, int]]) -> float:
        left_out = [cost for start, end in path for mark, cost in marks.items() if start < mark < end]
        return math.fsum(weights[part] for part in path) - math.fsum(left_out)

    possible = [path for path in oracles.paths(length) if all(part in weights for part in path)]
    found = boundaries.best_path(length, weights, marks)
    assert bool(found) == bool(possible)
    if found:
        assert score(found) == pytest.approx(max(map(score, possible)))


class _Told:
    """A reader that knows the weights of some words."""

    total = 5.0
    most = 4.0
    initials = False

    def __init__(
        self,
        weights: dict[str, float],
        spaced: bool = True,
        attaches: frozenset[str] = frozenset(),
        hyphens: frozenset[int] = frozenset(),
    ) -> None:
        self.weights, self.spaced, self.attaches, self.hyphens = weights, spaced, attaches, hyphens

    def readable(self, token: Token) -> bool:
        return token.script == "Latn"

    def letters(self, token: Token) -> str:
        return token.text.translate({ord(digit): None for digit in "12345"})

    def hyphenated(self, first: Token, second: Token) -> bool:
        return first.end in self.hyphens

    def attached(self, token: Token) -> bool:
        return token.text in self.attaches

    def instead(self, token: Token) -> str:
        return ""

    def word(self, letters: str, least: float = -math.inf) -> float:
        weight = self.weights.get(letters, -math.inf)
        return weight if weight > least else -math.inf

    def parts(
        self, letters: str, words: Iterable[tuple[int, int]], within: Iterable[int]
    ) -> dict[tuple[int, int], float]:
        ends = sorted(set(range(len(letters) + 1)) - set(within))
        places = [(i, j) for i in ends for j in ends if i < j]
        return {(i, j): self.weights[letters[i:j]] for i, j in places if letters[i:j] in self.weights}


@pytest.mark.parametrize("query", ["beijing daxue", "bei jing da xue", "beijingdaxue", "beijingda xue"])
def test_without_spaces_between_words_marks_say_little(query: str) -> None:
    reader = _Told(
        {"beijing": 4.0, "daxue": 4.0, "bei": 1.0, "jing": 1.0, "da": 1.0, "xue": 1.0}, spaced=False
    )
    assert [token.text for token in boundaries.recut(text.tokenize(query), reader)] == ["beijing", "daxue"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("bei3jing1da4xue2", [("beijing", 0, 9), ("daxue", 9, 16)]),
        ("bei3 jing1 da4 xue2", [("beijing", 0, 10), ("daxue", 11, 19)]),
        ("daxue bei3", [("daxue", 0, 5), ("bei3", 6, 10)]),
    ],
)
def test_offsets_are_those_of_what_was_typed(query: str, words: list[tuple[str, int, int]]) -> None:
    reader = _Told({"beijing": 4.0, "daxue": 4.0}, spaced=False)
    found = boundaries.recut(text.tokenize(query), reader)
    assert [(token.text, token.start, token.end) for token in found] == words


def test_a_join_costs() -> None:
    tokens = text.tokenize("sto ma")
    ordinary = {"sto": -2.0, "ma": -2.0}
    cheap, dear = {**ordinary, "stoma": -4.0}, {**ordinary, "stoma": 5.0}
    assert [token.text for token in boundaries.recut(tokens, _Told(cheap))] == ["sto", "ma"]
    assert [token.text for token in boundaries.recut(tokens, _Told(dear))] == ["stoma"]


def test_a_join_costs_less_after_what_print_attaches() -> None:
    weights = {"el": 2.0, "beit": 3.0, "elbeit": 4.0}
    tokens = text.tokenize("el beit")
    assert boundaries.recut(tokens, _Told(weights)) == tokens
    (joined,) = boundaries.recut(tokens, _Told(weights, attaches=frozenset({"el"})))
    assert (joined.text, joined.start, joined.end) == ("elbeit", 0, 7)
    short = text.tokenize("el be")
    assert (
        boundaries.recut(short, _Told(weights | {"be": 3.0, "elbe": 4.0}, attaches=frozenset({"el"})))
        == short
    )


def test_hyphens_between_syllables_cost_nothing() -> None:
    weights = {"se": 2.0, "o": 2.0, "ul": 2.0, "seo": 4.5, "seoul": 6.5, "jejudo": 6.0}
    tokens = text.tokenize("se-o-ul")
    apart = [token.text for token in boundaries.recut(tokens, _Told(weights))]
    assert apart == ["se", "o", "ul"]
    (whole,) = boundaries.recut(tokens, _Told(weights, hyphens=frozenset({2, 4})))
    assert (whole.text, whole.start, whole.end) == ("seoul", 0, 7)
    (first, second) = boundaries.recut(tokens, _Told(weights, hyphens=frozenset({2})))
    assert (first.text, second.text) == ("seo", "ul")


def test_a_word_that_two_cannot_explain_better_is_not_cut() -> None:
    weights = {"nan": 4.0, "desu": 3.5, "ka": 3.5, "nande": 4.0, "suka": 4.0}
    tokens = text.tokenize("nan desu ka")
    read = [token.text for token in boundaries.recut(tokens, _Told(weights, spaced=False))]
    assert read == ["nan", "desu", "ka"]
    poor = {**weights, "desu": -3.0}
    cut = [token.text for token in boundaries.recut(tokens, _Told(poor, spaced=False))]
    assert cut == ["nande", "suka"]


def greek_decoder() -> Decoder:
    terms = {text.normalize(word): df for word, df in GREEK.items()}
    lexicon = Lexicon.from_terms({**terms, "lass": 20, "anis": 20})
    return Decoder(Channel.load("el"), lexicon, weights.powers(lexicon))


def test_no_part_begins_or_ends_where_none_may() -> None:
    """Nor does one that is a Latin term as it was typed."""
    decoder, letters, within = greek_decoder(), "thalassanisiapizza", range(1, 8)
    total, most = weights.total(decoder.lexicon), weights.most(decoder.lexicon)
    reader = boundaries.ChannelReader(decoder, {}, total, most, {}, "")
    found = reader.parts(letters, [(0, 8)], [])
    assert {(0, 8), (3, 7), (7, 11), (8, 13), (13, 18)} <= found.keys()
    left = {place for place in found if set(within).isdisjoint(place)}
    assert reader.parts(letters, [(0, 8)], within).keys() == left


def test_parts_begin_where_others_end() -> None:
    decoder = greek_decoder()
    assert decoder.parts("xqxqthalassa", [], []) == {}
    assert (4, 12) in decoder.parts("xqxqthalassa", [(0, 4)], [])


def test_a_lone_latin_letter_is_no_word_of_a_run_but_a_digit_is() -> None:
    bridge = Bridge.from_terms({**GREEK, "v": 900, "7": 900}, languages=["el"])
    assert ("v", "v") not in words(bridge, "thalassavnisia")
    assert words(bridge, "v thalassa") == [("v", "v"), ("thalassa", "θάλασσα")]
    assert words(bridge, "7thalassanisia") == [("7", "7"), ("thalassa", "θάλασσα"), ("nisia", "νησιά")]


# ── the kernels


def _anywhere(
    channel: Channel,
    terms: dict[str, int],
    run: str,
    short: int,
    stretches: set[tuple[int, int]],
    within: set[int],
) -> dict[tuple[int, int, str], float]:
    lexicon = Lexicon.from_terms(terms)
    decoder = Decoder(channel, lexicon, weights.powers(lexicon))
    spellings = oracles.hopeful(decoder.spellings, channel)
    words = np.zeros((len(run), len(run) + 1), bool)
    for start, end in stretches:
        words[start, end] = True
    uncut = np.zeros(len(run) + 1, bool)
    uncut[list(within)] = True
    limits = (0.0, len(terms), 100_000, len(run), short, 0.5)
    latin = encode_latin(run)
    assert latin is not None
    parts = kernels.decode_anywhere(latin, NOISE, *limits, words, uncut, *decoder.trie, *spellings)
    found = [each.tolist() for each in parts]
    return {(start, end, lexicon[term]): p for start, end, term, p in zip(*found, strict=True)}


@given(channels(), lexicons, st.text("abc", min_size=1, max_size=6), st.integers(0, 3), st.data())
def test_decode_anywhere(
    channel: Channel, terms: dict[str, int], run: str, short: int, data: st.DataObject
) -> None:
    places = [(start, end) for start in range(len(run)) for end in range(start + 1, len(run) + 1)]
    stretches = data.draw(st.sets(st.sampled_from(places), max_size=3))
    within = data.draw(st.sets(st.integers(1, len(run) - 1), max_size=2)) if len(run) > 1 else set()
    wanted = {
        (start, end, term): p
        for (start, end, term), p in oracles.decode_anywhere(oracles.table_of(channel), terms, run).items()
        if (end - start >= short or p >= 0.5) and end not in within
    }
    reached = {0}
    for start, end in sorted(stretches | {(start, end) for start, end, _ in wanted}):
        if start in reached and end not in within:
            reached.add(end)
    found = _anywhere(channel, terms, run, short, stretches, within)
    likely = {part: p for part, p in wanted.items() if part[0] in reached}
    assert found == pytest.approx(likely, rel=1e-9)


@given(
    st.dictionaries(st.text("abα", min_size=1, max_size=4), st.integers(1, 9), min_size=1),
    st.text("abcα", max_size=8),
)
def test_terms_within_a_string(terms: dict[str, int], letters: str) -> None:
    lexicon = Lexicon.from_terms(terms)
    places = [(i, j) for i in range(len(letters)) for j in range(i + 1, len(letters) + 1)]
    found = {(start, end): lexicon[term] for start, end, term in lexicon.within(letters)}
    assert found == {(i, j): letters[i:j] for i, j in places if letters[i:j] in terms}


def test_within_a_small_budget_nothing_is_wrong() -> None:
    channel = oracles.channel_of({(letter, "", ""): {"a": 0, "b": 0} for letter in "αβγ"})
    lexicon = Lexicon.from_terms({a + b: 1 for a in "αβγ" for b in "αβγ"})
    decoder = Decoder(channel, lexicon, weights.powers(lexicon))
    latin = encode_latin("abab")
    assert latin is not None
    limits = (0.0, 2, 3, 4, 0, 0.0, np.zeros((4, 5), bool), np.zeros(5, bool))
    starts, ends, _, likelihoods = kernels.decode_anywhere(
        latin, NOISE, *limits, *decoder.trie, *decoder.spellings
    )
    assert np.all(starts < ends) and np.all(likelihoods <= 1 + 3 * NOISE)
