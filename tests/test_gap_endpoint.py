"""Endpoints, against a real server."""

from __future__ import annotations

import gzip
import json
import re
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptbridge.errors import GapError
from scriptbridge.gap import endpoint
from scriptbridge.gap.endpoint import SHAPES, Endpoint, Shape, Template, rankings, shown

pytest.importorskip("httpx")

HITS = [("d2", 2.5), ("d1", 1.0)]

ANSWERS = {
    "elasticsearch": {"hits": {"total": {"value": 2}, "hits": [{"_id": i, "_score": s} for i, s in HITS]}},
    "solr": {"response": {"numFound": 2, "docs": [{"id": i, "score": s} for i, s in HITS]}},
    "typesense": {"found": 2, "hits": [{"document": {"id": i}, "text_match": s} for i, s in HITS]},
    "meilisearch": {"hits": [{"id": i, "_rankingScore": s} for i, s in HITS], "limit": 20},
    "vespa": {"root": {"children": [{"fields": {"id": i}, "relevance": s} for i, s in HITS]}},
    "vespa ids": {"root": {"children": [{"id": f"id:ns:doc::{i}", "relevance": s} for i, s in HITS]}},
    "qdrant query": {"result": {"points": [{"id": i, "score": s} for i, s in HITS]}},
    "qdrant search": {"result": [{"id": i, "score": s} for i, s in HITS]},
    "results": {"results": [{"id": i, "score": s} for i, s in HITS]},
    "list": [{"id": i, "score": s} for i, s in HITS],
}
EMPTY = {
    "elasticsearch": {"hits": {"total": {"value": 0}, "hits": []}},
    "solr": {"response": {"numFound": 0, "docs": []}},
    "typesense": {"found": 0, "hits": []},
    "vespa": {"root": {"id": "toplevel", "fields": {"totalCount": 0}}},
    "qdrant query": {"result": {"points": []}},
    "list": [],
}


class Request:
    """What a handler got, and how it answers."""

    def __init__(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        self.handler = handler
        self.method = handler.command
        self.path = handler.path
        self.headers = handler.headers
        self.body = body

    @property
    def parameters(self) -> dict[str, str]:
        """Of the URL."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}

    def answer(self, content: object, status: int = 200, **headers: str) -> None:
        """Send bytes as they are, everything else as JSON."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.handler.send_response(status)
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.send_header("Content-Length", str(len(data)))
        self.handler.end_headers()
        self.handler.wfile.write(data)


class Server:
    """An HTTP server in a thread; `answer` is what it does with a request, `requests` what it got."""

    def __init__(self) -> None:
        self.answer: Callable[[Request], None] = lambda request: request.answer(ANSWERS["elasticsearch"])
        self.requests: list[Request] = []
        self.connections = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                server.connections += 1
                super().setup()

            def respond(self) -> None:
                request = Request(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))
                server.requests.append(request)
                try:
                    server.answer(request)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_GET = do_POST = do_PUT = respond  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(endpoint, "BACKOFF", (0.0, 0.01))
    running = Server()
    yield running
    running.close()


def template(tmp_path: Path, content: str) -> Template:
    path = tmp_path / "engine.toml"
    path.write_text(content, "utf-8")
    return Template.read(path)


def asked(given: Template | str, query: str = "mousakas", k: int = 10) -> list[tuple[str, float]]:
    """What one query finds."""
    system = Endpoint("engine", given if isinstance(given, Template) else Template(given))
    try:
        return system.search(query, k)
    finally:
        system.close()


# ---- answers


@pytest.mark.parametrize("engine", ANSWERS)
def test_every_known_shape_is_read_from_a_plain_url(server: Server, engine: str) -> None:
    server.answer = lambda request: request.answer(ANSWERS[engine])
    assert asked(f"{server.url}/{engine.replace(' ', '')}?q={{query}}&size={{k}}", k=7) == HITS
    assert server.requests[0].parameters == {"q": "mousakas", "size": "7"}
    assert server.requests[0].method == "GET"
    assert asked(f"{server.url}/?q={{query}}", k=1) == HITS[:1]


@pytest.mark.parametrize("engine", EMPTY)
def test_an_answer_without_hits_finds_nothing(server: Server, engine: str) -> None:
    server.answer = lambda request: request.answer(EMPTY[engine])
    assert asked(f"{server.url}/?q={{query}}") == []


