"""A tokenizer's vocabulary, to which subwords are added, and the model that is saved with it."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Literal

from scriptbridge import text
from scriptbridge.errors import TrainingError

from .trainer import writing

__all__ = ["Mode", "Vocabulary", "mean", "save"]

Mode = Literal["max", "average", "min"]


class Vocabulary:
    """A tokenizer's description (its tokenizer.json), to which subwords are added.

    `ids` has all subwords; `mark` is what those have that continue a word (WordPiece) or begin one (others).
    """

    def __init__(self, description: dict[str, Any], name: str) -> None:
        self.description = description
        self._model = model = description["model"]
        self.kind: str = model.get("type", "")
        if self.kind not in ("WordPiece", "Unigram", "BPE"):
            raise TrainingError(
                f"model {name!r}: a tokenizer of kind {self.kind!r}; accepted: WordPiece, Unigram, BPE"
            )
        self.ids: dict[str, int] = (
            {piece: id for id, (piece, _) in enumerate(model["vocab"])}
            if self.kind == "Unigram"
            else dict(model["vocab"])
        )
        self._bytes = self.kind == "BPE" and '"ByteLevel"' in json.dumps(
            [description["pre_tokenizer"], description["decoder"]]
        )
        if self.kind == "BPE" and (model["continuing_subword_prefix"] or model["end_of_word_suffix"]):
            raise TrainingError(
                f"model {name!r}: BPE with marks inside or at the end of words; accepted: byte-level BPE and "
                f"SentencePiece's"
            )
        if self.kind == "WordPiece":
            self.mark: str = model["continuing_subword_prefix"]
        else:
            self.mark = "Ġ" if self._bytes else "▁"
        self._special = {token["content"] for token in description["added_tokens"]}
        self._settle(name)

    def _settle(self, name: str) -> None:
        """Have added tokens that come after the vocabulary in it, so that new ids come after theirs."""
        after = {
            token["id"]: token["content"]
            for token in self.description["added_tokens"]
            if token["content"] not in self.ids
        }
        for id, content in sorted(after.items()):
            if self.kind == "Unigram" and id != len(self.ids):
                raise TrainingError(f"model {name!r}: its tokenizer has no subword of id {len(self.ids)}")
            self.put(content, id, 0.0)

    def put(self, piece: str, id: int, score: float) -> None:
        self.ids[piece] = id
        if self.kind == "Unigram":
            self._model["vocab"].append([piece, score])
        else:
            self._model["vocab"][piece] = id

    def native(self, scripts: frozenset[str]) -> dict[str, tuple[str, str]]:
        """Mark and letters of the subwords whose letters are all of these scripts, or none of them Latin."""
        found = {}
        for piece in self.ids.keys() - self._special:
            mark = self.mark if piece.startswith(self.mark) else ""
            word = _of_bytes(piece.removeprefix(mark)) if self._bytes else piece.removeprefix(mark)
            if word and not word.isascii() and _is_of(word, scripts):
                found[piece] = mark, word
        return dict(sorted(found.items(), key=lambda item: self.ids[item[0]]))

    def transliterated(
        self, native: Mapping[str, tuple[str, str]], written: Mapping[str, Sequence[str]]
    ) -> dict[str, list[int]]:
        """The ids of the sources of each Latin subword, likeliest first."""
        sources: defaultdict[str, dict[int, None]] = defaultdict(dict)
        for piece, (mark, word) in native.items():
            for latin in written.get(word, ()):
                sources[mark + latin][self.ids[piece]] = None
        return {piece: sorted(ids, key=self._rank) for piece, ids in sources.items()}

    def _rank(self, id: int) -> tuple[float, int]:
        return (-self._model["vocab"][id][1] if self.kind == "Unigram" else 0.0), id

    def add(self, new: dict[str, list[int]], mode: Mode) -> list[tuple[str, tuple[str, str]]]:
        """Append the new subwords; for BPE also what joins them, and the joints, which are returned with
        their parts. Of `new`, those go that the tokenizer has not all letters of.
        """
        joints: list[tuple[str, tuple[str, str]]] = []
        if self.kind == "BPE":
            for piece in [piece for piece in new if not self.ids.keys() >= set(piece)]:
                del new[piece]
            joints = self._join(new)
        next_id = max(self.ids.values()) + 1
        for id, piece in enumerate(chain(new, (joint for joint, _ in joints)), start=next_id):
            self.put(piece, id, self._score(new[piece], mode) if self.kind == "Unigram" else 0.0)
        return joints

    def _score(self, sources: Sequence[int], mode: Mode) -> float:
        scores = [self._model["vocab"][id][1] for id in sources]
        by_mode: dict[Mode, float] = {"max": max(scores), "min": min(scores), "average": mean(scores)}
        return by_mode[mode]

    def _join(self, new: Iterable[str]) -> list[tuple[str, tuple[str, str]]]:
        """Add merges until each new subword comes of its letters, short ones first.

        A merge comes after those that are there, so it never changes what they make of a subword: each stays
        reached whatever comes later.
        """
        merges = self._model["merges"]
        ranks = {
            tuple(merge.split(" ") if isinstance(merge, str) else merge): i for i, merge in enumerate(merges)
        }
        whole = self.ids.keys() | set(new)
        joints: dict[str, tuple[str, str]] = {}
        for piece in sorted(new, key=lambda piece: (len(piece), piece)):
            while len(parts := _joined(piece, ranks)) > 1:
                pair = next(
                    (pair for pair in pairwise(parts) if "".join(pair) in whole), (parts[0], parts[1])
                )
                if (joint := "".join(pair)) not in whole:
                    joints[joint] = pair
                    whole.add(joint)
                ranks[pair] = len(ranks)
                merges.append(list(pair))
        return list(joints.items())


def _joined(piece: str, ranks: Mapping[tuple[str, ...], int]) -> list[str]:
    """What BPE makes of a piece's letters: the pair of the lowest rank is joined first, from the left."""
    parts = list(piece)
    while len(parts) > 1:
        rank, at = min((ranks.get(pair, len(ranks)), at) for at, pair in enumerate(pairwise(parts)))
        if rank == len(ranks):
            break
        parts[at : at + 2] = ["".join(parts[at : at + 2])]
    return parts


