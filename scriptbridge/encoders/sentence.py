"""Models of sentence-transformers: SentenceTransformer, SparseEncoder and CrossEncoder, by name or folder.

A spec is ``st:MODEL``, and after a ``?`` options, each of which is also an argument of the class::

    st:intfloat/multilingual-e5-small?query_prompt=query: &document_prompt=passage: &max_length=256

`query_prompt` and `document_prompt` stand before every query and document; without them the model's own do,
which some models leave to their page to tell. `max_length` is in tokens: what is longer is cut off there.
`device` is torch's (``cpu``, ``cuda``, ``mps``), by default the best there is; `dtype` is ``fp32``, ``bf16``
or ``fp16``, by default fp32 on a CPU and the best half precision elsewhere, in which a vector may depend a
little on the texts beside it; `batch` is how many texts go through the model together; `dimensions` keeps the
first so many of a vector (Matryoshka models).
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scriptbridge import extras
from scriptbridge.errors import EncoderError
from scriptbridge.functions import raised

from . import rows, specs
from .protocols import SparseRows

__all__ = ["Cross", "Dense", "Sparse", "load", "precision", "quiet"]

BATCH = 32  # texts
DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
QUOTED = 300  # characters of another package's error in a message


def _dtype(value: str) -> str:
    if value not in DTYPES:
        raise ValueError(f"accepted are {', '.join(DTYPES)}")
    return value


_COMMON: dict[str, Callable[[str], object]] = {
    "max_length": specs.count,
    "device": str,
    "dtype": _dtype,
    "batch": specs.count,
}
_PROMPTED: dict[str, Callable[[str], object]] = {"query_prompt": str, "document_prompt": str, **_COMMON}


class Dense:
    """A SentenceTransformer.

    `max_length` is how many tokens of a text it reads, None where that has no limit.
    """

    def __init__(
        self,
        model: Any,
        *,
        name: str | None = None,
        query_prompt: str | None = None,
        document_prompt: str | None = None,
        max_length: int | None = None,
        device: str | None = None,
        dtype: str | None = None,
        batch: int = BATCH,
        dimensions: int | None = None,
        progress: rows.Progress | None = None,
    ) -> None:
        """Of a model's name or folder, or of a SentenceTransformer, whose device and dtype stay as they are.

        EncoderError where there is no such model or it cannot be used so, MissingExtraError without packages.
        """
        self.name = name or f"st:{_called(model)}"
        self._model = _model("SentenceTransformer", model, self.name, device, dtype, truncate_dim=dimensions)
        self._prompts = _Prompts(query_prompt, document_prompt)
        self._batch_size = batch
        self._progress = progress or rows.terminal(self.name)
        self.max_length = _limited(self._model, max_length, self.name)
        self.dimension = _dimension(self._model, self.name)
        if dimensions is not None and self.dimension != dimensions:
            raise EncoderError(
                f"{self.name}: its vectors have {self.dimension:,} dimensions, no {dimensions:,}"
            )

    @classmethod
    def of(cls, spec: str) -> Dense:
        """The model that ``st:MODEL?options`` names."""
        model, options = specs.options(spec, {**_PROMPTED, "dimensions": specs.count})
        return cls(model, name=spec, **options)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, d), rows of length 1, in float32 whatever the model's own dtype."""
        return self._encoded(partial(self._model.encode_query, **self._prompts.query), texts)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, d), rows of length 1, in float32 whatever the model's own dtype."""
        return self._encoded(partial(self._model.encode_document, **self._prompts.document), texts)

    def _encoded(self, encode: Callable[..., Any], texts: Sequence[str]) -> NDArray[np.float32]:
        texts = rows.texts_of(texts, self.name)

        def batch(some: list[str]) -> NDArray[np.float32]:
            tensor = _ran(self.name, encode, some, len(some))  # (b, d)
            return rows.unit(tensor.float().cpu().numpy(), some, self.dimension, self.name)

        parts = rows.encoded(texts, rows.batches(texts, self._batch_size), batch, self._progress)
        return rows.stacked(parts, len(texts), lambda: self.dimension)