def test_without_scores_the_rank_decides(server: Server, tmp_path: Path) -> None:
    server.answer = lambda request: request.answer({"hits": [{"id": 7}, {"id": "b"}, {"id": "c"}]})
    assert asked(f"{server.url}/?q={{query}}") == [("7", 1.0), ("b", 1 / 2), ("c", 1 / 3)]
    server.answer = lambda request: request.answer({"a": {"b": [[{"n": "x"}, {"n": "y"}]]}})
    given = template(tmp_path, f'url = "{server.url}/{{query}}"\nhits = "a.b.0"\nid = "n"')
    assert asked(given) == [("x", 1.0), ("y", 1 / 2)]


def test_a_null_score_of_a_known_shape_is_none(server: Server) -> None:
    server.answer = lambda request: request.answer({"hits": {"hits": [{"_id": "a", "_score": None}]}})
    assert asked(f"{server.url}/?q={{query}}") == [("a", 1.0)]


def test_ids_may_be_elsewhere_in_a_known_shape(server: Server, tmp_path: Path) -> None:
    points = [{"id": 1, "score": 0.9, "payload": {"docid": "d9"}}]
    server.answer = lambda request: request.answer({"result": {"points": points}})
    given = template(tmp_path, f'url = "{server.url}/{{query}}"\nid = "payload.docid"')
    assert asked(given) == [("d9", 0.9)]


def test_a_document_counts_once_and_equal_scores_keep_their_order() -> None:
    hits = [{"id": id, "score": score} for id, score in [("b", 2), ("a", 2), ("b", 1), ("c", 0)]]
    assert rankings(hits, SHAPES, 10) == [("b", 2.0), ("a", 2.0), ("c", 0.0)]
    assert rankings(hits, SHAPES, 2) == [("b", 2.0), ("a", 2.0)]


def test_gzip(server: Server) -> None:
    packed = gzip.compress(json.dumps(ANSWERS["solr"]).encode())
    server.answer = lambda request: request.answer(packed, Content_Encoding="gzip")
    assert asked(f"{server.url}/?q={{query}}") == HITS
    server.answer = lambda request: request.answer(b"no gzip", Content_Encoding="gzip")
    with pytest.raises(GapError, match="DecodingError"):
        asked(f"{server.url}/?q={{query}}")


# ---- questions

ODD = ['"quoted" \\ and {braces} {query} {k}', "नया\nsāl 🎉", "a&b=c#d?e%20f/g+h", "", "\ud800 half", "\x00"]


@pytest.mark.parametrize("query", ODD)
def test_a_query_comes_through_unchanged(server: Server, tmp_path: Path, query: str) -> None:
    body = """{"size": {k}, "query": {"match": {"text": {query}}}, "not": "{other}"}"""
    url = f"{server.url}/_search?q={{query}}"
    asked(template(tmp_path, f"url = {json.dumps(url)}\nbody = '''{body}'''"), query, 3)
    request = server.requests[0]
    sent = {"size": 3, "query": {"match": {"text": query}}, "not": "{other}"}
    assert json.loads(request.body) == sent
    assert (request.method, request.headers["Content-Type"]) == ("POST", "application/json")
    assert request.parameters.get("q", "") == query.replace("\ud800", "?")


def test_a_form(server: Server, tmp_path: Path) -> None:
    given = template(tmp_path, f'url = "{server.url}/"\nbody = "q={{query}}&rows={{k}}"\nmethod = "put"')
    asked(given, "a&b\nγ", 5)
    assert parse_qs(server.requests[0].body.decode()) == {"q": ["a&b\nγ"], "rows": ["5"]}
    assert server.requests[0].headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert server.requests[0].method == "PUT"


@given(st.text(), st.integers(1, 1000))
def test_a_filled_body_is_json_of_the_query(query: str, k: int) -> None:
    filled = endpoint._filled('{"q": {query}, "n": [{k}, {k}], "{x}": {}}', json.dumps)(query, k)
    assert json.loads(filled) == {"q": query, "n": [k, k], "{x}": {}}


def test_connections_are_kept(server: Server) -> None:
    system = Endpoint("engine", Template(f"{server.url}/?q={{query}}"))
    for query in "abc":
        assert system.search(query, 10) == HITS
    system.close()
    assert (len(server.requests), server.connections) == (3, 1)


