"""The measured tables of README and docs, generated from the benchmarks' JSON.

``python -m benchmarks.tables`` writes them between ``<!-- table: NAME -->`` and ``<!-- /table -->``, where
NAME is one of `TABLES`; with ``--check`` it only tells whether they are up to date (exit code 1 where they
aren't).
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks import report
from scriptbridge import languages as known

__all__ = [
    "TABLES",
    "completion",
    "everything",
    "languages",
    "learning",
    "main",
    "native",
    "neural",
    "pairs",
    "related",
    "retrieval",
    "speed",
    "times",
    "together",
    "typing",
    "wordings",
    "words",
]

RESULTS = Path("benchmarks/results")
_MARKED = re.compile(r"(<!-- table: ([\w-]+) -->\n).*?(<!-- /table -->)", re.DOTALL)
_NO_DATA = "–"
_ALONE = "each set by itself"
_SYSTEMS = ("native", "fold", "fold+fuzzy", "scriptbridge")
_NAMES = {"native": "native query", "fold+fuzzy": "fold + fuzzy"}

Measured = Mapping[str, Any]


def retrieval(measured: Measured) -> str:
    """nDCG@10 of every set by itself, the means first."""
    return _retrieval(measured, _ALONE)


def together(measured: Measured) -> str:
    """nDCG@10 with all Dakshina collections in one index."""
    return _retrieval(measured, "all twelve in one index")


def everything(measured: Measured) -> str:
    """How far nDCG@10 falls where an index holds other languages as well."""
    alone = {(row["set"], row["kind"]): row for row in measured["results"] if row["index"] == _ALONE}
    rows = []
    for mean in measured["means"]:
        of_mean = [row for row in measured["results"] if _group(row) == _group(mean)]
        falls = {
            row["set"]: alone[row["set"], row["kind"]]["scores"]["scriptbridge"]
            - row["scores"]["scriptbridge"]
            for row in of_mean
        }
        worst = max(falls, key=lambda name: falls[name])
        cells = [mean["kind"], mean["index"], f"{max(row['documents'] for row in of_mean):,}"]
        cells += [_number(mean["scores"][system], 3) for system in ("native", "scriptbridge")]
        cells.append(_number(mean["ratio"], 3))
        if mean["index"] != _ALONE:
            cells += [f"{fmean(falls.values()):.3f}", f"{falls[worst]:.3f} ({worst.partition('.')[0]})"]
        rows.append([*cells, "", ""][:8])
    columns = ["index", "documents", "native query", "scriptbridge", "ratio", "fall", "the largest"]
    return _table(["mean of 12", *columns], sorted(rows, key=lambda row: row[0]))


def _group(row: Measured) -> tuple[str, str]:
    return row["index"], row["kind"]


def speed(measured: Measured) -> str:
    """Milliseconds of a query, and the other costs with their limits."""
    sections = measured["sections"].values()
    times = [
        [
            row["case"],
            row["kind"],
            f"{row['terms']:,}",
            _milliseconds(row["fuzzy"]),
            _milliseconds(row["scriptbridge"]),
            _number(row["ratio"], 2),
            f"≤ {row['limit']}",
        ]
        for section in sections
        for row in section["queries"]
    ]
    costs = [
        [row["what"], f"{_rounded(row['value'])} {row['unit']}", row["wanted"]]
        for section in sections
        for row in section["costs"]
    ]
    columns = ["index", "queries", "terms", "fold + fuzzy, ms", "scriptbridge, ms", "ratio", "wanted"]
    return _table(columns, times) + "\n" + _table(["cost", "measured", "wanted"], costs)


def times(measured: Measured) -> str:
    """What a query of four words takes, as a sentence."""
    indexes = {"million": "over a million terms", "twelve": "over twelve languages in one index"}
    said = [f"{where}, {_took(measured['sections'][name]['queries'])}" for name, where in indexes.items()]
    return f"A query of four words takes, {'; '.join(said)}.\n"


def _took(rows: Sequence[Measured]) -> str:
    medians, slow = ([row["scriptbridge"][name] for row in rows] for name in ("median", "p99"))
    ratios = [100 * row["ratio"] for row in rows]
    return (
        f"{_range(medians, '.1f')} ms in the median (p99: {_range(slow, '.0f')} ms), "
        f"{_range(ratios, '.0f')} % of a fuzzy query's time"
    )


def _range(values: Sequence[float], form: str) -> str:
    low, high = (format(limit, form) for limit in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def neural(measured: Measured) -> str:
    """nDCG@10 of every arm on every set, by who wrote the queries, and what training it took."""
    columns = ["arm", "native", "Latin (uroman)", "noisy Latin", "real", "trained, s"]
    rows = [
        [
            f"{name}: {arm}",
            *(_number(row.get(column), 3) for column in ("native", "latin", "noisy", "real")),
            "" if row.get("seconds") is None else f"{row['seconds']:,.0f}",
        ]
        for name, arms in measured["sets"].items()
        for arm, row in arms.items()
    ]
    return _table(columns, rows)


def learning(measured: Measured) -> str:
    """Words read rightly and nDCG@10 before and after learning from queries, beside the shipped channel.

    A star: what was learned made the queries held out less likely.
    """
    names = ("scheme", "scheme + queries", "shipped", "shipped + queries")
    rows = [
        [
            row["set"] + (f", {row['kind']}" if row["kind"] else ""),
            f"{row['queries']:,}",
            figure,
            *(_starred(row["channels"][name], key) for name in names),
        ]
        for row in measured["queries"]
        for figure, key in (("top-1", "top1"), ("top-8", "top8"), ("nDCG@10", "ndcg"))
        if key in row["channels"]["scheme"]
    ]
    return _table(["set", "queries learned from", "figure", *names], rows)


def _starred(channel: Measured, key: str) -> str:
    before, after = channel.get("log_likelihood", (0.0, 0.0))
    return _number(channel[key], 3) + ("*" if after < before else "")


def pairs(measured: Measured) -> str:
    """What a user's own pairs bring, beside the scheme and beside the shipped channel."""
    return _few_pairs(measured["pairs"], ["source"], {"scheme": "scheme", "shipped": "shipped"})