class Sparse:
    """A SparseEncoder, such as SPLADE (Formal et al. 2021). `max_length` is as of `Dense`."""

    def __init__(
        self,
        model: Any,
        *,
        name: str | None = None,
        query_prompt: str | None = None,
        document_prompt: str | None = None,
        max_length: int | None = None,
        device: str | None = None,
        dtype: str | None = None,
        batch: int = BATCH,
        progress: rows.Progress | None = None,
    ) -> None:
        """As `Dense`. A model without weights for terms, which would get random ones, is refused."""
        self.name = name or f"st:{_called(model)}"
        self._model = _model("SparseEncoder", model, self.name, device, dtype)
        if isinstance(model, str | os.PathLike) and _untrained_terms(self._model, os.fspath(model)):
            raise EncoderError(f"{self.name}: no sparse encoder: it has no weights that make terms")
        self._prompts = _Prompts(query_prompt, document_prompt)
        self._batch_size = batch
        self._progress = progress or rows.terminal(self.name)
        self.max_length = _limited(self._model, max_length, self.name)
        # A SparseEncoder may say its hidden size instead: a row tells.
        self.dimension = int(_ran(self.name, self._model.encode_document, ["a"], 1).shape[-1])

    @classmethod
    def of(cls, spec: str) -> Sparse:
        """The model that ``st:MODEL?options`` names."""
        model, options = specs.options(spec, _PROMPTED)
        return cls(model, name=spec, **options)

    def encode_queries(self, texts: Sequence[str]) -> SparseRows:
        """n rows; one that is empty matches nothing."""
        return self._encoded(partial(self._model.encode_query, **self._prompts.query), texts)

    def encode_documents(self, texts: Sequence[str]) -> SparseRows:
        """n rows; one that is empty matches nothing."""
        return self._encoded(partial(self._model.encode_document, **self._prompts.document), texts)

    def _encoded(self, encode: Callable[..., Any], texts: Sequence[str]) -> SparseRows:
        texts = rows.texts_of(texts, self.name)

        def batch(some: list[str]) -> SparseRows:
            return _compressed(_ran(self.name, encode, some, len(some)))

        parts = rows.encoded(texts, rows.batches(texts, self._batch_size), batch, self._progress)
        return rows.sparse(parts, texts, lambda: self.dimension, self.name)


class Cross:
    """A CrossEncoder of one score. `max_length` counts a query's and a document's tokens together."""

    def __init__(
        self,
        model: Any,
        *,
        name: str | None = None,
        max_length: int | None = None,
        device: str | None = None,
        dtype: str | None = None,
        batch: int = BATCH,
    ) -> None:
        """As `Dense`. A model without weights for a score, which would get random ones, is refused."""
        self.name = name or f"st:{_called(model)}"
        self._model = _model("CrossEncoder", model, self.name, device, dtype)
        if isinstance(model, str | os.PathLike) and _untrained_score(self._model):
            raise EncoderError(f"{self.name}: no cross-encoder: it has no weights that make a score")
        if (labels := self._model.config.num_labels if self._model.config else 1) != 1:
            raise EncoderError(
                f"{self.name}: gives {labels} numbers a pair; accepted are models of one score"
            )
        self._batch_size = batch
        self.max_length = _limited(self._model, max_length, self.name)

    @classmethod
    def of(cls, spec: str) -> Cross:
        """The model that ``st:MODEL?options`` names."""
        model, options = specs.options(spec, _COMMON)
        return cls(model, name=spec, **options)

    def score(self, query: str, documents: Sequence[str]) -> NDArray[np.float32]:
        """(n,) scores before any sigmoid, which would make near ones equal; higher is better."""
        documents = rows.texts_of(documents, self.name)
        found = np.empty(len(documents), np.float32)
        for places in rows.batches(documents, self._batch_size):
            some = [documents[at] for at in places]
            pairs = [(query, document) for document in some]
            tensor = _ran(
                self.name,
                self._model.predict,
                pairs,
                len(some),
                activation_fn=extras.load("torch", "neural").nn.Identity(),
            )  # (b,)
            found[places] = rows.scores(tensor.float().cpu().numpy(), some, self.name)
        return found


# ---- loading


class _Prompts:
    """Arguments of encode_query and encode_document; without any, they take the model's own prompts."""

    def __init__(self, query: str | None, document: str | None) -> None:
        self.query = {} if query is None else {"prompt": query}
        self.document = {} if document is None else {"prompt": document}


def _called(model: object) -> str:
    return str(model) if isinstance(model, str | os.PathLike) else type(model).__name__


def _model(kind: str, model: Any, name: str, device: str | None, dtype: str | None, **options: Any) -> Any:
    """The model ready to use, of its name or folder or as it is."""
    package = extras.load("sentence_transformers", "neural")
    if not isinstance(model, str | os.PathLike):
        return model
    torch = extras.load("torch", "neural")
    best = device or package.util.get_device_name()
    weights = getattr(torch, DTYPES[dtype or _best_dtype(best, torch)])
    return load(kind, os.fspath(model), name, device=best, model_kwargs={"dtype": weights}, **options)


