"""The hot loops, compiled: EM counts for a channel, the trie of a lexicon, and decoding over it.

Everything here works on flat arrays; `channel`, `lexicon` and `decoding` give them meaning. What is exported
has a slow, obvious twin in `tests/oracles.py` that it must agree with.

A *slot* of a channel is one (unit, spelling) pair in one context; a *row* is the slots of one unit in one
context, a slice ``row_start[r]:row_start[r + 1]``. `forward` vectors run over the positions of the Latin
token: ``forward[j]`` is the probability that the native letters read so far were written as the token's first
j letters, summed over all segmentations.

One file, as numba's cache does not see what changed in another. The search does without two things that
cost it up to a fifth: views of rows (``forward[slot]``) in its loops and, in what these call for every child,
a second `return` or a `break`, where numba may count references to the arrays that are passed on.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = [
    "MAX_SPELLING",
    "MAX_UNIT",
    "Spellings",
    "Trie",
    "build_table",
    "build_trie",
    "count",
    "decode",
    "decode_anywhere",
    "find_node",
    "heaviest",
    "likelihood",
    "named",
    "spell",
    "spelling_ids",
    "weighed",
    "word_rows",
    "written",
]

MAX_UNIT = 3  # native letters in a unit
MAX_SPELLING = 4  # Latin letters in a spelling
ANY = 255  # a context letter that was not looked at
EDGE = 0  # the letter before the first and after the last

Int: TypeAlias = int | np.integer
Keys: TypeAlias = NDArray[np.int64]
Table: TypeAlias = NDArray[np.int32]
Letters: TypeAlias = NDArray[np.uint8]
Labels: TypeAlias = NDArray[np.uint16]
Starts: TypeAlias = NDArray[np.int64]
Numbers: TypeAlias = NDArray[np.int32]
Grid: TypeAlias = NDArray[np.int32]  # two-dimensional
Floats: TypeAlias = NDArray[np.float64]
Pairs: TypeAlias = NDArray[np.int16]
Shares: TypeAlias = NDArray[np.float32]
Flags: TypeAlias = NDArray[np.bool_]


@njit(cache=True, nogil=True, inline="always")
def _hash(key: Int, mask: Int) -> Int:
    key = (key ^ (key >> np.int64(31))) * np.int64(0x2545F4914F6CDD1D)
    return (key ^ (key >> np.int64(29))) & mask


@njit(cache=True, nogil=True)
def build_table(keys: Keys) -> Table:
    """An open-addressing hash table of `keys` (distinct, not negative): positions in them, -1 where empty."""
    size = 8
    while size < 2 * len(keys):
        size *= 2
    table = np.full(size, -1, np.int32)
    for position in range(len(keys)):
        at = _hash(keys[position], size - 1)
        while table[at] >= 0:
            at = (at + 1) & (size - 1)
        table[at] = position
    return table


@njit(cache=True, nogil=True, inline="always")
def lookup(table: Table, keys: Keys, key: Int) -> Int:
    """The position of `key` in `keys`, or -1."""
    mask = len(table) - 1
    at = _hash(key, mask)
    while table[at] >= 0 and keys[table[at]] != key:
        at = (at + 1) & mask
    return np.int32(table[at])


@njit(cache=True, nogil=True, inline="always")
def row_key(unit: Int, left: Int, right: Int) -> Int:
    return (np.int64(unit) << 16) | (np.int64(left) << 8) | np.int64(right)


@njit(cache=True, nogil=True, inline="always")
def find_row(table: Table, keys: Keys, unit: Int, left: Int, right: Int) -> Int:
    """The row of the most telling context known: both neighbours, the right one, none."""
    row = lookup(table, keys, row_key(unit, left, right))
    if row < 0:
        row = lookup(table, keys, row_key(unit, ANY, right))
        if row < 0:
            row = lookup(table, keys, row_key(unit, ANY, ANY))
    return row


@njit(cache=True, nogil=True)
def spelling_ids(token: Letters, table: Table, keys: Keys) -> Grid:
    """Spelling of ``token[j : j + n]`` at [j, n], -1 where there is none; shape (len + 1, MAX_SPELLING + 1).

    A spelling's key is its letters (1–63) as digits of base 64; the empty spelling's is 0.
    """
    length = len(token)
    ids = np.full((length + 1, MAX_SPELLING + 1), -1, np.int32)
    empty = lookup(table, keys, np.int64(0))
    for j in range(length + 1):
        ids[j, 0] = empty
        key = np.int64(0)
        for n in range(1, min(MAX_SPELLING, length - j) + 1):
            key = key * 64 + token[j + n - 1]
            ids[j, n] = lookup(table, keys, key)
    return ids


@njit(cache=True, nogil=True)
def word_rows(word: Letters, unit_table: Table, unit_keys: Keys, row_table: Table, row_keys: Keys) -> Grid:
    """Row of ``word[i : i + k]`` in its context at [i, k - 1], -1 if none; shape (len, MAX_UNIT)."""
    length = len(word)
    rows = np.full((length, MAX_UNIT), -1, np.int32)
    for i in range(length):
        key = np.int64(0)
        left = word[i - 1] if i > 0 else EDGE
        for k in range(1, min(MAX_UNIT, length - i) + 1):
            key = key * 256 + word[i + k - 1]
            unit = lookup(unit_table, unit_keys, key)
            if unit >= 0:
                right = word[i + k] if i + k < length else EDGE
                rows[i, k - 1] = find_row(row_table, row_keys, unit, left, right)
    return rows


@njit(cache=True, nogil=True)
def likelihood(
    rows: Grid,
    spellings: Grid,
    row_start: Numbers,
    slot_spelling: Labels,
    slot_probability: Floats,
    noise: float,
) -> float:
    """P(Latin | native), summed over segmentations, of `word_rows` and `spelling_ids`."""
    letters, length = rows.shape[0], spellings.shape[0] - 1
    forward = np.zeros((letters + 1, length + 1))
    forward[0, 0] = 1.0
    for i in range(letters):
        for k in range(MAX_UNIT):
            if rows[i, k] >= 0:
                emit(
                    forward,
                    i,
                    i + k + 1,
                    rows[i, k],
                    spellings,
                    row_start,
                    slot_spelling,
                    slot_probability,
                    noise if k == 0 else 0.0,
                )
    return float(forward[letters, length])


@njit(cache=True, nogil=True, inline="always")
def _slip(forward: Floats, source: Int, target: Floats, come: Int, noise: float) -> None:
    """Add to `target` what row `source` of `forward`, 0 after `come`, becomes when a letter is written by a
    slip: by none, any one or any two.
    """
    length = forward.shape[1] - 1
    for j in range(come + 1):
        slip = forward[source, j] * noise
        target[j] += slip
        if j + 1 <= length:
            target[j + 1] += slip
        if j + 2 <= length:
            target[j + 2] += slip * noise


@njit(cache=True, nogil=True)
def emit(
    forward: Floats,
    source: Int,
    target: Int,
    row: Int,
    spellings: Grid,
    row_start: Numbers,
    slot_spelling: Labels,
    slot_probability: Floats,
    noise: float,
) -> None:
    """Add to row `target` of `forward` what row `source` becomes by one more unit, written by a spelling of
    `row` or a slip.
    """
    length = forward.shape[1] - 1
    for slot in range(row_start[row], row_start[row + 1]):
        spelling, probability = slot_spelling[slot], slot_probability[slot]
        for j in range(length + 1):
            if forward[source, j] > 0.0:
                for n in range(min(MAX_SPELLING, length - j) + 1):
                    if spellings[j, n] == spelling:
                        forward[target, j + n] += forward[source, j] * probability
    if noise > 0.0:
        _slip(forward, source, forward[target], length, noise)


@njit(cache=True, nogil=True)
def count(
    word_start: Starts,
    word_rows: Grid,
    latin_start: Starts,
    latin_spellings: Grid,
    weights: Floats,
    row_start: Numbers,
    slot_spelling: Labels,
    slot_probability: Floats,
    slot_count: Floats,
    row_count: Floats,
) -> float:
    """One E step: adds the expected use of slots and rows to the counts; returns the log likelihood.

    Pairs come flattened: pair p's native letters are ``word_start[p]:word_start[p + 1]`` of `word_rows`
    (letters, MAX_UNIT), its Latin positions ``latin_start[p]:latin_start[p + 1]`` of `latin_spellings`
    (positions, MAX_SPELLING + 1). A row is counted with the probability that a unit starts there, so that
    units of several letters compete with their parts.
    """
    total = 0.0
    for pair in range(len(weights)):
        rows = word_rows[word_start[pair] : word_start[pair + 1]]
        spellings = latin_spellings[latin_start[pair] : latin_start[pair + 1]]
        letters, length = rows.shape[0], spellings.shape[0] - 1
        if length > MAX_SPELLING * letters:
            continue
        backward = np.zeros((letters + 1, length + 1))
        backward[letters, length] = 1.0
        forward = np.zeros((letters + 1, length + 1))
        forward[0, 0] = 1.0
        for i in range(letters - 1, -1, -1):
            for k in range(MAX_UNIT):
                row = rows[i, k]
                if row < 0:
                    continue
                for slot in range(row_start[row], row_start[row + 1]):
                    for j in range(length + 1):
                        for n in range(min(MAX_SPELLING, length - j) + 1):
                            if spellings[j, n] == slot_spelling[slot]:
                                backward[i, j] += slot_probability[slot] * backward[i + k + 1, j + n]
        likely = backward[0, 0]
        if likely <= 0.0:
            continue
        total += weights[pair] * np.log(likely)
        scale = weights[pair] / likely
        for i in range(letters):
            starts = 0.0
            for j in range(length + 1):
                starts += forward[i, j] * backward[i, j]
            for k in range(MAX_UNIT):
                row = rows[i, k]
                if row < 0:
                    continue
                row_count[row] += starts * scale
                for slot in range(row_start[row], row_start[row + 1]):
                    for j in range(length + 1):
                        if forward[i, j] == 0.0:
                            continue
                        for n in range(min(MAX_SPELLING, length - j) + 1):
                            if spellings[j, n] == slot_spelling[slot]:
                                step = forward[i, j] * slot_probability[slot]
                                forward[i + k + 1, j + n] += step
                                slot_count[slot] += step * backward[i + k + 1, j + n] * scale
    return total


@njit(cache=True, nogil=True)
def build_trie(
    labels: Labels, start: Starts, df: Numbers, label: Labels, first: Numbers, term: Numbers, top: Letters
) -> Int:
    """Fill a trie's nodes, level by level, from terms sorted by their labels; returns how many nodes there
    are.

    Term t is ``labels[start[t] : start[t + 1]]``. Node v's children are ``first[v]`` to ``first[v + 1]``,
    side by side in memory, by label; ``term[v]`` is the term that ends there or -1; ``top[v]`` is the
    largest log2 document frequency at and below v, in eighths.
    """
    capacity = len(label)
    low, high = np.empty(capacity, np.int32), np.empty(capacity, np.int32)  # the terms that go through a node
    label[0], low[0], high[0] = 0, 0, len(df)
    nodes, level_end, depth, node = 1, 1, 0, 0
    while node < nodes:
        if node == level_end:
            level_end = nodes
            depth += 1
        first[node], term[node], top[node] = nodes, -1, 0
        t = low[node]
        if t < high[node] and start[t + 1] - start[t] == depth:  # the shortest comes first
            term[node] = t
            top[node] = min(255, int(np.log2(df[t]) * 8)) if df[t] > 0 else 0
            t += 1
        while t < high[node]:
            letter, from_term = labels[start[t] + depth], t
            while t < high[node] and labels[start[t] + depth] == letter:
                t += 1
            label[nodes], low[nodes], high[nodes] = letter, from_term, t
            nodes += 1
        node += 1
    first[nodes] = nodes
    for node in range(nodes - 1, -1, -1):
        for child in range(first[node], first[node + 1]):
            top[node] = max(top[node], top[child])
    return nodes


@njit(cache=True, nogil=True)
def find_node(labels: Labels, label: Labels, first: Numbers) -> Int:
    """The node that `labels` lead to, or -1."""
    node = 0
    for wanted in labels:
        child = first[node]
        while child < first[node + 1] and label[child] != wanted:
            child += 1
        if child == first[node + 1]:
            return -1
        node = child
    return node


@njit(cache=True, nogil=True)
def written(labels: Numbers, label: Labels, first: Numbers, term: Numbers) -> Grid:
    """The entry that ``labels[start:end]`` is, as it is written, at [start, end]; -1 where it is none.

    A letter without a label is -1. Shape (len, len + 1).
    """
    length = len(labels)
    found = np.full((length, length + 1), -1, np.int32)
    for start in range(length):
        node = np.int32(0)
        for end in range(start + 1, length + 1):
            low, high = first[node], first[node + 1]
            while low < high:
                middle = (low + high) // 2
                if label[middle] < labels[end - 1]:
                    low = middle + 1
                else:
                    high = middle
            if low == first[node + 1] or label[low] != labels[end - 1]:
                break
            node = low
            found[start, end] = term[node]
    return found


@njit(cache=True, nogil=True)
def named(
    entries: Numbers,
    likelihoods: Floats,
    terms: int,
    shared_start: Numbers,
    shared_term: Numbers,
    share: Shares,
) -> tuple[Numbers, Floats]:
    """The terms that entries are, each once, with P(Latin | term), of P(Latin | form); see `Lexicon`."""
    capacity = len(entries)
    for entry in entries:
        if entry >= terms:
            capacity += shared_start[entry - terms + 1] - shared_start[entry - terms]
    found, sums = np.empty(capacity, np.int32), np.empty(capacity)
    size = 8
    while size < 2 * capacity:
        size *= 2
    places = np.full(size, -1, np.int32)  # of the terms found, by their hash
    count = 0
    for at in range(len(entries)):
        first, last = np.int32(-1), np.int32(0)  # the one term that this entry is
        if entries[at] >= terms:
            first, last = shared_start[entries[at] - terms], shared_start[entries[at] - terms + 1]
        for place in range(first, last):
            term, part = entries[at], likelihoods[at]
            if place >= 0:
                term, part = shared_term[place], share[place] * likelihoods[at]
            slot = _hash(np.int64(term), size - 1)
            while places[slot] >= 0 and found[places[slot]] != term:
                slot = (slot + 1) & (size - 1)
            if places[slot] < 0:
                places[slot], found[count], sums[count] = count, term, 0.0
                count += 1
            sums[places[slot]] += part
    return found[:count], sums[:count]


@njit(cache=True, nogil=True)
def weighed(
    terms: Numbers, likelihoods: Floats, power: Floats, sharpness: float, least: float
) -> tuple[Numbers, Floats, float, float]:
    """The terms with their weights, (P · ``power[term]``) ** sharpness, those of more than `least` of all
    weights, and how much all weigh and the best.
    """
    weights = np.empty(len(terms))
    total = best = 0.0
    for at in range(len(terms)):
        weights[at] = (likelihoods[at] * power[terms[at]]) ** sharpness
        total += weights[at]
        best = max(best, weights[at])
    heavy, kept = np.empty(len(terms), np.int32), 0
    for at in range(len(terms)):
        if weights[at] >= least * total:
            heavy[kept], weights[kept] = terms[at], weights[at]
            kept += 1
    return heavy[:kept], weights[:kept], total, best


@njit(cache=True, nogil=True)
def _push(heap: Numbers, priorities: Floats, size: Int, slot: Int) -> Int:
    at = size
    while at > 0 and priorities[heap[(at - 1) >> 1]] < priorities[slot]:
        heap[at] = heap[(at - 1) >> 1]
        at = (at - 1) >> 1
    heap[at] = slot
    return size + 1


@njit(cache=True, nogil=True)
def _pop(heap: Numbers, priorities: Floats, size: Int) -> tuple[Int, Int]:
    best = heap[0]
    size -= 1
    slot = heap[size]
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and priorities[heap[child + 1]] > priorities[heap[child]]:
            child += 1
        if priorities[heap[child]] <= priorities[slot]:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = slot
    return best, size


class Trie(NamedTuple):
    """The terms of a lexicon by their letters, for one alphabet: a channel's, or Latin.

    `letter_of_label` is 0 for what is none of it; `roots` are the nodes of first letters that are.
    ``rank_power[top[v]]`` is at least the `df_power` of any term below node v.
    """

    roots: Numbers
    label: Labels
    first: Numbers
    term: Numbers
    top: Letters
    df_power: Floats
    rank_power: Floats
    letter_of_label: Letters


TRIE = len(Trie._fields)


class Spellings(NamedTuple):
    """A channel, by what a search asks of it.

    Rows are found as `Channel.by_context` has them; a slot's probability is that of its cost.
    ``ceiling_cost[ceiling_start[u] : ceiling_start[u + 1]]`` is the least that unit u's spellings cost in any
    context; ``ahead[ahead_start[s] : ahead_start[s + 1]]`` is what the units that begin so are expected to
    give spelling s. ``pair_of[a * 256 + b]`` is the number of a pair of letters that units of several letters
    begin with, after those of the letters, -1 for the others; there are so many `beginnings`.
    """

    unit_table: Table
    unit_keys: Keys
    spelling_table: Table
    spelling_keys: Keys
    right_start: Numbers
    right: Letters
    right_row: Numbers
    plain_row: Grid
    row_start: Numbers
    slot_spelling: Labels
    slot_cost: Letters
    probability: Floats
    ahead_start: Numbers
    ahead_beginning: Labels
    ahead: Floats
    ceiling_start: Numbers
    ceiling_spelling: Labels
    ceiling_cost: Letters
    pair_of: Pairs
    beginnings: int
    greed: float


@njit(cache=True, nogil=True)
def _promise(spellings: Grid, channel: Spellings, noise: float) -> Floats:
    """What a letter, or pair, to be written from a Latin place on can come to.

    The most that a unit beginning with it gives its spelling there, times `greed` for each letter after that.
    Shape (len + 1, beginnings).
    """
    length, greed = spellings.shape[0] - 1, channel.greed
    ahead_start, ahead_beginning, ahead = channel.ahead_start, channel.ahead_beginning, channel.ahead
    promise = np.full((length + 1, channel.beginnings), noise)
    silent = spellings[length, 0]
    if silent >= 0:
        for at in range(ahead_start[silent], ahead_start[silent + 1]):
            promise[:, ahead_beginning[at]] = max(noise, ahead[at])
    for j in range(length + 1):
        credit = 1.0
        for n in range(1, min(MAX_SPELLING, length - j) + 1):
            credit /= greed
            spelling = spellings[j, n]
            if spelling >= 0:
                for at in range(ahead_start[spelling], ahead_start[spelling + 1]):
                    beginning = ahead_beginning[at]
                    promise[j, beginning] = max(promise[j, beginning], ahead[at] * credit)
        promise[j] *= greed ** (length - j)
    return promise


@njit(cache=True, nogil=True, inline="always")
def row_of(
    unit: Int,
    left: Int,
    right_letter: Int,
    right_start: Numbers,
    right: Letters,
    right_row: Numbers,
    plain_row: Grid,
) -> Int:
    """`find_row` without hashing: a channel's rows by unit and left letter, of few right letters each."""
    at = unit * plain_row.shape[1] + left
    row = plain_row[unit, right_letter]
    for place in range(right_start[at], right_start[at + 1]):
        if right[place] == right_letter:
            row = right_row[place]
    return np.int32(row)


