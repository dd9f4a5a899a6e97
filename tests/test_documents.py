"""Documents and queries as they come: from files of every format, from Python, whole or broken."""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptbridge.documents import Query, as_documents, read_documents, read_queries
from scriptbridge.errors import DocumentError, LanguageError
from scriptbridge.types import Document

HINDI = "रेलवे स्टेशन"


def file(tmp_path: Path, content: str | bytes, name: str = "docs.jsonl") -> Path:
    path = tmp_path / name
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(DocumentError) as caught:
        list(read_documents(path, **options))
    return str(caught.value)


def test_every_format_gives_the_same_documents(tmp_path: Path) -> None:
    expected = [
        Document("1", {"text": HINDI}, "hi", {"url": "a, b"}),
        Document("2", {"text": 'q"q'}, None, {"url": ""}),
    ]
    lines = [
        {"id": 1, "text": HINDI, "lang": "hi", "url": "a, b"},
        {"id": "2", "text": 'q"q', "lang": "", "url": ""},
    ]
    jsonl = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    csv = f'id,text,lang,url\r\n1,{HINDI},hi,"a, b"\r\n2,"q""q",,\r\n'
    tsv = f'id\ttext\tlang\turl\n1\t{HINDI}\thi\ta, b\n2\tq"q\t\t\n'
    for name, content in {"d.jsonl": jsonl, "d.ndjson": jsonl, "d.csv": csv, "d.tsv": tsv}.items():
        for suffix in ("", ".gz"):
            for start in ("", "\ufeff"):
                assert list(read_documents(file(tmp_path, start + content, name + suffix))) == expected


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"id": "1", "text": "x"}\n{"id": 2}')))
    documents = read_documents("-")
    assert next(documents) == Document("1", {"text": "x"})
    with pytest.raises(DocumentError, match=r"^<stdin>:2: field 'text': missing"):
        next(documents)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"text": "x"}', "field 'id': missing; the keys here are text"),
        ('{"id": "1", "body": "x"}', "field 'text': missing; the keys here are id, body"),
        ('{"id": "1", "text": null}', "field 'text': missing"),
        ('{"id": null, "text": "x"}', "field 'id': null came; accepted are strings and integers"),
        ('{"id": 1.5, "text": "x"}', "field 'id': float came"),
        ('{"id": true, "text": "x"}', "field 'id': bool came"),
        ('{"id": ["1"], "text": "x"}', "field 'id': list came"),
        ('{"id": " ", "text": "x"}', "field 'id': empty"),
        ('{"id": "a\\u0000b", "text": "x"}', r"field 'id': 'a\x00b' holds control characters"),
        ('{"id": "a\\nb", "text": "x"}', r"field 'id': 'a\nb' holds control characters"),
        ('{"id": "%s", "text": "x"}' % ("a" * 600), "field 'id': 600 characters came; accepted are 512"),
        ('{"id": "1", "text": 7}', "field 'text': int came; accepted are strings"),
        ('{"id": "1", "text": " \\t "}', "field 'text': empty"),
        ('{"id": "1", "text": "a\\ud800"}', "field 'text': not valid Unicode"),
        ('{"id": "\\udfff", "text": "a"}', "field 'id': not valid Unicode"),
        ('{"id": "1", "text": "a", "note": ["\\ud800"]}', "metadata: not valid Unicode"),
        ('{"id": "1", "text": "a", "lang": "xx"}', "field 'lang': unknown language 'xx'; known: "),
        ('{"id": "1", "text": "a", "lang": 3}', "field 'lang': int came"),
        ('{"id": "1", "text": "a", "n": NaN}', "NaN is no JSON number"),
        ('{"id": "1", "text": "a"', "not JSON: Expecting"),
        ('{"id": "1", "text": "a\x01"}', "not JSON: Invalid control character"),
        ("[" * 100_000, "not JSON that can be read"),
        ('["1", "a"]', "JSON list came; each line is an object such as"),
    ],
)
def test_a_broken_line_names_file_line_and_reason(tmp_path: Path, line: str, reason: str) -> None:
    path = file(tmp_path, f'{{"id": "0", "text": "whole"}}\n\n{line}\n{{"id": "9", "text": "whole"}}\n')
    assert refusal(path).startswith(f"{path}:3: ")
    assert reason in refusal(path)
    bad: list[str] = []
    assert [document.id for document in read_documents(path, skip_bad=bad)] == ["0", "9"]
    assert len(bad) == 1
    assert bad[0].startswith(f"{path}:3: ")


