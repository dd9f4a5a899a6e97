"""AdamW, but of large tables of embeddings Adam of those rows alone that a batch has.

A multilingual vocabulary has ten times the numbers of the layers above it, of which a batch of queries has a
few hundred rows. Written whole, the table's gradient and moments are most of a step's time; and AdamW goes on
moving rows that were seen once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import torch

from scriptbridge.errors import TrainingError

__all__ = ["Optimizer"]

ROWS = 10_000  # of a table that is large


class Optimizer:
    """Of all parameters that are trained. Matrices decay by `weight_decay`, vectors and large tables do
    not.
    """

    def __init__(self, modules: Iterable[torch.nn.Module], weight_decay: float) -> None:
        """TrainingError where there is nothing to train."""
        inner = list(dict.fromkeys(part for module in modules for part in module.modules()))
        parameters = list(dict.fromkeys(p for part in inner for p in part.parameters() if p.requires_grad))
        if not parameters:
            raise TrainingError("the model has no parameters to train")
        tables = _tables(inner)
        whole = [parameter for parameter in parameters if all(parameter is not table for table in tables)]
        self._parts: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(
                [
                    {"params": [p for p in whole if p.ndim > 1], "weight_decay": weight_decay},
                    {"params": [p for p in whole if p.ndim <= 1], "weight_decay": 0.0},
                ],
                fused=whole[0].device.type in ("cpu", "cuda") if whole else None,
            )
        ]
        if tables:
            self._parts.append(torch.optim.SparseAdam(tables))

    def clip(self, longest: float) -> float:
        """Scale the gradient down to that norm where it is longer; its norm before."""
        gradients = [parameter.grad for parameter in self._parameters() if parameter.grad is not None]
        norm = torch.linalg.vector_norm(
            torch.stack([torch.linalg.vector_norm(_values(gradient)).float() for gradient in gradients])
        )
        scale = (longest / (norm + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(scale)
        return float(norm)

    def step(self, learning_rate: float) -> None:
        """Move the parameters against the gradient, which is gone then."""
        for part in self._parts:
            for group in part.param_groups:
                group["lr"] = learning_rate
            part.step()
            part.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict[str, Any]]:
        """What `load_state_dict` goes on with."""
        return [part.state_dict() for part in self._parts]

    def load_state_dict(self, state: list[dict[str, Any]]) -> None:
        """Go on where another one of the same parameters was."""
        for part, one in zip(self._parts, state, strict=True):
            part.load_state_dict(one)

    def _parameters(self) -> Iterable[torch.nn.Parameter]:
        return (p for part in self._parts for group in part.param_groups for p in group["params"])


def _tables(modules: Sequence[torch.nn.Module]) -> list[torch.nn.Parameter]:
    """Weights of large embeddings that no other module shares, whose gradients are sparse from now on."""
    users = Counter(p for module in modules for p in module.parameters(recurse=False))
    tables = [
        module
        for module in modules
        if isinstance(module, torch.nn.Embedding)
        and module.num_embeddings >= ROWS
        and module.weight.requires_grad
        and users[module.weight] == 1
    ]
    for table in tables:
        table.sparse = True
    return [table.weight for table in tables]


def _values(gradient: torch.Tensor) -> torch.Tensor:
    """The numbers of a gradient, each row's in one place."""
    return gradient.coalesce().values() if gradient.is_sparse else gradient
