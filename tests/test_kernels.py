"""Each kernel against its slow twin in `oracles`."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriptbridge import kernels
from scriptbridge.channel import NOISE, Channel, encode_latin
from scriptbridge.decoding import Decoder
from scriptbridge.lexicon import Lexicon

LETTERS = "αβγ"
latin = st.text("abc", max_size=4)
natives = st.text(LETTERS, min_size=1, max_size=5)
costs = st.dictionaries(latin, st.integers(0, 36), min_size=1, max_size=4)


@st.composite
def channels(draw: st.DrawFn) -> Channel:
    """Channels of three letters, some units of two and three, and some contexts of their own."""
    units = [*LETTERS, *draw(st.sets(st.text(LETTERS, min_size=2, max_size=3), max_size=4))]
    neighbours = st.sampled_from([*LETTERS, oracles.EDGE])
    contexts = [
        *((unit, "", right) for unit, right in draw(st.sets(st.tuples(st.sampled_from(units), neighbours)))),
        *draw(st.sets(st.tuples(st.sampled_from(units), neighbours, neighbours), max_size=6)),
    ]
    table = {(unit, "", ""): draw(costs) for unit in units}
    return oracles.channel_of(table | {context: draw(costs) for context in contexts})


lexicons = st.dictionaries(natives, st.integers(1, 3000), min_size=1, max_size=25)
typed = st.text("abc", min_size=1, max_size=8)


def rows_of(channel: Channel, native: str) -> Any:
    rows = channel.word_rows(native)
    assert rows is not None
    return rows


def spelled(channel: Channel, token: str) -> Any:
    letters = encode_latin(token)
    assert letters is not None
    return kernels.spelling_ids(letters, channel.tables[1], channel.spellings)


@given(st.lists(st.integers(0, 2**40), unique=True, max_size=60))
def test_a_table_finds_its_keys_and_no_others(numbers: list[int]) -> None:
    keys = np.array(numbers, np.int64)
    table = kernels.build_table(keys)
    found = [int(kernels.lookup(table, keys, np.int64(number))) for number in numbers]
    assert found == list(range(len(numbers)))
    assert kernels.lookup(table, keys, np.int64(2**41)) == -1


@given(channels(), natives)
def test_rows_are_of_the_most_telling_context(channel: Channel, native: str) -> None:
    table = oracles.table_of(channel)
    rows = rows_of(channel, native)
    assert rows.shape == (len(native), kernels.MAX_UNIT)
    contexts = list(table)
    for i in range(len(native)):
        for n in range(1, kernels.MAX_UNIT + 1):
            row = rows[i, n - 1]
            wanted = oracles.context_of(table, native, i, n) if i + n <= len(native) else None
            assert (contexts[row] if row >= 0 else None) == wanted


@given(channels(), typed)
def test_spellings_of_every_place(channel: Channel, token: str) -> None:
    ids = spelled(channel, token)
    assert ids.shape == (len(token) + 1, kernels.MAX_SPELLING + 1)
    for j in range(len(token) + 1):
        for n in range(kernels.MAX_SPELLING + 1):
            known = j + n <= len(token) and token[j : j + n] in channel.latin_spellings
            assert (ids[j, n] >= 0) == known
            if known:
                assert channel.latin_spellings[ids[j, n]] == token[j : j + n]


@given(channels(), natives, typed, st.sampled_from([0.0, NOISE, 0.1]))
def test_likelihood(channel: Channel, native: str, token: str, noise: float) -> None:
    measured = kernels.likelihood(
        rows_of(channel, native),
        spelled(channel, token),
        channel.row_start,
        channel.slot_spelling,
        channel.slot_probability,
        noise,
    )
    wanted = oracles.likelihood(oracles.table_of(channel), native, token, noise)
    assert measured == pytest.approx(wanted, rel=1e-9, abs=1e-300)


@given(channels(), st.lists(st.tuples(natives, typed, st.floats(0.1, 10)), min_size=1, max_size=4))
def test_expected_counts(channel: Channel, pairs: list[tuple[str, str, float]]) -> None:
    rows = [rows_of(channel, native) for native, _, _ in pairs]
    ids = [spelled(channel, token) for _, token, _ in pairs]
    slot_count, row_count = np.zeros(len(channel.slot_spelling)), np.zeros(len(channel.rows))
    log_likelihood = kernels.count(
        np.cumsum([0, *map(len, rows)]),
        np.concatenate(rows),
        np.cumsum([0, *map(len, ids)]),
        np.concatenate(ids),
        np.array([weight for _, _, weight in pairs]),
        channel.row_start,
        channel.slot_spelling,
        channel.slot_probability,
        slot_count,
        row_count,
    )
    table = oracles.table_of(channel)
    uses, chances, wanted = oracles.expected_counts(table, pairs)
    assert log_likelihood == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    steps = [(context, spelling) for context, spellings in table.items() for spelling in spellings]
    assert slot_count.tolist() == pytest.approx([uses.get(step, 0.0) for step in steps], abs=1e-9)
    assert row_count.tolist() == pytest.approx([chances.get(context, 0.0) for context in table], abs=1e-9)


@given(st.dictionaries(st.text("αβγ\U00010400x", min_size=1, max_size=6), st.integers(0, 10**6), max_size=30))
def test_trie(terms: dict[str, int]) -> None:
    lexicon = Lexicon.from_terms(terms)
    tries: list[tuple[int, dict[str, Any], str]] = [(0, oracles.nested_trie(terms), "")]
    nodes = 0
    while tries:
        node, wanted, prefix = tries.pop()
        nodes += 1
        ends_here = int(lexicon.term[node])
        assert (lexicon[ends_here] if ends_here >= 0 else None) == wanted.get("")
        below = [df for term, df in terms.items() if term.startswith(prefix)]
        assert lexicon.top[node] == min(255, int(8 * math.log2(max([1, *below]))))
        letters = []
        for child in range(lexicon.first[node], lexicon.first[node + 1]):
            letters.append(chr(lexicon.alphabet[lexicon.label[child]]))
            tries.append((child, wanted[letters[-1]], prefix + letters[-1]))
        assert letters == sorted(letter for letter in wanted if letter)
    assert nodes == len(lexicon.label) == len(lexicon.first) - 1 == len(lexicon.term) == len(lexicon.top)


@given(lexicons, st.text(LETTERS + "x", max_size=6))
def test_the_node_of_a_prefix(terms: dict[str, int], prefix: str) -> None:
    lexicon = Lexicon.from_terms(terms)
    node = lexicon.node(prefix)
    assert (node is None) == (oracles.follow(oracles.nested_trie(terms), prefix) is None)
    if node is not None:
        below, nodes = set(), [node]
        while nodes:
            node = nodes.pop()
            below |= {lexicon[term] for term in lexicon.term[node : node + 1] if term >= 0}
            nodes += range(lexicon.first[node], lexicon.first[node + 1])
        assert below == set(oracles.complete(terms, prefix))


def heaviest(lexicon: Lexicon, nodes: list[int], factors: list[float], limit: int) -> list[list[int]]:
    found = kernels.heaviest(
        np.array(nodes, np.int32),
        np.array(factors),
        limit,
        lexicon.label,
        lexicon.first,
        lexicon.term,
        lexicon.top,
        lexicon.df.astype(float),
        np.ceil(np.exp2(np.arange(1, 257) / 8)) - 1,
    )
    return [each.tolist() for each in found]


@given(
    lexicons,
    st.dictionaries(st.text(LETTERS, max_size=2), st.floats(0.01, 1), min_size=1),
    st.integers(1, 12),
)
def test_the_heaviest_terms_below_nodes(
    terms: dict[str, int], prefixes: dict[str, float], limit: int
) -> None:
    lexicon = Lexicon.from_terms(terms)
    there = {node: prefix for prefix in prefixes if (node := lexicon.node(prefix)) is not None}
    if not there:
        return
    factors = [prefixes[prefix] for prefix in there.values()]
    found, of = heaviest(lexicon, list(there), factors, limit)
    weights = [prefixes[p] * terms[t] for p in there.values() for t in terms if t.startswith(p)]
    assert [factors[at] * terms[lexicon[term]] for term, at in zip(found, of, strict=True)] == pytest.approx(
        sorted(weights, reverse=True)[:limit], rel=1e-5
    )
    starts = list(there.values())
    assert all(lexicon[term].startswith(starts[at]) for term, at in zip(found, of, strict=True))


@given(lexicons, st.text(LETTERS, max_size=2), st.integers(1, 12))
def test_the_most_frequent_terms_below_a_node(terms: dict[str, int], prefix: str, limit: int) -> None:
    lexicon = Lexicon.from_terms(terms)
    node = lexicon.node(prefix)
    if node is None:
        return
    found = [lexicon[term] for term in heaviest(lexicon, [node], [1.0], limit)[0]]
    wanted = oracles.complete(terms, prefix)
    assert len(set(found)) == len(found) == min(limit, len(wanted))
    assert set(found) <= set(wanted)
    assert [terms[term] for term in found] == [terms[term] for term in wanted[:limit]]  # equals in any order


def test_the_most_frequent_of_many_children() -> None:
    terms = {chr(0x4E00 + at): at + 1 for at in range(500)}
    lexicon = Lexicon.from_terms(terms)
    found = [lexicon[term] for term in heaviest(lexicon, [0], [1.0], 7)[0]]
    assert found == oracles.complete(terms, "")[:7]


def decoded(
    channel: Channel, terms: dict[str, int], token: str, limit: int, budget: int = 100_000
) -> list[tuple[str, float]]:
    """What `kernels.decode` finds when it expects the most of every letter to come."""
    lexicon = Lexicon.from_terms(terms)
    powers = np.sqrt(lexicon.df.astype(np.float64)), np.exp2(np.arange(1, 257) / 8) ** 0.5
    decoder = Decoder(channel, lexicon, powers)
    spellings = oracles.hopeful(decoder.spellings, channel)._replace(greed=1.0)
    latin = encode_latin(token)
    assert latin is not None
    found, likelihoods, opened = kernels.decode(
        latin, NOISE, 0.0, limit, budget, False, *decoder.trie, *spellings
    )
    assert opened <= budget
    return [(lexicon[term], p) for term, p in zip(found.tolist(), likelihoods.tolist(), strict=True)]


@settings(max_examples=200)
@given(channels(), lexicons, typed)
def test_decode_finds_all_that_matter(channel: Channel, terms: dict[str, int], token: str) -> None:
    wanted = oracles.decode(oracles.table_of(channel), terms, token, prior=0.5)
    found = decoded(channel, terms, token, limit=len(terms))
    likelihoods = {term: p for term, p, _ in wanted}
    scores = {term: score for term, _, score in wanted}
    assert dict(found) == pytest.approx({term: likelihoods[term] for term, _ in found}, rel=1e-9)
    order = [scores[term] for term, _ in found]
    assert order == pytest.approx(sorted(order, reverse=True), rel=1e-9)  # of equals, rounded
    # It leaves out what looks 1e-4 times as likely as the best: that is a guess, hence the margin.
    assert {term for term, _, score in wanted if score > wanted[0][2] * 1e-2} <= dict(found).keys()


@given(channels(), lexicons, typed, st.integers(1, 5))
def test_decode_finds_the_best_few(channel: Channel, terms: dict[str, int], token: str, limit: int) -> None:
    wanted = [score for _, _, score in oracles.decode(oracles.table_of(channel), terms, token, prior=0.5)]
    found = decoded(channel, terms, token, limit)
    assert len(found) <= limit
    for position, score in enumerate(wanted[:limit]):
        if score > wanted[0] * 1e-2:  # as good as the best, but for what a guess may cost
            term, p = found[position]
            assert p * terms[term] ** 0.5 > score * 1e-2


def test_decode_within_a_small_budget_stops() -> None:
    terms = {a + b + c: 1 for a in LETTERS for b in LETTERS for c in LETTERS}
    channel = oracles.channel_of({(letter, "", ""): {"a": 0, "b": 0} for letter in LETTERS})
    assert len(decoded(channel, terms, "aba", limit=27)) == 27
    assert len(decoded(channel, terms, "aba", limit=27, budget=10)) < 27


def test_decode_for_no_terms_at_all() -> None:
    channel = oracles.channel_of({("α", "", ""): {"a": 0}})
    assert decoded(channel, {"α": 1}, "a", limit=0) == []
    assert decoded(channel, {}, "a", limit=5) == []
    assert decoded(channel, {"α": 1}, "a", limit=5, budget=0) == []


@pytest.mark.parametrize("token", ["xyzxy", "aaaaaaaa"])
def test_decode_finds_nothing_where_nothing_could_be_meant(token: str) -> None:
    channel = oracles.channel_of({(letter, "", ""): {"a": 0} for letter in LETTERS})
    assert decoded(channel, {"αβ": 1}, token, limit=5) == []


def test_decode_passes_by_terms_with_letters_of_others() -> None:
    channel = oracles.channel_of({("α", "", ""): {"a": 0}})
    found = decoded(channel, {"α": 1, "αя": 1, "яα": 1, "a": 1}, "a", limit=5)
    assert dict(found) == pytest.approx({"α": 1.0 + NOISE})


@given(channels(), natives)
def test_rows_are_found_without_hashing(channel: Channel, native: str) -> None:
    word = [0, *(channel.letter_ids[letter] for letter in native if letter in channel.letter_ids), 0]
    units, _, rows = channel.tables
    for left, letter, right in itertools.product(word, word[1:-1], word):
        unit = kernels.lookup(units, channel.units, np.int64(letter))
        wanted = kernels.find_row(rows, channel.rows, unit, left, right)
        assert kernels.row_of(unit, left, right, *channel.by_context) == wanted


@given(st.lists(st.dictionaries(st.integers(0, 4), st.floats(0.1, 1), min_size=2), max_size=4), st.data())
def test_terms_that_share_forms(groups: list[dict[int, float]], data: st.DataObject) -> None:
    terms = 5
    each = st.tuples(st.integers(0, terms + len(groups) - 1), st.floats(0.1, 1))
    entries = dict(data.draw(st.lists(each, max_size=6)))
    wanted: dict[int, float] = {}
    for entry, likelihood in entries.items():
        for term, share in {entry: 1.0}.items() if entry < terms else groups[entry - terms].items():
            wanted[term] = wanted.get(term, 0.0) + share * likelihood
    found, likelihoods = kernels.named(
        np.array([*entries], np.int32),
        np.array([*entries.values()], np.float64),
        terms,
        np.cumsum([0, *map(len, groups)], dtype=np.int32),
        np.array([term for group in groups for term in group], np.int32),
        np.array([share for group in groups for share in group.values()], np.float32),
    )
    assert dict(zip(found.tolist(), likelihoods.tolist(), strict=True)) == pytest.approx(wanted, rel=1e-6)
    assert len(found) == len(wanted)


@given(st.lists(st.tuples(st.floats(1e-9, 1), st.floats(1, 1e6)), max_size=8), st.floats(0, 0.5))
def test_weights_of_terms(terms: list[tuple[float, float]], least: float) -> None:
    """Those of more than a share of the sum; the sum and the greatest are of all."""
    wanted = [(likelihood * power) ** 0.6 for likelihood, power in terms]
    likelihoods, powers = np.array(terms).reshape(-1, 2).T.copy()
    found, weights, total, best = kernels.weighed(
        np.arange(len(terms), dtype=np.int32), likelihoods, powers, 0.6, least
    )
    assert total == pytest.approx(sum(wanted)) and best == pytest.approx(max(wanted, default=0.0))
    assert weights.tolist() == pytest.approx([wanted[term] for term in found])
    left_out = [weight for term, weight in enumerate(wanted) if term not in found]
    assert all(weight < least * total * (1 + 1e-9) for weight in left_out)
    assert all(weight >= least * total * (1 - 1e-9) for weight in weights)
