"""Any search engine that answers over HTTP in JSON, described by a URL or by a template, a short TOML file.

A URL is enough where the engine takes its query there and answers in one of `SHAPES`::

    "http://localhost:8983/solr/docs/select?defType=edismax&qf=text&fl=id,score&q={query}&rows={k}"
    "http://localhost:8108/collections/docs/documents/search?query_by=text&q={query}&per_page={k}"
    "http://localhost:7700/indexes/docs/search?q={query}&limit={k}&showRankingScore=true"
    "http://localhost:8080/search/?yql=select * from docs where userQuery()&query={query}&hits={k}"

Everything else says a template::

    url = "http://localhost:9200/docs/_search"      # Elasticsearch, OpenSearch
    body = '''{"size": {k}, "query": {"match": {"text": {query}}}}'''
    timeout = 10                                    # seconds for a query, another attempt included
    method = "POST"                                 # GET where there is no body
    hits = "hits.hits"                              # where the answer keeps its hits, best first
    id = "_id"                                      # and each hit its document's id
    score = "_score"                                # without it, the rank decides: 1, 1/2, 1/3, …
    [headers]
    Authorization = "ApiKey ${ES_API_KEY}"          # from the environment

``{query}`` is a string literal, with its quotes, in a JSON body (one that begins with ``{`` or ``[``) and
percent-encoded elsewhere; ``{k}`` is a number; other braces stand as they are. Paths are keys and places in
lists joined by dots (``responses.0.hits.hits``), "" is the whole answer. Without `hits`, the answer is read
as the first of `SHAPES` that fits it; `id` and `score` given alone replace a shape's own, as where the
collection's ids are in a vector database's payloads: ``id = "payload.docid"``. ``id_after = "::"`` takes an
id to be what follows the last ``::``. `total` is where an engine that leaves its empty list out says 0.
"""

from __future__ import annotations

import base64
import json
import math
import os
import re
import sys
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import quote, unquote_plus, urlsplit

from scriptbridge import extras
from scriptbridge.errors import GapError

__all__ = ["SHAPES", "Endpoint", "Shape", "Template", "rankings", "shown"]

TIMEOUT = 10.0  # seconds
LONGEST = 3600.0  # timeout
BACKOFF = (0.1, 0.4)  # seconds before the second and the third attempt
BUSY = (429, 502, 503, 504)  # statuses worth another attempt
QUOTED = 200  # characters of an answer in a message
MOST_BYTES = 64_000_000  # of an answer
LARGEST = sys.float_info.max  # score
METHODS = ("GET", "POST", "PUT")
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass(frozen=True, slots=True)
class Shape:
    """Where an engine's JSON keeps its hits, and each hit its id and score; see the module's description."""

    hits: str
    id: str = "id"
    score: str | None = None
    id_after: str | None = None
    total: str | None = None
    score_may_lack: bool = False


SHAPES = (
    Shape("hits.hits", "_id", "_score", score_may_lack=True),  # Elasticsearch, OpenSearch
    Shape("response.docs", "id", "score", score_may_lack=True),  # Solr
    Shape("hits", "document.id", "text_match", score_may_lack=True),  # Typesense
    Shape("hits", "id", "_rankingScore", score_may_lack=True),  # Meilisearch
    Shape("root.children", "fields.id", "relevance", None, "root.fields.totalCount"),  # Vespa
    Shape("root.children", "id", "relevance", "::", "root.fields.totalCount"),  # Vespa, without its fields
    Shape("result.points", "id", "score"),  # Qdrant, query
    Shape("result", "id", "score"),  # Qdrant, search
    Shape("results", "id", "score", score_may_lack=True),
    Shape("", "id", "score", score_may_lack=True),
)
"""What a plain URL, or a template without `hits`, is tried with, in this order."""


# ---- what comes back


def rankings(content: object, shapes: Sequence[Shape], k: int) -> list[tuple[str, float]]:
    """The first k hits of an engine's answer, in its order, each document once.

    ValueError says what does not fit.
    """
    shape, hits = _fitting(content, shapes)
    found: dict[str, float] = {}
    before = math.inf
    for rank, hit in enumerate(hits, 1):
        id = _id(_at(hit, shape.id), shape)
        score = 1 / rank if shape.score is None else _score(_at(hit, shape.score), shape.score)
        if score > before:
            raise ValueError(
                f"`{shape.score}` rises from {before} to {score}, and hits come best first; "
                "a template with `hits` and `id` but without `score` ranks by their order"
            )
        before = score
        found.setdefault(id, score)
        if len(found) == k:
            break
    return list(found.items())