def related(measured: Measured) -> str:
    """What a language with few pairs reads rightly, by its scheme and by a neighbour's channel as prior."""
    return _few_pairs(measured["related"], ["language", "start"], {"alone": "scheme", "started": "neighbour"})


def _few_pairs(measured: Iterable[Measured], keys: Sequence[str], arms: Mapping[str, str]) -> str:
    figures = {"top1": "top-1", "log_likelihood": "log likelihood"}
    rows = [
        [
            " ← ".join(row[key] for key in keys),
            f"{row['pairs']:,}",
            *(_number(row[arm][key], 3) for key in figures for arm in arms),
        ]
        for row in measured
    ]
    columns = [f"{arm}: {figure}" for figure in figures.values() for arm in arms.values()]
    return _table([" ← ".join(keys), "pairs", *columns], rows)


def typing(measured: Measured) -> str:
    """nDCG@10 of the ways people type, and recall@8 of words with a slip."""
    first = ["native", "layout", "latin", "half"]
    second = ["latin", "native", "both"]
    return "\n".join(
        [
            _table(
                ["set", "native query", "on the wrong layout", "Latin", "every second word native"],
                [[row["set"], *(_number(row.get(kind), 3) for kind in first)] for row in measured["typed"]],
            ),
            _table(
                [
                    "documents in Latin letters",
                    "Latin query",
                    "native query",
                    "native, documents of both kinds",
                ],
                [[row["set"], *(_number(row[kind], 3) for kind in second)] for row in measured["turned"]],
            ),
            _table(
                ["words of the lexicon's dev part", "letters", "recall@8", "with one slip"],
                [
                    [row["language"], f"{row['letters']}+", _number(row["typed"], 3), _number(row["slip"], 3)]
                    for row in measured["slips"]
                ],
            ),
        ]
    )