@pytest.mark.parametrize("name", ["d.jsonl", "d.csv", "d.tsv"])
def test_invalid_utf8_is_refused_in_its_own_record(tmp_path: Path, name: str) -> None:
    contents = {
        "d.jsonl": b'{"id": "1", "text": "\xff"}\n{"id": "2", "text": "x"}\n',
        "d.csv": b"id,text\n1,\xff\n2,x\n",
        "d.tsv": b"id\ttext\n1\t\xff\n2\tx\n",
    }
    path = file(tmp_path, contents[name], name)
    line = 1 if name == "d.jsonl" else 2
    assert refusal(path).startswith(
        f"{path}:{line}: field 'text': not valid Unicode: bytes that are no UTF-8"
    )
    assert [document.id for document in read_documents(path, skip_bad=[])] == ["2"]


def test_duplicate_ids_name_both_lines(tmp_path: Path) -> None:
    path = file(tmp_path, '{"id": 7, "text": "a"}\n{"id": "8", "text": "b"}\n{"id": "7", "text": "c"}\n')
    assert refusal(path) == f"{path}:3: field 'id': '7' is already the id at {path}:1"
    bad: list[str] = []
    assert [document.fields["text"] for document in read_documents(path, skip_bad=bad)] == ["a", "b"]
    assert len(bad) == 1


def test_text_may_hold_what_is_no_word(tmp_path: Path) -> None:
    text = "NUL \x00, bell \a, right-to-left \u200f\u202e, emoji 🙂, tabs\tand\u2028lines"
    path = file(tmp_path, json.dumps({"id": "1", "text": text}))
    assert [document.fields["text"] for document in read_documents(path)] == [text]


def test_huge_documents(tmp_path: Path) -> None:
    text = "शब्द " * 800_000  # more than 10 MB
    assert len(text.encode()) > 10_000_000
    for name, content in {
        "d.jsonl": json.dumps({"id": "1", "text": text}),
        "d.csv": f'id,text\n1,"{text}"\n',
        "d.tsv": f"id\ttext\n1\t{text}\n",
    }.items():
        assert [document.fields["text"] for document in read_documents(file(tmp_path, content, name))] == [
            text
        ]


def test_several_text_fields(tmp_path: Path) -> None:
    path = file(
        tmp_path, '{"id": "1", "title": "t", "body": "b", "text": "note"}\n{"id": "2", "body": "b"}\n'
    )
    assert list(read_documents(path, fields=("title", "body"))) == [
        Document("1", {"title": "t", "body": "b"}, None, {"text": "note"}),
        Document("2", {"body": "b"}),
    ]
    path = file(tmp_path, '{"id": "1", "title": "", "body": " "}')
    assert "field 'title': empty" in refusal(path, fields=("title", "body"))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("d.csv", "", ":1: a CSV file starts with a header"),
        ("d.csv", "name,text\n1,a\n", ":1: the header has no column 'id'; its columns are name, text"),
        ("d.csv", "id,text,text\n1,a,b\n", ":1: the header has column 'text' twice"),
        ("d.csv", "id,text\n1,a\n\n2\n", ":4: columns: 1 came; the header has 2"),
        ("d.csv", 'id,text\n1,"two\nlines"\n2,a,b\n', ":4: columns: 3 came; the header has 2"),
        ("d.csv", 'id,text\n1,"a"b\n', ":2: not CSV: "),
        (
            "d.csv",
            'id,text\n1,a\n2,"never closed\n3,a\n',
            ":3: not CSV through line 4: unexpected end of data",
        ),
        ("d.csv", "id,body\n1,a\n", ":2: field 'text': missing; the keys here are id, body"),
        ("d.tsv", "id\ttext\n1\ta\tb\n", ":2: columns: 3 came"),
    ],
)
def test_broken_tables(tmp_path: Path, name: str, content: str, reason: str) -> None:
    path = file(tmp_path, content, name)
    assert refusal(path).startswith(f"{path}{reason}")