def _fitting(content: object, shapes: Sequence[Shape]) -> tuple[Shape, list[Any]]:
    """The first shape that the answer has, and its hits."""
    for shape in shapes:
        try:
            hits = _hits(content, shape)
            if hits and len(shapes) > 1:
                _at(hits[0], shape.id)
        except ValueError:
            if len(shapes) == 1:
                raise
            continue
        return (replace(shape, score=None) if _lacks_score(hits, shape) else shape), hits
    raise ValueError(
        f"none of the known shapes ({', '.join(dict.fromkeys(repr(each.hits) for each in shapes))}): "
        "say in a template (FILE.toml) where `hits`, `id` and `score` are"
    )


def _hits(content: object, shape: Shape) -> list[Any]:
    try:
        hits = _at(content, shape.hits)
    except ValueError:
        if shape.total is not None and _at(content, shape.total) == 0:
            return []
        raise
    if not isinstance(hits, list):
        raise ValueError(f"`{shape.hits}` is {_kind(hits)}, not a list")
    return hits


def _lacks_score(hits: Sequence[object], shape: Shape) -> bool:
    if not shape.score_may_lack or not hits or shape.score is None:
        return False
    try:
        return _at(hits[0], shape.score) is None
    except ValueError:
        return True


def _at(value: object, path: str) -> object:
    """What a dotted path leads to."""
    for key in path.split(".") if path else ():
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            there = (
                f"the keys {', '.join(map(repr, list(value)[:8]))}"
                if isinstance(value, dict)
                else _kind(value)
            )
            raise ValueError(f"`{path}` leads nowhere: instead of `{key}` there is {there}")
    return value


def _id(value: object, shape: Shape) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"the id `{shape.id}` is {_kind(value)}; accepted are strings and integers")
    return str(value).rpartition(shape.id_after)[2] if shape.id_after else str(value)