def load(kind: str, where: str, name: str, **options: Any) -> Any:
    """The model at that folder or of that name, of the class `kind` of sentence-transformers.

    EncoderError, which begins with `name`, says where it was looked for, or why it cannot be loaded.
    """
    package = extras.load("sentence_transformers", "neural")
    path = Path(where).expanduser()
    if not path.is_dir() and _is_path(where):
        raise EncoderError(f"{name}: there is no folder {path.absolute()}")
    try:
        with quiet(), _unconverted(kind):
            return getattr(package, kind)(str(path) if path.is_dir() else where, **options)
    except Exception as error:  # of whichever of its many files, formats and servers
        raise EncoderError(
            f"{name}: no {kind} can be loaded; looked for in {_looked(path, where)} "
            f"({raised(error)[:QUOTED]})"
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Without the progress bars of transformers where stderr is no terminal: they would fill a log."""
    of_transformers = extras.load("transformers.utils.logging", "neural")
    if sys.stderr.isatty() or not of_transformers.is_progress_bar_enabled():
        yield
        return
    of_transformers.disable_progress_bar()
    try:
        yield
    finally:
        of_transformers.enable_progress_bar()


@contextmanager
def _unconverted(kind: str) -> Iterator[None]:
    """Without a warning that an encoder is made a cross-encoder of: that is refused."""
    logger = logging.getLogger("sentence_transformers")
    level = logger.level
    if kind == "CrossEncoder":
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _is_path(model: str) -> bool:
    """Whether that can be no name on the hub, OWNER/NAME."""
    return not re.fullmatch(r"[\w-][\w.-]*(/[\w.-]+)?", model)


def _looked(path: Path, model: str) -> str:
    """Where a model was looked for."""
    if path.is_dir():
        return f"the folder {path.absolute()}"
    constants = extras.load("huggingface_hub", "neural").constants
    hub = "nowhere else, as HF_HUB_OFFLINE says" if constants.HF_HUB_OFFLINE else constants.ENDPOINT
    return f"{path.absolute()} (no such folder), in the cache {constants.HF_HUB_CACHE} and {hub}"


def precision(spec: str) -> str:
    """The dtype that the model of ``st:MODEL?options`` has on this machine."""
    _, options = specs.options(spec, {**_PROMPTED, "dimensions": specs.count})
    if "dtype" in options:
        return str(options["dtype"])
    device = options.get("device") or extras.load("sentence_transformers", "neural").util.get_device_name()
    return _best_dtype(device, extras.load("torch", "neural"))


def _best_dtype(device: str, torch: Any) -> str:
    """The half precision that a device has. bf16, where it computes in it: fp16 overflows in some models."""
    kind = device.partition(":")[0]
    if kind == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device)[0] >= 8 else "fp16"
    return "fp16" if kind == "mps" else "fp32"


def _limited(model: Any, max_length: int | None, name: str) -> int | None:
    """How many tokens the model reads, having been set to `max_length`."""
    if max_length is not None:
        positions = int(getattr(getattr(model[0], "config", None), "max_position_embeddings", -1))
        if 0 < positions < max_length:
            raise EncoderError(f"{name}: max_length {max_length:,}: the model has {positions:,} positions")
        model.max_seq_length = max_length
    limit = getattr(model, "max_seq_length", None)
    return limit if isinstance(limit, int) and limit < 2**31 else None  # tokenizers say 10**30 for none


def _dimension(model: Any, name: str) -> int:
    dimension = model.get_embedding_dimension()
    if not isinstance(dimension, int):
        raise EncoderError(f"{name}: does not say how long its vectors are")
    return dimension


def _untrained_score(model: Any) -> bool:
    """Whether the head for a score is not in the model's files."""
    inner = getattr(model, "model", None)
    head = type(inner).__name__
    known = getattr(getattr(inner, "config", None), "architectures", None) or [head]
    return head.endswith("ForSequenceClassification") and head not in known


def _untrained_terms(model: Any, where: str) -> bool:
    """Whether sentence-transformers made up the layer that gives terms."""
    if not any(type(module).__name__ == "SparseAutoEncoder" for module in model):
        return False
    if Path(where).expanduser().is_dir():
        return not (Path(where).expanduser() / "modules.json").exists()
    hub = extras.load("huggingface_hub", "neural")
    return not isinstance(hub.try_to_load_from_cache(where, "modules.json"), str)


# ---- running


def _ran(name: str, encode: Callable[..., Any], texts: list[Any], size: int, **options: Any) -> Any:
    """The tensor that `encode` makes of texts, or of pairs of them, all at once."""
    try:
        return encode(texts, batch_size=size, show_progress_bar=False, convert_to_tensor=True, **options)
    except Exception as error:
        advice = "; a smaller batch=… or max_length=… needs less" if "out of memory" in str(error) else ""
        raise EncoderError(f"{name}: encoding failed ({raised(error)[:QUOTED]}){advice}") from error


def _compressed(tensor: Any) -> SparseRows:
    """Rows of a torch tensor (n, vocabulary), sparse or not."""
    tensor = tensor.to_sparse_coo().coalesce().cpu()
    at, columns = tensor.indices().numpy()  # (2, nnz), rows ascending and columns ascending in each
    values = tensor.values().float().numpy()
    kept = values != 0
    counts = np.bincount(at[kept], minlength=tensor.shape[0])  # (n,)
    return SparseRows(
        indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        indices=columns[kept].astype(np.int32),
        values=values[kept],
        dimension=tensor.shape[1],
    )