def completion(measured: Measured) -> str:
    """Recall@5 of a query's last word by its first letters, without and with the words before; its times."""
    arms = [(arm, kind) for arm in ("there", "new") for kind in ("alone", "context")]
    found = [
        [row["set"], str(row["letters"]), *(_number(row[arm][kind], 3) for arm, kind in arms)]
        for row in measured.get("recall", ())
    ]
    times = [
        [f"{row['terms']:,}", str(row["letters"]), _milliseconds(row["alone"]), _milliseconds(row["context"])]
        for row in measured.get("times", ())
    ]
    columns = ["alone", "with the words before", "new sentences: alone", "with the words before"]
    return "\n".join(
        [
            _table(["last words of", "letters", *columns], found),
            _table(["terms", "letters", "a word, ms", "a word after others, ms"], times),
        ]
    )


def native(measured: Measured) -> str:
    """nDCG@10 of questions by independent romanizers, beside native ones and character bigrams."""
    columns = ["set", "romanizer", "native query", "BM25, bigrams", "Latin query", "Latin / native", "asked"]
    rows = [
        [
            row["set"],
            row["author"].replace("_", " "),
            _number(row["native"], 3),
            _number(row["bigrams"], 3),
            _number(row["latin"], 3),
            _number(row["ratio"], 3),
            f"≥ {row['asked']:.2f}",
        ]
        for row in measured["rows"]
    ]
    return _table(columns, rows)


def wordings(measured: Measured) -> str:
    """nDCG@10 of people's queries by whose wordings an encoder was trained on."""
    columns = ["people's queries", "uroman", "channel", "both", "native, the teacher"]
    rows = [
        [
            name,
            *(_number(by.get(author, {}).get("latin"), 3) for author in ("uroman", "channel", "both")),
            _number(by["teacher"]["native"], 3),
        ]
        for name, by in measured["sets"].items()
    ]
    return _table(columns, rows)


def words(measured: Measured) -> str:
    """Words read rightly, beside what transliterators write and what of the lexicon is nearest to that."""
    columns = ["words", "lexicon", "top-1", "top-8", "transliterator", "as it writes", "nearest", "nearest 8"]
    dakshina = [row["scriptbridge"] for row in measured["rows"] if "dakshina" in row["set"]]
    rows = []
    if len(dakshina) > 1:
        means = [_number(fmean(row[key] for row in dakshina), 3) for key in ("top1", "top8")]
        rows.append([f"**mean of {len(dakshina)} Dakshina**", "", "", *means, "", "", "", ""])
    for row in measured["rows"]:
        ours = [_number(row["scriptbridge"][key], 3) for key in ("top1", "top8")]
        head = [row["set"], f"{row['words']:,}", f"{row['lexicon']:,}", *ours]
        others = [
            [name, *(_number(figures[key], 3) for key in ("written", "top1", "top8"))]
            for name, figures in row["others"].items()
        ]
        for number, other in enumerate(others or [["none", "", "", ""]]):
            rows.append([*(head if number == 0 else [""] * len(head)), *other])
    return _table(["set", *columns], rows)


def languages(words: Measured, retrieval: Measured, native: Measured) -> str:
    """What is measured of each shipped language: words, people's queries, questions by romanizers."""
    measured = [
        (column, row["set"], figures)
        for column, rows in enumerate((_of_words(words), _of_queries(retrieval), _of_questions(native)))
        for row, figures in rows
    ]
    cells: dict[str, list[dict[str, list[str]]]] = {code: [{}, {}, {}] for code in known.codes()}
    for column, name, figures in measured:
        code, _, source = name.partition(".")
        of_source = cells[code][column].setdefault(source.partition("-")[0], [])
        of_source += [_number(figure, 3) for figure in figures]
    rows = [
        [f"{code} {known.load(code).name}", *map(_by_source, of_language)]
        for code, of_language in cells.items()
    ]
    return _table(["language", "words: top-1, top-8", "queries: rare, window", "questions"], rows)