def _score(value: object, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
        came = repr(value) if isinstance(value, float) else _kind(value)
        raise ValueError(f"the score `{path}` is {came}; accepted are finite numbers")
    return float(value)


def _kind(value: object) -> str:
    names = {"NoneType": "null", "dict": "an object", "list": "a list", "str": "a string"}
    return names.get(type(value).__name__, type(value).__name__)


# ---- what is sent


@dataclass(frozen=True, slots=True)
class Template:
    """How an engine is asked and how its answer is read; see the module's description."""

    url: str
    method: str = "GET"
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = TIMEOUT
    shapes: tuple[Shape, ...] = SHAPES

    def __post_init__(self) -> None:
        _check_url(self.url)
        if "{query}" not in self.url + (self.body or ""):
            raise GapError(
                f"{shown(self.url)}: where does the query go? Write {{query}}, and {{k}} for the number of "
                "hits, in the URL, in quotes for the shell: "
                "'http://localhost:8983/solr/docs/select?q={query}&rows={k}'; "
                'or in the body of a template, FILE.toml: url = "http://localhost:9200/docs/_search", '
                'body = \'{"size": {k}, "query": {"match": {"text": {query}}}}\''
            )
        if self.json and self.headers.get("content-type", _JSON).partition(";")[0].strip() == _JSON:
            try:
                json.loads(_filled(self.body or "", json.dumps)("a query", 10))
            except ValueError as error:
                raise GapError(
                    f"{shown(self.url)}: the body is no JSON once {{query}} and {{k}} are filled in: {error} "
                    "({query} brings its own quotes)"
                ) from None

    @property
    def json(self) -> bool:
        """Whether the body is JSON."""
        return self.body is not None and self.body.lstrip().startswith(("{", "["))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Template:
        """The template in a TOML file; GapError names the file and what is wrong in it."""
        try:
            content = tomllib.loads(Path(path).read_text("utf-8"))
            return _template(content)
        except OSError as error:
            raise GapError(f"{path}: cannot be read: {error.strerror or error}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise GapError(f"{path}: no TOML: {error}") from None
        except GapError as error:
            raise GapError(f"{path}: {error}") from None


_TEXTS = ("url", "method", "body", "hits", "id", "score", "id_after", "total")
_KEYS = (*_TEXTS, "timeout", "headers")


def _template(content: Mapping[str, Any]) -> Template:
    if unknown := [key for key in content if key not in _KEYS]:
        raise GapError(f"unknown key {unknown[0]!r}; accepted are {', '.join(_KEYS)}")
    for key in _TEXTS:
        if not isinstance(content.get(key, ""), str):
            raise GapError(f"`{key}` is {_kind(content[key])}; accepted is a string")
    if "url" not in content:
        raise GapError('`url` is missing, such as url = "http://localhost:9200/docs/_search"')
    body = content.get("body")
    method = content.get("method", "GET" if body is None else "POST").upper()
    if method not in METHODS:
        raise GapError(f"method {method!r} came; accepted are {', '.join(METHODS)}")
    timeout = content.get("timeout", TIMEOUT)
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= LONGEST:
        raise GapError(f"timeout {timeout!r} came; accepted are seconds above 0, at most {LONGEST:g}")
    return Template(
        content["url"], method, body, _headers(content.get("headers", {})), float(timeout), _shapes(content)
    )


def _shapes(content: Mapping[str, str]) -> tuple[Shape, ...]:
    given: dict[str, Any] = {
        key: content[key] for key in ("hits", "id", "score", "id_after", "total") if key in content
    }
    if "hits" in given:
        return (Shape(**given),)
    if "score" in given:
        given["score_may_lack"] = False
    return tuple(replace(shape, **given) for shape in SHAPES)


def _headers(content: object) -> dict[str, str]:
    """Headers by lower-case name, ``${NAME}`` in them replaced from the environment."""
    if not isinstance(content, dict):
        raise GapError(f"[headers] is {_kind(content)}; accepted are names and their values")
    return {name.lower(): _header(name, value) for name, value in content.items()}


def _header(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise GapError(f"header {name!r} is {_kind(value)}; accepted is a string")
    filled = _VARIABLE.sub(_variable, value)
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or not re.fullmatch(r"[ -~]*", filled):
        raise GapError(
            f"header {name!r}: no name or no value of a header (a line break, or what is no ASCII)"
        )
    return filled


_VARIABLE = re.compile(r"\$\{(\w+)\}")


def _variable(match: re.Match[str]) -> str:
    if match[1] not in os.environ:
        raise GapError(f"the environment has no variable {match[1]}, which [headers] name")
    return os.environ[match[1]].strip()


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise GapError(
            f"url {shown(url)!r} came; accepted are URLs such as http://localhost:9200/docs/_search"
        )


def shown(url: str) -> str:
    """A URL as it may be printed: without user, password and what follows ``?``, which may hold keys.

    Where these end is not asked of what is no URL: all before the last ``@`` goes.
    """
    scheme, separator, rest = url.partition("://")
    without_user = rest.rpartition("@")[2]
    return f"{scheme}{separator}{without_user.partition('?')[0].partition('#')[0]}"


def _filled(template: str, written: Callable[[str], str]) -> Callable[[str, int], str]:
    """A function of query and k that fills a template in; `written` is how a query is written there."""
    parts = re.split(r"\{(query|k)\}", template)

    def fill(query: str, k: int) -> str:
        values = {"query": written(query), "k": str(k)}
        return "".join(values[part] if at % 2 else part for at, part in enumerate(parts))

    return fill


def _percent(query: str) -> str:
    return quote(query, safe="", errors="replace")


# ---- the system


class Endpoint:
    """A system behind HTTP.

    A refused connection and the statuses 429, 502, 503 and 504 are tried again twice, after 0.1 and 0.4 s,
    which count as the query's time; all of it ends at the template's timeout. Whatever else goes wrong is a
    GapError that names the URL, the status and how the answer begins: that query is lost, and the next one
    may be asked. Redirections are not followed: each would count as the engine's time, and headers are for
    the host they were written for.
    """

    keeps_order = True  # what an engine shows first is first, whatever the scores beside it

    def __init__(self, name: str, template: Template) -> None:
        """`name` is what the report calls the system; MissingExtraError without httpx."""
        self.name = name
        self.notes: tuple[str, ...] = ()
        self._template = template
        self._httpx = extras.load("httpx", "gap")
        self._url = _filled(template.url, _percent)
        self._body = (
            None
            if template.body is None
            else _filled(template.body, json.dumps if template.json else _percent)
        )
        self._secrets = _secrets(template)
        self._connect()

    def search(self, text: str, k: int) -> list[tuple[str, float]]:
        """The first k hits in the engine's own order; equal scores keep it too. GapError says what failed."""
        status, content = self._answer(text, k)
        if not 200 <= status < 300:
            raise self._error(f"status {status}", content)
        try:
            return rankings(json.loads(content), self._template.shapes, k)
        except (ValueError, RecursionError) as error:
            problem = (
                "no JSON" if isinstance(error, json.JSONDecodeError | UnicodeDecodeError) else str(error)
            )
            raise self._error(f"status {status}: {problem}", content) from None

    def close(self) -> None:
        """Close the connections."""
        self._worker.close()
        with suppress(Exception):  # of whatever a request that is not waited for any more is doing
            self._client.close()

    def _connect(self) -> None:
        headers = dict(self._template.headers)
        if self._template.body is not None:
            headers.setdefault("content-type", _JSON if self._template.json else _FORM)
        self._client = self._httpx.Client(headers=headers, timeout=self._template.timeout)
        self._worker = _Worker()

    def _answer(self, text: str, k: int) -> tuple[int, bytes]:
        """Status and content of the engine's answer, or GapError."""
        httpx = self._httpx
        try:
            request = self._client.build_request(
                self._template.method,
                self._url(text, k),
                content=None if self._body is None else self._body(text, k).encode(),
            )
            task = partial(self._tried, self._client, request)
            answer: tuple[int, bytes] = self._worker.result(task, self._template.timeout)
            return answer
        except TimeoutError:
            self.close()  # which ends the request that nobody waits for
            self._connect()
            raise self._error(f"no answer within {self._template.timeout:g} s") from None
        except httpx.TimeoutException:
            raise self._error(f"no answer within {self._template.timeout:g} s") from None
        except httpx.ConnectError as error:
            hint = (
                "its certificate is not trusted: set SSL_CERT_FILE to a file that holds it"
                if "CERTIFICATE" in str(error)
                else "is it running?"
            )
            raise self._error(f"no connection ({error}); {hint}") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._error(f"{type(error).__name__}: {error}") from None

    def _tried(self, client: Any, request: Any) -> tuple[int, bytes]:
        for wait in BACKOFF:
            try:
                status, content = self._once(client, request)
                if status not in BUSY:
                    return status, content
            except (self._httpx.NetworkError, self._httpx.RemoteProtocolError):
                pass
            time.sleep(wait)
        return self._once(client, request)

    def _once(self, client: Any, request: Any) -> tuple[int, bytes]:
        response = client.send(request, stream=True)
        try:
            if response.is_redirect:
                to = shown(str(response.next_request.url)) if response.next_request else "nowhere"
                raise self._error(f"status {response.status_code}: redirected to {to}; give that URL instead")
            content = bytearray()
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > MOST_BYTES:
                    raise self._error(
                        f"more than {MOST_BYTES:,} bytes came; ask for fewer fields of the hits"
                    )
            return response.status_code, bytes(content)
        finally:
            response.close()

    def _error(self, problem: str, content: bytes = b"") -> GapError:
        answer = content.decode("utf-8", "replace")
        for secret in self._secrets:
            problem, answer = problem.replace(secret, "…"), answer.replace(secret, "…")
        came = f"; the answer begins {answer[:QUOTED]!r}" if answer.strip() else ""
        return GapError(f"{shown(self._template.url)}: {problem}{came}")


class _Worker:
    """A thread that does one task after the other, each waited for so long and no longer.

    httpx's timeouts are for each read: an engine that keeps sending something never reaches them. It is a
    daemon: the process may end whatever it does.
    """

    def __init__(self) -> None:
        self._tasks: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        Thread(target=self._work, daemon=True).start()

    def result(self, task: Callable[[], Any], seconds: float) -> Any:
        """What the task returns or raises; TimeoutError where it takes longer."""
        future: Future[Any] = Future()
        self._tasks.put((task, future))
        return future.result(seconds)

    def close(self) -> None:
        """End when the task that is under way does."""
        self._tasks.put(None)

    def _work(self) -> None:
        while (each := self._tasks.get()) is not None:
            task, future = each
            try:
                future.set_result(task())
            except BaseException as error:
                future.set_exception(error)
            del each, task, future  # and the request with them


def _secrets(template: Template) -> list[str]:
    """What an engine may echo and no message should hold, longest first."""
    parts = urlsplit(template.url)
    user = parts.netloc.rpartition("@")[0]
    values = [value for name, value in template.headers.items() if name not in ("accept", "content-type")]
    values += [word for value in values for word in value.split()]
    values += [user.partition(":")[2], base64.b64encode(user.encode()).decode()]
    for name_and_value in parts.query.split("&"):  # any may be a key; as they are sent, and as they are meant
        value = name_and_value.partition("=")[2]
        if "{query}" not in value and "{k}" not in value:
            values += [value, unquote_plus(value)]
    return sorted({value for value in values if len(value) >= 4}, key=len, reverse=True)
