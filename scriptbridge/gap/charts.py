"""Charts as SVG: pure functions of numbers and of labels that are escaped already.

Lengths along the axis are percentages of the drawing's width, so that a chart fits any page without being
distorted. What is drawn is left to classes, which the style sheet colours: `mark` stands on whatever shows a
figure, beside the class of the series.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = [
    "Part",
    "Spread",
    "bar",
    "bins",
    "decades",
    "latency",
    "latency_axis",
    "ratio_axis",
    "scatter",
    "score_axis",
    "stack",
]

_BINS = 20
"""Score bins of a scatter along either side."""


def _svg(kind: str, label: str, height: float, body: str) -> str:
    return f'<svg class="{kind}" role="img" aria-label="{label}" height="{height:g}">{body}</svg>'


def _at(share: float) -> str:
    """A share of the width (0-1, clipped to it) as SVG has it."""
    return f"{100 * min(max(share, 0.0), 1.0):.2f}".rstrip("0").rstrip(".") + "%"


# ---- shares with intervals


def bar(
    share: float, low: float | None, high: float | None, *, top: float, series: str, label: str, full: bool
) -> str:
    """A bar of `share` on an axis from 0 to `top`, with a whisker from `low` to `high`; `full` marks 1."""
    length = _at(max(share / top, 0.002))  # nothing at all still leaves a trace
    body = '<rect class="track" y="3" width="100%" height="10"/>'
    body += f'<rect class="mark bar {series}" y="3" width="{length}" height="10"/>'
    if full:
        body += f'<line class="full" x1="{_at(1 / top)}" x2="{_at(1 / top)}" y1="0" y2="16"/>'
    if low is not None and high is not None:
        left, right = _at(low / top), _at(high / top)
        body += f'<line class="halo" x1="{left}" x2="{right}" y1="8" y2="8"/>'
        body += f'<line class="mark whisker" x1="{left}" x2="{right}" y1="8" y2="8"/>'
        for end, shown in ((left, low >= 0), (right, high <= top)):
            body += f'<line class="whisker" x1="{end}" x2="{end}" y1="5" y2="11"/>' if shown else ""
    return _svg("ratio", label, 16, body)


def ratio_axis(top: float) -> str:
    """The axis beneath such bars: 0, a half, and all."""
    return _axis([(0.0, "0"), (0.5 / top, "50\u00a0%"), (1.0 / top, "100\u00a0%")])


def score_axis() -> str:
    """The axis beneath bars of a measure."""
    return _axis([(0.0, "0"), (0.5, ".5"), (1.0, "1")])


def _axis(labels: Iterable[tuple[float, str]]) -> str:
    """Labels at shares of the width; those at its ends stay inside."""
    body = ""
    for share, text in labels:
        anchor = "start" if share == 0 else "end" if share == 1 else "middle"
        body += f'<text x="{_at(share)}" y="11" text-anchor="{anchor}">{text}</text>'
    return f'<svg class="axis" aria-hidden="true" height="14">{body}</svg>'


# ---- native against Latin


def bins(pairs: Iterable[tuple[float, float]]) -> Counter[tuple[int, int]]:
    """How many (native, Latin) scores of 0-1 fall near each crossing of a grid of twentieths."""
    return Counter((round(x * _BINS), round(y * _BINS)) for x, y in pairs)


def scatter(counts: Mapping[tuple[int, int], int], most: int, series: str, label: str) -> str:
    """Circles at (native, Latin) whose area is the number of queries; `most` queries fill the largest.

    The drawing is 320 wide and 330 high; one unit is a pixel where the page has room.
    """
    left, top, side = 34, 26, 270
    right, bottom = left + side, top + side

    def place(x: int, y: int) -> tuple[str, str]:
        return f"{left + side * x / _BINS:g}", f"{bottom - side * y / _BINS:g}"

    body = f'<rect class="plot" x="{left}" y="{top}" width="{side}" height="{side}"/>'
    for share, text in ((0.0, "0"), (0.5, ".5"), (1.0, "1")):
        x, y = left + side * share, bottom - side * share
        body += f'<line class="grid" x1="{x:g}" x2="{x:g}" y1="{top}" y2="{bottom}"/>'
        body += f'<line class="grid" x1="{left}" x2="{right}" y1="{y:g}" y2="{y:g}"/>'
        body += f'<text x="{x:g}" y="{bottom + 20}" text-anchor="middle">{text}</text>'
        body += f'<text x="{left - 16}" y="{y + 4:g}" text-anchor="end">{text}</text>'
    body += f'<line class="diagonal" x1="{left}" y1="{bottom}" x2="{right}" y2="{top}"/>'
    for (x, y), number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        cx, cy = place(x, y)
        radius = max(15 * math.sqrt(number / most), 1.5)
        lost = "lost" if y < x else "kept"
        queries = "1 query" if number == 1 else f"{number:,} queries"
        tip = f"{queries}: native {x / _BINS:.2f}, Latin {y / _BINS:.2f}"
        body += f'<circle class="mark {lost} {series}" cx="{cx}" cy="{cy}" r="{radius:.1f}">'
        body += f"<title>{tip}</title></circle>"
    body += f'<text class="name" x="{left - 26}" y="11">↑ Latin nDCG@10</text>'
    body += f'<text class="name" x="{right}" y="{bottom + 34}" text-anchor="end">native nDCG@10 →</text>'
    return (
        f'<svg class="scatter" role="img" aria-label="{label}" viewBox="0 0 320 330" width="320" '
        'height="330">'
        f"{body}</svg>"
    )


# ---- parts of a whole


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a stack: how much, its class, what it is and what to write in it where there is room."""

    amount: float
    series: str
    name: str
    text: str