@njit(cache=True, nogil=True)
def _emit_fast(
    forward: Floats,
    source: Int,
    target: Floats,
    first: Int,
    last: Int,
    head: Numbers,
    following: Numbers,
    slot_spelling: Labels,
    slot_cost: Letters,
    probability: Floats,
) -> None:
    """`emit` of the slots from `first` to `last`, without slips, by the places where each spelling stands."""
    for slot in range(first, last):
        place = head[slot_spelling[slot]]
        while place >= 0:
            j, n = place // (MAX_SPELLING + 1), place % (MAX_SPELLING + 1)
            if forward[source, j] > 0.0:
                target[j + n] += forward[source, j] * probability[slot_cost[slot]]
            place = following[place]


@njit(cache=True, nogil=True)
def _keep(
    result: int,
    score: float,
    likelihood: float,
    results: Numbers,
    scores: Floats,
    likelihoods: Floats,
    found: int,
) -> int:
    """Insert a result where its score belongs among the best; returns how many there are."""
    limit = len(results)
    if score <= scores[limit - 1]:
        return found
    at = min(found, limit - 1)
    while at > 0 and scores[at - 1] < score:
        scores[at], results[at], likelihoods[at] = scores[at - 1], results[at - 1], likelihoods[at - 1]
        at -= 1
    scores[at], results[at], likelihoods[at] = score, result, likelihood
    return min(found + 1, limit)


