"""Models in training: texts tokenised once, batches padded as little as can be, vectors with gradients.

What a text becomes is what sentence-transformers makes of it: prompts, truncation and pooling are the
model's.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from scriptbridge import extras
from scriptbridge.encoders import sentence
from scriptbridge.errors import EncoderError, TrainingError

from .trainer import Settings, device_of

__all__ = [
    "Bi",
    "Cross",
    "Kind",
    "Role",
    "Tokens",
    "as_kept",
    "fingerprint",
    "load",
    "ndcg",
    "prompt",
    "set_dropout",
    "transformer",
]

Kind = Literal["dense", "sparse", "cross"]
Role = Literal["query", "document"]

CLASSES: dict[Kind, str] = {
    "dense": "SentenceTransformer",
    "sparse": "SparseEncoder",
    "cross": "CrossEncoder",
}
# Padded tokens that go through a model at once. A CPU is fastest with what its caches hold: four passages of
# 256 tokens take half the time of thirty-two.
AT_ONCE = {"cpu": 1024, "cuda": 65536}
BLOCK = 256  # texts whose vectors are in memory together; those of sparse encoders have 30,000 numbers


def load(name: str, kind: Kind, settings: Settings) -> Any:
    """The sentence-transformers model of that name or folder, in float32, where the settings say.

    TrainingError where there is none, or it is of another kind.
    """
    extras.load("sentence_transformers", "train")
    torch.manual_seed(settings.seed)  # heads that a model lacks are drawn
    try:
        model = sentence.load(CLASSES[kind], name, f"model {name!r}", device=str(device_of(settings)))
    except EncoderError as error:
        raise TrainingError(str(error)) from error
    if kind != "cross" and not callable(getattr(model, "tokenizer", None)):
        raise TrainingError(f"model {name!r} has no transformer with a tokenizer; only such can be trained")
    if kind != "cross" and type(model[0]).__name__ == "Router":
        raise TrainingError(
            f"model {name!r} has an encoder for queries and one for documents; name one of them"
        )
    if model.device.type == "cpu":
        _eagerly(model.model if kind == "cross" else getattr(model[0], "auto_model", None))
    return model.float()


def fingerprint(model: torch.nn.Module) -> str:
    """A digest of all of a model's numbers, in hexadecimal; a second's work for a gigabyte."""
    digest = hashlib.blake2b(digest_size=16)
    for name, value in model.state_dict().items():
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def as_kept(name: str, kind: Kind) -> Any:
    """The model in the precision that it is kept in, on the CPU; training has it in float32."""
    encoder = load(name, kind, Settings("", name, device="cpu"))
    kept = getattr(transformer(encoder, kind).config, "dtype", None)
    return encoder.to(kept) if isinstance(kept, torch.dtype) else encoder


def transformer(encoder: Any, kind: Kind) -> Any:
    """The transformer of a sentence-transformers model."""
    return encoder.model if kind == "cross" else encoder[0].auto_model


def _eagerly(transformer: Any) -> None:
    """Attention in plain matrix products: on a CPU, with its gradients, a fifth faster than fused."""
    if hasattr(transformer, "set_attn_implementation"):
        with suppress(ValueError, NotImplementedError):  # of models that have another one only
            transformer.set_attn_implementation("eager")


def set_dropout(model: torch.nn.Module, rate: float | None) -> None:
    """Have all dropout of a model at that rate; None leaves it as the model has it."""
    if rate is None:
        return
    if not 0 <= rate < 1:
        raise TrainingError(f"dropout {rate!r} came; accepted: 0 and more, less than 1")
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = rate
        for name in ("attention_dropout", "dropout_p"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, rate)


def prompt(model: Any, role: Role) -> str:
    """What the model has before every text of that role."""
    names = ("query",) if role == "query" else ("document", "passage", "corpus")
    prompts = model.prompts or {}
    return next((prompts[name] for name in names if prompts.get(name)), "")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Texts as token ids: text i is `ids[starts[i]:starts[i + 1]]`, its first `prompt` ones not pooled."""

    ids: NDArray[np.int32]  # (all tokens,)
    starts: NDArray[np.int64]  # (texts + 1,)
    role: Role
    prompt: int = 0

    def __len__(self) -> int:
        return len(self.starts) - 1

    def lengths(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Tokens of each of these texts."""
        return self.starts[rows + 1] - self.starts[rows]


class Bi:
    """A bi-encoder in training, dense or sparse."""

    def __init__(self, model: Any, kind: Kind) -> None:
        self.model = model
        self._unit = kind == "dense"  # sparse vectors' lengths mean something
        self._pad = getattr(model.tokenizer, "pad_token_id", None) or 0

    def tokens(self, texts: Sequence[str], role: Role, longest: int) -> Tokens:
        """The texts after the role's prompt, cut to `longest` tokens, or the model's own limit."""
        before = prompt(self.model, role)
        longest = min(longest, self.model.max_seq_length or longest)
        if getattr(self.model[0], "do_lower_case", False):
            texts = [text.lower() for text in texts]
        encoded = self._encode([before + text for text in texts], longest)
        ids = np.fromiter((id for each in encoded for id in each), np.int32)
        starts = np.zeros(len(texts) + 1, np.int64)
        np.cumsum([len(each) for each in encoded], out=starts[1:])
        pooled = all(getattr(module, "include_prompt", True) for module in self.model)
        return Tokens(ids, starts, role, 0 if pooled or not before else self._prompt_length(before, longest))

    def vectors(
        self,
        tokens: Tokens,
        rows: Sequence[int] | NDArray[np.int64],
        names: NDArray[np.int64] | None = None,
    ) -> torch.Tensor:
        """The vectors (rows, d) of these texts, with gradients where they are on; dense ones of length 1.

        `names` (vocabulary,) are the ids that tokens go by, if not by their own.
        """
        chosen = np.asarray(rows, np.int64)
        vectors = _in_chunks(
            tokens.lengths(chosen),
            self.model.device,
            lambda places: self._forward(tokens, chosen[places], names),
        )
        return torch.nn.functional.normalize(vectors, dim=1) if self._unit else vectors

    def encoded(self, tokens: Tokens) -> NDArray[np.float32]:
        """The vectors (texts, d) of all texts, without gradients, the model as it is."""
        return np.concatenate(list(self._blocks(tokens)))

    def scores(self, queries: Tokens, documents: Tokens) -> NDArray[np.float32]:
        """The dot products (queries, documents), without gradients."""
        asked = self.encoded(queries)
        return np.concatenate([asked @ block.T for block in self._blocks(documents)], axis=1)

    def _blocks(self, tokens: Tokens) -> Iterator[NDArray[np.float32]]:
        for start in range(0, len(tokens), BLOCK):
            with torch.no_grad():
                vectors = self.vectors(tokens, np.arange(start, min(start + BLOCK, len(tokens))))
            yield vectors.float().cpu().numpy()

    def _forward(
        self, tokens: Tokens, rows: NDArray[np.int64], names: NDArray[np.int64] | None = None
    ) -> torch.Tensor:
        texts: list[NDArray[np.integer[Any]]] = [
            tokens.ids[tokens.starts[row] : tokens.starts[row + 1]] for row in rows
        ]
        if names is not None:
            texts = [names[ids] for ids in texts]
        ids, mask = _padded(texts, self._pad)
        device = self.model.device
        features: dict[str, Any] = {"input_ids": ids.to(device), "attention_mask": mask.to(device)}
        if tokens.prompt:
            features["prompt_length"] = tokens.prompt
        vectors: torch.Tensor = self.model(features, task=tokens.role)["sentence_embedding"]
        return vectors.float()

    def _prompt_length(self, before: str, longest: int) -> int:
        """Tokens of the prompt and of what comes before it, without what ends a text."""
        tokens = self._encode([before], longest)[0]
        ends = tokens and tokens[-1] in (self.model.tokenizer.all_special_ids or ())
        return len(tokens) - bool(ends)

    def _encode(self, texts: Sequence[str], longest: int) -> list[list[int]]:
        if not texts:
            return []
        encoded = self.model.tokenizer(
            list(texts), truncation=True, max_length=longest, padding=False, return_attention_mask=False
        )
        ids: list[list[int]] = encoded["input_ids"]
        return ids


class Cross:
    """A cross-encoder in training."""

    def __init__(self, model: Any, name: str) -> None:
        """TrainingError for a model that does not give one score a pair."""
        self.model = model
        self._pad = getattr(model.tokenizer, "pad_token_id", None) or 0
        if getattr(getattr(model.model, "config", None), "num_labels", 1) != 1:
            raise TrainingError(
                f"model {name!r} gives {model.model.config.num_labels} numbers a pair; 1 is needed"
            )

    def scores(self, pairs: Sequence[tuple[str, str]], longest: int) -> torch.Tensor:
        """A score (pairs,) of each query and document, before any sigmoid, with gradients where they are on.

        Pairs are cut to `longest` tokens, or the model's own limit, at the end of the longer text.
        """
        longest = min(longest, getattr(self.model, "max_seq_length", None) or longest)
        queries, documents = zip(*pairs, strict=True)
        encoded = self.model.tokenizer(
            list(queries), list(documents), truncation="longest_first", max_length=longest, padding=False
        )
        ids: list[list[int]] = encoded["input_ids"]
        types: list[list[int]] | None = encoded.get("token_type_ids")

        def forward(places: NDArray[np.int64]) -> torch.Tensor:
            padded, mask = _padded([ids[place] for place in places], self._pad)
            device = self.model.device
            features = {"input_ids": padded.to(device), "attention_mask": mask.to(device)}
            if types is not None:
                features["token_type_ids"] = _padded([types[place] for place in places], 0)[0].to(device)
            logits: torch.Tensor = self.model.model(**features).logits  # (b, 1)
            return logits.float().reshape(len(places))

        return _in_chunks(np.array([len(each) for each in ids]), self.model.device, forward)


def _in_chunks(
    lengths: NDArray[np.int64], device: torch.device, forward: Callable[[NDArray[np.int64]], torch.Tensor]
) -> torch.Tensor:
    """What `forward` makes of texts, called with the places of as many at once as the device takes best.

    Texts of about one length go together, so that little is padding.
    """
    most = AT_ONCE.get(device.type, AT_ONCE["cpu"])
    order = np.argsort(lengths, kind="stable")
    parts, start = [], 0
    for end in range(1, len(order) + 1):
        if end == len(order) or (end + 1 - start) * lengths[order[end]] > most:
            parts.append(forward(order[start:end]))
            start = end
    return torch.cat(parts)[torch.from_numpy(np.argsort(order)).to(parts[0].device)]


def _padded(
    texts: Sequence[Sequence[int] | NDArray[np.integer[Any]]], pad: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and attention mask, both (texts, longest) int64."""
    lengths = np.array([len(each) for each in texts])
    ids = np.full((len(texts), int(lengths.max())), pad, np.int64)
    mask = np.arange(ids.shape[1]) < lengths[:, None]
    ids[mask] = np.concatenate(texts)
    return torch.from_numpy(ids), torch.from_numpy(mask.astype(np.int64))


def ndcg(scores: NDArray[np.float32], relevant: Sequence[Sequence[int]], k: int = 10) -> float:
    """Mean nDCG@k of scores (queries, documents) where `relevant` has the columns of each query's documents.

    Grades are binary; of equal scores, the earlier column is first.

    The one relevant document comes second: 1 / log2 3.
    >>> print(f"{ndcg(np.array([[0.1, 0.9, 0.5]], np.float32), [[2]]):.4f}")
    0.6309
    """
    total = 0.0
    for row, wanted in zip(scores, relevant, strict=True):
        best = np.argsort(-row, kind="stable")[:k].tolist()
        gain = sum(1 / math.log2(rank + 2) for rank, column in enumerate(best) if column in wanted)
        total += gain / sum(1 / math.log2(rank + 2) for rank in range(min(k, len(wanted))))
    return total / len(relevant)
