from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from scriptbridge.errors import TrainingError  # noqa: E402
from scriptbridge.train import optimizer  # noqa: E402
from scriptbridge.train.optimizer import Optimizer  # noqa: E402


@pytest.fixture
def model() -> Callable[[], Any]:
    def made() -> Any:
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Embedding(12, 3), torch.nn.Linear(3, 2))

    return made


def _steps(model: Any, optimizer: Optimizer, batches: list[list[int]]) -> list[float]:
    norms = []
    for batch in batches:
        model(torch.tensor(batch)).pow(2).sum().backward()
        norms.append(optimizer.clip(0.5))
        optimizer.step(0.1)
    return norms


def test_small_models_are_trained_by_adamw(model: Callable[[], Any]) -> None:
    ours, theirs = model(), model()
    _steps(ours, Optimizer([ours], 0.1), [[1, 2], [2, 3], [1, 1]])
    parameters = list(theirs.parameters())
    adamw = torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.1},
            {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0},
        ],
        lr=0.1,
    )
    for batch in ([1, 2], [2, 3], [1, 1]):
        theirs(torch.tensor(batch)).pow(2).sum().backward()
        torch.nn.utils.clip_grad_norm_(parameters, 0.5)
        adamw.step()
        adamw.zero_grad()
    for one, two in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(one, two, atol=1e-6)


def test_of_large_tables_only_the_rows_of_a_batch_move(
    model: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, table = model(), model()
    one = Optimizer([whole], 0.0)
    monkeypatch.setattr(optimizer, "ROWS", 12)
    two = Optimizer([table], 0.0)
    batches = [[1, 2, 2], [1, 2]]  # rows that every batch has move as AdamW moves them
    assert _steps(whole, one, batches) == pytest.approx(_steps(table, two, batches))
    assert torch.allclose(whole[0].weight, table[0].weight, atol=1e-6)
    before = table[0].weight.detach().clone()
    assert _steps(whole, one, [[5]]) == pytest.approx(_steps(table, two, [[5]]))
    moved = (table[0].weight != before).any(dim=1)
    assert moved.tolist() == [row == 5 for row in range(12)]
    assert not torch.equal(whole[0].weight[1], before[1])


def test_tables_that_others_share_are_trained_whole(
    model: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimizer, "ROWS", 12)
    tied = model()
    out = torch.nn.Linear(3, 12, bias=False)
    out.weight = tied[0].weight
    Optimizer([tied, out], 0.0)
    assert not tied[0].sparse
    frozen = model().requires_grad_(False)
    with pytest.raises(TrainingError, match="no parameters"):
        Optimizer([frozen], 0.0)


def test_it_goes_on_where_it_was(model: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimizer, "ROWS", 12)
    through = model()
    going = Optimizer([through], 0.1)
    _steps(through, going, [[1, 2], [3]])
    again = model()
    again.load_state_dict(through.state_dict())
    resumed = Optimizer([again], 0.1)
    resumed.load_state_dict(deepcopy(going.state_dict()))
    _steps(through, going, [[1], [3, 4]])
    _steps(again, resumed, [[1], [3, 4]])
    for one, two in zip(through.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)