def test_reading_goes_on_behind_a_broken_row(tmp_path: Path) -> None:
    path = file(tmp_path, 'id,text\n1,a\n2,"b"b\n3,c,d\n4,d\n', "d.csv")
    bad: list[str] = []
    assert [document.id for document in read_documents(path, skip_bad=bad)] == ["1", "4"]
    assert [reason.split(": ")[0] for reason in bad] == [f"{path}:3", f"{path}:4"]


def test_an_unclosed_quote_loses_no_rows_silently(tmp_path: Path) -> None:
    path = file(tmp_path, 'id,text\n1,a\n2,"never closed\n3,a\n', "d.csv")
    with pytest.raises(DocumentError, match=r"d\.csv:3: not CSV through line 4: .* never closed"):
        list(read_documents(path, skip_bad=[]))
    path = file(tmp_path, 'id,text\n1,"closed\nlate "here\n3,a\n', "d.csv")
    bad: list[str] = []
    assert [document.id for document in read_documents(path, skip_bad=bad)] == ["3"]
    assert bad[0].startswith(f"{path}:2: not CSV through line 3: ")


@pytest.mark.parametrize("path", ["a\0b.jsonl", "a\ud800.jsonl", None, 5, b"a.jsonl"])
def test_paths_are_names_of_files(path: Any) -> None:
    with pytest.raises(DocumentError, match=r"path: .* came"):
        list(read_documents(path, format="jsonl"))


@pytest.mark.parametrize("fields", ["text", [], (), None, [1]])
def test_fields_are_names(tmp_path: Path, fields: Any) -> None:
    with pytest.raises(DocumentError, match=r"fields: .* came; accepted are sequences of names"):
        read_documents(file(tmp_path, ""), fields)


