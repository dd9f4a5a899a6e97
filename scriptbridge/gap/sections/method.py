"""How everything was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import quote

from scriptbridge.gap.records import MAIN

from .markup import bdi, safe
from .view import View

__all__ = ["method"]


# ---- how

_DEFINITIONS = {
    "nDCG@10": "Normalized discounted cumulative gain of the first ten hits, by graded judgements.",
    "MRR@10": "One divided by the rank of the first relevant hit; 0 where none is among ten.",
    "R@100": "Share of the relevant documents that are among the first hundred hits.",
    "Native, Latin": "The same queries in their own script and in Latin letters. Where a query is worded in "
    "Latin letters several times, its score is their mean. All measures are computed by ir_measures.",
    "Gap, kept": "Gap: mean of native minus mean of Latin. Kept: Latin divided by native.",
    "95&nbsp;% interval": "Paired bootstrap (BCa, widened after Student for few queries): queries are drawn "
    "again with replacement, 2,000 times, both sides together. Of several query sets: within each set, all "
    "systems and authors together. Nominal: with fewer than twenty queries, or where but a few are lost, it "
    "holds the true value less often. A single query has none.",
    "p": f"Paired randomization test, two-sided, of {MAIN} only: how often a difference as large arises when "
    "the two sides of each query are swapped at random, 10,000 times or, in families of more than a hundred "
    "tests, 100 times the number of tests. Corrected after Holm in two families: the gaps of all query sets, "
    "authors and systems; and the differences between systems.",
    "Zero results": "Share of queries that return nothing, errors included.",
    "Silently wrong": "Share of queries whose first hit is wrong and would pass a cut-off that nine in ten "
    "of the system’s right first hits pass: on native queries, or on Latin ones where there are no native.",
    "Foreign hits": "Of the first ten hits, the share in another language than the query’s relevant "
    "documents; only where a collection is known to hold several languages.",
    "Latency": "Time from asking a system to its answer, one query at a time. p50: half of the queries are "
    "faster. p99: all but one in a hundred are.",
}
"""Every figure in a line."""


def method(view: View, json_name: str | None) -> str:
    """Every figure in a line, the circumstances, and where the same figures are as JSON."""
    report = view.report
    defined = "".join(f"<div><dt>{name}</dt><dd>{text}</dd></div>" for name, text in _DEFINITIONS.items())
    facts: list[tuple[str, str]] = []
    facts += [(f"System {name}", what) for name, what in report.systems.items()]
    facts += [(f"Latin by {name}", how) for name, how in report.authors.items()]
    facts += [(f"Collection {name}", _flat(what)) for name, what in report.collections.items()]
    facts += [(name.capitalize(), _flat(what)) for name, what in report.circumstances.items()]
    listed = "".join(f"<div><dt>{bdi(name)}</dt><dd>{bdi(what)}</dd></div>" for name, what in facts)
    address = "" if json_name is None else quote(json_name, errors="replace")
    link = "" if json_name is None else f'<a href="{safe(address)}">{safe(json_name)}</a>'
    return (
        f'<dl class="method">{defined}</dl><h3>This measurement</h3><dl class="method facts">{listed}</dl>'
    ) + (f"<p>The same figures as JSON, each query’s among them: {link}.</p>" if link else "")


def _flat(value: object) -> str:
    """A value of the circumstances in a line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_flat(each)}".strip() for name, each in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(map(_flat, value))
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)
