"""Losses: worked by hand, by finite differences, beside others' implementations; masks, limits, edges."""

from __future__ import annotations

import doctest
import importlib
import inspect
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor

from scriptbridge.train import losses

B, M, N, D = 4, 6, 5, 3  # queries, documents, candidates of a query, dimensions
POSITIVE = torch.tensor([3, 0, 5, 2])  # documents 1 and 4 are nobody's


def normal(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed + 1000 * sum(shape))
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def some(*shape: int) -> Tensor:
    """A mask over about a third."""
    return normal(*shape, seed=5) > 0.4


def unit(vectors: Tensor) -> Tensor:
    return torch.nn.functional.normalize(vectors, dim=1)


TEACHER = {shape: normal(*shape, seed=9) for shape in ((B,), (B, N), (B, D))}


@dataclass(frozen=True)
class Case:
    loss: Callable[..., Tensor]  # of the student's tensors and a mask
    shapes: tuple[tuple[int, ...], ...]  # of the student's tensors
    mask: tuple[int, ...]  # its shape

    def drawn(self, dtype: torch.dtype = torch.float64, scale: float = 1.0) -> list[Tensor]:
        tensors = (scale * normal(*shape, seed=at) for at, shape in enumerate(self.shapes))
        return [each.to(dtype).requires_grad_() for each in tensors]