def test_metadata_may_be_nested_100_deep() -> None:
    (document,) = as_documents([{"id": "1", "text": "a", "deep": nested(99)}])
    assert document.metadata == {"deep": nested(99)}


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "none.jsonl: cannot be read: No such file" in refusal(tmp_path / "none.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    assert "folder.jsonl: cannot be read: Is a directory" in refusal(tmp_path / "folder.jsonl")
    assert "unknown kind of file; accepted are .jsonl, " in refusal(file(tmp_path, "", "docs.pdf"))
    assert "format 'xml' came; accepted are jsonl, csv, tsv" in refusal(file(tmp_path, ""), format="xml")
    whole = gzip.compress(b'{"id": "1", "text": "x"}\n' * 1000)
    for number, damaged in enumerate([whole[:-20], whole[:30] + b"\x00" * 20 + whole[50:], b"no gzip"]):
        path = tmp_path / f"{number}.jsonl.gz"
        path.write_bytes(damaged)
        with pytest.raises(DocumentError, match=r"gzip"):
            list(read_documents(path, skip_bad=[]))


def test_format_can_be_said(tmp_path: Path) -> None:
    assert [
        document.id for document in read_documents(file(tmp_path, "id,text\n1,a\n", "data"), format="csv")
    ] == ["1"]


def test_items_from_python() -> None:
    document = Document("3", {"text": "c"}, "hi", {"n": 1})
    items: list[Any] = [("1", "a"), [2, "b"], document, {"id": 4, "text": "d", "tags": ["x"]}]
    assert list(as_documents(items)) == [
        Document("1", {"text": "a"}),
        Document("2", {"text": "b"}),
        document,
        Document("4", {"text": "d"}, None, {"tags": ["x"]}),
    ]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("text alone", "str came; accepted are Document, a mapping with 'id' and text, "),
        (("1", "a", "b"), "tuple came"),
        (("1", 5), "field 'text': int came"),
        ((1.0, "a"), "field 'id': float came"),
        (Document("1", {"title": "a"}), "field 'title': not a text field of this index; its fields are text"),
        (Document("1", {}), "field 'text': empty"),
        (Document("1", {"text": "a"}, "xx"), "field 'lang': unknown language 'xx'"),
        (Document("1", {"text": "a"}, None, {"when": object()}), "metadata: cannot be kept as JSON"),
        (Document("1", {"text": "a"}, None, {"n": float("nan")}), "metadata: cannot be kept as JSON"),
        (Document("1", {"text": "a"}, None, {"n": 10**5000}), "metadata: cannot be kept as JSON"),
        ({"id": "1", "text": "a", "deep": nested(100)}, "metadata: nested more than 100 deep"),
        ({"id": "1", "text": "a", "deep": nested(100_000)}, "metadata: nested more than 100 deep"),
        ({"id": "1", "text": "a", 5: 1}, "metadata: key 5 came; accepted are strings"),
        ({"id": "1", "text": "a", "note": [{None: 1}]}, "metadata: key None came"),
        (Document("1", {"text": "a"}, None, None), "metadata: null came"),  # type: ignore[arg-type]
        (Document("1", None), "fields: null came"),  # type: ignore[arg-type]
        ((10**5000, "a"), "field 'id': an integer of 512 digits or more came"),
    ],
)
def test_broken_items_are_numbered(item: object, reason: str) -> None:
    documents = as_documents(iter([("0", "whole"), item]))
    next(documents)
    with pytest.raises(DocumentError) as caught:
        next(documents)
    assert str(caught.value).startswith(f"document 2: {reason}")


@pytest.mark.parametrize(
    "items", ["docs.jsonl", {"id": "1", "text": "x"}, Document("1", {"text": "x"}), 5, None]
)
def test_one_document_is_no_iterable_of_documents(items: Any) -> None:
    with pytest.raises(DocumentError, match="accepted is an iterable of documents"):
        list(as_documents(items))


def test_a_pair_has_one_text() -> None:
    with pytest.raises(DocumentError, match="several text fields: title, body"):
        list(as_documents([("1", "x")], ("title", "body")))


def test_the_iterables_own_errors_pass() -> None:
    def broken() -> Iterator[tuple[str, str]]:
        yield "1", "a"
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        list(as_documents(broken()))


def test_queries(tmp_path: Path) -> None:
    path = file(tmp_path, '{"id": 1, "text": "pos"}\n{"id": "2", "text": "", "note": 3}\n')
    assert list(read_queries(path)) == [Query("1", "pos"), Query("2", "")]
    assert list(read_queries(file(tmp_path, "id\ttext\n1\tpos\n", "q.tsv"))) == [Query("1", "pos")]
    path = file(
        tmp_path,
        '{"id": "a b", "text": "x"}\n{"id": "1"}\n{"id": "2", "text": "x"}\n{"id": "2", "text": "y"}',
    )
    bad: list[str] = []
    assert list(read_queries(path, skip_bad=bad)) == [Query("2", "x")]
    assert [reason.split(": ", 1)[1] for reason in bad] == [
        "field 'id': 'a b' holds white space, which separates the columns of a run",
        "field 'text': missing; the keys here are id",
        f"field 'id': '2' is already the id at {path}:3",
    ]
    with pytest.raises(DocumentError, match="white space"):
        list(read_queries(path))


@given(st.binary(max_size=200), st.sampled_from(["jsonl", "csv", "tsv"]))
def test_no_bytes_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, format: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(data)
    try:
        for document in read_documents(path, format=format, skip_bad=[]):
            json.dumps(document.fields, ensure_ascii=False).encode()
    except (DocumentError, LanguageError) as error:
        assert str(error).startswith(str(path))
