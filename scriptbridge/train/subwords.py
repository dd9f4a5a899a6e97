"""Recipe `subwords`: native subwords for a tokenizer that spells a language letter by letter.

A WordPiece vocabulary made from English texts knows little more of other scripts than their letters: a
Persian paragraph of 120 words is 500 of its pieces, of which an encoder sees the first 256. Subwords are
learnt from texts like those to be searched, by WordPiece's own trainer, and appended; each begins as the
mean of the embeddings of the pieces that it was. Texts in Latin letters are read as before. The model has
never seen its new subwords: it is to be trained, by `translit`, on texts that are a third as long now.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, trainers
from tokenizers import models as kinds

from scriptbridge.errors import TrainingError

from . import card, models
from .trainer import check_new
from .vocabulary import Vocabulary, save

__all__ = ["Learned", "Subwords", "extend"]

MOST = 1_000_000  # subwords that are learnt
_SAMPLE = 1000  # texts whose subwords are counted


@dataclass(frozen=True, slots=True)
class Subwords:
    """What the recipe is told: how many subwords are learnt at most, how often one has to be there to be one,
    and what the model is: dense, sparse or cross.
    """

    size: int = 12_000
    least: int = 3
    kind: models.Kind = "dense"

    def __post_init__(self) -> None:
        """TrainingError for what is none of these."""
        if not (0 < self.size <= MOST and 0 < self.least < 2**31) or self.kind not in models.CLASSES:
            raise TrainingError(
                f"size {self.size}, least {self.least}, kind {self.kind!r} came; accepted: 1 to {MOST:,}, "
                f"1 and more, {', '.join(models.CLASSES)}"
            )


@dataclass(frozen=True, slots=True)
class Learned:
    """How many subwords were `added`, and of how many tokens a text was on average, `before` and `after`."""

    added: int
    before: float
    after: float


def extend(model: str, texts: Iterable[str], out: str | Path, options: Subwords | None = None) -> Learned:
    """Give the model subwords learnt from these texts, but none of ASCII alone, and save it in `out`.

    `out`, a new or an empty folder, loads with plain sentence-transformers. TrainingError for a tokenizer
    that isn't WordPiece (multilingual ones have native subwords) and texts that hold nothing to learn.
    """
    options, out = options or Subwords(), Path(out)
    check_new(out)
    texts = list(texts)
    encoder = models.as_kept(model, options.kind)
    tokenizer: Any = getattr(encoder, "tokenizer", None)
    old = getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(old, Tokenizer):
        raise TrainingError(f"model {model!r}: its tokenizer is not one of the library tokenizers")
    vocabulary = Vocabulary(json.loads(old.to_str()), model)
    if vocabulary.kind != "WordPiece":
        raise TrainingError(
            f"model {model!r}: a tokenizer of kind {vocabulary.kind}; accepted: WordPiece (see vocab)"
        )
    parts = {
        piece: _spelled(piece, vocabulary)
        for piece in _learnt(old, texts, vocabulary.mark, options)
        if piece not in vocabulary.ids and not piece.isascii()
    }
    parts = {piece: ids for piece, ids in parts.items() if ids}
    if not parts:
        raise TrainingError(f"model {model!r}: nothing in these {len(texts)} texts that its subwords lack")
    before = _tokens(old, texts)
    first = max(vocabulary.ids.values()) + 1
    for id, piece in enumerate(parts, start=first):
        vocabulary.put(piece, id, 0.0)
    tokenizer._tokenizer = Tokenizer.from_str(  # what it saves; there is no public way to replace it
        json.dumps(vocabulary.description, ensure_ascii=False)
    )
    _initialise(models.transformer(encoder, options.kind), vocabulary, parts)
    result = Learned(len(parts), before, _tokens(tokenizer.backend_tokenizer, texts))
    config = {"recipe": "subwords", "model": model, **asdict(options), "versions": card.versions()}
    figures = asdict(result)
    pieces = {id: piece for piece, id in vocabulary.ids.items()}
    table = "".join(f"{piece}\t{' '.join(pieces[id] for id in ids)}\n" for piece, ids in parts.items())
    told = card.written(_ABOUT.format(model), config, figures, note=_NOTE)
    save(encoder, out, config, figures, f"subword\tparts\n{table}", told)
    return result


def _learnt(old: Tokenizer, texts: Sequence[str], mark: str, options: Subwords) -> list[str]:
    """The subwords of these texts, cut as the tokenizer cuts them, commonest first."""
    learning = Tokenizer(kinds.WordPiece(unk_token="[UNK]"))
    learning.normalizer, learning.pre_tokenizer = old.normalizer, old.pre_tokenizer
    learning.train_from_iterator(
        texts,
        trainers.WordPieceTrainer(
            vocab_size=options.size,
            min_frequency=options.least,
            special_tokens=["[UNK]"],
            continuing_subword_prefix=mark,
            show_progress=False,
        ),
    )
    ids: dict[str, int] = learning.get_vocab()
    return sorted(ids, key=ids.__getitem__)


def _spelled(piece: str, vocabulary: Vocabulary) -> list[int]:
    """The ids of the old subwords that a new one was read as, longest first; none where it was unknown."""
    mark, ids, at = vocabulary.mark, [], 0
    letters = piece.removeprefix(mark)
    continues = letters != piece
    while at < len(letters):
        before = mark if continues or at else ""
        ends = range(len(letters), at, -1)
        end = next((end for end in ends if before + letters[at:end] in vocabulary.ids), None)
        if end is None:
            return []
        ids.append(vocabulary.ids[before + letters[at:end]])
        at = end
    return ids


def _initialise(transformer: Any, vocabulary: Vocabulary, parts: Mapping[str, Sequence[int]]) -> None:
    size = max(vocabulary.ids.values()) + 1
    transformer.resize_token_embeddings(
        max(size, len(transformer.get_input_embeddings().weight)), mean_resizing=False
    )
    matrices = [transformer.get_input_embeddings().weight]
    output = transformer.get_output_embeddings()
    for name in ("weight", "bias"):
        matrix = getattr(output, name, None)
        if matrix is not None and len(matrix) >= size and matrix is not matrices[0]:
            matrices.append(matrix)
    with torch.no_grad():
        for matrix in matrices:
            for piece, ids in parts.items():
                matrix[vocabulary.ids[piece]] = matrix[list(ids)].mean(dim=0)


def _tokens(tokenizer: Tokenizer, texts: Iterable[str]) -> float:
    """Tokens of a text, on average of the first thousand."""
    whole = Tokenizer.from_str(tokenizer.to_str())
    whole.no_truncation()
    whole.no_padding()
    counts = [len(each.ids) for each in whole.encode_batch(list(islice(texts, _SAMPLE)))]
    return sum(counts) / max(1, len(counts))


_ABOUT = (
    "`{}` with subwords learnt from native texts, which it spelled letter by letter. It has never seen them: "
    "train it, as by `scriptbridge train translit`. Texts in ASCII are read as before."
)
_NOTE = "`before` and `after` are tokens of a text on average, in the old subwords and the new ones."
