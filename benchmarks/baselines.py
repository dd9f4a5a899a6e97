"""The baselines of `scriptbridge gap`, under the name that the benchmarks know them by."""

from scriptbridge.gap.baselines import (
    FoldedIndex,
    PlainIndex,
    Ranking,
    WeightedTerm,
    auto_distance,
    fold,
    nearest_terms,
)

__all__ = ["FoldedIndex", "PlainIndex", "Ranking", "WeightedTerm", "auto_distance", "fold", "nearest_terms"]