@njit(cache=True, nogil=True)
def heaviest(
    starts: Numbers,
    factors: Floats,
    limit: int,
    label: Labels,
    first: Numbers,
    term: Numbers,
    top: Letters,
    power: Floats,
    highest: Floats,
) -> tuple[Numbers, Numbers]:
    """The entries at and below nodes that weigh most, at most `limit`, and of which of the nodes each is.

    An entry weighs its `power` times its node's factor; ``highest[top[v]]`` is the largest power below v. A
    best-first descent. Nodes come after entries of the same weight and, the later they were met, before other
    nodes: of many terms that one document holds, only as many are looked at as are wanted.
    """
    capacity = 64
    while capacity < len(starts):
        capacity *= 2
    heap, nodes, ranks = np.empty(capacity, np.int32), np.empty(capacity, np.int32), np.empty(capacity)
    origins, best = np.empty(capacity, np.int32), np.empty(capacity, np.int32)
    size: Int = 0
    for used in range(len(starts)):
        nodes[used], origins[used] = starts[used], used
        ranks[used] = factors[used] * highest[top[starts[used]]]
        size = _push(heap, ranks, size, used)
    used = len(starts)
    count = 0
    while size > 0 and count < limit:
        slot, size = _pop(heap, ranks, size)
        node, origin = nodes[slot], origins[slot]
        if node < 0:
            best[count] = slot
            count += 1
            continue
        child = first[node]
        at_term = term[node] >= 0
        while used + 1 + first[node + 1] - child > capacity:  # not below: what is bound anew there is slow
            capacity *= 2
            heap, nodes, ranks = _grown(heap), _grown(nodes), _grown(ranks)
            origins, best = _grown(origins), _grown(best)
        while at_term or child < first[node + 1]:
            if at_term:
                nodes[used], ranks[used] = -1 - term[node], factors[origin] * power[term[node]]
                at_term = False
            else:
                after = 1.0 - 1e-6 + 1e-13 * used
                nodes[used], ranks[used] = child, after * factors[origin] * highest[top[child]]
                child += 1
            origins[used] = origin
            size = _push(heap, ranks, size, used)
            used += 1
    return (-1 - nodes[best[:count]]).astype(np.int32), origins[best[:count]]