def _is_of(word: str, scripts: frozenset[str]) -> bool:
    found = {text.script_of(letter) for letter in word} - {"Zyyy"}
    return bool(found) and (found <= scripts if scripts else "Latn" not in found)


def _of_bytes(piece: str) -> str:
    """The text of a byte-level subword; empty where it is only part of a character."""
    try:
        return bytes(_byte_of()[letter] for letter in piece).decode()
    except (KeyError, UnicodeDecodeError):
        return ""


@cache
def _byte_of() -> dict[str, int]:
    """The byte that each letter of byte-level BPE stands for (Radford et al. 2019): printable ones of
    Latin-1 for themselves, the others by U+0100 and after.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}


def mean(values: Sequence[float]) -> float:
    """Their mean."""
    return sum(values) / len(values)


# ---- save


def save(
    encoder: Any, out: Path, config: Mapping[str, Any], figures: Mapping[str, Any], table: str, card: str
) -> None:
    """Write all beside `out`, see that its tokenizer loads as it was made, and put it in its place."""
    unfinished = out.with_name(out.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        with writing(out):
            encoder.save_pretrained(str(unfinished), create_model_card=False)
            _check_loads(encoder.tokenizer, unfinished)
            training = unfinished / "training"
            training.mkdir()
            for name, values in (("config", config), ("result", figures)):
                (training / f"{name}.json").write_text(
                    json.dumps(values, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
                )
            (training / "subwords.tsv").write_text(table, encoding="utf-8")
            (unfinished / "README.md").write_text(card, encoding="utf-8")
            if out.exists():
                out.rmdir()
            unfinished.replace(out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _check_loads(tokenizer: Any, folder: Path) -> None:
    for stale in chain(folder.rglob("sentencepiece.bpe.model"), folder.rglob("spiece.model")):
        stale.unlink()  # SentencePiece's own file has only the old subwords
    where = next(folder.rglob("tokenizer.json")).parent
    loaded = json.loads(type(tokenizer).from_pretrained(str(where)).backend_tokenizer.to_str())["model"]
    made = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    if any(loaded.get(part) != made.get(part) for part in ("type", "vocab", "merges")):
        raise TrainingError(
            f"a {type(tokenizer).__name__} does not load the subwords that were added to it; "
            "another version of transformers may"
        )
