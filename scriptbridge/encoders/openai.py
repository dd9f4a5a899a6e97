"""Embeddings of an OpenAI-compatible endpoint: OpenAI itself, vLLM, text-embeddings-inference, Ollama, …

A spec is ``openai:MODEL@URL``, and after a ``?`` options, each of which is also an argument of `Endpoint`::

    openai:text-embedding-3-small@https://api.openai.com/v1?dimensions=256
    openai:Qwen/Qwen3-Embedding-0.6B@http://localhost:8000/v1?key=${VLLM_KEY}&batch=64

``URL/embeddings`` is asked. The key comes from the variable of the environment that `key` names; without it,
OPENAI_API_KEY goes to OpenAI and to this machine, and to nobody else. No message shows a key. `dimensions` is
asked of the server; `query_prompt` and `document_prompt` stand before every query and document; `batch` and
`characters` are how many texts, and characters of them, are sent together; `timeout` is in seconds, for a
whole answer.
"""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from scriptbridge import extras
from scriptbridge.errors import EncoderError

from . import rows, specs

__all__ = ["Endpoint"]

BATCH = 32  # texts, what text-embeddings-inference takes by default
CHARACTERS = 100_000  # of a batch, at most; OpenAI takes 300,000 tokens
TIMEOUT = 60.0  # seconds
BACKOFF = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before each further attempt, where the server names none
LONGEST_WAIT = 60.0  # seconds that a server may ask for
QUOTED = 200  # characters of an answer in a message
MOST_BYTES = 256_000_000  # of an answer
KEY = "OPENAI_API_KEY"
OPENAI = "api.openai.com"
HERE = ("localhost", "127.0.0.1", "::1")
_JSON = {"content-type": "application/json"}
_sleep = time.sleep


def _variable(value: str) -> str:
    """The name in ``${NAME}``."""
    match = re.fullmatch(r"\$\{(\w+)\}", value)
    if match is None:
        raise ValueError("accepted is the name of a variable of the environment, ${NAME}, not a key")
    return match[1]


_OPTIONS: dict[str, Callable[[str], object]] = {
    "key": _variable,
    "dimensions": specs.count,
    "query_prompt": str,
    "document_prompt": str,
    "batch": specs.count,
    "characters": specs.count,
    "timeout": specs.seconds,
}


class Endpoint:
    """A dense encoder behind HTTP.

    A failed connection, a time-out and the statuses 429 and 5xx are tried again after the time that the
    server asks for, or after `BACKOFF`. Whatever else goes wrong, or still does then, is an EncoderError that
    names the URL, the status and how the answer begins.
    """

    def __init__(
        self,
        model: str,
        url: str,
        *,
        name: str | None = None,
        key: str | None = None,
        dimensions: int | None = None,
        query_prompt: str = "",
        document_prompt: str = "",
        batch: int = BATCH,
        characters: int = CHARACTERS,
        timeout: float = TIMEOUT,
        progress: rows.Progress | None = None,
    ) -> None:
        """`key` names the key's variable. Nothing is asked yet; MissingExtraError without httpx."""
        self.name = name or f"openai:{model}@{url}"
        self.url = f"{_checked(url)}/embeddings"
        self._model = model
        self._httpx = extras.load("httpx", "neural")
        self._key = _key(key or (KEY if _is_trusted(self.url) else None), self.name, key is not None)
        self._client = self._httpx.Client(
            headers={"authorization": f"Bearer {self._key}"} if self._key else {}, timeout=timeout
        )
        self._dimensions, self._dimension = dimensions, dimensions
        self._query_prompt, self._document_prompt = query_prompt, document_prompt
        self._batch_size, self._characters = batch, characters
        self._timeout = timeout
        self._progress = progress or rows.terminal(self.name)

    @classmethod
    def of(cls, spec: str) -> Endpoint:
        """The endpoint that ``openai:MODEL@URL?options`` names."""
        what, options = specs.options(spec, _OPTIONS)
        match = re.fullmatch(r"(.+?)@(https?://.+)", what)
        if match is None:
            raise EncoderError(
                "openai: accepted is openai:MODEL@URL, such as "
                "openai:text-embedding-3-small@https://api.openai.com/v1"
            )
        return cls(match[1], match[2], name=spec, **options)

    @property
    def dimension(self) -> int:
        """d; the server is asked to encode one text where neither `dimensions` nor an answer has told it."""
        return self._dimension or self._batch(self._document_prompt, ["a"]).shape[1]

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, d), rows of length 1."""
        return self._encoded(self._query_prompt, texts)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, d), rows of length 1."""
        return self._encoded(self._document_prompt, texts)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _encoded(self, prompt: str, texts: Sequence[str]) -> NDArray[np.float32]:
        texts = rows.texts_of(texts, self.name)
        groups = rows.batches([prompt + text for text in texts], self._batch_size, self._characters)
        parts = rows.encoded(texts, groups, partial(self._batch, prompt), self._progress)
        return rows.stacked(parts, len(texts), lambda: self.dimension)

    def _batch(self, prompt: str, texts: list[str]) -> NDArray[np.float32]:
        """(b, d) of what one request holds."""
        body: dict[str, Any] = {"model": self._model, "input": [prompt + text for text in texts]}
        if self._dimensions is not None:
            body["dimensions"] = self._dimensions
        status, content = self._answer(json.dumps(body).encode())  # ASCII: a lone surrogate is no error
        if status != 200:
            sent = "" if self._key or status not in (401, 403) else "; no key was sent: key=${NAME} names one"
            raise self._error(f"status {status}{sent}", content)
        try:
            vectors = _vectors(json.loads(content), len(texts))
        except (ValueError, RecursionError) as error:
            is_json = not isinstance(error, json.JSONDecodeError | UnicodeDecodeError)
            raise self._error(f"status {status}: {error if is_json else 'no JSON'}", content) from None
        try:
            found = rows.unit(vectors, texts, self._dimension, f"{self.url}: status {status}: it")
        except rows.TextError:
            raise
        except EncoderError as error:
            raise EncoderError(f"{error}{self._beginning(content)}") from None
        self._dimension = found.shape[1]
        return found

    def _answer(self, body: bytes) -> tuple[int, bytes]:
        """Status and content of the answer; EncoderError where there is none."""
        for pause in BACKOFF:
            try:
                return self._once(body)
            except _TryLaterError as later:
                wait = pause if later.wait is None else later.wait
            _sleep(wait * random.uniform(1, 1.25))  # so that several clients do not come back together
        try:
            return self._once(body)
        except _TryLaterError as last:
            raise self._error(f"{last} (tried {len(BACKOFF) + 1} times)", last.content) from None

    def _once(self, body: bytes) -> tuple[int, bytes]:
        """One attempt; _TryLaterError where another may do."""
        httpx = self._httpx
        deadline = time.monotonic() + self._timeout  # httpx's is for each read
        content = bytearray()
        try:
            with self._client.stream("POST", self.url, content=body, headers=_JSON) as response:
                for chunk in response.iter_bytes():
                    content += chunk
                    if time.monotonic() > deadline:
                        raise httpx.ReadTimeout("")
                    if len(content) > MOST_BYTES:
                        raise self._error(f"more than {MOST_BYTES:,} bytes came; a smaller batch=… has fewer")
        except httpx.TimeoutException:
            raise _TryLaterError(f"no answer within {self._timeout:g} s") from None
        except httpx.TransportError as error:
            raise _TryLaterError(f"no connection ({type(error).__name__}: {error}); is it running?") from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # a host that can be none
            raise self._error(f"{type(error).__name__}: {error}") from None
        status: int = response.status_code
        if status == 429 or status >= 500:
            wait = _wait(response.headers.get("retry-after"))
            if wait is not None and wait > LONGEST_WAIT:
                raise self._error(f"status {status}, and it asks to wait {wait:,.0f} s", bytes(content))
            raise _TryLaterError(f"status {status}", bytes(content), wait)
        return status, bytes(content)

    def _error(self, problem: str, content: bytes = b"") -> EncoderError:
        return EncoderError(f"{self.url}: {problem}{self._beginning(content)}")

    def _beginning(self, content: bytes) -> str:
        """How an answer begins, to end a message; without the key, which it may repeat."""
        answer = content.decode("utf-8", "replace").strip()
        shown = answer.replace(self._key, "…") if self._key else answer
        return f"; the answer begins {shown[:QUOTED]!r}" if shown else ""


