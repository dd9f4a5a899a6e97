"""A lexicon: an index's terms with their document frequencies, and a trie over their forms: flat arrays."""

from __future__ import annotations

import json
import os
import zlib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import atomic, kernels
from .errors import ScriptbridgeError
from .sounds import WRITTEN

__all__ = ["Lexicon"]

MAGIC = b"scriptbridge-lexicon 3\n"
MAX_LABEL = 65_535
MAX_DF = 2**31 - 1  # a term in more documents counts as in so many


@dataclass(frozen=True)
class Lexicon:
    """Terms in code point order, ``term i = blob[start[i] : start[i + 1]]`` in UTF-8, and their trie (see
    `kernels.build_trie`).

    A collection of more than 65,535 different letters has only terms of the commonest in its trie; the others
    are found as they are written, by no reading.

    The trie is over *forms*, which are what channels read. Most terms are their own only one. Where they are
    not (北京 is read as ㄅㄟㄐㄧㄥ), terms may share a form, and a term that isn't its own form stands in
    the trie beneath the letter `WRITTEN`, which no channel reads. What ends at a node, ``term[node]``, is
    called an *entry*: below ``len(self)`` it is the one term that does; entry ``len(self) + g`` are
    the terms ``shared_term[shared_start[g] : shared_start[g + 1]]``, with P(form | term) in `share`.

    Spelling i, of term ``spelled[i]``, is ``spelling[spelling_start[i] : spelling_start[i + 1]]`` in UTF-8.
    """

    blob: NDArray[np.uint8]
    start: NDArray[np.int64]
    df: NDArray[np.int32]
    alphabet: NDArray[np.uint32]  # code point of each label; label 0 is the root's
    label: NDArray[np.uint16]
    first: NDArray[np.int32]
    term: NDArray[np.int32]
    top: NDArray[np.uint8]
    spelled: NDArray[np.int32]  # terms that are usually spelled otherwise, ascending
    spelling: NDArray[np.uint8]
    spelling_start: NDArray[np.int64]
    shared_start: NDArray[np.int32]
    shared_term: NDArray[np.int32]
    share: NDArray[np.float32]
    documents: int  # of the collection

    @classmethod
    def from_terms(
        cls,
        terms: Mapping[str, int] | Iterable[tuple[str, int]],
        documents: int | None = None,
        spellings: Mapping[str, str] | None = None,
        forms: Mapping[str, Mapping[str, float]] | None = None,
    ) -> Lexicon:
        """A lexicon of (term, document frequency) pairs; terms with line breaks or an empty one are refused.

        `documents` is how many the collection has: by default, twice as many as hold its most frequent term.
        `spellings` tell how terms are usually spelled, where otherwise; `forms` what channels read terms by,
        where that is not the term, with P(form | term): see `scriptbridge.sounds`.
        """
        pairs = sorted(terms.items() if isinstance(terms, Mapping) else terms)
        words = [word for word, _ in pairs]
        codes, ends = _codes(words)
        df = np.array([min(df, MAX_DF) for _, df in pairs], np.int64)
        if len(df) and (df.min() < 0 or any(a == b for a, b in pairwise(words))):
            raise ScriptbridgeError("a term stands twice or has a negative document frequency")
        widths = 1 + (codes > 0x7F).astype(np.int64) + (codes > 0x7FF) + (codes > 0xFFFF)
        widths[ends] = 0
        start = np.concatenate([[0], np.cumsum(widths)[ends]]) if len(ends) else np.zeros(1, np.int64)
        frequency = df.astype(np.int32)
        documents = (
            max(int(df.max()) if documents else 2 * int(df.max()), documents or 1)
            if len(df)
            else documents or 1
        )
        endings = _endings(words, forms or {})
        if endings.strings is not words:
            codes, ends = _codes(endings.strings)
        trie = _trie(
            codes, ends, _highest(frequency, endings.shared_start, endings.shared_term), endings.entries
        )
        return cls(
            np.frombuffer("".join(words).encode(), np.uint8),
            start.astype(np.int64),
            frequency,
            *trie,
            *_spelled(words, spellings or {}),
            endings.shared_start,
            endings.shared_term,
            endings.share,
            documents,
        )

    def __len__(self) -> int:
        return len(self.df)

    def __getitem__(self, term: int) -> str:
        blob, start = self._views
        return str(blob[start[term] : start[term + 1]], "utf-8")

    @cached_property
    def _views(self) -> tuple[memoryview, memoryview]:
        """The terms' bytes and where each begins, which Python reads from there faster than from arrays."""
        return self.blob.data, self.start.data

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.find(word) is not None

    def find(self, word: str) -> int | None:
        """The number of a term, None if it isn't one."""
        for node in self.nodes(word):
            for term, _ in self.named(int(self.term[node])):
                if not self.has_forms or self[term] == word:
                    return term
        if len(self.alphabet) <= MAX_LABEL:  # every term is in the trie
            return None
        at = bisect_left(self, word)
        return at if at < len(self) and self[at] == word else None

    def share_of(self, word: str) -> float:
        """A word's part of all that documents hold, over 0 even where it is no term."""
        term = self.find(word)
        return (1 if term is None else max(1, int(self.df[term]))) / self._held

    @cached_property
    def _held(self) -> int:
        return max(1, int(self.df.sum(dtype=np.int64)))

    def usual(self, word: str) -> str:
        """How a term is usually spelled: μουσακάς for μουσακασ."""
        term = self.find(word) if len(self.spelled) else None
        at = int(np.searchsorted(self.spelled, -1 if term is None else term))
        if term is None or at == len(self.spelled) or self.spelled[at] != term:
            return word
        return bytes(self.spelling[self.spelling_start[at] : self.spelling_start[at + 1]]).decode()

    def named(self, entry: int) -> list[tuple[int, float]]:
        """The terms that end at a node of the trie, by its `term`, with P(form | term)."""
        at = entry - len(self.df)
        if at < 0:
            return [(entry, 1.0)] if entry >= 0 else []
        shared = slice(self.shared_start[at], self.shared_start[at + 1])
        return list(zip(self.shared_term[shared].tolist(), self.share[shared].tolist(), strict=True))

    def all_named(
        self, entries: NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]:
        """The terms of entries, the place of each one's entry, P(form | term); all of shape (terms,)."""
        if not len(self.shared_term):
            return entries, np.arange(len(entries)), np.ones(len(entries))
        named = [self.named(entry) for entry in entries.tolist()]
        terms = np.array([term for each in named for term, _ in each], np.int32)
        shares = np.array([share for each in named for _, share in each])
        return terms, np.repeat(np.arange(len(entries)), list(map(len, named))), shares

    @cached_property
    def has_forms(self) -> bool:
        """Whether some terms have forms that are not themselves."""
        return len(self.shared_term) > 0 or ord(WRITTEN) in self._labels

    @cached_property
    def entry_df(self) -> NDArray[np.int32]:
        """The document frequency of every entry's most frequent term."""
        return _highest(self.df, self.shared_start, self.shared_term)

    def alike(self, fold: str) -> list[int]:
        """The terms that are written as `fold`, or that have it in common (`scriptbridge.sounds.written`)."""
        node = self.node(WRITTEN + fold) if self.has_forms else None
        return [] if node is None else [term for term, _ in self.named(int(self.term[node]))]

    def nodes(self, prefix: str) -> list[int]:
        """The trie's nodes below which are the terms, and forms, that begin with `prefix`: at most two."""
        path = self._path(prefix)
        if path is None:
            return []
        written = self._labels.get(ord(WRITTEN))
        paths = [path] if written is None else [path, [written, *path]]
        return [node for each in paths if (node := self._at(each)) is not None]

    def within(self, letters: str) -> list[tuple[int, int, int]]:
        """The terms that stand in a string as they are written: starts, ends, terms."""
        labels = np.array([self._labels.get(ord(letter), -1) for letter in letters], np.int32)
        entries = kernels.written(labels, self.label, self.first, self.term)
        return [
            (start, end, term)
            for start, end in np.argwhere(entries >= 0).tolist()
            for term, _ in self.named(int(entries[start, end]))
            if not self.has_forms or self[term] == letters[start:end]
        ]

    def node(self, prefix: str) -> int | None:
        """The trie's node that `prefix` leads to; None where no form in the trie begins so."""
        path = self._path(prefix)
        return None if path is None else self._at(path)

    def _path(self, prefix: str) -> list[int] | None:
        """The labels of letters; None where one has none."""
        labels = self._labels
        try:
            return [labels[ord(letter)] for letter in prefix]
        except KeyError:
            return None

    def _at(self, path: list[int]) -> int | None:
        node = int(kernels.find_node(np.array(path, np.uint16), self.label, self.first))
        return None if node < 0 else node

    @cached_property
    def roots(self) -> NDArray[np.int32]:
        """The nodes of the terms' first letters."""
        return np.arange(self.first[0], self.first[1], dtype=np.int32)

    def letters(self, ids: Mapping[str, int]) -> NDArray[np.uint8]:
        """What each label of the trie is in another alphabet, by its ids; 0 where it is none of it."""
        found = [ids.get(chr(code), 0) for code in self.alphabet.tolist()]
        return np.array([0, *found[1:]], np.uint8)

    def trie(
        self, ids: Mapping[str, int], powers: tuple[NDArray[np.float64], NDArray[np.float64]]
    ) -> kernels.Trie:
        """The trie for a search in an alphabet, by its ids; `powers` are `weights.powers` of the lexicon."""
        letters = self.letters(ids)
        roots = self.roots[letters[self.label[self.roots]] > 0]
        return kernels.Trie(roots, self.label, self.first, self.term, self.top, *powers, letters)

    @cached_property
    def _labels(self) -> dict[int, int]:
        return {code: i for i, code in enumerate(self.alphabet.tolist()) if i}

    @property
    def nbytes(self) -> int:
        """Memory of all arrays."""
        return sum(getattr(self, name).nbytes for name in _ARRAYS)

    # -- snapshots: always rebuildable from the index, so any doubt means None

    def save(self, path: str | os.PathLike[str], stamp: str) -> None:
        """Write a snapshot stamped with the state of the index it belongs to; whole or not at all."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        header = {
            "stamp": stamp,
            "documents": self.documents,
            "arrays": [[name, array.dtype.str, len(array)] for name, array in arrays.items()],
        }
        checksum = 0
        body = [json.dumps(header).encode() + b"\n", *(array.tobytes() for array in arrays.values())]
        for part in body:
            checksum = zlib.crc32(part, checksum)
        with atomic.replacing(Path(path)) as file:
            file.write(MAGIC + b"%08x\n" % checksum)
            file.writelines(body)

    @classmethod
    def load(cls, path: str | os.PathLike[str], stamp: str) -> Lexicon | None:
        """The snapshot at `path`; None if there is none, it is damaged, or it belongs to another state of
        the index.
        """
        try:
            data = Path(path).read_bytes()
        except OSError:
            return None
        at = len(MAGIC) + 9
        view = memoryview(data)
        if not data.startswith(MAGIC) or data[len(MAGIC) : at] != b"%08x\n" % zlib.crc32(view[at:]):
            return None
        line_end = data.index(b"\n", at)
        header: dict[str, Any] = json.loads(data[at:line_end])
        if header["stamp"] != stamp:
            return None
        at = line_end + 1
        arrays = {}
        for name, dtype, length in header["arrays"]:
            arrays[name] = np.frombuffer(
                data, np.dtype(dtype), length, at
            ).copy()  # aligned, as the kernels were compiled
            at += arrays[name].nbytes
        return cls(**arrays, documents=header["documents"])


def _spelled(
    words: list[str], spellings: Mapping[str, str]
) -> tuple[NDArray[np.int32], NDArray[np.uint8], NDArray[np.int64]]:
    """The words, by number, that have a spelling, and these."""
    numbers = [number for number, word in enumerate(words) if word in spellings]
    encoded = [spellings[words[number]].encode() for number in numbers]
    start = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    return np.array(numbers, np.int32), np.frombuffer(b"".join(encoded), np.uint8), start


@dataclass(frozen=True)
class _Endings:
    """The strings of a trie, in code point order, and the entry of each."""

    strings: list[str]
    entries: NDArray[np.int32]
    shared_start: NDArray[np.int32]
    shared_term: NDArray[np.int32]
    share: NDArray[np.float32]


def _endings(words: list[str], forms: Mapping[str, Mapping[str, float]]) -> _Endings:
    """What stands in the trie: every term's forms, and the terms that are no forms of their own."""
    shared: list[list[tuple[int, float]]] = []
    strings, entries = words, list(range(len(words)))
    if forms:
        named = defaultdict[str, list[tuple[int, float]]](list)
        for term, word in enumerate(words):
            own = forms.get(word) or {word: 1.0}
            for form, share in own.items():
                named[form].append((term, share))
            if word not in own:
                named[WRITTEN + word].append((term, 1.0))
        strings, entries = sorted(named), []
        for string in strings:
            if len(named[string]) == 1 and named[string][0][1] == 1.0:
                entries.append(named[string][0][0])
            else:
                entries.append(len(words) + len(shared))
                shared.append(named[string])
    return _Endings(
        strings,
        np.array(entries, np.int32),
        np.cumsum([0, *map(len, shared)], dtype=np.int32),
        np.array([term for each in shared for term, _ in each], np.int32),
        np.array([share for each in shared for _, share in each], np.float32),
    )


