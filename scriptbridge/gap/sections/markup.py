"""Words and figures as HTML that nobody's text can break."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import regex

from scriptbridge.gap import formats
from scriptbridge.gap.formats import NONE, score
from scriptbridge.gap.records import GIVEN

__all__ = [
    "bdi",
    "between",
    "count",
    "kept_between",
    "listed",
    "marked",
    "native_text",
    "p_value",
    "percent",
    "safe",
    "scrolling",
    "signed",
    "written_by",
]

_LANGUAGE = regex.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


def safe(text: str) -> str:
    """Anybody's text, safe inside HTML and its attributes."""
    return escape(formats.clean(text))


def bdi(text: str) -> str:
    """Text whose direction stays its own."""
    return f"<bdi>{safe(text)}</bdi>"


def native_text(text: str, language: str | None, token: str | None = None) -> str:
    """Text in the language's own script."""
    lang = f' lang="{language}"' if language and _LANGUAGE.fullmatch(language) else ""
    return f'<bdi class="native" dir="auto"{lang}>{marked(text, token)}</bdi>'


def marked(text: str, token: str | None) -> str:
    """Text with the token in it highlighted, if it is found there."""
    if token:
        word = regex.escape(token, special_only=True)
        for pattern in (rf"(?<![\p{{L}}\p{{M}}\p{{N}}]){word}(?![\p{{L}}\p{{M}}\p{{N}}])", word):
            if found := regex.search(pattern, text, regex.IGNORECASE):
                before, inside, after = text[: found.start()], found.group(), text[found.end() :]
                return f"{safe(before)}<mark>{safe(inside)}</mark>{safe(after)}"
    return safe(text)


def written_by(author: str) -> str:
    return "Latin as given" if author == GIVEN else f"Latin by {bdi(author)}"


def count(number: int, what: str, several: str | None = None) -> str:
    return f"{number:,}\u00a0{what if number == 1 else several or what + 's'}"


def listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def percent(share: float | None) -> str:
    return escape(formats.percent(share))


def p_value(p: float | None) -> str:
    return escape(formats.p_value(p))


def signed(value: float | None) -> str:
    return f"+{score(value)}" if value is not None and value >= 0.0005 else score(value)


def between(low: float | None, high: float | None) -> str:
    return NONE if low is None or high is None else f"{signed(low)} to {signed(high)}"


def scrolling(label: str, content: str) -> str:
    """A wide table scrolls by itself, by keyboard too."""
    return f'<div class="scroll" role="region" aria-label="{label}" tabindex="0">{content}</div>'


def kept_between(low: float | None, high: float | None) -> str:
    """The interval of a share kept; "" where there is none."""
    return "" if low is None or high is None else f"{formats.percents(low, high)}\u00a0%"