@njit(cache=True, nogil=True)
def _grown(array: NDArray[Any]) -> NDArray[Any]:
    grown = np.empty(2 * len(array), array.dtype)
    grown[: len(array)] = array
    return grown


@njit(cache=True, nogil=True)
def _search(
    spellings: Grid,
    promise: Floats,
    offset: int,
    trie: Trie,
    channel: Spellings,
    noise: float,
    floor: float,
    limit: int,
    budget: int,
    prefix: bool,
    anywhere: bool,
) -> tuple[Numbers, Floats, Int, Numbers, Grid, Floats]:
    """`decode`, of a token's `spelling_ids` and `_promise` from `offset` on.

    With `anywhere`, what ends at each place instead, which nothing but `floor` prunes.
    """
    # What the loops ask for: a field of a tuple counts a reference each time.
    label, first, term, top = trie.label, trie.first, trie.term, trie.top
    df_power, rank_power, letter_of_label = trie.df_power, trie.rank_power, trie.letter_of_label
    unit_table, unit_keys, pair_of = channel.unit_table, channel.unit_keys, channel.pair_of
    right_start, right = channel.right_start, channel.right
    right_row, plain_row = channel.right_row, channel.plain_row
    row_start, slot_spelling, slot_cost = channel.row_start, channel.slot_spelling, channel.slot_cost
    ceiling_start, ceiling_spelling = channel.ceiling_start, channel.ceiling_spelling
    ceiling_cost, probability = channel.ceiling_cost, channel.probability
    length = len(spellings) - 1
    ends = length + 1 if anywhere else 0  # rows of what ends before the token does
    terms_at = np.full((ends, limit), -1, np.int32)
    scores_at, likelihoods_at = np.zeros((ends, limit)), np.zeros((ends, limit))
    found_at = np.zeros(ends, np.int32)
    best_terms = np.full(limit, -1, np.int32)
    best_scores, best_likelihoods = np.zeros(limit), np.zeros(limit)
    found, opened = 0, 0
    if limit < 1:
        return best_terms, best_likelihoods, 0, found_at, terms_at, likelihoods_at
    head = np.full(len(channel.spelling_keys), -1, np.int32)
    following = np.full((length + 1) * (MAX_SPELLING + 1), -1, np.int32)
    for j in range(length, -1, -1):
        for n in range(MAX_SPELLING + 1):
            if spellings[j, n] >= 0 and j + n <= length:
                place = j * (MAX_SPELLING + 1) + n
                following[place] = head[spellings[j, n]]
                head[spellings[j, n]] = place
    letters = plain_row.shape[1]
    capacity = 16 * budget + 512
    forward = np.empty((capacity, length + 1))
    reach = np.empty(capacity, np.int32)  # how far into the token a node's letters can have come
    node_of = np.empty(capacity, np.int32)
    parent_of = np.empty(capacity, np.int32)
    letter_at = np.empty(capacity, np.int64)
    priorities = np.empty(capacity)
    heap = np.empty(capacity, np.int32)
    target, bound = np.empty(length + 1), np.empty(length + 1)
    likely = np.empty(letters)  # what `bound` lets each next letter come to
    # Of units of one, two and three letters: where they begin, and the letter before.
    units, sources, lefts = (
        np.empty(MAX_UNIT, np.int32),
        np.empty(MAX_UNIT, np.int32),
        np.empty(MAX_UNIT, np.int32),
    )

    forward[0, :] = 0.0
    forward[0, 0] = 1.0
    node_of[0], parent_of[0], reach[0], letter_at[0] = 0, -1, 0, EDGE
    used: Int = 1
    size: Int = 0
    for root in trie.roots:
        priority = promise[offset, letter_of_label[label[root]]] * rank_power[top[root]]
        if priority > floor:
            forward[used] = forward[0]
            node_of[used], parent_of[used], priorities[used], reach[used] = root, 0, priority, 0
            letter_at[used] = letter_of_label[label[root]]
            size = _push(heap, priorities, size, used)
            used += 1
    while size > 0 and opened < budget:
        slot, size = _pop(heap, priorities, size)
        if found == limit and priorities[slot] < best_scores[limit - 1]:
            break
        if priorities[slot] <= max(floor, best_scores[0] * 1e-4):
            break
        opened += 1
        node = node_of[slot]
        come = int(reach[slot])
        far = min(length, come + MAX_SPELLING)
        # The units that end at this node, of one, two and three letters; their rows once the next is known.
        units[:] = -1
        at, key = int(slot), 0
        for k in range(MAX_UNIT):
            if at > 0:
                sources[k] = at
                key += letter_at[at] << 8 * k
                units[k] = lookup(unit_table, unit_keys, np.int64(key))
                at = int(parent_of[at])
                lefts[k] = letter_at[at]
        last, before = np.int64(letter_at[slot]), np.int64(lefts[0])
        up = int(parent_of[slot])
        began = pair_of[before * 256 + last] if before > 0 else np.int16(-1)
        child = first[node]
        at_end = term[node] >= 0
        least = max(floor, best_scores[limit - 1], best_scores[0] * 1e-4)
        crowded = first[node + 1] - child > 1
        if crowded:  # many children: what they can come to at most tells which are worth a closer look
            bound[:] = 0.0
            for k in range(MAX_UNIT):
                if units[k] >= 0:
                    _emit_fast(
                        forward,
                        sources[k],
                        bound,
                        ceiling_start[units[k]],
                        ceiling_start[units[k] + 1],
                        head,
                        following,
                        ceiling_spelling,
                        ceiling_cost,
                        probability,
                    )
            if units[0] >= 0:
                _slip(forward, slot, bound, come, noise)
            likely[:] = 0.0
            for j in range(far + 1):
                if bound[j] > 0.0:
                    for at in range(letters):
                        likely[at] = max(likely[at], bound[j] * promise[offset + j, at])
        while at_end or child < first[node + 1]:
            letter = np.int64(EDGE)
            if not at_end:
                letter = np.int64(letter_of_label[label[child]])
                if letter == 0:
                    child += 1
                    continue
            waiting = 0.0  # the best of the units that began before this child and go on with it
            if not at_end:
                pair = pair_of[last * 256 + letter]
                if pair >= 0:
                    for j in range(come + 1):
                        waiting = max(waiting, forward[slot, j] * promise[offset + j, pair])
                if began >= 0 and lookup(unit_table, unit_keys, (before * 256 + last) * 256 + letter) >= 0:
                    for j in range(reach[up] + 1):
                        waiting = max(waiting, forward[up, j] * promise[offset + j, began])
                if crowded and not prefix and max(waiting, likely[letter]) * rank_power[top[child]] <= least:
                    child += 1
                    continue
            target[:] = 0.0
            for k in range(MAX_UNIT):
                if units[k] >= 0:
                    row = int(row_of(units[k], lefts[k], letter, right_start, right, right_row, plain_row))
                    _emit_fast(
                        forward,
                        sources[k],
                        target,
                        row_start[row],
                        row_start[row + 1],
                        head,
                        following,
                        slot_spelling,
                        slot_cost,
                        probability,
                    )
            if units[0] >= 0:
                _slip(forward, slot, target, come, noise)
            if at_end:
                at_end = False
                if anywhere:
                    for j in range(1, far + 1):
                        score = target[j] * df_power[term[node]]
                        found_at[j] = _keep(
                            term[node],
                            score,
                            target[j],
                            terms_at[j],
                            scores_at[j],
                            likelihoods_at[j],
                            found_at[j],
                        )
                    continue
                result = node if prefix else term[node]
                score = target[length] * df_power[term[node]]
                found = _keep(result, score, target[length], best_terms, best_scores, best_likelihoods, found)
                continue
            if prefix and target[length] > 0.0:
                score = target[length] * rank_power[top[child]]
                found = _keep(child, score, target[length], best_terms, best_scores, best_likelihoods, found)
            priority = waiting
            for j in range(far + 1):
                priority = max(priority, target[j] * promise[offset + j, letter])
            priority *= rank_power[top[child]]
            least = max(floor, best_scores[limit - 1], best_scores[0] * 1e-4)
            if used < capacity and priority > least:
                for j in range(length + 1):
                    forward[used, j] = target[j]
                node_of[used], parent_of[used], priorities[used], reach[used] = child, slot, priority, far
                letter_at[used] = letter
                while reach[used] > come and target[reach[used]] == 0.0:
                    reach[used] -= 1
                size = _push(heap, priorities, size, used)
                used += 1
            child += 1
    return best_terms[:found], best_likelihoods[:found], opened, found_at, terms_at, likelihoods_at


