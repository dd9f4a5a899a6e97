"""The likeliest ways to cut a word into syllables, for scripts that write some of their vowels only."""

from __future__ import annotations

from collections.abc import Callable, Iterable

__all__ = ["Syllables", "cheapest"]

Syllables = Callable[[str, int], Iterable[tuple[int, str, float]]]
"""What can be read at a place of a word: where it ends, its sounded form, its cost (-ln P, roughly)."""


def cheapest(word: str, syllables: Syllables, limit: int, spread: float) -> list[str]:
    """The sounded forms of the cheapest sequences of syllables that make up `word`, cheapest first.

    At most `limit`, and none that costs `spread` more than the first.

    >>> cheapest("ab", lambda word, at: [(at + 1, word[at].upper(), 1.0), (len(word), "-", 1.5)], 2, 1.0)
    ['-', 'AB']
    """
    found: list[dict[str, float]] = [{"": 0.0}, *({} for _ in word)]
    for at in range(len(word)):
        begun = _least(found[at], 2 * limit)
        for end, sounded, cost in syllables(word, at) if begun else ():
            reached = found[end]
            for form, paid in begun:
                longer = form + sounded
                if paid + cost < reached.get(longer, _NEVER):
                    reached[longer] = paid + cost
    best = _least(found[len(word)], limit)
    return [form for form, cost in best if form and cost <= best[0][1] + spread]


_NEVER = float("inf")


def _least(costs: dict[str, float], limit: int) -> list[tuple[str, float]]:
    return sorted(costs.items(), key=lambda item: (item[1], item[0]))[:limit]