def test_headers_from_the_environment(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE_KEY", "s3cret-key\n")
    content = (
        f'url = "{server.url}/{{query}}"\n[headers]\nAuthorization = "ApiKey ${{ENGINE_KEY}}"\nX-Y = "1"'
    )
    asked(template(tmp_path, content))
    assert server.requests[0].headers["Authorization"] == "ApiKey s3cret-key"
    assert server.requests[0].headers["X-Y"] == "1"
    monkeypatch.delenv("ENGINE_KEY")
    with pytest.raises(GapError, match="ENGINE_KEY"):
        template(tmp_path, content)


# ---- what goes wrong


def test_no_secret_is_told(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_KEY", "s3cret-key")
    padding = "x" * 190  # so that the excerpt's end falls within the key
    server.answer = lambda request: request.answer(
        f"{padding} {request.headers['Authorization']} {request.path}".encode(), 403
    )
    url = f"{server.url.replace('://', '://me:passw0rd@')}/?api_key=abcdef&q={{query}}"
    content = f'url = "{url}"\n[headers]\nAuthorization = "${{ENGINE_KEY}}"'
    for width in (0, 190):
        padding = "x" * width
        with pytest.raises(GapError, match="status 403") as caught:
            asked(template(tmp_path, content))
        for secret in ("s3cret", "passw0rd", "abcdef"):
            assert secret not in str(caught.value)
    assert "me:" not in str(caught.value)
    monkeypatch.setenv("ENGINE_KEY", "two\nlines")
    with pytest.raises(GapError, match="Authorization") as caught:
        template(tmp_path, content)
    assert "lines" not in str(caught.value).replace("line break", "")


def test_shown_hides_users_and_parameters() -> None:
    assert shown("https://me:pw@host:9200/a/{query}?key=1#x") == "https://host:9200/a/{query}"
    assert shown("http://host") == "http://host"


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_a_failing_status_is_told_at_once(server: Server, status: int) -> None:
    server.answer = lambda request: request.answer(b"all shards failed " + b"y" * 1000, status)
    with pytest.raises(GapError, match=f"status {status}.*all shards failed") as caught:
        asked(f"{server.url}/docs?q={{query}}")
    assert f"{server.url}/docs" in str(caught.value)
    assert len(str(caught.value)) < 400
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_engine_is_asked_again_twice(server: Server, status: int) -> None:
    def busy(times: int) -> Callable[[Request], None]:
        return lambda request: request.answer(
            ANSWERS["solr"], status if len(server.requests) <= times else 200
        )

    server.answer = busy(2)
    assert asked(f"{server.url}/?q={{query}}") == HITS
    server.requests.clear()
    server.answer = busy(3)
    with pytest.raises(GapError, match=f"status {status}"):
        asked(f"{server.url}/?q={{query}}")
    assert len(server.requests) == 3


def test_a_dropped_connection_is_tried_again(server: Server) -> None:
    def drop_first(request: Request) -> None:
        if len(server.requests) == 1:
            request.handler.close_connection = True
        else:
            request.answer(ANSWERS["solr"])

    server.answer = drop_first
    assert asked(f"{server.url}/?q={{query}}") == HITS
    assert len(server.requests) == 2


def test_the_next_query_is_answered_after_one_that_failed(server: Server) -> None:
    server.answer = lambda request: request.answer(
        ANSWERS["solr"], 500 if request.parameters["q"] == "bad" else 200
    )
    system = Endpoint("engine", Template(f"{server.url}/?q={{query}}"))
    with pytest.raises(GapError):
        system.search("bad", 10)
    assert system.search("good", 10) == HITS
    system.close()


def test_a_silent_engine_times_out(server: Server, tmp_path: Path) -> None:
    server.answer = lambda request: time.sleep(1)
    started = time.monotonic()
    with pytest.raises(GapError, match=r"no answer within 0\.1 s"):
        asked(template(tmp_path, f'url = "{server.url}/{{query}}"\ntimeout = 0.1'))
    assert time.monotonic() - started < 0.9
    assert len(server.requests) == 1


EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"  # of deflate: what it unpacks to is nothing
TRICKLES = {
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b" "),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X-Y: z\r\n"),
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "gzip": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10000\r\n\r\n"
        + gzip.compress(b"")[:10],
        EMPTY_BLOCK,
    ),
}