@njit(cache=True, nogil=True)
def decode(
    token: Letters, noise: float, floor: float, limit: int, budget: int, prefix: bool, *tables: Any
) -> tuple[Numbers, Floats, Int]:
    """The terms that `token` most likely means: terms, P(token | term), at most `limit`, by P ·
    ``df_power[term]``.

    `tables` are what a Trie and Spellings consist of, one by one: so numba takes them in half the time.

    Best-first search over the trie; a node's priority is the probability of the best way to have come this
    far, times `greed` for each Latin letter still to come, times the largest prior below it. P is exact,
    summed over all segmentations.

    With the most that units give in any context as what is `ahead`, and a `greed` of 1, hardly a term of 1e-4
    of the best one's score or more is missed (a priority is the best of the places where a score is their
    sum), but for the `budget` of nodes opened, of which at most 16 children each are remembered; sharper
    expectations and a lower greed make the search narrower and deeper. Scores of `floor` and below are of no
    interest. Returns also how many nodes were opened.

    With `prefix`, the token is the beginning of a word: what comes back are nodes with P(token | letters
    before the node), and the prior is that of the most frequent term below.
    """
    trie, channel = Trie(*tables[:TRIE]), Spellings(*tables[TRIE:])
    spellings = spelling_ids(token, channel.spelling_table, channel.spelling_keys)
    promise = _promise(spellings, channel, noise)
    found, likelihoods, opened, _, _, _ = _search(
        spellings, promise, 0, trie, channel, noise, floor, limit, budget, prefix, False
    )
    return found, likelihoods, opened


