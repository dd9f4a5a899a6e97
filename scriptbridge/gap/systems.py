"""The systems that can be measured: scriptbridge, baselines, and whatever a search team runs today.

Each finds at most k documents, best first. An endpoint's stand in the order they came in; of the others'
equal scores the meter makes the order that trec_eval makes, as it is in run files.
"""

from __future__ import annotations

import inspect
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sized
from dataclasses import dataclass
from functools import partial
from itertools import islice
from numbers import Integral
from pathlib import Path
from typing import Any

import tantivy

from scriptbridge import encoders, extras, languages, store, text
from scriptbridge.encoders import identity as encoder_identity
from scriptbridge.encoders import specs
from scriptbridge.errors import GapError, QueryError
from scriptbridge.functions import described, foreign, imported, is_named, raised, source
from scriptbridge.index import Index
from scriptbridge.modes import Mode, Options
from scriptbridge.types import Document, Expansion

from . import trec
from .baselines import FoldedIndex, NearestTerms, PlainIndex, fold, icu_version
from .encoded import Dense, Sparse
from .endpoint import Endpoint, Template, shown
from .records import Collection, Ranking, System

__all__ = ["ACCEPTED", "Candidate", "Function", "RunFiles", "prepare", "printable"]

ACCEPTED = """\
  scriptbridge            an index made of the collection's documents
  ./my-index              a scriptbridge index on disk; also any other folder that holds one, and with an
                          encoder 'my-index?mode=dense' or 'my-index?mode=hybrid&deromanize=no'
  bm25, fold, fold+fuzzy  the baselines: native words; romanized by ICU; and with edit distance AUTO
  my_module:search        a Python function search(text, k) that gives (document id, score) pairs
  'http://localhost:8983/solr/docs/select?q={query}&rows={k}'
                          a search engine that takes the query in its URL
  engine.toml             a search engine by a template (see scriptbridge.gap.endpoint)
  run:native.run,latin.run
                          TREC runs of the native and of the Latin queries; or run:,latin.run
  st:BAAI/bge-m3          a sentence-transformers model, by name or folder, and other encoders: openai:…
  sparse:naver/splade-v3  a SparseEncoder, by name or folder, or a function: sparse:my_module:encode
  NAME=…                  any of these under a name of your own: today=engine.toml"""

