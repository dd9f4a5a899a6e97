"""Measuring the script gap: how much less Latin queries find than native ones, in any search system.

    report = measure([load_collection("sample:el")], ["scriptbridge", "fold"])
    print(table(report))
    Path("gap.html").write_text(html(report))

Read in this order: `records` (the words), `meter` (the way through), `systems`, `authors`, `collection`,
then `measures`, `resampling`, `significance`, `summary`, `causes`, and `page` and `table` for what is shown.
"""

from .collection import load as load_collection
from .journal import Journal
from .meter import measure
from .page import html
from .records import Collection, LatinQueries, QuerySet, Report, System
from .reportfile import load as load_report
from .reportfile import save as save_report
from .table import table

__all__ = [
    "Collection",
    "Journal",
    "LatinQueries",
    "QuerySet",
    "Report",
    "System",
    "html",
    "load_collection",
    "load_report",
    "measure",
    "save_report",
    "table",
]
