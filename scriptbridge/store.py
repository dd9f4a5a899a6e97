"""The directory on disk: what the store (tantivy) holds, what stands beside it, and its errors as ours.

An index is tantivy's segments and its ``meta.json``, which alone says what is committed; beside them stand
``scriptbridge.json``, the manifest, ``lexicon.bin``, a snapshot of the terms, and ``vectors.bin``, one of the
documents' vectors where the index has an encoder. Snapshots can always be made again.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import tantivy

from scriptbridge import __version__, atomic, languages, segmentation
from scriptbridge.documents import RESERVED
from scriptbridge.errors import (
    IndexFormatError,
    IndexLockedError,
    IndexStorageError,
    NotAnIndexError,
    ScriptbridgeError,
)
from scriptbridge.types import Document

__all__ = [
    "ID",
    "LEXICON",
    "SOURCE",
    "SPELLING",
    "VECTORS",
    "Manifest",
    "check_fields",
    "checked_fields",
    "checked_path",
    "keeps_pairs",
    "keeps_spellings",
    "loaded",
    "opstamp",
    "pairs_of",
    "schema",
    "seam",
    "spelled",
    "stored",
    "sweep",
    "unfinished",
    "verify",
]

FORMAT = 1  # of the directory, and of the normalisation that its terms went through
ENCODED_FORMAT = 2  # of one with an encoder, which the first versions would forget
SEGMENTED_FORMAT = 3  # of one whose words a segmenter cut, whose queries it has to cut as well
LEXICON, VECTORS = "lexicon.bin", "vectors.bin"
ID, SOURCE, SPELLING = "_id", "_source", "_spelling"  # fields of the store beside the documents' own
_PAIRS = "_pairs_"  # and before the name of each of these, the field of its pairs
MAX_WEIGHT = 1e6  # of a field, and its inverse the least
MESSAGE = 500  # characters of the store's that are passed on
SPOKEN = 0.01  # of the documents whose language was detected, those that make a language one of the index,
OF_SCRIPT = 0.05  # and of those in its script: short texts are often taken for a neighbour's


@dataclass(frozen=True)
class Manifest:
    """``scriptbridge.json``: what the store does not say of an index.

    `given` are the languages the index was created with. Without them it has those that documents declare,
    and those that enough were detected to be in: `detected` counts documents ever added. `encoder` is the
    spec of what makes the documents' vectors, `segmenter` what cut their text where it has no spaces,
    `cut_by` the versions of what cuts words (`segmentation.versions`) when the index was made; older ones do
    not say.
    """

    NAME = "scriptbridge.json"

    fields: dict[str, float]
    given: tuple[str, ...] | None = None
    declared: frozenset[str] = frozenset()
    detected: dict[str, int] = field(default_factory=dict)
    encoder: str | None = None
    segmenter: str | None = None
    cut_by: dict[str, str] = field(default_factory=dict)

    @property
    def format(self) -> int:
        """The first format of a directory that has all of this."""
        if self.segmenter is not None:
            return SEGMENTED_FORMAT
        return FORMAT if self.encoder is None else ENCODED_FORMAT

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages whose channels read queries."""
        if self.given is not None:
            return self.given
        enough = SPOKEN * sum(self.detected.values())
        of_script: Counter[str] = Counter()
        for code, count in self.detected.items():
            of_script[languages.load(code).scripts[0]] += count
        spoken = {
            code
            for code, count in self.detected.items()
            if count >= max(enough, OF_SCRIPT * of_script[languages.load(code).scripts[0]])
        }
        return tuple(sorted(self.declared | spoken))

    def with_languages(self, declared: Iterable[str], detected: Mapping[str, int]) -> Manifest:
        """This and the languages of more documents."""
        codes = sorted({*self.detected, *detected})
        counts = {code: self.detected.get(code, 0) + detected.get(code, 0) for code in codes}
        return replace(self, declared=self.declared.union(declared), detected=counts)

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """The manifest of the index at `path`."""
        try:
            content = json.loads((path / cls.NAME).read_bytes())
            if _natural(content["format"], 1) > SEGMENTED_FORMAT:
                raise IndexFormatError(
                    f"{path}: format {content['format']} came, written by scriptbridge "
                    f"{content.get('scriptbridge')}; scriptbridge {__version__} reads up to format "
                    f"{SEGMENTED_FORMAT}: upgrade it, or index the documents again"
                )
            given = content["languages"]
            return cls(
                fields=checked_fields(content["fields"] or {}),
                given=None if given is None else tuple(_given(path, code) for code in given),
                declared=frozenset(map(_known, content["declared"])),
                detected={_known(code): _natural(count) for code, count in content["detected"].items()},
                encoder=_spec(content.get("encoder")),
                segmenter=_segmenter(content.get("segmenter")),
                cut_by={str(name): str(version) for name, version in content.get("cut_by", {}).items()},
            )
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotAnIndexError(
                f"{path}: no scriptbridge index here; `scriptbridge index` or Index.create makes one"
            ) from error
        except OSError as error:
            raise IndexStorageError(
                f"{path / cls.NAME}: cannot be read: {error.strerror or error}"
            ) from error
        except IndexFormatError:
            raise
        except (*_DAMAGE, ScriptbridgeError) as error:
            raise _damaged(path, f"{cls.NAME}: {_described(error)}") from error

    def write(self, path: Path) -> None:
        """Replace the manifest at `path`: whole or not at all, whenever the power fails."""
        content: dict[str, object] = {
            "format": self.format,
            "scriptbridge": __version__,
            "fields": self.fields,
            "languages": self.given,
            "declared": sorted(self.declared),
            "detected": self.detected,
        }
        if self.encoder is not None:
            content["encoder"] = self.encoder
        if self.segmenter is not None:
            content["segmenter"] = self.segmenter
        if self.cut_by:
            content["cut_by"] = self.cut_by
        try:
            with atomic.replacing(path / self.NAME) as file:
                file.write(json.dumps(content, ensure_ascii=False, indent=2).encode())
        except OSError as error:
            raise IndexStorageError(
                f"{path / self.NAME}: cannot be written: {error.strerror or error}; "
                "what was committed before is intact"
            ) from error