@njit(cache=True, nogil=True)
def decode_anywhere(
    run: Letters,
    noise: float,
    floor: float,
    limit: int,
    budget: int,
    longest: int,
    short: int,
    slipped: float,
    words: Flags,
    within: Flags,
    *tables: Any,
) -> tuple[Numbers, Numbers, Numbers, Floats]:
    """The terms that parts of `run`, letters without regard to spaces, may mean: starts, ends, terms,
    P(run[start:end] | term).

    At most `limit` for each (start, end), of at most `longest` letters; `floor` is what a part's P ·
    ``df_power[term]`` is to exceed, times `greed` for each of its letters, and P alone is `slipped` or more
    in one of less than `short` letters. Starts are 0 and where a part ended, or a stretch that is one of
    `words`, shape (len, len + 1), whatever it means; parts neither begin nor end where `within`, shape
    (len + 1), is true. Everything else is as in `decode`, with `budget` for each start.
    """
    length = len(run)
    capacity = length * min(longest, length) * limit
    starts, ends = np.empty(capacity, np.int32), np.empty(capacity, np.int32)
    terms, likelihoods = np.empty(capacity, np.int32), np.empty(capacity)
    trie, channel = Trie(*tables[:TRIE]), Spellings(*tables[TRIE:])
    spellings = spelling_ids(run, channel.spelling_table, channel.spelling_keys)
    promise = _promise(spellings, channel, noise)
    greed, df_power = channel.greed, trie.df_power
    reached = np.zeros(length + 1, np.bool_)
    reached[0] = True
    count = 0
    for start in range(length):
        if not reached[start]:
            continue
        for end in range(start + 1, length):
            if words[start, end] and not within[end]:
                reached[end] = True
        end = min(length, start + longest)
        least = floor * greed ** (length - start)
        _, _, _, found, found_terms, found_likelihoods = _search(
            spellings[start : end + 1],
            promise,
            start,
            trie,
            channel,
            noise,
            least,
            limit,
            budget,
            False,
            True,
        )
        for j in range(1, end - start + 1):
            for at in range(found[j]):
                term_, likely = found_terms[j, at], found_likelihoods[j, at]
                if likely * df_power[term_] <= floor * greed**j:
                    break
                if within[start + j] or (j < short and likely < slipped):
                    continue
                starts[count], ends[count] = start, start + j
                terms[count], likelihoods[count] = term_, likely
                reached[start + j] = True
                count += 1
    return starts[:count], ends[:count], terms[:count], likelihoods[:count]