CASES = {
    "info_nce": Case(
        lambda queries, documents, mask: losses.info_nce(queries, documents, POSITIVE, 0.5, mask),
        ((B, D), (M, D)),
        (B, M),
    ),
    "script_contrastive": Case(
        lambda native, latin, mask: losses.script_contrastive(native, latin, 0.5, mask),
        ((B, D), (B, D)),
        (B, B),
    ),
    "across scripts": Case(
        lambda native, latin, mask: losses.script_contrastive(native, latin, 0.5, mask, same_script=False),
        ((B, D), (B, D)),
        (B, B),
    ),
    "margin_mse": Case(
        lambda positive, negative, mask: losses.margin_mse(
            positive, negative, TEACHER[B,], TEACHER[B, N], mask
        ),
        ((B,), (B, N)),
        (B, N),
    ),
    "listwise_kl": Case(
        lambda scores, mask: losses.listwise_kl(scores, TEACHER[B, N], 0.5, 0.7, mask),
        ((B, N),),
        (B, N),
    ),
    "align": Case(
        lambda vectors, mask: losses.align(vectors, TEACHER[B, D], 0.7, 2.0, mask),
        ((B, D),),
        (B,),
    ),
    "binary_cross_entropy": Case(
        lambda scores, mask: losses.binary_cross_entropy(scores, TEACHER[B, N].sigmoid(), 3.0, mask),
        ((B, N),),
        (B, N),
    ),
    "listwise_cross_entropy": Case(
        lambda scores, mask: losses.listwise_cross_entropy(scores, TEACHER[B, N].abs(), mask),
        ((B, N),),
        (B, N),
    ),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def test_doctests() -> None:
    done = doctest.testmod(losses)
    assert done.attempted > 15 and not done.failed


# Hand-worked numbers


def test_info_nce_by_hand() -> None:
    """Two queries, three documents, τ = 1/2. Dot products over τ: ln 2, ln 4, ln 2 and 0, 0, 0."""
    queries = torch.tensor([[1.0], [0.0]])
    documents = torch.tensor([[2.0], [4.0], [2.0]]).log() / 2
    own = torch.tensor([1, 2])
    wanted = -(math.log(4 / 8) + math.log(1 / 3)) / 2
    assert losses.info_nce(queries, documents, own, 0.5).item() == pytest.approx(wanted)
    mask = torch.tensor([[True, False, False], [True, True, False]])
    wanted = -(math.log(4 / 6) + math.log(1)) / 2
    assert losses.info_nce(queries, documents, own, 0.5, mask).item() == pytest.approx(wanted)


def test_script_contrastive_by_hand() -> None:
    """native 1, 0, Latin ln 3, 0: the first sentence's spellings have a dot product of ln 3, all others 0."""
    native, latin = torch.tensor([[1.0], [0.0]]), torch.tensor([[3.0], [1.0]]).log()
    sides = [3 / 5, 3 / 5, 1 / 3, 1 / 3]
    wanted = -sum(map(math.log, sides)) / 4
    assert losses.script_contrastive(native, latin, 1.0).item() == pytest.approx(wanted)
    sides = [3 / 4, 3 / 4, 1 / 2, 1 / 2]
    wanted = -sum(map(math.log, sides)) / 4
    across = losses.script_contrastive(native, latin, 1.0, same_script=False)
    assert across.item() == pytest.approx(wanted)


def test_margin_mse_by_hand() -> None:
    """Margins 1, 3 | 0, 2 against 2, 2 | 0, 5: squares 1, 1, 0, 9."""
    arguments = (
        torch.tensor([4.0, 2.0]),
        torch.tensor([[3.0, 1.0], [2.0, 0.0]]),
        torch.tensor([12.0, 5.0]),
        torch.tensor([[10.0, 10.0], [5.0, 0.0]]),
    )
    assert losses.margin_mse(*arguments).item() == pytest.approx(11 / 4)
    mask = torch.tensor([[False, True], [False, True]])
    assert losses.margin_mse(*arguments, mask).item() == pytest.approx(1 / 2)


def test_listwise_kl_by_hand() -> None:
    """τ = 2 for the student, 1/2 for the teacher: 1/4, 3/4 against 1/2, 1/2, times τ²."""
    student = 2 * torch.tensor([[3.0, 3.0]]).log()
    teacher = torch.tensor([[1.0, 3.0]]).log() / 2
    wanted = 4 * (1 / 4 * math.log(1 / 2) + 3 / 4 * math.log(3 / 2))
    assert losses.listwise_kl(student, teacher, 2.0, 0.5).item() == pytest.approx(wanted)


def test_average_teachers_by_hand() -> None:
    first = torch.tensor([[1.0, 3.0, 2.0, 99.0], [7.0, 7.0, 7.0, 7.0]])
    second = torch.tensor([[-1.0, 0.0, 1.0, -99.0], [0.0, 4.0, 1.0, 2.0]])
    mask = torch.tensor([[False, False, False, True], [False, False, False, False]])
    wanted = [[0.0, 0.75, 0.75, 0.0], [0.0, 0.5, 0.125, 0.25]]
    assert losses.average_teachers([first, second], mask).tolist() == wanted


@pytest.mark.parametrize(("cosine_weight", "mse_weight"), [(1, 0), (0, 1), (2, 0.5)])
def test_align_by_hand(cosine_weight: float, mse_weight: float) -> None:
    """(3, 4) and (1, 0), (0, 2): cosines 3/5 and 4/5; mean squares (4 + 16)/2 and (9 + 4)/2."""
    student = torch.tensor([[3.0, 4.0], [3.0, 4.0]])
    teacher = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    loss = losses.align(student, teacher, cosine_weight, mse_weight)
    assert loss.item() == pytest.approx(cosine_weight * 0.3 + mse_weight * 8.25)
    loss = losses.align(student, teacher, cosine_weight, mse_weight, torch.tensor([False, True]))
    assert loss.item() == pytest.approx(cosine_weight * 0.4 + mse_weight * 10)


def test_flops_by_hand() -> None:
    activations = torch.tensor([[1.0, 0.0, -2.0], [2.0, 0.0, 2.0]])
    assert losses.flops(activations).item() == pytest.approx(1.5**2 + 2**2)


def test_binary_cross_entropy_by_hand() -> None:
    """σ = 3/4 and 1/4; the positive counts five times."""
    scores = torch.tensor([3.0, 1 / 3, 1.0]).log()
    labels = torch.tensor([1.0, 0.0, 0.5])
    mask = torch.tensor([False, False, True])
    loss = losses.binary_cross_entropy(scores, labels, positive_weight=5.0, mask=mask)
    assert loss.item() == pytest.approx(-(5 * math.log(3 / 4) + math.log(3 / 4)) / 2)


def test_listwise_cross_entropy_by_hand() -> None:
    """Shares 3/4, 1/4, 0 of probabilities 1/2, 1/3, 1/6; the second row has nothing relevant."""
    scores = torch.tensor([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0]]).log()
    relevance = torch.tensor([[3.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    wanted = -(3 / 4 * math.log(1 / 2) + 1 / 4 * math.log(1 / 3))
    assert losses.listwise_cross_entropy(scores, relevance).item() == pytest.approx(wanted)


# Gradients


@every_case
@pytest.mark.parametrize("masked", [False, True])
def test_gradients_are_those_of_finite_differences(case: Case, masked: bool) -> None:
    mask = some(*case.mask) if masked else None
    assert torch.autograd.gradcheck(lambda *tensors: case.loss(*tensors, mask), case.drawn())


def test_gradients_of_flops() -> None:
    assert torch.autograd.gradcheck(losses.flops, normal(B, D).requires_grad_())


def test_no_gradient_reaches_a_teacher() -> None:
    student, teacher = (normal(B, N, seed=seed).requires_grad_() for seed in (1, 2))
    losses.margin_mse(student[:, 0], student, teacher[:, 0], teacher).backward()
    losses.listwise_kl(student, losses.average_teachers([teacher, teacher])).backward()
    losses.listwise_kl(student, teacher).backward()
    losses.align(student, teacher).backward()
    losses.listwise_cross_entropy(student, teacher.abs()).backward()
    losses.binary_cross_entropy(student, teacher.sigmoid()).backward()
    assert teacher.grad is None
    assert not losses.average_teachers([teacher]).requires_grad
    assert student.grad is not None and student.grad.any()


@every_case
def test_a_step_down_the_gradient_helps(case: Case) -> None:
    tensors = case.drawn()
    before = case.loss(*tensors, None)
    slopes = torch.autograd.grad(before, tensors)
    after = case.loss(*(each - 1e-3 * slope for each, slope in zip(tensors, slopes, strict=True)), None)
    assert after < before


# Others' implementations


@pytest.fixture
def theirs() -> Any:
    pytest.importorskip("sentence_transformers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # they moved it in 5.x; this name serves both
        return importlib.import_module("sentence_transformers.losses")


def columns(queries: int, *, each: int) -> list[Tensor]:
    """Vectors of the queries, then of each document column: (b, d) each."""
    return [normal(queries, D, seed=seed) for seed in range(each)]


def test_info_nce_is_multiple_negatives_ranking_loss(theirs: Any) -> None:
    queries, *documents = columns(B, each=4)  # a positive and two hard negatives a query
    with_cosines = theirs.MultipleNegativesRankingLoss(None, scale=20.0)
    wanted = with_cosines.compute_loss_from_embeddings([queries, *documents], None)
    ours = losses.info_nce(unit(queries), unit(torch.cat(documents)), torch.arange(B), temperature=1 / 20)
    assert ours.item() == pytest.approx(wanted.item(), rel=1e-12)


@pytest.mark.parametrize("same_script", [False, True])
def test_script_contrastive_is_theirs(theirs: Any, same_script: bool) -> None:
    """Both ways; their columns are one script each, and query_to_query compares within one."""
    if "directions" not in inspect.signature(theirs.MultipleNegativesRankingLoss).parameters:
        pytest.skip("a sentence-transformers that compares one way only")
    native, latin = columns(B, each=2)
    directions = ("query_to_doc", "query_to_query" if same_script else "doc_to_query")
    partition = "joint" if same_script else "per_direction"
    loss = theirs.MultipleNegativesRankingLoss(None, 20.0, directions=directions, partition_mode=partition)
    sides = [loss.compute_loss_from_embeddings(each, None) for each in ([native, latin], [latin, native])]
    ours = losses.script_contrastive(unit(native), unit(latin), 1 / 20, same_script=same_script)
    assert ours.item() == pytest.approx(sum(sides).item() / 2, rel=1e-12)


@pytest.mark.parametrize("negatives", [1, 3])
def test_margin_mse_is_theirs(theirs: Any, negatives: int) -> None:
    queries, *documents = columns(B, each=negatives + 2)
    teacher = normal(B, negatives + 1, seed=7)
    wanted = theirs.MarginMSELoss(None).compute_loss_from_embeddings([queries, *documents], teacher)
    student = torch.stack([(queries * each).sum(dim=1) for each in documents], dim=1)
    ours = losses.margin_mse(student[:, 0], student[:, 1:], teacher[:, 0], teacher[:, 1:])
    assert ours.item() == pytest.approx(wanted.item(), rel=1e-12)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_listwise_kl_is_theirs(theirs: Any, temperature: float) -> None:
    queries, *documents = columns(B, each=4)
    teacher = normal(B, 3, seed=7)
    wanted = theirs.DistillKLDivLoss(None, temperature=temperature).compute_loss_from_embeddings(
        [queries, *documents], teacher
    )
    student = torch.stack([(queries * each).sum(dim=1) for each in documents], dim=1)
    assert losses.listwise_kl(student, teacher, temperature).item() == pytest.approx(wanted.item(), rel=1e-9)


def test_flops_is_theirs() -> None:
    sparse = pytest.importorskip("sentence_transformers.sparse_encoder.losses")
    activations = normal(B, D).relu()  # weights of a sparse encoder are at least 0
    wanted = sparse.FlopsLoss(None).compute_loss_from_embeddings(activations)
    assert losses.flops(activations).item() == pytest.approx(wanted.item(), rel=1e-12)


def test_cross_entropies_are_those_of_torch() -> None:
    scores, labels = normal(B, N), normal(B, N, seed=2).sigmoid()
    functional = torch.nn.functional
    weight = torch.tensor(3.0)
    binary = functional.binary_cross_entropy_with_logits(scores, labels, pos_weight=weight)
    assert losses.binary_cross_entropy(scores, labels, 3.0).item() == pytest.approx(binary.item())
    relevant = torch.tensor([0, 2, 4, 1])
    listwise = functional.cross_entropy(scores, relevant)
    one_hot = functional.one_hot(relevant, N)
    assert losses.listwise_cross_entropy(scores, one_hot).item() == pytest.approx(listwise.item())


def test_listwise_kl_has_the_gradient_of_list_net() -> None:
    scores, relevance = normal(B, N).requires_grad_(), normal(B, N, seed=2)
    list_net = torch.nn.functional.cross_entropy(scores, relevance.softmax(dim=1))
    (wanted,) = torch.autograd.grad(list_net, scores)
    (ours,) = torch.autograd.grad(losses.listwise_kl(scores, relevance), scores)
    torch.testing.assert_close(ours, wanted)


# Masks


@every_case
def test_an_empty_mask_changes_nothing(case: Case) -> None:
    tensors = case.drawn()
    nobody = torch.zeros(case.mask, dtype=torch.bool)
    assert case.loss(*tensors, nobody) == case.loss(*tensors, None)


@every_case
@pytest.mark.filterwarnings("ignore:Anomaly Detection")
def test_all_masked_is_0_without_gradients(case: Case) -> None:
    tensors = case.drawn()
    with torch.autograd.detect_anomaly():  # no NaN on the way either
        loss = case.loss(*tensors, torch.ones(case.mask, dtype=torch.bool))
        slopes = torch.autograd.grad(loss, tensors)
    assert loss == 0
    assert not any(slope.any() for slope in slopes)


@pytest.mark.parametrize(
    "name", ["margin_mse", "listwise_kl", "align", "binary_cross_entropy", "listwise_cross_entropy"]
)
@pytest.mark.parametrize("instead", [7.0, -1e30, math.inf, math.nan])
def test_what_stands_in_masked_places_is_nothing(
    name: str, instead: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A student's and a teacher's number there, NaN among them, change neither the loss nor its gradients."""
    case = CASES[name]
    mask = some(*case.mask)
    clean = case.drawn()
    wanted = case.loss(*clean, mask)

    def filled(values: Tensor) -> Tensor:
        places = mask[:, None].expand_as(values) if mask.ndim < values.ndim else mask
        return values.detach().masked_fill(places, instead)

    masked = clean[-1]
    dirty = [*clean[:-1], filled(masked).requires_grad_()]
    monkeypatch.setitem(TEACHER, tuple(masked.shape), filled(TEACHER[tuple(masked.shape)]))
    loss = case.loss(*dirty, mask)
    assert loss == wanted
    slopes = torch.autograd.grad(loss, dirty)
    assert all(map(torch.equal, slopes, torch.autograd.grad(wanted, clean)))
    assert not slopes[-1][mask].any()


@pytest.mark.parametrize("instead", [7.0, -1e30, math.inf, math.nan])
def test_what_stands_in_a_document_that_all_queries_mask_is_nothing(instead: float) -> None:
    queries, documents = normal(B, D).requires_grad_(), normal(M, D, seed=1)
    mask = torch.zeros(B, M, dtype=torch.bool)
    mask[:, 1] = True
    found = []
    for filling in (0.0, instead):
        filled = documents.clone()
        filled[1] = filling
        filled.requires_grad_()
        loss = losses.info_nce(queries, filled, POSITIVE, 0.5, mask)
        found.append((loss, *torch.autograd.grad(loss, (queries, filled))))
    assert all(map(torch.equal, *found)) and not found[1][2][1].any()


@pytest.mark.parametrize("instead", [7.0, -1e15, 1e15])
def test_how_alike_two_spellings_of_a_sentence_are_is_nothing(instead: float) -> None:
    """Rows 0 and 3 meet in a dimension that no other row has: masked, that changes nothing."""
    mask = torch.zeros(B, B, dtype=torch.bool)
    mask[0, 3] = mask[3, 0] = True
    found = []
    for meeting in (0.0, instead):
        more = torch.zeros(B, 1)
        more[0], more[3] = meeting, abs(meeting)
        native = torch.cat([normal(B, D), more], dim=1).requires_grad_()
        latin = torch.cat([normal(B, D, seed=1), torch.zeros(B, 1)], dim=1).requires_grad_()
        loss = losses.script_contrastive(native, latin, 0.5, mask)
        slopes = torch.autograd.grad(loss, (native, latin))
        found.append((loss, *(slope[:, :D] for slope in slopes)))
    assert all(map(torch.equal, *found))


def test_a_masked_document_is_no_negative() -> None:
    """It changes nothing and gets no gradient; leaving it out of the batch gives the same."""
    queries, documents = normal(B, D), normal(M, D, seed=1)
    mask = torch.zeros(B, M, dtype=torch.bool)
    mask[:, 1] = True
    wanted = losses.info_nce(queries, documents, POSITIVE, 0.5, mask)
    other = documents.clone()
    other[1] = 40.0
    other.requires_grad_()
    loss = losses.info_nce(queries, other, POSITIVE, 0.5, mask)
    assert loss == wanted
    loss.backward()
    assert not other.grad[1].any() and other.grad[4].any()
    without = [0, 2, 3, 4, 5]
    own = torch.tensor([without.index(row) for row in POSITIVE.tolist()])
    assert losses.info_nce(queries, documents[without], own, 0.5).item() == pytest.approx(wanted.item())


def test_a_false_negative_is_left_out_for_its_query_alone() -> None:
    queries, documents = normal(B, D), normal(M, D, seed=1).requires_grad_()
    mask = torch.zeros(B, M, dtype=torch.bool)
    mask[2, 3] = True  # the first query's own document answers the third query too
    each = [losses.info_nce(queries[[i]], documents, POSITIVE[[i]], 0.5, mask[[i]]) for i in range(B)]
    together = losses.info_nce(queries, documents, POSITIVE, 0.5, mask)
    assert together.item() == pytest.approx(sum(each).item() / B)
    touched = [torch.autograd.grad(loss, documents)[0][3].any().item() for loss in each]
    assert touched == [True, True, False, True]


def test_a_mask_never_leaves_out_what_belongs_together() -> None:
    queries, documents = normal(B, D), normal(M, D, seed=1)
    own = torch.nn.functional.one_hot(POSITIVE, M).bool()
    unmasked = losses.info_nce(queries, documents, POSITIVE, 0.5)
    assert losses.info_nce(queries, documents, POSITIVE, 0.5, own) == unmasked
    native, latin, itself = normal(B, D), normal(B, D, seed=1), torch.eye(B, dtype=torch.bool)
    unmasked = losses.script_contrastive(native, latin)
    assert losses.script_contrastive(native, latin, mask=itself) == unmasked


def test_two_spellings_of_a_sentence_are_no_negatives() -> None:
    """Row 3 spells the sentence of row 0 in another way: masked, neither's loss sees the other."""
    native, latin = normal(B, D), normal(B, D, seed=1)
    native[3] = native[0]
    mask = torch.zeros(B, B, dtype=torch.bool)
    mask[0, 3] = mask[3, 0] = True
    both = torch.cat([native, latin])
    surprises = []
    for row in range(2 * B):
        left_out = {0: (3, 7), 3: (0, 4), 4: (3, 7), 7: (0, 4)}.get(row, ())
        among = [other for other in range(2 * B) if other != row and other not in left_out]
        logits = both[row] @ both.T / 0.5
        surprises.append(torch.logsumexp(logits[among], dim=0) - logits[(row + B) % (2 * B)])
    ours = losses.script_contrastive(native, latin, 0.5, mask)
    assert ours.item() == pytest.approx(sum(surprises).item() / (2 * B))


# Limits


def test_a_low_temperature_leaves_the_hardest_negative() -> None:
    """τ InfoNCE → mean of max_j s_ij - s_ip as τ → 0."""
    queries, documents = normal(B, D), normal(M, D, seed=1)
    scores = queries @ documents.T
    wanted = (scores.amax(dim=1) - scores[torch.arange(B), POSITIVE]).mean()
    loss = 1e-5 * losses.info_nce(queries, documents, POSITIVE, temperature=1e-5)
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-3)


def test_a_high_temperature_makes_all_documents_alike() -> None:
    loss = losses.info_nce(normal(B, D), normal(M, D, seed=1), POSITIVE, temperature=1e9)
    assert loss.item() == pytest.approx(math.log(M))
    loss = losses.script_contrastive(normal(B, D), normal(B, D, seed=1), temperature=1e9)
    assert loss.item() == pytest.approx(math.log(2 * B - 1))


def test_a_high_temperature_makes_kl_a_squared_error() -> None:
    """τ² KL → 1/2n Σ_j (t_j - s_j - mean)² as τ → ∞ (Hinton et al. 2015, § 2.1)."""
    student, teacher = normal(B, N), normal(B, N, seed=1)
    apart = teacher - student
    wanted = (apart - apart.mean(dim=1, keepdim=True)).square().sum(dim=1).mean() / (2 * N)
    assert losses.listwise_kl(student, teacher, 1e4).item() == pytest.approx(wanted.item(), rel=1e-3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@every_case
def test_narrow_numbers_are_widened_first(case: Case, dtype: torch.dtype) -> None:
    """The loss of float16 and bfloat16 is that of the same numbers in float64, to float32's precision."""
    narrow = case.drawn(dtype, scale=30.0)
    mask = some(*case.mask)
    loss = case.loss(*narrow, mask)
    assert loss.dtype in (torch.float32, torch.float64)  # a teacher here is float64
    exact = case.loss(*(each.double() for each in narrow), mask)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-5)
    assert all(slope.isfinite().all() for slope in torch.autograd.grad(loss, narrow))


@every_case
def test_autocast_narrows_nothing(case: Case) -> None:
    tensors = case.drawn(torch.float32)
    wanted = case.loss(*tensors, None)
    with torch.autocast("cpu", torch.bfloat16):
        assert case.loss(*tensors, None) == wanted


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_scores_at_the_end_of_the_range(dtype: torch.dtype) -> None:
    """Where float16 and a softmax without care overflow: the loss and its gradient are finite and right."""
    scores = torch.tensor([[60000.0, -60000.0], [-60000.0, 60000.0]], dtype=dtype, requires_grad=True)
    first = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    far = scores.double()
    gap = (far[1, 1] - far[1, 0]).item()
    listwise = losses.listwise_cross_entropy(scores, first)
    assert listwise.item() == pytest.approx(gap / 2)
    binary = losses.binary_cross_entropy(scores, first)
    assert binary.item() == pytest.approx((0 + 0 + gap / 2 + gap / 2) / 4)
    for loss in (listwise, binary, losses.listwise_kl(scores, first), losses.flops(scores)):
        (slope,) = torch.autograd.grad(loss, scores, retain_graph=True)
        assert loss.isfinite() and slope.isfinite().all()
    stretched = losses.average_teachers([scores])
    assert stretched.tolist() == [[1.0, 0.0], [0.0, 1.0]] and stretched.dtype == torch.float32


def test_sharp_temperatures_tell_close_bfloat16_cosines_apart() -> None:
    """At τ = .01, neighbouring cosines just below 1 are .78 apart, and bfloat16 would round both logits."""
    queries = torch.tensor([[1.0]], dtype=torch.bfloat16)
    documents = torch.tensor([[0.99609375], [0.98828125]], dtype=torch.bfloat16)
    loss = losses.info_nce(queries, documents, torch.tensor([1]), temperature=0.01)
    assert loss.item() == pytest.approx(math.log1p(math.exp(0.78125)), rel=1e-5)


# What must not matter


@pytest.mark.parametrize("seed", range(3))
def test_order_does_not_matter(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    rows, columns_ = torch.randperm(B, generator=generator), torch.randperm(M, generator=generator)
    queries, documents, mask = normal(B, D), normal(M, D, seed=1), some(B, M)
    moved = torch.argsort(columns_)[POSITIVE[rows]]
    same(
        losses.info_nce(queries, documents, POSITIVE, 0.5, mask),
        losses.info_nce(queries[rows], documents[columns_], moved, 0.5, mask[rows][:, columns_]),
    )
    native, latin, mask = normal(B, D), normal(B, D, seed=1), some(B, B)
    same(
        losses.script_contrastive(native, latin, 0.5, mask),
        losses.script_contrastive(native[rows], latin[rows], 0.5, mask[rows][:, rows]),
    )
    same(losses.script_contrastive(native, latin), losses.script_contrastive(latin, native))
    same(losses.align(native, latin), losses.align(native[rows], latin[rows]))
    candidates = torch.randperm(N, generator=generator)
    student, teacher, mask = normal(B, N), normal(B, N, seed=1), some(B, N)

    def shuffled(values: Tensor) -> Tensor:
        return values[rows][:, candidates]

    orderless: tuple[Callable[..., Tensor], ...] = (
        lambda s, t, m: losses.listwise_kl(s, t, 0.5, mask=m),
        lambda s, t, m: losses.listwise_cross_entropy(s, t.abs(), m),
        lambda s, t, m: losses.binary_cross_entropy(s, t.sigmoid(), mask=m),
        lambda s, t, m: losses.margin_mse(s.sum(dim=1), s, t.sum(dim=1), t, m),
    )
    for loss in orderless:
        same(loss(student, teacher, mask), loss(*map(shuffled, (student, teacher, mask))))
    same(losses.flops(student), losses.flops(shuffled(student)))


def same(left: Tensor, right: Tensor) -> None:
    torch.testing.assert_close(left, right, rtol=1e-12, atol=1e-12)


def test_margins_and_distributions_do_not_see_a_shift() -> None:
    student, teacher, shift = normal(B, N), normal(B, N, seed=1), normal(B, 1, seed=2)
    both = [(student, teacher), (student + shift, teacher - 2 * shift)]
    same(*(losses.margin_mse(s[:, 0], s[:, 1:], t[:, 0], t[:, 1:]) for s, t in both))
    same(*(losses.listwise_kl(s, t) for s, t in both))


def test_teachers_count_alike_whatever_their_scale() -> None:
    first, second = normal(B, N), normal(B, N, seed=1)
    joint = losses.average_teachers([first, second])
    same(joint, losses.average_teachers([1000 * second - 7, first]))
    same(losses.average_teachers([first]), losses.average_teachers([first, first]))
    assert joint.min() >= 0 and joint.max() <= 1
    assert torch.equal(losses.average_teachers([first]).argsort(dim=1), first.argsort(dim=1))


def test_a_student_that_agrees_with_its_teacher_is_done() -> None:
    scores, vectors = normal(B, N), normal(B, D)
    assert losses.margin_mse(scores[:, 0], scores, scores[:, 0], scores) == 0
    assert losses.listwise_kl(scores, scores) == 0
    assert losses.align(vectors, vectors).item() == pytest.approx(0, abs=1e-12)


# Edges


def test_a_batch_without_negatives_is_certain() -> None:
    one = normal(1, D)
    assert losses.info_nce(one, one, torch.tensor([0])) == 0
    assert losses.script_contrastive(one, one) == 0
    assert losses.listwise_cross_entropy(normal(B, 1), torch.ones(B, 1)) == 0
    assert losses.listwise_kl(normal(B, 1), normal(B, 1, seed=1)) == 0
    assert losses.average_teachers([normal(B, 1)]).tolist() == [[0.0]] * B


@pytest.mark.parametrize("count", [0, 1])
def test_rows_that_say_nothing_do_not_thin_the_mean(count: int) -> None:
    """A row of padding, or with one candidate, beside a full one: the loss is the full one's."""
    student, teacher = normal(2, N), normal(2, N, seed=1)
    mask = torch.zeros(2, N, dtype=torch.bool)
    mask[1, count:] = True
    same(losses.listwise_kl(student, teacher, mask=mask), losses.listwise_kl(student[:1], teacher[:1]))
    relevance = teacher.abs()
    relevance[1, :count] = 0
    same(
        losses.listwise_cross_entropy(student, relevance, mask),
        losses.listwise_cross_entropy(student[:1], relevance[:1]),
    )


def test_empty_batches_are_0() -> None:
    vectors, scores = torch.zeros(0, D, requires_grad=True), torch.zeros(0, N, requires_grad=True)
    empty = [
        losses.info_nce(vectors, normal(M, D).float(), torch.zeros(0, dtype=torch.int64)),
        losses.script_contrastive(vectors, vectors),
        losses.margin_mse(scores[:, 0], scores, scores[:, 0], scores),
        losses.listwise_kl(scores, scores),
        losses.align(vectors, vectors),
        losses.flops(vectors),
        losses.binary_cross_entropy(scores, scores),
        losses.listwise_cross_entropy(scores, scores),
    ]
    assert [loss.item() for loss in empty] == [0.0] * len(empty)


def test_a_vector_of_zeros_is_no_reason_for_nan() -> None:
    """A text without a known n-gram: cosine 0, and the teacher's direction as the gradient."""
    student = torch.zeros(1, D, requires_grad=True)
    loss = losses.align(student, torch.tensor([[0.0, 3.0, 4.0]]), mse_weight=0)
    assert loss.item() == 1
    (slope,) = torch.autograd.grad(loss, student)
    torch.testing.assert_close(slope, torch.tensor([[0.0, -0.6, -0.8]]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losses.info_nce(normal(2, 3), normal(4, 5), torch.zeros(2)), r"\(2, 3\), \(4, 5\), \(2,\)"),
        (lambda: losses.info_nce(normal(2, 3), normal(4, 3), torch.zeros(3)), r"\(3,\)"),
        (lambda: losses.script_contrastive(normal(2, 3), normal(4, 3)), r"\(2, 3\), \(4, 3\)"),
        (lambda: losses.margin_mse(*[normal(2, 3)] * 4), r"positive \(b,\)"),
        (lambda: losses.listwise_kl(normal(2, 3), normal(3)), r"\(2, 3\), \(3,\)"),
        (lambda: losses.average_teachers([]), "one or more teachers"),
        (lambda: losses.average_teachers([normal(2, 3), normal(2, 4)]), r"\(2, 3\), \(2, 4\)"),
        (lambda: losses.align(normal(2, 3), normal(2, 4)), r"\(2, 3\), \(2, 4\)"),
        (lambda: losses.align(normal(2, 3), normal(2, 3), mse_weight=-1), "at least 0"),
        (lambda: losses.flops(normal(3)), r"\(b, v\); not \(3,\)"),
        (lambda: losses.binary_cross_entropy(normal(3), normal(3, 1)), r"\(3,\), \(3, 1\)"),
        (lambda: losses.listwise_cross_entropy(normal(3), normal(3)), r"\(b, n\); not"),
        (lambda: losses.listwise_kl(normal(2, 3), normal(2, 3), mask=some(2, 1)), r"bool \(2, 3\).*\(2, 1\)"),
        (lambda: losses.listwise_kl(normal(2, 3), normal(2, 3), mask=normal(2, 3)), "not torch.float64"),
        (lambda: losses.listwise_kl(normal(2, 3), normal(2, 3), temperature=0), "above 0, not 0"),
        (lambda: losses.listwise_kl(normal(2, 3), normal(2, 3), 1, math.nan), "above 0, not nan"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_shape(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_positive_that_is_not_there_is_refused() -> None:
    with pytest.raises(RuntimeError, match="out of bounds"):
        losses.info_nce(normal(1, D), normal(2, D), torch.tensor([2]))
