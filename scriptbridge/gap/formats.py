"""How figures and names are written, in the terminal and on the page."""

from __future__ import annotations

import re

__all__ = ["NONE", "clean", "milliseconds", "p_value", "percent", "percents", "score"]

NONE = "–"
"""Stands where there is no figure."""

# What would move a terminal's cursor or turn the text around it; joiners and direction marks are spelling.
_UNPRINTABLE = re.compile("[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """Text without control characters, direction overrides and lone surrogates: each becomes U+FFFD.

    >>> clean("a\\tb\\x1b[31m")
    'a b�[31m'
    """
    return _UNPRINTABLE.sub("\ufffd", text.replace("\t", " ").replace("\n", " "))


def score(value: float | None) -> str:
    """A measure or a difference of two, three decimals.

    >>> score(0.9421), score(1), score(-0.012), score(None)
    ('.942', '1.000', '−.012', '–')
    """
    if value is None:
        return NONE
    digits = f"{abs(value):.3f}"
    sign = "−" if value < 0 and float(digits) else ""
    return sign + digits.removeprefix("0")


def percent(share: float | None) -> str:
    """A share, as whole percents; what is neither none nor all never reads as if it were.

    >>> percent(0.942), percent(0.001), percent(0.999), percent(1.0), percent(None)
    ('94\\xa0%', '<1\\xa0%', '>99\\xa0%', '100\\xa0%', '–')
    """
    if share is None:
        return NONE
    if 0 < share < 0.005:
        return "<1\u00a0%"
    if 0.995 <= share < 1:
        return ">99\u00a0%"
    return f"{share:.0%}".replace("-", "−").replace("%", "\u00a0%")


def percents(low: float | None, high: float | None) -> str:
    """An interval of shares, as whole percents without the sign.

    >>> percents(0.384, 1.0), percents(None, None)
    ('38–100', '–')
    """
    return NONE if low is None or high is None else f"{low * 100:.0f}–{high * 100:.0f}"


def p_value(p: float | None) -> str:
    """A probability under the null hypothesis.

    >>> p_value(0.00001), p_value(0.0314), p_value(1.0)
    ('<.001', '.031', '1.000')
    """
    return "<.001" if p is not None and p < 0.001 else score(p)


def milliseconds(value: float | None) -> str:
    """Two digits or more, without the unit.

    >>> milliseconds(0.456), milliseconds(3.42), milliseconds(1234.5), milliseconds(None)
    ('0.46', '3.4', '1,234', '–')
    """
    if value is None:
        return NONE
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"