@njit(cache=True, nogil=True)
def _whole_and_begun(
    rows: Grid,
    row_start: Numbers,
    slot_spelling: Labels,
    slot_probability: Floats,
    spelling_keys: Keys,
    prefix_table: Table,
    prefix_keys: Keys,
    promise: Floats,
) -> tuple[Numbers, Numbers, Numbers, Numbers, Floats]:
    """Which places of a word a spelling, or the beginning of one, may be written at.

    Lists by spelling, then by prefix: their heads (spellings + prefixes), and per entry the next one, the
    place i, how many native letters are written, and the spelling's probability; for the beginning of a
    spelling, that times what the rest of the word can still give.
    """
    slots = 0
    for i in range(rows.shape[0]):
        for k in range(MAX_UNIT):
            if rows[i, k] >= 0:
                slots += row_start[rows[i, k] + 1] - row_start[rows[i, k]]
    head = np.full(len(spelling_keys) + len(prefix_keys), -1, np.int32)
    following, place = np.empty(slots * MAX_SPELLING, np.int32), np.empty(slots * MAX_SPELLING, np.int32)
    letters, value = np.empty(slots * MAX_SPELLING, np.int32), np.empty(slots * MAX_SPELLING)
    used = 0
    for i in range(rows.shape[0]):
        for k in range(MAX_UNIT):
            row = rows[i, k]
            if row < 0:
                continue
            for slot in range(row_start[row], row_start[row + 1]):
                spelling, probability = np.int64(slot_spelling[slot]), slot_probability[slot]
                listed, worth = spelling, probability
                key = spelling_keys[spelling]
                while listed >= 0:
                    following[used], head[listed] = head[listed], used
                    place[used], letters[used], value[used] = i, k + 1, worth
                    used += 1
                    key >>= 6
                    worth = probability * promise[i + k + 1]
                    listed = np.int64(-1)
                    if key > 0:
                        listed = np.int64(lookup(prefix_table, prefix_keys, key)) + len(spelling_keys)
    return head, following, place, letters, value