def stack(parts: Sequence[Part], label: str) -> str:
    """Parts side by side that fill the width."""
    whole = sum(part.amount for part in parts)
    body, begun = "", 0.0
    for part in parts:
        if not part.amount:
            continue
        share, start = part.amount / whole, begun / whole
        begun += part.amount
        body += f'<rect class="mark part {part.series}" x="{_at(start)}" width="{_at(share)}" height="26">'
        body += f"<title>{part.name}: {part.text}</title></rect>"
        if share >= 0.09:
            body += f'<text class="in {part.series}" x="{_at(start + share / 2)}" y="17.5">{part.text}</text>'
    return _svg("stack", label, 26, body)


# ---- latency


@dataclass(frozen=True, slots=True)
class Spread:
    """Half of the queries are faster than p50, all but a hundredth than p99; milliseconds."""

    p50: float
    p99: float


def decades(values: Iterable[float]) -> tuple[int, int]:
    """The powers of ten between which positive values lie, two different ones.

    >>> decades([0.4, 35])
    (-1, 2)
    """
    logs = [math.log10(max(value, 1e-3)) for value in values] or [0.0]
    low, high = math.floor(min(logs)), math.ceil(max(logs))
    return low, max(high, low + 1)


def latency(of: Spread, across: tuple[int, int], series: str, label: str) -> str:
    """A line from p50 (dot) to p99 (tick) on a log axis over these decades."""
    p50, p99 = (_at(_along(value, across)) for value in (of.p50, of.p99))
    body = "".join(_rule(power, across) for power in range(across[0], across[1] + 1))
    body += f'<line class="mark spread {series}" x1="{p50}" x2="{p99}" y1="9" y2="9"/>'
    body += f'<line class="spread {series}" x1="{p99}" x2="{p99}" y1="5" y2="13"/>'
    body += f'<circle class="mark median {series}" cx="{p50}" cy="9" r="4.5"/>'
    return _svg("latency", label, 18, body)


def latency_axis(across: tuple[int, int]) -> str:
    """The axis beneath: a label every power of ten, in milliseconds or seconds."""
    powers = range(across[0], across[1] + 1)
    return _axis(
        (_along(10**power, across), f"{10 ** (power - 3):,} s" if power >= 3 else f"{10**power:g} ms")
        for power in powers
    )


def _along(value: float, across: tuple[int, int]) -> float:
    return (math.log10(max(value, 1e-3)) - across[0]) / (across[1] - across[0])


def _rule(power: int, across: tuple[int, int]) -> str:
    x = _at(_along(10**power, across))
    return f'<line class="grid" x1="{x}" x2="{x}" y1="0" y2="18"/>'
