"""Encoders of texts, unchanged, behind one small protocol a kind.

A spec names one: ``st:MODEL``, ``openai:MODEL@URL``, ``ngrams:FILE``, ``adapter:FILE``, ``module:function``;
options follow a ``?``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from scriptbridge.errors import EncoderError
from scriptbridge.functions import is_named

from . import adapter, functions, ngrams, openai, sentence, specs
from .protocols import CrossEncoder, DenseEncoder, SparseEncoder, SparseRows

__all__ = [
    "CrossEncoder",
    "DenseEncoder",
    "SparseEncoder",
    "SparseRows",
    "cross",
    "dense",
    "is_dense",
    "sparse",
]

_DENSE: dict[str, Callable[[str], DenseEncoder]] = {
    "st": sentence.Dense.of,
    "openai": openai.Endpoint.of,
    "ngrams": ngrams.Ngrams.of,
    "adapter": lambda spec: adapter.Adapter.of(spec, dense),
}
_SPARSE: dict[str, Callable[[str], SparseEncoder]] = {"st": sentence.Sparse.of}
_CROSS: dict[str, Callable[[str], CrossEncoder]] = {"st": sentence.Cross.of}

_FORMS = {
    "dense": """\
  st:BAAI/bge-m3          a sentence-transformers model, by name or folder; after a ? its options:
                          st:intfloat/multilingual-e5-small?query_prompt=query: &document_prompt=passage:%20
  openai:text-embedding-3-small@https://api.openai.com/v1?dimensions=256
                          an OpenAI-compatible endpoint; other than OpenAI's, with key=${NAME} if any
  ngrams:out/encoder.ngrams
                          queries as `scriptbridge train ngrams` learnt to encode them
  adapter:out/encoder.adapter
                          an encoder with its queries adapted by `scriptbridge train adapter`
  my_module:encode        a Python function that gives (texts, dimension) numbers for a list of texts, or an
                          object with encode_queries and encode_documents""",
    "sparse": """\
  st:naver/splade-v3      a sentence-transformers SparseEncoder, by name or folder
  my_module:encode        a Python function that gives a SciPy sparse array (texts, vocabulary), or an
                          object with encode_queries and encode_documents""",
    "cross": """\
  st:BAAI/bge-reranker-v2-m3
                          a sentence-transformers CrossEncoder, by name or folder
  my_module:score         a Python function that gives a score a document for (query, documents)""",
}

_Encoder = TypeVar("_Encoder")


def dense(spec: str) -> DenseEncoder:
    """The encoder a spec names; EncoderError lists what is accepted, MissingExtraError what to install."""
    return _named("dense", spec, _DENSE, functions.Dense)


def sparse(spec: str) -> SparseEncoder:
    """As `dense`, of encoders whose vectors are terms' weights."""
    return _named("sparse", spec, _SPARSE, functions.Sparse)


def cross(spec: str) -> CrossEncoder:
    """As `dense`, of encoders that score a query and a document together."""
    return _named("cross", spec, _CROSS, functions.Cross)


def is_dense(spec: str) -> bool:
    """Whether `spec` names its kind of dense encoder by a prefix, as ``st:`` does."""
    return specs.has_kind(spec)


def _named(
    kind: str, spec: str, table: Mapping[str, Callable[[str], _Encoder]], function: Callable[[str], _Encoder]
) -> _Encoder:
    prefix, _, what = spec.partition(":")
    if prefix in table and what.partition("?")[0].strip():
        return table[prefix](spec)
    if prefix not in table and is_named(spec):
        return function(spec)
    raise EncoderError(f"{kind} encoder {spec!r}: unknown; accepted are\n{_FORMS[kind]}")