def _of_words(measured: Measured) -> Iterable[tuple[Measured, list[float]]]:
    return ((row, [row["scriptbridge"]["top1"], row["scriptbridge"]["top8"]]) for row in measured["rows"])


def _of_queries(measured: Measured) -> Iterable[tuple[Measured, list[float]]]:
    for row in measured["results"]:
        if row["index"] == _ALONE:
            yield row, [row["scores"]["scriptbridge"] if row["ratio"] is None else row["ratio"]]


def _of_questions(measured: Measured) -> Iterable[tuple[Measured, list[float]]]:
    return ((row, [row["ratio"]]) for row in measured["rows"])


def _by_source(figures: Mapping[str, Sequence[str]]) -> str:
    return "<br>".join(f"{source} {', '.join(each)}" for source, each in figures.items()) or _NO_DATA


def _retrieval(measured: Measured, index: str) -> str:
    rows = []
    for kind in ("rare", "window", None):
        of_kind = [row for row in measured["results"] if (row["index"], row["kind"]) == (index, kind)]
        means = [row for row in measured["means"] if (row["index"], row["kind"]) == (index, kind)]
        rows += [
            _row(f"**mean of {row['languages']}, {kind}**", row) for row in means if row["languages"] > 1
        ]
        rows += [_row(row["set"] + (f", {kind}" if kind else ""), row) for row in of_kind]
    names = [_NAMES.get(system, system) for system in _SYSTEMS]
    return _table(["set", *names, "scriptbridge / native"], rows)


def _row(name: str, row: Measured) -> list[str]:
    scores = [_number(row["scores"].get(system), 3) for system in _SYSTEMS]
    return [name, *scores, _number(row["ratio"], 3)]


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _milliseconds(times: Measured) -> str:
    return f"{times['median']:.2f} (p99 {times['p99']:.2f})"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    ruler = ["---", *["---:"] * (len(columns) - 1)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [columns, ruler, *rows])


TABLES: dict[str, tuple[str, Callable[..., str]]] = {
    "retrieval": ("retrieval.json", retrieval),
    "together": ("retrieval.json", together),
    "everything": ("everything.json", everything),
    "heldout": ("heldout.json", retrieval),
    "speed": ("speed.json", speed),
    "times": ("speed.json", times),
    "neural": ("neural.json", neural),
    "typing": ("typing.json", typing),
    "learning": ("learning.json", learning),
    "pairs": ("learning.json", pairs),
    "related": ("learning.json", related),
    "native": ("native.json", native),
    "wordings": ("wordings.json", wordings),
    "words": ("words.json", words),
    "completion": ("completion.json", completion),
    "languages": ("words.json retrieval.json native.json", languages),
}
"""A table's name: the files it comes from, and how."""


def filled(page: str, results: Path) -> str:
    """The page with every marked table written anew."""

    def table(found: re.Match[str]) -> str:
        before, name, after = found.groups()
        files, make = TABLES[name]
        return before + make(*(report.load(results / file) for file in files.split())) + after

    return _MARKED.sub(table, page)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a table is stale")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder with the JSON")
    options = parser.parse_args(arguments)
    stale = [
        (file, page)
        for file in [Path("README.md"), *sorted(Path("docs").glob("*.md"))]
        if file.exists() and (page := filled(old := file.read_text(encoding="utf-8"), options.results)) != old
    ]
    for file, page in stale:
        report.say(f"{file}: {'stale' if options.check else 'written'}")
        if not options.check:
            file.write_text(page, encoding="utf-8")
    if options.check and stale:
        sys.exit(1)


if __name__ == "__main__":
    main()
