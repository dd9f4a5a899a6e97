"""The records that travel through scriptbridge: frozen, named, printable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "Beside",
    "Completion",
    "Deromanization",
    "Document",
    "Expansion",
    "Highlight",
    "Hit",
    "Position",
    "Reading",
    "Token",
]


@dataclass(frozen=True, slots=True)
class Document:
    """What is indexed: an id, one or more text fields, and whatever else is to be stored with it."""

    id: str
    fields: Mapping[str, str]
    lang: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Token:
    """A normalised word and where it stands: ``source[start:end]``, in code points.

    `script` is the ISO 15924 code of its letters: ``Latn``, ``Deva``, …; ``Zyyy`` where it has none
    (numbers).
    """

    text: str
    start: int
    end: int
    script: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A term of the lexicon and the probability that a token means it.

    `language` is the channel that read it; None where the token stands as it was typed. `weight` is what its
    BM25 score is to be multiplied by (a boost, 0–1): see `weights.boost`, and `identification.shares` where
    an index has several languages.
    """

    term: str
    probability: float
    language: str | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Position:
    """A token of the query and its readings, likeliest first; their probabilities sum to at most 1."""

    token: Token
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Expansion:
    """Readings for every position of a query."""

    positions: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class Deromanization:
    """A whole query in native script, and its probability among the alternatives."""

    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class Beside:
    """How many documents hold a term and all of some words, and how many would hold the term if every
    document were like those that hold these words.
    """

    documents: int
    frequency: float


@dataclass(frozen=True, slots=True)
class Completion:
    """A term that continues what is being typed, with its document frequency.

    `beside` is how many documents hold it and the words before it (None where there are none that tell).
    """

    term: str
    probability: float
    df: int
    language: str | None = None
    beside: int | None = None


@dataclass(frozen=True, slots=True)
class Highlight:
    """A matched native word: ``document.fields[field][start:end]`` matched `term`, a reading of the
    query's `token`.
    """

    field: str
    start: int
    end: int
    term: str
    token: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A document found: its score, where it matched and the readings that found it.

    `highlight` is the best matching passage with the matched words between ``[`` and ``]``.
    """

    id: str
    score: float
    document: Document
    highlight: str
    highlights: tuple[Highlight, ...]
