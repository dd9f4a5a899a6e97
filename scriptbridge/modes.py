"""What a search is asked to do: match words, compare vectors, or both."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict
from urllib.parse import parse_qsl

from scriptbridge.encoders import CrossEncoder, DenseEncoder
from scriptbridge.errors import QueryError
from scriptbridge.fusion import FUSIONS

__all__ = ["DEPTH", "MODES", "Mode", "Options"]

MODES = ("lexical", "dense", "hybrid")
DEPTH = 100


class Options(TypedDict, total=False):
    """Arguments of a search beside its mode; `Mode` says what they are."""

    deromanize: bool
    readings: int
    queries: str | DenseEncoder | None
    fusion: str
    weight: float
    depth: int
    rerank: str | CrossEncoder | None


@dataclass(frozen=True, slots=True)
class Mode:
    """How documents are found; QueryError says what cannot be.

    `name`: "lexical", by words; "dense", by vectors; "hybrid", by both.
    `deromanize`: give the encoders the native form of a Latin query, not the query as it was typed.
    `readings`: its so many likeliest native forms, their vectors averaged by probability.
    `queries`: another encoder for queries, or a spec of one, that was trained to speak the index's.
    `fusion`: of the two rankings, "rrf" (reciprocal ranks), "minmax" or "zscore" (weighted scores).
    `weight`: the dense ranking's in the fusion, from 0 to 1; the lexical one has the rest.
    `depth`: how many documents of each ranking are fused, and how many are reranked; k, where that is more.
    `rerank`: a cross-encoder, or a spec of one, that has the last word.
    """

    name: str = "lexical"
    deromanize: bool = True
    readings: int = 1
    queries: str | DenseEncoder | None = None
    fusion: str = "rrf"
    weight: float = 0.5
    depth: int = DEPTH
    rerank: str | CrossEncoder | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or self.name not in MODES:
            raise QueryError(f"mode: {self.name!r} came; accepted are {', '.join(MODES)}")
        if not isinstance(self.deromanize, bool):
            raise QueryError(f"deromanize: {self.deromanize!r} came; accepted are True and False")
        for what, count in (("readings", self.readings), ("depth", self.depth)):
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise QueryError(f"{what}: {count!r} came; accepted are integers from 1")
        if not isinstance(self.fusion, str) or self.fusion not in FUSIONS:
            raise QueryError(f"fusion: {self.fusion!r} came; accepted are {', '.join(FUSIONS)}")
        number = isinstance(self.weight, int | float) and not isinstance(self.weight, bool)
        if not number or not math.isfinite(self.weight) or not 0 <= self.weight <= 1:
            raise QueryError(f"weight: {self.weight!r} came; accepted are numbers from 0 to 1")

    @classmethod
    def parse(cls, text: str) -> tuple[str, Options]:
        """The mode and options of ``mode=hybrid&readings=3``; values are percent-decoded."""
        given: dict[str, Any] = {}
        for name, value in parse_qsl(text, keep_blank_values=True, separator="&"):
            if name not in _READ or name in given:
                raise QueryError(f"{name!r}: unknown or given twice; accepted are {', '.join(_READ)}")
            try:
                given[name] = _READ[name](value)
            except (ValueError, KeyError):
                raise QueryError(f"{name}: {value!r} came; accepted are such as {_LIKE[name]}") from None
        mode = given.pop("mode", "lexical")
        cls(mode, **given)
        options: Options = given  # type: ignore[assignment]
        return mode, options


_READ: Mapping[str, Callable[[str], object]] = {
    "mode": str,
    "deromanize": lambda value: {"yes": True, "no": False}[value],
    "readings": int,
    "queries": str,
    "fusion": str,
    "weight": float,
    "depth": int,
    "rerank": str,
}
_LIKE = {"deromanize": "yes and no", "readings": "3", "weight": "0.5", "depth": "100"}