def _natural(value: object, least: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{value!r} came; accepted are integers from {least}")
    return value


def _spec(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError(f"encoder {value!r} came; accepted are specs")
    return value


def _segmenter(value: object) -> str | None:
    if value not in (None, segmentation.ICU, segmentation.NGRAMS):
        raise ValueError(f"segmenter {value!r} is unknown to scriptbridge {__version__}")
    return value


def kept_channel(path: Path, code: str) -> Path:
    """The file that an index keeps a language's own channel in."""
    return path / f"{code}.channel"


def _given(path: Path, code: str) -> str:
    return code if kept_channel(path, code).exists() else _known(code)


def _known(code: str) -> str:
    if code not in languages.codes():
        raise ValueError(f"language {code!r} is unknown to scriptbridge {__version__}")
    return code


def checked_fields(fields: Mapping[str, float] | None) -> dict[str, float]:
    """An index's text fields and their weights, or ScriptbridgeError."""
    if fields is None:
        return {"text": 1.0}
    if not isinstance(fields, Mapping) or not fields:
        raise ScriptbridgeError(
            f'fields: {fields!r} came; accepted are names and weights like {{"text": 1.0}}'
        )
    for name, weight in fields.items():
        valid = isinstance(name, str) and tantivy.SchemaBuilder.is_valid_field_name(name)
        if not valid or name in RESERVED or name.startswith("_"):
            raise ScriptbridgeError(
                f"fields: {name!r} came; accepted are names but 'id', 'lang', '_…' and '-…'"
            )
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not number or not 1 / MAX_WEIGHT <= weight <= MAX_WEIGHT:  # scores are single floats
            raise ScriptbridgeError(
                f"fields: {name!r} has weight {weight!r}; accepted are numbers from a millionth to a million"
            )
    return {name: float(weight) for name, weight in fields.items()}


def check_fields(path: Path, fields: Iterable[str]) -> None:
    """IndexFormatError unless the store at `path` has these text fields."""
    if missing := [name for name in fields if name not in _last_commit(path).fields]:
        raise _damaged(path, f"its store has no field {missing[0]!r}")


def keeps_spellings(path: Path) -> bool:
    """Whether the store at `path` has the field of spellings; the first indexes had none."""
    return SPELLING in _last_commit(path).fields


def keeps_pairs(path: Path, fields: Iterable[str]) -> bool:
    """Whether the store at `path` has these fields' pairs (`scriptbridge.bigrams`); the first had none."""
    known = _last_commit(path).fields
    return all(pairs_of(name) in known for name in fields)


def pairs_of(field: str) -> str:
    """The store's field of a text field's pairs."""
    return _PAIRS + field


def schema(fields: Iterable[str]) -> tantivy.Schema:
    """The id, the document as it came, its text fields' terms and pairs, and how terms are spelled.

    A spelling is a term of the store, term U+001F spelling, so that the store's dictionary counts the
    documents that spell a term so.
    """
    builder = tantivy.SchemaBuilder()
    builder.add_text_field(ID, stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_bytes_field(SOURCE, stored=True)
    builder.add_text_field(SPELLING, tokenizer_name="whitespace", index_option="basic")
    for name in fields:
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
        builder.add_text_field(pairs_of(name), tokenizer_name="whitespace", index_option="freq")
    return builder.build()


def stored(
    document: Document, terms: Mapping[str, Sequence[str]], spellings: Collection[tuple[str, str]] = ()
) -> tantivy.Document:
    """A document for the store, given the terms of its text fields and how it spells them."""
    source = {
        "id": document.id,
        "fields": document.fields,
        "lang": document.lang,
        "metadata": document.metadata,
    }
    record = tantivy.Document()
    record.add_text(ID, document.id)
    record.add_bytes(SOURCE, _encode(source).encode())
    for name, words in terms.items():
        record.add_text(name, " ".join(words))
    if spellings:
        record.add_text(SPELLING, " ".join(f"{term}{_SPELLED}{spelling}" for term, spelling in spellings))
    return record


_SPELLED = "\x1f"  # stands in no word


def spelled(found: Iterable[tuple[str, int]], terms: Mapping[str, int]) -> dict[str, str]:
    """The commonest spelling of each term, where that is not the term itself.

    `found` are the store's spellings and `terms` its terms, with document frequencies. A document may spell a
    term in several ways; what they leave of a term's documents are those that spell it as it is.
    """
    spellings: dict[str, list[tuple[int, str]]] = {}
    for each, df in found:
        term, _, spelling = each.partition(_SPELLED)
        spellings.setdefault(term, []).append((df, spelling))
    commonest = {}
    for term, counted in spellings.items():
        df, spelling = min(counted, key=lambda each: (-each[0], each[1]))
        if term in terms and df >= terms[term] - sum(df for df, _ in counted):
            commonest[term] = spelling
    return commonest


_encode = json.JSONEncoder(ensure_ascii=False).encode


def loaded(source: bytes) -> Document:
    """The document that `stored` kept as bytes."""
    document = Document(**json.loads(source))
    if not isinstance(document.fields, dict) or not all(
        isinstance(value, str) for value in document.fields.values()
    ):
        raise ValueError("a stored document's fields are no texts")
    return document


def checked_path(path: str | os.PathLike[str]) -> Path:
    """A path that the store and the system can take, or IndexStorageError."""
    try:
        checked = Path(path)
        str(checked).encode()
    except (TypeError, ValueError) as error:
        raise IndexStorageError(f"path: {path!r} came; accepted are paths in valid Unicode") from error
    if "\0" in str(checked):
        raise IndexStorageError(f"path: {path!r} came; no path holds NUL")
    return checked


def sweep(path: Path) -> None:
    """Remove the halves of snapshots that killed writers left; only a writer may."""
    for name in (Manifest.NAME, LEXICON, VECTORS):
        for partial in path.glob(f"{name}.*partial"):
            partial.unlink(missing_ok=True)


def unfinished(path: Path, names: Iterable[str]) -> bool:
    """Whether these files at `path` are but what creating an index leaves before the manifest is written."""
    if not all(_UNFINISHED.fullmatch(name) for name in names):
        return False
    try:
        return not _last_commit(path).files
    except IndexFormatError:
        return not (path / "meta.json").exists()


_UNFINISHED = re.compile(
    r"meta\.json|\.managed\.json|\.tantivy-(meta|writer)\.lock|\.tmp\w*"
    r"|scriptbridge\.json\S*\.partial|lexicon\.bin\S*\.partial|[a-z0-9-]+\.channel\S*"
)


def opstamp(path: Path) -> int:
    """The number of the store's last commit."""
    return _last_commit(path).opstamp


def verify(path: Path) -> None:
    """Read every file of the last commit; IndexFormatError if one is not what the store wrote."""
    for file in _last_commit(path).files:
        try:
            data = memoryview(file.read_bytes())
            length = int.from_bytes(data[-8:-4], "little")  # of the footer, which a magic number follows
            checksum = json.loads(bytes(data[-8 - length : -8]))["crc"]
        except FileNotFoundError as error:
            if file in _last_commit(path).files:
                raise _damaged(path, f"{file.name} is missing") from error
            continue  # a writer has merged or dropped its segment meanwhile
        except OSError as error:
            raise IndexStorageError(f"{file}: cannot be read: {error.strerror or error}") from error
        except _DAMAGE as error:
            raise _damaged(path, f"{file.name}: {_described(error)}") from error
        if zlib.crc32(data[: -8 - length]) != checksum:
            raise _damaged(path, f"{file.name}: its checksum is wrong")


class _Commit(NamedTuple):
    opstamp: int
    files: list[Path]
    fields: set[str]


_SEGMENT = ("fast", "fieldnorm", "idx", "pos", "store", "term")  # endings of a segment's files


def _last_commit(path: Path) -> _Commit:
    """The store's last commit: its number, the files it must have, and the schema's fields."""
    try:
        content = json.loads((path / "meta.json").read_bytes())
        files = []
        for segment in content["segments"]:
            name = str(segment["segment_id"]).replace("-", "")
            endings = [*_SEGMENT]
            if segment["deletes"] is not None:
                endings.append(f"{segment['deletes']['opstamp']}.del")
            files += [path / f"{name}.{ending}" for ending in endings]
        return _Commit(int(content["opstamp"]), files, {str(each["name"]) for each in content["schema"]})
    except FileNotFoundError as error:
        raise _damaged(path, "meta.json is missing") from error
    except OSError as error:
        raise IndexStorageError(f"{path / 'meta.json'}: cannot be read: {error.strerror or error}") from error
    except _DAMAGE as error:
        raise _damaged(path, f"meta.json: {_described(error)}") from error


@contextmanager
def seam(path: Path, *, writing: bool = False) -> Iterator[None]:
    """The store's errors as ours. It raises ValueError and, where Rust panics, a BaseException of its own;
    what it reads from damaged files may lack anything.
    """
    try:
        yield
    except (*_DAMAGE, RuntimeError, OSError) as error:
        raise _translated(path, str(error), writing) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise _translated(path, str(error), writing) from error


# What content that is not as it was written raises.
_DAMAGE = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)
_DISK = ("os error", "Os {", "writer was killed", "worker thread")


def _translated(path: Path, message: str, writing: bool) -> ScriptbridgeError:
    message = message[:MESSAGE]  # it may quote a file
    if "Data corrupt" in message:
        return _damaged(path, message)
    if "LockBusy" in message:
        return IndexLockedError(f"{path}: another writer has this index open; close it first")
    if "acquire Lockfile" in message:
        return IndexStorageError(f"{path}: its lock files must be writable, to read it too: {message}")
    if "permission denied" in message.lower() or "PermissionDenied" in message:
        return IndexStorageError(f"{path}: permission denied; what was committed before is intact: {message}")
    if writing or any(sign in message for sign in _DISK):
        return IndexStorageError(
            f"{path}: the disk refused (is it full?); what was committed before is intact: {message}"
        )
    return _damaged(path, message)


def _damaged(path: Path, problem: str) -> IndexFormatError:
    return IndexFormatError(f"{path}: this index is damaged: {problem}; index the documents again")


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
