"""Recipe `vocab`: Latin subwords for a tokenizer's native ones, without training.

TransMI (Liu, Ma, Ye & Schütze, COLING 2025): every subword of some scripts is *transliterated*; those that
come to one Latin string are *merged*; what the vocabulary lacks is appended to it, its embedding
*initialised* from its sources. A Latin word is then read in the subwords of its native form, where it was
shattered. Here the language's channel transliterates, by its likeliest spellings, and a capitalised subword
is written in small letters too, as queries are; the paper has uroman and one form.

**Native texts are read and encoded as before**: all that is new is Latin and no weight that they use changes,
so their vectors are the same, bit for bit. (On a CPU, weights lie in memory as they lie in the file, which is
longer now; that can change the last bit of a product.) Latin texts change: an English word outside the
vocabulary may be read in new subwords, so documents in Latin letters have to be encoded anew. A sparse
encoder's vectors gain a number for each new subword and keep the others.

What each kind of tokenizer makes of new subwords:

- *WordPiece* takes the longest subword that fits: a new one is found unless a longer one fits as well.
- *Unigram* takes the likeliest sequence: a new one is found where its log probability, that of its sources,
  is above that of the pieces it is made of. Frequent ones mostly are, rare ones often not.
- *BPE* joins pieces pairwise, first what was learnt first. New joins come after all old ones, so that a new
  subword is always found as a word or as a word's beginning alone; inside a longer word, old joins may have
  split it elsewhere. Where two pieces have no subword for what they are together, a *joint* is added, with
  the mean of their embeddings: a subword that no native one stands for. Byte-level BPE tells words by the
  space before them: the first word of a text has none, unless the tokenizer puts one there, and is read, as
  in native script, in subwords that begin no words.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import torch
from tokenizers import Tokenizer

from scriptbridge import languages as known_languages
from scriptbridge import text
from scriptbridge.channel import Channel
from scriptbridge.errors import LanguageError, TrainingError
from scriptbridge.gap import authors

from . import card, models
from .trainer import check_new
from .vocabulary import Mode, Vocabulary, save

__all__ = ["Merged", "Mode", "Vocab", "apply", "likeliest"]

_MODES: tuple[Mode, ...] = ("max", "average", "min")
_CHANNEL = "channel"
_BEAM = 16  # spellings of a subword's beginning that are followed further
_NEVER = 1e-3  # a letter's spelling with less than this share is not followed


@dataclass(frozen=True, slots=True)
class Vocab:
    """What the recipe is told.

    `author` writes the subwords in Latin letters: "channel" by the language's channel, its likeliest
    spelling, "channel:3" its three likeliest; else one of `gap.authors`. Of several, with commas between, a
    later one gives those forms alone that no earlier one gave. `seed` is for authors that draw.

    `mode` says what a new subword of several sources gets: "max" (the paper's Max-Merge) the score and the
    embedding of the likeliest source, "min" those of the unlikeliest, "average" the means of both. Unigram
    tokenizers have log probabilities; in others the earlier subword of the vocabulary counts as likelier.

    `existing` is for Latin subwords that are there already: "keep" leaves them, as the paper does; "average"
    gives each the mean of its own embedding and of what a new subword would have got, so that every text
    with such a subword, English too, is encoded anew.

    `kind` is dense, sparse or cross. A vocabulary with fewer than `least` native subwords of two letters or
    more is refused: a tokenizer that spells a language letter by letter has nothing to give.
    """

    author: str = _CHANNEL
    mode: Mode = "max"
    existing: Literal["keep", "average"] = "keep"
    kind: models.Kind = "dense"
    seed: int = 0
    least: int = 100

    def __post_init__(self) -> None:
        """TrainingError for what is none of these."""
        for name, accepted in (
            ("mode", _MODES),
            ("existing", ("keep", "average")),
            ("kind", tuple(models.CLASSES)),
        ):
            if getattr(self, name) not in accepted:
                raise TrainingError(f"{name} {getattr(self, name)!r} came; accepted: {', '.join(accepted)}")


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of it, in subwords.

    Of the `native` ones in the scripts asked for, `left` could not be written in letters a-z. The others'
    Latin forms were there already (`existing`) or were `added`; `merged` of these have several sources.
    `joints` were added for BPE alone. `reached` is the share (0-1) of the added ones that begin words whose
    letters, as a word, are now read as that one subword.
    """

    native: int
    left: int
    existing: int
    added: int
    merged: int
    joints: int
    reached: float


def apply(model: str, languages: Sequence[str], out: str | Path, options: Vocab | None = None) -> Merged:
    """Give the model Latin subwords for those in the scripts of these languages (codes); save it in `out`.

    `out`, a new or an empty folder, loads with plain sentence-transformers; beside the model it has a card,
    and in training/ the configuration, the figures and `subwords.tsv`: each Latin subword and its sources.
    Without languages, subwords of all scripts but Latin are written; the channel needs to be told one.

    Raises TrainingError for a tokenizer that is neither WordPiece, unigram nor BPE, and for a vocabulary with
    fewer than `least` subwords of two letters or more in these scripts, or none that come out new;
    LanguageError; GapError for an author that is none.
    """
    options, out = options or Vocab(), Path(out)
    check_new(out)
    encoder = models.as_kept(model, options.kind)
    tokenizer: Any = getattr(encoder, "tokenizer", None)
    if not isinstance(getattr(tokenizer, "backend_tokenizer", None), Tokenizer):
        raise TrainingError(f"model {model!r}: its tokenizer is not one of the library tokenizers")
    old = tokenizer.backend_tokenizer
    vocabulary = Vocabulary(json.loads(old.to_str()), model)
    native = vocabulary.native(_scripts(languages))
    _check_enough(native, model, languages, options.least)
    sources: dict[str, list[int]] = {}
    unwritten = set(native)
    for author in options.author.split(","):
        written = _written([word for _, word in native.values()], languages, author, options.seed)
        for piece, ids in vocabulary.transliterated(native, written).items():
            sources.setdefault(piece, ids)
        unwritten -= {piece for piece in unwritten if written.get(native[piece][1])}
    there = {piece: ids for piece, ids in sources.items() if piece in vocabulary.ids}
    new = {piece: ids for piece, ids in sources.items() if piece not in vocabulary.ids}
    if not new:
        raise TrainingError(
            f"model {model!r}: the Latin forms of its {len(native)} native subwords are all there already"
        )
    joints = vocabulary.add(new, options.mode)
    made = Tokenizer.from_str(json.dumps(vocabulary.description, ensure_ascii=False))
    result = Merged(
        native=len(native),
        left=len(unwritten),
        existing=len(there),
        added=len(new),
        merged=sum(len(ids) > 1 for ids in new.values()),
        joints=len(joints),
        reached=_reached(made, vocabulary, new),
    )
    rows = _Rows(encoder, options, vocabulary, there, new, joints)
    rows.write()
    tokenizer._tokenizer = made  # what it saves; there is no public way to replace it
    config = {
        "recipe": "vocab",
        "model": model,
        "languages": list(languages),
        **asdict(options),
        "versions": card.versions(),
    }
    figures = asdict(result)
    told = card.written(_about(config), config, figures, note=_NOTE)
    save(encoder, out, config, figures, _table(vocabulary, there | new), told)
    return result


def likeliest(channel: Channel, native: str, n: int = 1) -> list[str]:
    """The `n` likeliest spellings of a word by its channel, likeliest first; fewer where there are no more,
    none where it has a letter that the channel doesn't know.

    Segmentations of one spelling are summed (`Channel.score`, without slips of the hand); the search follows
    the 16 likeliest beginnings.
    """
    word = text.normalize(native)
    rows = channel.word_rows(word)
    if rows is None or not word:
        return []
    reached: list[defaultdict[str, float]] = [defaultdict(float) for _ in range(len(rows) + 1)]
    reached[0][""] = 1.0
    for at, units in enumerate(rows.tolist()):
        best = sorted(reached[at].items(), key=lambda item: (-item[1], item[0]))[: max(_BEAM, n)]
        for length, row in enumerate(units, start=1):
            for spelling, probability in _slots(channel, row) if row >= 0 else ():
                for written, likelihood in best:
                    reached[at + length][written + spelling] += likelihood * probability
    whole = sorted(reached[-1].items(), key=lambda item: (-item[1], item[0]))
    return [spelling for spelling, _ in whole if spelling][:n]


def _slots(channel: Channel, row: int) -> list[tuple[str, float]]:
    """Spellings of a row with their probabilities, without the rarest."""
    slots = range(channel.row_start[row], channel.row_start[row + 1])
    spelled = [
        (channel.latin_spellings[channel.slot_spelling[slot]], float(channel.slot_probability[slot]))
        for slot in slots
    ]
    return [(spelling, probability) for spelling, probability in spelled if probability >= _NEVER]


# ---- transliterate


def _scripts(codes: Sequence[str]) -> frozenset[str]:
    """The scripts of these languages, empty for all."""
    return frozenset(chain.from_iterable(known_languages.load(code).scripts for code in codes)) - {"Latn"}


def _check_enough(
    native: Mapping[str, tuple[str, str]], model: str, languages: Sequence[str], least: int
) -> None:
    longer = sum(len(word) > 1 for _, word in native.values())
    if native and longer >= least:
        return
    scripts = ", ".join(sorted(_scripts(languages))) or "other scripts than Latin"
    there = f"no subword in {scripts}"
    if native:
        there = (
            f"{len(native)} subwords in {scripts}, {longer} of them of two letters or more (least: {least})"
        )
    raise TrainingError(
        f"model {model!r}: its vocabulary has {there}; vocab is for multilingual tokenizers, "
        f"align and translit teach others"
    )


def _written(words: Iterable[str], languages: Sequence[str], author: str, seed: int) -> dict[str, list[str]]:
    """Latin spellings, letters a-z alone, of each native word that the author can write."""
    name, _, styles = author.partition(":")
    distinct = list(dict.fromkeys(words))
    if name == _CHANNEL and not languages:
        raise LanguageError("author channel: languages are needed; uroman needs none")
    if name == _CHANNEL and (not styles or (styles.isdecimal() and int(styles) > 0)):
        spelled = _by_channels(distinct, languages, int(styles or 1))
    else:
        spelled = _by_author(distinct, languages or [None], author, seed)
    found: dict[str, list[str]] = {}
    for word, spelling in spelled:
        for form in _cased(word, spelling) if spelling.isascii() and spelling.isalpha() else ():
            if form not in found.setdefault(word, []):
                found[word].append(form)
    return found


def _by_channels(words: Sequence[str], languages: Sequence[str], n: int) -> Iterator[tuple[str, str]]:
    for language in languages:
        channel = Channel.load(language)
        for word in words:
            yield from ((word, spelling) for spelling in likeliest(channel, word, n))


def _by_author(
    words: Sequence[str], languages: Sequence[str | None], author: str, seed: int
) -> Iterator[tuple[str, str]]:
    """What one of `gap.authors` writes; of a subword that is no word, as one that begins with a vowel sign,
    it would leave something out.
    """
    whole = {word: word for word in words if text.terms(word) == [text.normalize(word)]}
    for language in languages:
        for word, spellings in authors.write(author, whole, language, seed).texts.items():
            yield from ((word, spelling) for spelling in spellings)


def _cased(native: str, latin: str) -> tuple[str, ...]:
    """The Latin form in small letters, and with the capitals that the native one has."""
    if len(native) > 1 and native.isupper():
        return latin, latin.upper()
    return (latin, latin.capitalize()) if native[0].isupper() else (latin,)


# ---- initialise


def _reached(made: Tokenizer, vocabulary: Vocabulary, new: Mapping[str, object]) -> float:
    """The share of new subwords that begin words whose letters, after a space, are read as that one."""
    made = Tokenizer.from_str(made.to_str())
    made.no_padding()
    made.no_truncation()
    begins = vocabulary.kind != "WordPiece"
    starts = [piece for piece in new if piece.startswith(vocabulary.mark) == begins]
    read = made.encode_batch(
        [f" {piece.removeprefix(vocabulary.mark)}" for piece in starts], add_special_tokens=False
    )
    found = sum(encoding.ids == [vocabulary.ids[piece]] for piece, encoding in zip(starts, read, strict=True))
    return found / len(starts) if starts else 0.0


class _Rows:
    """The rows of a model's matrices that stand for subwords: embeddings, and outputs where it has them."""

    def __init__(
        self,
        encoder: Any,
        options: Vocab,
        vocabulary: Vocabulary,
        existing: Mapping[str, Sequence[int]],
        new: Mapping[str, Sequence[int]],
        joints: Sequence[tuple[str, tuple[str, str]]],
    ) -> None:
        self._transformer = models.transformer(encoder, options.kind)
        self._existing = existing if options.existing == "average" else {}
        self._mode, self._ids, self._new, self._joints = options.mode, vocabulary.ids, new, joints

    def write(self) -> None:
        """Make room, and give each subword its row."""
        embeddings = self._transformer.get_input_embeddings()
        size = max(len(embeddings.weight), max(self._ids.values()) + 1)  # some have rows to spare
        if size > len(embeddings.weight):
            self._transformer.resize_token_embeddings(size, mean_resizing=False)
        matrices = {id(matrix): matrix for matrix in self._matrices(size)}  # tied ones once
        with torch.no_grad():
            for matrix in matrices.values():
                self._fill(matrix)

    def _matrices(self, size: int) -> Iterator[torch.Tensor]:
        yield self._transformer.get_input_embeddings().weight
        output = self._transformer.get_output_embeddings()
        for name in ("weight", "bias"):
            if (matrix := getattr(output, name, None)) is not None and len(matrix) == size:
                yield matrix

    def _fill(self, matrix: torch.Tensor) -> None:
        """Rows of a matrix (subwords, d), or numbers of a vector (subwords,)."""
        own = {
            piece: (matrix[self._ids[piece]] + self._merged(matrix, sources)) / 2
            for piece, sources in self._existing.items()
        }
        for piece, sources in self._new.items():
            matrix[self._ids[piece]] = self._merged(matrix, sources)
        for piece, row in own.items():
            matrix[self._ids[piece]] = row
        for joint, parts in self._joints:
            matrix[self._ids[joint]] = matrix[[self._ids[part] for part in parts]].mean(dim=0)

    def _merged(self, matrix: torch.Tensor, sources: Sequence[int]) -> torch.Tensor:
        if self._mode == "average":
            return matrix[list(sources)].mean(dim=0)
        return matrix[sources[0 if self._mode == "max" else -1]].clone()


# ---- save


def _table(vocabulary: Vocabulary, sources: Mapping[str, Sequence[int]]) -> str:
    pieces = {id: piece for piece, id in vocabulary.ids.items()}
    lines = (f"{piece}\t{' '.join(pieces[id] for id in ids)}" for piece, ids in sources.items())
    return "\n".join(["subword\tsources", *lines, ""])


_NOTE = (
    "Figures are subwords: `native` ones in these scripts, those `left` that have no Latin form, Latin forms "
    "that were there (`existing`) or were `added`, those of several sources (`merged`), what joins BPE's "
    "pieces (`joints`); `reached` is the share of added ones that begin words and are read as one subword."
)


def _about(config: Mapping[str, Any]) -> str:
    scripts = ", ".join(config["languages"]) or "all scripts but Latin"
    return (
        f"`{config['model']}` with Latin subwords for its native ones ({scripts}), without training "
        f"(TransMI: Liu et al., COLING 2025). Native texts are read and encoded as before; "
        f"texts in Latin letters are not, and are to be encoded with this model."
    )
