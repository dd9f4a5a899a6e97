"""``scriptbridge gap``: how much less Latin queries find than native ones."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scriptbridge.errors import GapError

from .arguments import file, seed_option
from .terminal import numbered, progress_shown, say, say_if_compiling, visible

if TYPE_CHECKING:
    from scriptbridge.gap.records import Report

FEW = 0.01  # of a query set: so many errors say nothing of a share

__all__ = ["gap"]


def _report_file(value: str) -> Path:
    path = file(value)
    if path.suffix not in (".html", ".json"):
        raise click.BadParameter(f"{value!r} came; accepted are names that end in .html or .json")
    if not path.parent.is_dir():
        raise click.BadParameter(visible(f"{path.parent} is no folder"))
    return path


def _ratio(value: str) -> float:
    with suppress(ValueError):
        if 0 < (ratio := float(value)) <= 1:
            return ratio
    raise click.BadParameter(f"{value!r} came; accepted is a number above 0, at most 1")


@click.command()
@click.argument("collections", nargs=-1, required=True, metavar="COLLECTION...")
@click.option(
    "--system",
    "systems",
    multiple=True,
    metavar="[NAME=]SYSTEM",
    help="What to measure; may be repeated. By default scriptbridge and fold+fuzzy.",
)
@click.option(
    "--latin",
    multiple=True,
    metavar="AUTHOR",
    help="Who writes the Latin queries; may be repeated. By default those given, else romanizers.",
)
@click.option("--set", "sets", multiple=True, metavar="NAME", help="Only this query set; may be repeated.")
@click.option("--queries", type=click.IntRange(1), metavar="N", help="Of each set, the first so many.")
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=_report_file,
    metavar="FILE",
    help="Write a page (.html) or all figures (.json); may be repeated.",
)
@click.option(
    "--fail-under",
    type=_ratio,
    metavar="RATIO",
    help="Exit with 1 if Latin queries find less than so much of native ones' nDCG@10 in the first system.",
)
@seed_option()
@click.option(
    "--causes/--no-causes",
    default=True,
    help="Look for the words that lose queries, for which systems are asked some more. Done by default.",
)
@click.option("--fresh", is_flag=True, help="Forget what an interrupted measurement left.")
@click.option(
    "--work",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where answers are kept until the measurement is complete. By default in the user's cache.",
)
def gap(
    collections: tuple[str, ...],
    systems: tuple[str, ...],
    latin: tuple[str, ...],
    sets: tuple[str, ...],
    queries: int | None,
    reports: tuple[Path, ...],
    fail_under: float | None,
    seed: int,
    causes: bool,
    fresh: bool,
    work: Path | None,
) -> None:
    """Measure how much less Latin queries find than native ones, in any search system.

    COLLECTION is a folder with documents, queries and qrels (scriptbridge's own, BEIR's or TREC's layout),
    ir_datasets:NAME, or the sample collection, sample: or sample:LANGUAGE. SYSTEM is scriptbridge, an index
    folder, bm25, fold, fold+fuzzy, module:function, a URL with {query}, an endpoint's TOML file,
    run:NATIVE,LATIN (TREC runs) or st:MODEL. AUTHOR is given, channel, uroman, icu, keyboard or
    module:function, perhaps with +typos=RATE, +vowels=RATE or +switch=RATE. An interrupted measurement goes
    on where it stopped when the same command runs again.

    \b
    Example:
      scriptbridge gap my-collection --system my-index --system fold --report gap.html
      scriptbridge gap my-collection --system search.toml --latin uroman --fail-under 0.95
    """
    from scriptbridge.gap import Journal, load_collection, measure, table
    from scriptbridge.gap.circumstances import circumstances
    from scriptbridge.gap.journal import default_folder

    say_if_compiling()
    loaded = [load_collection(each, sets=sets or None, limit=queries or 0) for each in collections]
    chosen = systems or ("scriptbridge", "fold+fuzzy")
    journal = Journal(work or default_folder(), fresh=fresh, needed=work is not None)
    try:
        with progress_shown() as progress:
            report = measure(
                loaded, chosen, latin, seed=seed, journal=journal, progress=progress, explain=causes
            )
    except KeyboardInterrupt:
        say("interrupted; what was answered is kept: run the same command again to go on")
        raise
    made = circumstances(["scriptbridge", *_without_secrets(sys.argv[1:], chosen)], seed)
    report = replace(report, circumstances=made | dict(report.circumstances))
    if journal.resumed:
        say(f"{numbered(journal.resumed, 'answer')} kept from an interrupted measurement")
    for note in report.notes:
        say(note)
    problems = [problem for file in reports if (problem := _written(report, file, reports))]
    for line in table(report, shutil.get_terminal_size((100, 24)).columns).splitlines():
        click.echo(visible(line))
    sys.stdout.flush()
    if problems:
        kept = "what was answered is kept: the same command writes the report without asking again"
        raise GapError("\n".join([*problems, kept]))
    journal.finish()
    if fail_under is not None and not _reached(report, fail_under):
        sys.exit(1)


def _written(report: Report, file: Path, reports: Sequence[Path]) -> str | None:
    """Write one of the reports; what is wrong, if that cannot be."""
    from scriptbridge.gap import html, save_report
    from scriptbridge.gap.reportfile import write

    try:
        if file.suffix == ".json":
            save_report(report, file)
        else:
            beside = [each.name for each in reports if each.suffix == ".json" and each.parent == file.parent]
            write(html(report, *beside[:1]), file)
    except GapError as error:
        return str(error)
    say(f"wrote {file}")
    return None


def _without_secrets(arguments: Sequence[str], systems: Sequence[str]) -> list[str]:
    """The arguments of a command as a report may print them: URLs without passwords and parameters."""
    from scriptbridge.gap.systems import printable

    shown = {spec: printable(spec) for spec in systems}
    shown |= {f"--system={spec}": f"--system={safe}" for spec, safe in shown.items()}
    return [shown.get(each, each) for each in arguments]


def _reached(report: Report, ratio: float) -> bool:
    """Whether Latin queries find so much of native ones' everywhere in the report's first system."""
    first = report.cells[0].system
    cells = [cell for cell in report.cells if cell.system == first]
    if all(cell.native is None for cell in cells):
        raise GapError("--fail-under: there are no native queries to compare Latin ones with")
    low = 0
    for cell in cells:
        reached = cell.figures["nDCG@10"].ratio
        where = " ".join(filter(None, [cell.collection, cell.query_set, cell.author]))
        errors = cell.latin.errors + (cell.native.errors if cell.native else 0)
        if errors > FEW * cell.queries:
            say(f"{where}: {first} failed at {errors:,} queries: nothing can be said")
            low += 1
        elif cell.native is not None and reached is None:
            say(f"{where}: {first} finds nothing with native queries either")
            low += 1
        elif reached is not None and reached < ratio:
            say(f"{where}: {first} {reached:.6g} is under {ratio:.9g}")
            low += 1
    return not low