@njit(cache=True, nogil=True)
def spell(
    rows: Grid,
    trie: Trie,
    spelling_table: Table,
    spelling_keys: Keys,
    prefix_table: Table,
    prefix_keys: Keys,
    row_start: Numbers,
    slot_spelling: Labels,
    slot_probability: Floats,
    noise: float,
    limit: int,
    budget: int,
) -> tuple[Numbers, Floats, Int]:
    """The other way: the Latin terms that a native word of these `word_rows` is most likely written as.

    Returns terms, P(term | word), at most `limit`, by P · ``df_power[term]``, and how many nodes were opened.
    A node's vector runs over the word: ``forward[i]`` is the probability that its first i letters were
    written as the letters down to this node. Its priority is what the likeliest way to write the rest gives,
    or to end a spelling that has begun, times the largest prior below. `prefix_keys` are the beginnings of
    spellings, in the same form; `trie` is that of Latin letters.
    """
    roots, label, first, term, top = trie.roots, trie.label, trie.first, trie.term, trie.top
    df_power, rank_power, letter_of_label = trie.df_power, trie.rank_power, trie.letter_of_label
    length = rows.shape[0]
    if limit < 1 or length == 0:
        return np.empty(0, np.int32), np.empty(0), 0
    promise = np.zeros(length + 1)
    promise[length] = 1.0
    for i in range(length - 1, -1, -1):
        promise[i] = noise * promise[i + 1]
        for k in range(min(MAX_UNIT, length - i)):
            if rows[i, k] >= 0:
                for way in range(row_start[rows[i, k]], row_start[rows[i, k] + 1]):
                    promise[i] = max(promise[i], slot_probability[way] * promise[i + k + 1])
    head, following, place, letters, value = _whole_and_begun(
        rows,
        row_start,
        slot_spelling,
        slot_probability,
        spelling_keys,
        prefix_table,
        prefix_keys,
        promise,
    )
    empty = lookup(spelling_table, spelling_keys, np.int64(0))
    unwritten = np.zeros((length, MAX_UNIT + 1))  # P of writing k letters from i on by nothing
    unwritten[:, 1] = noise
    if empty >= 0:
        entry = head[empty]
        while entry >= 0:
            unwritten[place[entry], letters[entry]] += value[entry]
            entry = following[entry]
    capacity = 16 * budget + 512
    forward = np.empty((capacity, length + 1))
    node_of, parent_of = np.empty(capacity, np.int32), np.empty(capacity, np.int32)
    letter_of = np.zeros(capacity, np.int64)
    priorities = np.empty(capacity)
    heap = np.empty(capacity, np.int32)
    best_terms = np.full(limit, -1, np.int32)
    best_scores, best_likelihoods = np.zeros(limit), np.zeros(limit)
    found, opened = 0, 0
    forward[0, :] = 0.0
    forward[0, 0] = 1.0
    for i in range(length):
        for k in range(1, min(MAX_UNIT, length - i) + 1):
            forward[0, i + k] += forward[0, i] * unwritten[i, k]
    node_of[0], parent_of[0], priorities[0] = 0, -1, 1e300
    used: Int = 1
    size: Int = _push(heap, priorities, 0, 0)
    slot: Int = 0
    while size > 0 and opened < budget:
        slot, size = _pop(heap, priorities, size)
        if priorities[slot] <= max(best_scores[limit - 1], best_scores[0] * 1e-4):
            break
        opened += 1
        begin, end = first[node_of[slot]], first[node_of[slot] + 1]
        if slot == 0:
            begin, end = 0, len(roots)
        for child in range(begin, end):
            node = roots[child] if slot == 0 else child
            letter = np.int64(letter_of_label[label[node]])
            if letter == 0 or used == capacity:
                continue
            target = forward[used]
            target[:] = 0.0
            priority = 0.0
            key, shift, ancestor = np.int64(0), 0, slot
            for n in range(1, MAX_SPELLING + 1):
                key |= letter << shift
                shift += 6
                spelling = lookup(spelling_table, spelling_keys, key)
                entry = head[spelling] if spelling >= 0 else -1
                while entry >= 0:
                    target[place[entry] + letters[entry]] += forward[ancestor, place[entry]] * value[entry]
                    entry = following[entry]
                prefix = lookup(prefix_table, prefix_keys, key)
                entry = head[len(spelling_keys) + prefix] if prefix >= 0 else -1
                while entry >= 0:
                    priority = max(priority, forward[ancestor, place[entry]] * value[entry])
                    entry = following[entry]
                if n <= 2:  # a slip
                    for i in range(length):
                        target[i + 1] += forward[ancestor, i] * (noise if n == 1 else noise * noise)
                letter = letter_of[ancestor]
                ancestor = parent_of[ancestor]
                if ancestor < 0:
                    break
            for i in range(length):
                for k in range(1, min(MAX_UNIT, length - i) + 1):
                    target[i + k] += target[i] * unwritten[i, k]
            if term[node] >= 0:
                score = target[length] * df_power[term[node]]
                found = _keep(
                    term[node], score, target[length], best_terms, best_scores, best_likelihoods, found
                )
            for i in range(length + 1):
                priority = max(priority, target[i] * promise[i])
            priority *= rank_power[top[node]]
            if (
                priority > max(best_scores[limit - 1], best_scores[0] * 1e-4)
                and first[node + 1] > first[node]
            ):
                node_of[used], parent_of[used], letter_of[used] = (
                    node,
                    slot,
                    np.int64(letter_of_label[label[node]]),
                )
                priorities[used] = priority
                size = _push(heap, priorities, size, used)
                used += 1
    return best_terms[:found], best_likelihoods[:found], opened
