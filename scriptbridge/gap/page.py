"""A report as one self-contained HTML page: no script, nothing from the network, whatever the names hold."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from .records import Report
from .sections import answer, drawn, lost, method, tables
from .sections.markup import safe
from .sections.view import View

__all__ = ["html"]


def html(report: Report, json_name: str | None = None) -> str:
    """The page. `json_name` is the file beside it with the same figures as JSON, if there is one."""
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    view = View(report)
    sections = [
        ("gap", "What Latin letters cost", drawn.gaps(view)),
        ("queries", "Query by query", drawn.scatters(view)),
        ("causes", "Why queries are lost", drawn.causes(view)),
        ("behaviour", "When it goes wrong, does it show?", tables.behaviour(view)),
        ("latency", "Latency", drawn.latencies(view)),
        ("lost", "Lost queries", lost.lost_queries(view)),
        ("figures", "All figures", tables.figures(view) + tables.comparisons(view)),
        ("method", "How it was measured", method.method(view, json_name)),
    ]
    sections = [section for section in sections if section[2]]
    links = "".join(f'<li><a href="#{id}">{title}</a></li>' for id, title, _ in sections)
    body = "".join(
        f'<section id="{id}" aria-labelledby="{id}-title"><h2 id="{id}-title">{title}</h2>{content}</section>'
        for id, title, content in sections
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        f"style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>Script gap: {safe(', '.join(report.collections) or 'nothing measured')}</title>\n"
        f"<style>{style}</style>\n</head>\n<body>\n"
        f'{answer.header(view)}<nav aria-label="Contents"><ol>{links}</ol></nav>'
        f"<main>{body}</main>\n</body>\n</html>\n"
    )