class _TryLaterError(Exception):
    """An attempt that failed for now; `wait` is how many seconds the server asks for."""

    def __init__(self, problem: str, content: bytes = b"", wait: float | None = None) -> None:
        super().__init__(problem)
        self.content, self.wait = content, wait


def _vectors(content: Any, count: int) -> list[Any]:
    """The embeddings in the order of their texts; ValueError says what does not fit."""
    try:
        found = {item["index"]: item["embedding"] for item in content["data"]}
        places = [item["index"] for item in content["data"]]
    except (TypeError, KeyError):
        raise ValueError('no {"data": [{"index": 0, "embedding": [0.1, …]}, …]}') from None
    if len(places) != count:
        raise ValueError(f"{len(places):,} vectors came for {count:,} texts")
    if any(type(at) is not int for at in places) or sorted(places) != list(range(count)):
        raise ValueError(f"the vectors' indexes are not 0 to {count - 1}, each once")
    return [found[at] for at in range(count)]


def _wait(header: str | None) -> float | None:
    """Seconds that ``Retry-After`` asks for: a number, or a date (RFC 9110, section 10.2.3)."""
    if header is None:
        return None
    if re.fullmatch(r"\d{1,9}(\.\d+)?", header.strip()):
        return float(header)
    try:
        at = parsedate_to_datetime(header)
    except (ValueError, OverflowError):  # no date; a time zone beyond all
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _checked(url: str) -> str:
    """The URL that ``/embeddings`` follows; it holds nothing that a message must not show."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in parts.netloc or parts.query or parts.fragment:
        raise EncoderError(
            "openai: the URL cannot be used; accepted are such as https://api.openai.com/v1, without user, "
            "password and parameters; a key comes from the environment: key=${NAME}"
        )
    return url.rstrip("/").removesuffix("/embeddings")


def _is_trusted(url: str) -> bool:
    """Whether a key that is OpenAI's may go there: to OpenAI, encrypted, or to this machine."""
    parts = urlsplit(url)
    return (parts.scheme, parts.hostname) == ("https", OPENAI) or parts.hostname in HERE


def _key(variable: str | None, name: str, needed: bool) -> str:
    key = os.environ.get(variable, "").strip() if variable else ""
    if needed and not key:
        raise EncoderError(f"{name}: the environment has no variable {variable}")
    if not re.fullmatch(r"[!-~]*", key):
        raise EncoderError(f"{name}: the key in {variable} holds a space or what is no ASCII")
    return key