_NAMED = re.compile(r"([\w.+-]+)=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A system that can be measured: checked as far as that goes without a collection, and not open yet.

    `what` is what a report says it is, without passwords. `identity` differs where the system is known to
    answer differently: what one of another identity answered is not reused.
    """

    name: str
    what: str
    identity: str
    open: Callable[[Collection, Path], System | RunFiles]
    """Of the collection to search, and a folder for the system's own files."""
    check: Callable[[Collection], object] = lambda collection: None
    """GapError where it cannot be measured over a collection, before anything is."""


def prepare(spec: str) -> Candidate:
    """What ``[NAME=]SPEC`` names (see `ACCEPTED`).

    GapError where there is no such system or it cannot be used, MissingExtraError where a package is missing.
    """
    named = _NAMED.fullmatch(spec)
    name, what = (named[1], named[2]) if named else ("", spec)
    if what in _BUILT:
        name = name or what
        return Candidate(name, what, what, partial(_BUILT[what], name))
    is_url = what.lower().startswith(("http://", "https://"))
    if is_url or what.endswith(".toml"):
        template = Template(what) if is_url else Template.read(what)
        name = name or (shown(what) if is_url else what)
        extras.load("httpx", "gap")
        return Candidate(
            name,
            shown(what) if is_url else what,
            repr(template),
            lambda collection, folder: Endpoint(name, template),
        )
    if what.startswith("run:"):
        if "://" in what:
            raise GapError(f"system {printable(spec)!r}: run: names files, run:NATIVE,LATIN")
        runs = _run_files(name or what, what.removeprefix("run:"))
        return Candidate(runs.name, what, what, lambda collection, folder: runs)
    is_sparse = what.startswith("sparse:")
    if is_sparse or encoders.is_dense(what):
        name = name or what
        spec = specs.of_model(what.removeprefix("sparse:")) if is_sparse else what
        system: type[Dense | Sparse] = Sparse if is_sparse else Dense
        return Candidate(
            name,
            printable(what),
            f"{what} {encoder_identity.state(spec)}",
            lambda collection, folder: system(name, spec, collection),
        )
    path, asked = _folder(what)
    if path is not None:
        name = name or path.resolve().name + (f"?{asked}" if asked else "")
        identity, mode = f"{_commit(path)} {asked}", _mode(path, asked)

        def opened(collection: Collection, *folder: Path) -> System:
            return _opened(name, path, collection, *mode)

        return Candidate(name, what, identity, opened, lambda collection: opened(collection).close())
    if is_named(what):
        function = Function(name or what, what)
        return Candidate(function.name, what, function.identity, lambda collection, folder: function)
    raise GapError(
        f"system {printable(spec)!r}: unknown, and no folder of that name (a NAME has no spaces); accepted "
        f"are\n{ACCEPTED}"
    )


def printable(spec: str) -> str:
    """A spec as it may be printed: a URL, or what looks like one, without password and parameters."""
    named = _NAMED.fullmatch(spec)
    name, what = (f"{named[1]}=", named[2]) if named else ("", spec)
    return name + shown(what) if "://" in what else spec


# ---- scriptbridge


class _Unread:
    """A scriptbridge index that is searched by queries as they were typed."""

    keeps_order = False

    def __init__(
        self,
        name: str,
        index: Index,
        notes: tuple[str, ...] = (),
        mode: str = "lexical",
        options: Options | None = None,
    ) -> None:
        self.name = name
        self.notes = notes
        self._index = index
        self.search: Callable[[str, int], Ranking] = partial(index.rank, mode=mode, **(options or {}))

    def close(self) -> None:
        self._index.close()


class _Scriptbridge(_Unread):
    """A scriptbridge index."""

    def readings(self, text: str) -> Expansion:
        """What the query's words may mean."""
        return self._index.bridge.expand(text)


def _built(name: str, collection: Collection, folder: Path) -> System:
    """An index over the collection; documents without text are left out, which no query finds anyway."""
    index = Index.create(folder / "index")
    known = set(languages.codes())
    try:
        index.add(
            Document(
                id, {"text": words}, language if (language := collection.languages.get(id)) in known else None
            )
            for id, words in collection.documents.items()
            if words and not words.isspace()
        )
        index.commit()
    except BaseException:
        index.close()
        raise
    return _Scriptbridge(name, index)


def _commit(path: Path) -> str:
    """Which commit of which index is at `path`."""
    if not (path / store.Manifest.NAME).exists():
        raise GapError(f"{path}: this folder holds no scriptbridge index; accepted are\n{ACCEPTED}")
    with store.seam(path):
        return f"{path.resolve()} {(path / 'meta.json').read_text(encoding='utf-8')}"


def _folder(what: str) -> tuple[Path | None, str]:
    """The folder that ``FOLDER?OPTIONS`` names, None where there is none, and the options."""
    if what and Path(what).is_dir():
        return Path(what), ""
    folder, _, options = what.partition("?")
    return (Path(folder), options) if folder and options and Path(folder).is_dir() else (None, "")


def _mode(path: Path, asked: str) -> tuple[str, Options]:
    """How the index at `path` is to be searched."""
    try:
        mode, options = Mode.parse(asked)
    except QueryError as error:
        raise GapError(f"{path}?{asked}: {error}") from error
    if mode != "lexical" and store.Manifest.read(path).encoder is None:
        raise GapError(f"{path}?{asked}: this index has no encoder; `scriptbridge index --encoder` takes one")
    return mode, options


def _opened(name: str, path: Path, collection: Collection, mode: str, options: Options) -> System:
    """The index at `path`; nothing is written there but vectors that it lacks."""
    index = Index.open(path)
    unread = mode == "dense" and not options.get("deromanize", True)
    try:
        index._reading().require()
        return (_Unread if unread else _Scriptbridge)(
            name, index, _compared(index, collection), mode, options
        )
    except BaseException:
        index.close()
        raise


def _compared(index: Index, collection: Collection) -> tuple[str, ...]:
    """Notes on how the documents of an index differ from the collection's; GapError if they are others."""
    snapshot = index._reading()  # the commit that is searched, whatever is written meanwhile
    with store.seam(index.path):
        ids = tantivy.Query.term_set_query(snapshot.schema, store.ID, list(collection.documents))
        found: Any = snapshot.searcher.search(ids, 1, count=True)  # its stub has no count
    shared: int = found.count
    if not shared:
        raise GapError(
            f"{index.path}: holds none of the {len(collection.documents):,} documents of {collection.name}; "
            f"their ids must be the same, such as {next(iter(collection.documents), '')!r}"
        )
    notes = []
    if missing := len(collection.documents) - shared:
        notes.append(
            f"{index.path} lacks {missing:,} of the {len(collection.documents):,} documents of "
            f"{collection.name}: no query finds them there"
        )
    if others := len(index) - shared:
        notes.append(
            f"{index.path} holds {others:,} documents that {collection.name} has not: where it finds them, "
            "they count as wrong"
        )
    return tuple(notes)


# ---- baselines


class _Baseline:
    """A system in memory, whose `rank` may leave equal scores in any order."""

    keeps_order = False

    def __init__(self, name: str, rank: Callable[[str, int], Ranking], notes: tuple[str, ...] = ()) -> None:
        self.name = name
        self.notes = notes
        self._rank = rank

    def search(self, text: str, k: int) -> Ranking:
        return self._rank(text, k)

    def close(self) -> None:
        del self._rank  # and the index with it


def _bm25(name: str, collection: Collection, folder: Path) -> System:
    index = PlainIndex((id, text.terms(words)) for id, words in collection.documents.items())
    return _Baseline(name, lambda query, k: index.rank(text.terms(query), k))


def _fold(name: str, collection: Collection, folder: Path) -> System:
    index = FoldedIndex(collection.documents.items())
    return _Baseline(name, lambda query, k: index.rank(fold(query), k), _folded_by(name))


def _fold_fuzzy(name: str, collection: Collection, folder: Path) -> System:
    index = FoldedIndex(collection.documents.items())
    nearest = NearestTerms(index.terms())
    return _Baseline(
        name, lambda query, k: index.rank_expanded(map(nearest.of, fold(query)), k), _folded_by(name)
    )


def _folded_by(name: str) -> tuple[str, ...]:
    return (f"{name} romanizes by ICU {icu_version()}; other versions may find more or less",)


_BUILT: dict[str, Callable[[str, Collection, Path], System]] = {
    "scriptbridge": _built,
    "bm25": _bm25,
    "fold": _fold,
    "fold+fuzzy": _fold_fuzzy,
}


# ---- a Python function

_NO_PAIRS = (str, bytes, Mapping)  # though they can be iterated over
BEYOND = 10_000  # pairs more than k that a generator may give: it may never end


class Function:
    """A function search(text, k) of the user's, named ``module:function`` or ``module:object.method``.

    Modules are also found in the current directory. What it raises, and whatever is not pairs of ids (strings
    or integers) and finite scores, is a GapError. It may give pairs in any order and more than k of them, a
    generator at most `BEYOND` more; a document given twice counts at its best. What it prints goes to stderr.
    """

    keeps_order = False

    def __init__(self, name: str, spec: str) -> None:
        self.name = name
        self.notes: tuple[str, ...] = ()
        self._spec = spec
        self._search = _searching(spec)
        written_in = source(self._search)
        content = written_in.read_text("utf-8", "replace") if written_in else ""
        self.identity = f"{spec} {content} {_modules()}"
        """The function's name, its file's content, and the state of the modules beside it."""

    def search(self, text: str, k: int) -> Ranking:
        asked = f"(query {text[:80]!r}, k {k})"
        with foreign(lambda why: GapError(f"{self._spec} raised {raised(why)} {asked}")):
            came: Any = self._search(text, k)
            is_list = isinstance(came, Iterable) and not isinstance(came, _NO_PAIRS)
            hits = _taken(came, k + BEYOND) if is_list else None
        if hits is None:
            raise self._error(came, text)
        if not isinstance(came, Sized) and len(hits) > k + BEYOND:
            raise GapError(f"{self._spec} gave more than {k + BEYOND:,} pairs {asked}; stop at the k best")
        return trec.ranked(self._pair(hit, text) for hit in hits)[:k]

    def close(self) -> None:
        """Nothing: what the function holds is its module's."""

    def _pair(self, hit: Any, query: str) -> tuple[str, float]:
        try:
            id, score = hit
            number = math.nan if isinstance(score, str | bytes) else float(score)
            name = str(id)
        except Exception:  # of whatever its elements are
            raise self._error(hit, query) from None
        is_id = isinstance(id, str | Integral) and not isinstance(id, bool)
        if isinstance(hit, _NO_PAIRS) or not is_id or not math.isfinite(number):
            raise self._error(hit, query)
        return name, number

    def _error(self, came: object, query: str) -> GapError:
        return GapError(
            f"{self._spec} gave {type(came).__name__} {described(came)} for the query {query[:80]!r}; "
            "accepted are (document id, score) pairs: ids are strings or integers, scores finite numbers"
        )


def _taken(came: Iterable[Any], most: int) -> list[Any]:
    """All of a list; of what does not say how many it has, one more than `most` at most."""
    return list(came if isinstance(came, Sized) else islice(came, most + 1))


def _searching(spec: str) -> Callable[[str, int], object]:
    found = imported(spec, GapError)
    if inspect.isclass(found) or inspect.iscoroutinefunction(found) or not _takes_two(found):
        raise GapError(f"{spec}: {described(found)} cannot be called as search(text, k)")
    return found  # type: ignore[no-any-return]


def _modules() -> list[tuple[str, int, int]]:
    """The current directory's modules that are imported, sizes and times: what a search may call."""
    here = Path.cwd()
    paths = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    beside = (path for path in sorted(filter(None, paths)) if Path(path).is_relative_to(here))
    return encoder_identity.stats(map(Path, beside))


def _takes_two(function: object) -> bool:
    if not callable(function):
        return False
    try:
        inspect.signature(function).bind("text", 10)
    except ValueError:  # some compiled functions do not say
        return True
    except Exception:  # TypeError, or of whatever its attributes are
        return False
    return True


# ---- run files


@dataclass(frozen=True, slots=True)
class RunFiles:
    """What a system found, by query id, in Latin queries, and in native ones where there is a run of them."""

    name: str
    native: Mapping[str, Ranking] | None
    latin: Mapping[str, Ranking]
    notes: tuple[str, ...] = ()

    def close(self) -> None:
        """Nothing: the files have been read."""


def _run_files(name: str, paths: str) -> RunFiles:
    native, comma, latin = paths.partition(",")
    if not comma or "," in latin or not latin:
        raise GapError(
            f"run:{paths}: accepted are two TREC runs, run:NATIVE,LATIN, or without a native one run:,LATIN"
        )
    first = trec.read_run(native) if native else trec.Run({})
    second = trec.read_run(latin)
    return RunFiles(name, first.rankings if native else None, second.rankings, (*first.notes, *second.notes))