def _highest(
    df: NDArray[np.int32], shared_start: NDArray[np.int32], shared_term: NDArray[np.int32]
) -> NDArray[np.int32]:
    if not len(shared_term):
        return df
    return np.concatenate([df, np.maximum.reduceat(df[shared_term], shared_start[:-1])])


def _codes(words: list[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The code points of words, each followed by a line break, and where these are."""
    try:
        joined = "".join(f"{word}\n" for word in words).encode("utf-32-le")
    except UnicodeEncodeError as error:
        raise ScriptbridgeError(
            f"a term holds a lone surrogate: {error.object[error.start - 5 : error.end + 5]!r}"
        ) from None
    codes = np.frombuffer(joined, np.uint32)
    ends = np.flatnonzero(codes == 10)
    if len(ends) != len(words) or "" in words or (words and codes.min() < 10):
        raise ScriptbridgeError("a term is empty or holds a control character; terms are single words")
    return codes, ends


def _trie(
    codes: NDArray[np.uint32], ends: NDArray[np.int64], df: NDArray[np.int32], entries: NDArray[np.int32]
) -> tuple[NDArray[np.uint32], NDArray[np.uint16], NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]:
    """Alphabet, label, first, term and top of the trie over strings, each up to a line break at `ends`, with
    their entries and these' frequencies.
    """
    alphabet, labels, spelled = _labelled(codes, ends)
    keep = np.repeat(spelled, np.diff(ends, prepend=-1)) & (codes != 10)
    code_start = np.concatenate([[0], np.cumsum(keep)[ends[spelled]]]) if len(ends) else np.zeros(1)
    size = int(keep.sum()) + 1
    label, first = np.zeros(size, np.uint16), np.zeros(size + 1, np.int32)
    term, top = np.full(size, -1, np.int32), np.zeros(size, np.uint8)
    nodes = kernels.build_trie(
        labels[keep].astype(np.uint16),
        code_start.astype(np.int64),
        df[entries[spelled]],
        label,
        first,
        term,
        top,
    )
    term[term >= 0] = entries[spelled][term[term >= 0]]
    return (
        alphabet.astype(np.uint32),
        label[:nodes].copy(),
        first[: nodes + 1].copy(),
        term[:nodes].copy(),
        top[:nodes].copy(),
    )


def _labelled(
    codes: NDArray[np.uint32], ends: NDArray[np.int64]
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.bool_]]:
    """The alphabet, every code's label in it, and which of the terms, each up to a line break at `ends`, have
    labels for all their letters. Label 0 is the line break: the root's.
    """
    every = np.ones(len(ends), np.bool_)
    if not len(ends):
        return np.array([10], np.uint32), np.zeros(0, np.int64), every
    alphabet, labels, counts = np.unique(codes, return_inverse=True, return_counts=True)
    if len(alphabet) <= MAX_LABEL + 1:
        return alphabet, labels, every
    commonest = 1 + np.argsort(-counts[1:], kind="stable")[:MAX_LABEL]
    kept = np.sort(np.concatenate([[0], commonest]))
    relabelled = np.full(len(alphabet), -1, np.int64)
    relabelled[kept] = np.arange(len(kept))
    labels = relabelled[labels]
    begins = np.concatenate([[0], ends[:-1] + 1])
    return alphabet[kept], labels, np.minimum.reduceat(labels, begins) >= 0


_ARRAYS: tuple[str, ...] = ("blob", "start", "df", "alphabet", "label", "first", "term", "top")
_ARRAYS += ("spelled", "spelling", "spelling_start", "shared_start", "shared_term", "share")