@pytest.mark.parametrize("which", TRICKLES)
def test_a_trickling_engine_times_out(server: Server, tmp_path: Path, which: str) -> None:
    """The query ends in time, its connection is closed, and the next one is answered."""
    first, then = TRICKLES[which]
    dropped = threading.Event()

    def trickle(request: Request) -> None:
        if request.path == "/good":
            request.answer(ANSWERS["solr"])
            return
        try:
            request.handler.wfile.write(first)
            for _ in range(200):
                request.handler.wfile.write(then)
                time.sleep(0.02)
        except OSError:
            dropped.set()
            raise

    server.answer = trickle
    system = Endpoint("engine", template(tmp_path, f'url = "{server.url}/{{query}}"\ntimeout = 0.2'))
    started = time.monotonic()
    with pytest.raises(GapError, match=r"no answer within 0\.2 s"):
        system.search("bad", 10)
    assert time.monotonic() - started < 1.5
    assert system.search("good", 10) == HITS
    assert dropped.wait(2)
    system.close()


def test_attempts_end_in_time_together(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "BACKOFF", (5.0, 5.0))
    server.answer = lambda request: request.answer(b"", 503)
    started = time.monotonic()
    with pytest.raises(GapError, match=r"no answer within 0\.1 s"):
        asked(template(tmp_path, f'url = "{server.url}/{{query}}"\ntimeout = 0.1'))
    assert time.monotonic() - started < 2


def test_an_engine_that_never_answers_does_not_keep_the_process(server: Server) -> None:
    server.answer = lambda request: time.sleep(20)
    code = (
        "from scriptbridge.gap.endpoint import Endpoint, Template\n"
        f"try: Endpoint('e', Template({server.url + '/?q={query}'!r}, timeout=0.1)).search('a', 1)\n"
        "except Exception as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=15)
    assert "no answer within 0.1 s" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")


def test_a_slow_engine_is_waited_for(server: Server) -> None:
    def slow(request: Request) -> None:
        time.sleep(0.2)
        request.answer(ANSWERS["solr"])

    server.answer = slow
    assert asked(f"{server.url}/?q={{query}}") == HITS


def test_an_endless_answer_is_cut(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "MOST_BYTES", 1000)
    server.answer = lambda request: request.answer(b" " * 100_000)
    with pytest.raises(GapError, match="more than 1,000 bytes"):
        asked(f"{server.url}/?q={{query}}")


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"hits": ', b"\xff\xfe\xff", b"[" * 100_000])
def test_what_is_no_json(server: Server, content: bytes) -> None:
    server.answer = lambda request: request.answer(content)
    with pytest.raises(GapError, match="status 200"):
        asked(f"{server.url}/?q={{query}}")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"error": "x"}, "none of the known shapes"),
        ("text", "none of the known shapes"),
        (None, "none of the known shapes"),
        ({"hits": [{"id": None}]}, "`id` is null"),
        ({"hits": [{"id": True}]}, "`id` is bool"),
        ({"hits": [{"id": "a", "_rankingScore": "high"}]}, "`_rankingScore` is a string"),
        ({"hits": [{"id": "a", "_rankingScore": True}]}, "`_rankingScore` is bool"),
        ({"hits": [{"id": "a", "_rankingScore": float("nan")}]}, "`_rankingScore` is nan"),
        ({"hits": [{"id": "a", "_rankingScore": 10**400}]}, "`_rankingScore` is int"),
        ({"hits": [{"id": "a"}, "b"]}, "`id` leads nowhere"),
        ([{"id": "a", "score": 0.1}, {"id": "b", "score": 0.4}], "rises from 0.1 to 0.4"),
    ],
)
def test_what_has_another_shape(server: Server, content: object, problem: str) -> None:
    server.answer = lambda request: request.answer(content)
    with pytest.raises(GapError, match=problem):
        asked(f"{server.url}/?q={{query}}")


