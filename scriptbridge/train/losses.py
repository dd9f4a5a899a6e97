"""What training minimises: pure functions of torch tensors.

b counts queries, m documents, n the candidates of a query, d dimensions, v the words of a vocabulary. A loss
is a scalar: the mean over what counts. A mask is True where a place does not count: it changes nothing,
whatever stands there, and its gradient is 0. A loss where nothing counts is 0, with gradients of 0. All is
computed in float32 at least, whatever comes in and under autocast too: a cosine over a temperature of .01
reaches 100, where neighbouring bfloat16 numbers are .5 apart. A teacher's numbers are constants: no gradient
reaches them.

These are functions for programmers: tensors that do not fit are a ValueError that shows their shapes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

__all__ = [
    "align",
    "average_teachers",
    "binary_cross_entropy",
    "dot",
    "flops",
    "info_nce",
    "listwise_cross_entropy",
    "listwise_kl",
    "margin_mse",
    "script_contrastive",
    "spread",
]


def info_nce(
    queries: Tensor,
    documents: Tensor,
    positive: Tensor,
    temperature: float = 0.02,
    mask: Tensor | None = None,
) -> Tensor:
    """How surprising each query's own document is among all documents of the batch.

    L = -1/b Σ_i ln( exp(q_i·d_p(i) / τ) / Σ_j exp(q_i·d_j / τ) ): InfoNCE (van den Oord et al. 2018, eq. 4)
    where the other queries' documents are negatives (DPR, Karpukhin et al. 2020, eq. 2 and § 3.2). The sum
    over j leaves out the false negatives that the mask names, as RocketQA's denoising does (Qu et al. 2021).

    queries (b, d), documents (m, d): rows of length 1 make the dot product a cosine; positive (b,) int64, the
    row of each query's own document; mask (b, m) bool, documents that are no negatives of a query: its other
    answers, duplicates. A query's own document counts whatever the mask says. A query left with no other
    document is certain: 0.

    The query's own document is ahead by ln 3, so it has 3/4 of the probability, and -ln 3/4 = .2877; without
    the other document it has all of it.
    >>> queries, documents, own = torch.ones(1, 1), torch.tensor([[3.0], [1.0]]).log(), torch.tensor([0])
    >>> print(f"{info_nce(queries, documents, own, temperature=1.0):.4f}")
    0.2877
    >>> other = torch.tensor([[False, True]])
    >>> print(f"{info_nce(queries, documents, own, temperature=1.0, mask=other):.4f}")
    0.0000
    """
    _fit(
        queries.ndim == documents.ndim == 2
        and queries.shape[1] == documents.shape[1]
        and positive.shape == queries.shape[:1],
        "queries (b, d), documents (m, d) and positive (b,)",
        (queries, documents, positive),
    )
    own = torch.zeros(len(queries), len(documents), dtype=torch.bool, device=queries.device)
    own = own.scatter(1, positive[:, None], True)  # (b, m)
    counting = _counting(mask, own) | own
    documents = documents.masked_fill(~counting.any(dim=0)[:, None], 0)  # 0 · NaN would reach the queries
    logits = dot(queries, documents) / _above_zero(temperature)  # (b, m)
    return _surprise(logits, own, counting)


def script_contrastive(
    native: Tensor,
    latin: Tensor,
    temperature: float = 0.05,
    mask: Tensor | None = None,
    same_script: bool = True,
) -> Tensor:
    """How surprising each sentence's other spelling is among all sentences of the batch, from both sides.

    With z the 2b rows of native and latin, and z_i' the other spelling of z_i,
    L = -1/2b Σ_i ln( exp(z_i·z_i' / τ) / Σ_{j≠i} exp(z_i·z_j / τ) ): the transliteration contrastive modeling
    of TransliCo (Liu et al. 2024; their code halves it), which is SimCLR's loss (Chen et al. 2020, eq. 1).
    Negatives are in both scripts; without `same_script` only in the other one, which is InfoNCE both ways,
    averaged.

    native, latin (b, d): a row of each is one sentence; mask (b, b) bool, sentences that are no negatives of
    one another, such as two spellings of one; a sentence and its own other spelling are a pair whatever the
    mask says. A batch of one sentence has no negatives: 0.

    Two sentences, all vectors alike: any of the 3 others is as likely, and of the 2 in the other script.
    >>> alike = torch.ones(2, 4)
    >>> print(f"{script_contrastive(alike, alike).exp():.2f}")
    3.00
    >>> print(f"{script_contrastive(alike, alike, same_script=False).exp():.2f}")
    2.00
    """
    _fit(native.ndim == 2 and native.shape == latin.shape, "native and latin (b, d)", (native, latin))
    both = torch.cat([native, latin])  # (2b, d)
    logits = dot(both, both) / _above_zero(temperature)  # (2b, 2b)
    itself = torch.eye(len(both), dtype=torch.bool, device=both.device)
    other_spelling = itself.roll(len(native), dims=1)
    negatives = _counting(mask, logits[: len(native), : len(native)]).repeat(2, 2) & ~itself
    if not same_script:
        is_native = torch.arange(len(both), device=both.device) < len(native)
        negatives = negatives & (is_native[:, None] != is_native)
    return _surprise(logits, other_spelling, negatives | other_spelling)


def margin_mse(
    student_positive: Tensor,
    student_negative: Tensor,
    teacher_positive: Tensor,
    teacher_negative: Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    """How far the student's margins between a positive and its negatives are from the teacher's.

    L = mean over i, j of ( (s_i⁺ - s_ij⁻) - (t_i⁺ - t_ij⁻) )²: Margin-MSE (Hofstätter et al. 2020), for any
    number of negatives. Only margins count, so teacher and student may score around different points.

    student_positive, teacher_positive (b,); student_negative, teacher_negative (b, n); mask (b, n) bool,
    negatives that are padding.

    The student's margin is 3 - 1, the teacher's 9 - 4: (2 - 5)².
    >>> score = torch.tensor
    >>> margin_mse(score([3.0]), score([[1.0]]), score([9.0]), score([[4.0]])).item()
    9.0
    """
    _fit(
        student_negative.ndim == 2
        and student_negative.shape == teacher_negative.shape
        and student_positive.shape == teacher_positive.shape == student_negative.shape[:1],
        "the student's and the teacher's positive (b,) and negative (b, n)",
        (student_positive, student_negative, teacher_positive, teacher_negative),
    )
    student = _wide(student_positive)[:, None] - _wide(student_negative)  # (b, n)
    teacher = _wide(teacher_positive)[:, None] - _wide(teacher_negative)
    counting = _counting(mask, student)
    apart = (student - teacher.detach()).masked_fill(~counting, 0)
    return _mean(apart.square(), counting)


def listwise_kl(
    student: Tensor,
    teacher: Tensor,
    temperature: float = 1.0,
    teacher_temperature: float | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """How far the student's distribution over a query's candidates is from the teacher's.

    L = τ² 1/b Σ_i KL( softmax(t_i / τ_t) ‖ softmax(s_i / τ) ): listwise distillation (Lin et al. 2020,
    arXiv:2010.11386; RocketQAv2, Ren et al. 2021). τ² keeps the size of the gradients whatever τ is (Hinton
    et al. 2015, § 2). τ_t is τ unless it is given, for a teacher whose scores spread more or less than the
    student's.

    student, teacher (b, n) scores; mask (b, n) bool, candidates that are padding. A row with fewer than two
    candidates ranks nothing and does not count.

    The teacher finds two candidates equal, the student one three times as likely:
    1/2 ln( (1/2) / (3/4) ) + 1/2 ln( (1/2) / (1/4) ) = 1/2 ln 4/3.
    >>> print(f"{listwise_kl(torch.tensor([[3.0, 1.0]]).log(), torch.tensor([[5.0, 5.0]])):.4f}")
    0.1438
    """
    _fit(
        student.ndim == 2 and student.shape == teacher.shape,
        "student and teacher (b, n)",
        (student, teacher),
    )
    scale = _above_zero(temperature)
    teacher_scale = scale if teacher_temperature is None else _above_zero(teacher_temperature)
    counting = _counting(mask, student)
    counting = counting & (counting.sum(dim=1, keepdim=True) > 1)
    own = _log_softmax(_wide(student) / scale, counting)
    wanted = _log_softmax(_wide(teacher).detach() / teacher_scale, counting)
    divergence = (wanted.exp() * (wanted - own)).sum(dim=1)  # (b,)
    return scale**2 * _mean(divergence, counting.any(dim=1))


def average_teachers(teachers: Sequence[Tensor], mask: Tensor | None = None) -> Tensor:
    """One teacher out of several: the mean of their scores, each row of each first stretched to 0 … 1.

    t_ij = 1/k Σ_k (t_kij - min_j t_kij) / (max_j t_kij - min_j t_kij): teachers score on scales as different
    as cosines and sums without bound, so they are normalised before they are joined (Geng et al. 2024,
    arXiv:2411.04403). By minimum and maximum rather than z-scores, because then the best and the worst
    candidate of a teacher are 1 apart whatever the number of candidates and their spread, and one temperature
    fits all rows: the probabilities of the joint best and worst differ by a factor of at most exp(1 / τ_t). A
    z-score of n candidates reaches √(n - 1), so a row where one candidate stands out would be much sharper
    than one without.

    teachers: one or more (b, n); mask (b, n) bool, candidates that are padding: neither minimum nor maximum,
    and 0 in the result. A teacher that finds all candidates of a row alike has no opinion: 0 for each. The
    result (b, n) is float32 at least and carries no gradient.

    >>> average_teachers([torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[400.0, 0.0, 100.0]])]).tolist()
    [[0.5, 0.25, 0.625]]
    """
    _fit(
        len(teachers) > 0 and all(each.ndim == 2 and each.shape == teachers[0].shape for each in teachers),
        "one or more teachers (b, n)",
        teachers,
    )
    counting = _counting(mask, teachers[0])
    return torch.stack([_stretched(_wide(each).detach(), counting) for each in teachers]).mean(dim=0)


def spread(scores: Tensor, mask: Tensor | None = None) -> Tensor:
    """How far the best candidate of each row is from the worst: (b, 1) of scores (b, n), without gradient.

    mask (b, n) bool, candidates that are padding; a row of these alone has 0.

    >>> spread(torch.tensor([[0.5, 0.25, 9.0]]), torch.tensor([[False, False, True]])).item()
    0.25
    """
    _fit(scores.ndim == 2, "scores (b, n)", (scores,))
    low, high = _ends(_wide(scores).detach(), _counting(mask, scores))
    return torch.where(high > low, high - low, 0)


def align(
    student: Tensor,
    teacher: Tensor,
    cosine_weight: float = 1.0,
    mse_weight: float = 1.0,
    mask: Tensor | None = None,
) -> Tensor:
    """How far the student's vectors are from the teacher's vectors of the same texts.

    L = 1/b Σ_i ( w_cos (1 - cos(s_i, t_i)) + w_mse 1/d ‖s_i - t_i‖² ): what makes a student's queries fit a
    teacher's documents, without labels (the distance: LEAF, Vujanic & Rueckstiess 2025; the cosine: NanoVDR).
    For vectors of length 1, ‖s - t‖² = 2 (1 - cos), so with both weights 1 the MSE is 2/d of the cosine's
    term.

    student, teacher (b, d); mask (b,) bool, rows that do not count. A vector of zeros has cosine 0.

    The cosine of (3, 4) and (4, 3) is 24/25, their mean squared difference (1 + 1) / 2.
    >>> print(f"{align(torch.tensor([[3.0, 4.0]]), torch.tensor([[4.0, 3.0]])):.2f}")
    1.04
    """
    _fit(
        student.ndim == 2 and student.shape == teacher.shape, "student and teacher (b, d)", (student, teacher)
    )
    if min(cosine_weight, mse_weight) < 0:
        raise ValueError(f"weights are at least 0, not {cosine_weight} and {mse_weight}")
    counting = _counting(mask, student[:, 0])
    own = _wide(student).masked_fill(~counting[:, None], 0)
    wanted = _wide(teacher).detach().masked_fill(~counting[:, None], 0)
    turned = 1 - (_unit(own) * _unit(wanted)).sum(dim=1)  # (b,)
    apart = (own - wanted).square().mean(dim=1)  # (b,)
    return _mean(cosine_weight * turned + mse_weight * apart, counting)


def flops(activations: Tensor) -> Tensor:
    """How much work the vectors of a sparse encoder make: the expected cost of a dot product.

    L = Σ_j ( 1/b Σ_i |a_ij| )²: the relaxed FLOPS of Paria et al. 2020, which SPLADE takes as its
    regulariser (Formal et al. 2021). Add it to a ranking loss with a small weight, queries and documents
    apart.

    activations (b, v); an empty batch costs 0.

    The mean weights of two texts over two words are 2 and 1: 2² + 1².
    >>> flops(torch.tensor([[1.0, 2.0], [3.0, 0.0]])).item()
    5.0
    """
    _fit(activations.ndim == 2, "activations (b, v)", (activations,))
    return (_wide(activations).abs().sum(dim=0) / max(len(activations), 1)).square().sum()


def binary_cross_entropy(
    scores: Tensor, labels: Tensor, positive_weight: float = 1.0, mask: Tensor | None = None
) -> Tensor:
    """How surprising the labels of pairs are to a cross-encoder, each pair for itself.

    L = -mean of ( w y ln σ(s) + (1 - y) ln(1 - σ(s)) ): the loss of monoBERT (Nogueira & Cho 2019).

    scores: logits of any shape; labels: of the same, 0 … 1; mask: of the same, bool. positive_weight: how
    much a label of 1 counts beside one of 0, the number of negatives to a positive where they shall balance.

    A score of ln 3 says 3/4: -ln 3/4 if the label is 1, -ln 1/4 if it is 0.
    >>> sure = torch.tensor([3.0]).log()
    >>> print(*(f"{binary_cross_entropy(sure, torch.tensor([label])):.4f}" for label in (1.0, 0.0)))
    0.2877 1.3863
    """
    _fit(scores.shape == labels.shape, "scores and labels of one shape", (scores, labels))
    counting = _counting(mask, scores)
    weight = torch.tensor(_above_zero(positive_weight), device=scores.device)
    own = _wide(scores).masked_fill(~counting, 0)
    wanted = labels.detach().to(own.dtype).masked_fill(~counting, 0)
    surprise = functional.binary_cross_entropy_with_logits(own, wanted, pos_weight=weight, reduction="none")
    return _mean(surprise, counting)


def listwise_cross_entropy(scores: Tensor, relevance: Tensor, mask: Tensor | None = None) -> Tensor:
    """How surprising the relevant ones are among a query's candidates to a cross-encoder.

    L = -1/b Σ_i Σ_j r_ij / Σ_k r_ik  ln softmax(s_i)_j: the softmax cross-entropy of Bruch et al. 2019; with
    one relevant candidate, the localized contrastive loss of Gao et al. 2021 (LCE). For ListNet (Cao et al.
    2007), whose targets are softmax(r_i), take listwise_kl(scores, relevance): it differs by a constant.

    scores (b, n) logits; relevance (b, n) of at least 0; mask (b, n) bool, candidates that are padding. A row
    with nothing relevant says nothing and does not count.

    The relevant candidate is three times as likely as the other: -ln 3/4.
    >>> print(f"{listwise_cross_entropy(torch.tensor([[3.0, 1.0]]).log(), torch.tensor([[1.0, 0.0]])):.4f}")
    0.2877
    """
    _fit(
        scores.ndim == 2 and scores.shape == relevance.shape,
        "scores and relevance (b, n)",
        (scores, relevance),
    )
    counting = _counting(mask, scores)
    logits = _wide(scores)
    share = relevance.detach().to(logits.dtype).masked_fill(~counting, 0)
    total = share.sum(dim=1, keepdim=True)  # (b, 1)
    share = share / total.masked_fill(total == 0, 1)
    surprise = -(share * _log_softmax(logits, counting)).sum(dim=1)  # (b,)
    return _mean(surprise, total[:, 0] > 0)


def _surprise(logits: Tensor, own: Tensor, among: Tensor) -> Tensor:
    """The mean of -ln softmax(logits (n, m))[own], over the columns `among`; own: one place in each row."""
    return _mean(-_log_softmax(logits, among), own)


def _log_softmax(logits: Tensor, counting: Tensor) -> Tensor:
    """ln softmax of (b, n) over the places that count; 0 elsewhere."""
    alone = ~counting.any(dim=1, keepdim=True)  # a softmax over nothing would be NaN
    logits = logits.masked_fill(~counting, -torch.inf).masked_fill(alone, 0)
    return functional.log_softmax(logits, dim=1).masked_fill(~counting, 0)


def _mean(values: Tensor, counting: Tensor) -> Tensor:
    return values.masked_fill(~counting, 0).sum() / counting.sum().clamp(min=1)


def _ends(scores: Tensor, counting: Tensor) -> tuple[Tensor, Tensor]:
    """The least and the largest score of each row, (b, 1) both."""
    low = scores.masked_fill(~counting, torch.inf).amin(dim=1, keepdim=True)
    return low, scores.masked_fill(~counting, -torch.inf).amax(dim=1, keepdim=True)


def _stretched(scores: Tensor, counting: Tensor) -> Tensor:
    low, high = _ends(scores, counting)
    opinion = counting & (high > low)
    return ((scores - low) / (high - low)).masked_fill(~opinion, 0)


def _unit(vectors: Tensor) -> Tensor:
    length = torch.linalg.vector_norm(vectors, dim=1, keepdim=True)  # (b, 1)
    return vectors / length.masked_fill(length == 0, 1)


def dot(left: Tensor, right: Tensor) -> Tensor:
    """Every row with every row, (b, d) and (m, d) to (b, m), in float32 under autocast too."""
    with torch.autocast(left.device.type, enabled=False):
        return _wide(left) @ _wide(right).T


def _wide(values: Tensor) -> Tensor:
    """In float32, or float64 if it comes in that."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _counting(mask: Tensor | None, values: Tensor) -> Tensor:
    """Where values count, bool and of their shape: all but what the mask names."""
    if mask is None:
        return torch.ones_like(values, dtype=torch.bool)
    if mask.shape != values.shape or mask.dtype != torch.bool:
        raise ValueError(f"a mask is torch.bool {tuple(values.shape)}, not {mask.dtype} {tuple(mask.shape)}")
    return ~mask


def _above_zero(value: float) -> float:
    if not 0 < value < float("inf"):
        raise ValueError(f"temperatures and weights are above 0, not {value}")
    return value


def _fit(fits: bool, wanted: str, tensors: Sequence[Tensor]) -> None:
    if not fits:
        raise ValueError(f"{wanted}; not {', '.join(str(tuple(each.shape)) for each in tensors) or 'none'}")