@pytest.mark.parametrize(
    ("paths", "problem"),
    [
        ('hits = "data.hits"', "`data.hits` leads nowhere.*'hits'"),
        ('hits = "hits"', "`hits` is an object, not a list"),
        ('hits = "hits.hits"', "`id` leads nowhere.*'_id', '_score'"),
        ('hits = "hits.hits"\nid = "_id"\nscore = "points"', "`points` leads nowhere"),
        ('score = "points"', "`points` leads nowhere"),
    ],
)
def test_paths_that_lead_nowhere(server: Server, tmp_path: Path, paths: str, problem: str) -> None:
    with pytest.raises(GapError, match=problem):
        asked(template(tmp_path, f'url = "{server.url}/{{query}}"\n{paths}'))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirection_names_where_it_leads(server: Server, status: int) -> None:
    server.answer = lambda request: request.answer(b"", status, Location="https://elsewhere.test/s?key=abc")
    with pytest.raises(GapError, match=rf"status {status}.*redirected to https://elsewhere\.test/s;"):
        asked(f"{server.url}/?q={{query}}")
    assert len(server.requests) == 1


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(endpoint, "BACKOFF", (0.0, 0.0))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(GapError, match=r"127\.0\.0\.1:\d+/: no connection .*is it running\?"):
            asked(f"{url}/?q={{query}}")


# ---- templates


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("url = ", "no TOML"),
        ('body = "{query}"', "`url` is missing"),
        ('url = "localhost:9200/{query}"', "URLs such as"),
        ('url = "http:///{query}"', "URLs such as"),
        ('url = "http://h:99999/{query}"', "URLs such as"),
        ('url = "http://h/"', "where does the query go"),
        ('url = "http://h/{query}"\nuri = "x"', "unknown key 'uri'; accepted are url, method"),
        ('url = "http://h/{query}"\nid = 3', "`id` is int"),
        ('url = "http://h/{query}"\nmethod = "DELETE"', "'DELETE'"),
        ('url = "http://h/{query}"\ntimeout = 0', "timeout 0"),
        ('url = "http://h/{query}"\ntimeout = "1"', "timeout '1'"),
        ('url = "http://h/{query}"\ntimeout = 1e300', r"timeout 1e\+300 came; .* at most 3600"),
        ('url = "http://h/{query}"\ntimeout = nan', "timeout nan"),
        ('url = "http://h/{query}"\nheaders = 1', "`?headers`?"),
        ('url = "http://h/{query}"\n[headers]\n"a b" = "c"', "'a b'"),
        ('url = "http://h/{query}"\n[headers]\na = 1', "'a' is int"),
        ("""url = "http://h/"\nbody = '{"q": "{query}"}'""", "brings its own quotes"),
    ],
)
def test_a_wrong_template_is_told_with_its_file(tmp_path: Path, content: str, problem: str) -> None:
    with pytest.raises(GapError, match=problem) as caught:
        template(tmp_path, content)
    assert str(caught.value).startswith(f"{tmp_path / 'engine.toml'}: ")


def test_a_template_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(GapError, match=r"none\.toml: cannot be read"):
        Template.read(tmp_path / "none.toml")


def test_lines_of_json_are_no_json_and_go_as_they_are(server: Server, tmp_path: Path) -> None:
    body = '{"index": "docs"}\\n{"query": {"match": {"text": {query}}}}\\n'
    server.answer = lambda request: request.answer({"responses": [ANSWERS["elasticsearch"]]})
    given = template(
        tmp_path,
        f'url = "{server.url}/_msearch"\nbody = """{body}"""\nhits = "responses.0.hits.hits"\n'
        'id = "_id"\nscore = "_score"\n[headers]\nContent-Type = "application/x-ndjson"',
    )
    assert asked(given, "सवाल") == HITS
    assert json.loads(server.requests[0].body.splitlines()[1]) == {"query": {"match": {"text": "सवाल"}}}


def test_the_examples_of_the_description_are_right(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ES_API_KEY", "key")
    urls, _, content = (endpoint.__doc__ or "").partition("Everything else says a template::")
    written = template(tmp_path, textwrap.dedent(content.partition("``{query}`` is")[0]))
    assert (written.method, written.timeout) == ("POST", 10)
    assert written.headers == {"authorization": "ApiKey key"}
    assert written.shapes == (Shape("hits.hits", "_id", "_score"),)
    examples = re.findall(r'"http://localhost:\d+(/.*)"', urls)
    assert len(examples) == 4
    for number, example in enumerate(examples):
        assert asked(f"{server.url}{example}", "σε τι & τι", 5) == HITS
        parameters = server.requests[number].parameters
        assert "σε τι & τι" in parameters.values()
        assert "5" in parameters.values()
