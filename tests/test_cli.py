"""The command line as a user runs it."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import util
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from scriptbridge import Channel, Index, __version__, cli, kernels, languages
from scriptbridge.commands import terminal

ROOT = Path(__file__).parent.parent
COMMAND = [sys.executable, "-m", "scriptbridge"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}

MOUSAKAS = {"id": "1", "text": "Πώς φτιάχνεται ο μουσακάς"}
METRO = {"id": "2", "text": "Μετρό της Αθήνας"}


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def index() -> str:
    """An index of two documents."""
    write("docs.jsonl", MOUSAKAS, METRO)
    done("index", "my-index", "docs.jsonl")
    return "my-index"


def write(name: str, *records: dict[str, Any]) -> str:
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    Path(name).write_text("".join(lines), encoding="utf-8")
    return name


def call(*arguments: str, input: str | bytes | None = None) -> Result:
    """One command, in this process; whatever is raised but not meant for the user is raised here."""
    result = CliRunner().invoke(cli.main, arguments, input=input, prog_name="scriptbridge")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def done(*arguments: str, input: str | bytes | None = None) -> str:
    """What a command that succeeds writes to stdout."""
    result = call(*arguments, input=input)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def refused(*arguments: str, code: int = 1, input: str | bytes | None = None) -> str:
    """What a command that fails writes to stderr; it writes nothing to stdout."""
    result = call(*arguments, input=input)
    assert (result.exit_code, result.stdout) == (code, "")
    return result.stderr


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """One command, in a process of its own."""
    environment = ENVIRONMENT | options.pop("env", {})
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, timeout=120, env=environment, **options
    )


# ---- the contract that scripts rely on


def test_index_and_run() -> None:
    write("docs.jsonl", MOUSAKAS, METRO)
    write("queries.jsonl", {"id": "q2", "text": "athinas"}, {"id": "q1", "text": "pos mousakas"})
    indexed = run("index", "index", "docs.jsonl", "--lang", "el")
    assert (indexed.returncode, indexed.stdout) == (0, b"")
    assert b"indexed 2 documents" in indexed.stderr
    with Path("run.trec").open("wb") as output:
        ran = subprocess.run(
            [*COMMAND, "run", "index", "queries.jsonl", "-k", "100"], stdout=output, env=ENVIRONMENT
        )
    assert ran.returncode == 0
    lines = [line.split(" ") for line in Path("run.trec").read_text().splitlines()]
    assert [line[:4] + line[5:] for line in lines] == [
        ["q2", "Q0", "2", "1", "scriptbridge"],
        ["q1", "Q0", "1", "1", "scriptbridge"],
    ]
    assert all(float(line[4]) > 0 for line in lines)


def test_a_run_ranks_at_most_k_documents_by_falling_score(index: str) -> None:
    write("more.jsonl", *({"id": f"m{i}", "text": "μουσακάς " * i} for i in range(1, 6)))
    done("index", index, "more.jsonl")
    lines = done("run", index, write("q.jsonl", {"id": "q", "text": "mousakas"}), "-k", "3").splitlines()
    assert [line.split()[3] for line in lines] == ["1", "2", "3"]
    scores = [float(line.split()[4]) for line in lines]
    assert scores == sorted(scores, reverse=True)


def test_queries_without_an_answer_have_no_lines(index: str) -> None:
    queries = write(
        "q.jsonl", {"id": "1", "text": ""}, {"id": "2", "text": "🍆🍆"}, {"id": "3", "text": "xyzzyx"}
    )
    assert done("run", index, queries) == ""


def test_run_refuses_a_document_id_that_would_break_its_columns(index: str) -> None:
    done("index", index, write("spaced.jsonl", {"id": "a b", "text": "μουσακάς"}))
    assert (
        "'a b' holds white space"
        in call("run", index, write("q.jsonl", {"id": "1", "text": "μουσακάς"})).stderr
    )


# ---- index


def test_indexing_again_adds_and_replaces(index: str) -> None:
    done("index", index, write("more.jsonl", {"id": "2", "text": "Φέτα"}, {"id": "3", "text": "Μετρό"}))
    assert [hit["id"] for hit in search(index, "metro")] == ["3"]
    assert json.loads(done("info", index, "--json"))["documents"] == 3


def search(index: str, *query: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done("search", index, *query, "--json").splitlines()]


def test_documents_come_from_several_files_and_standard_input() -> None:
    Path("a.csv").write_text("id,text\n1,Πώς φτιάχνεται ο μουσακάς\n", encoding="utf-8")
    Path("b.tsv").write_text("id\ttext\tyear\n2\tΜετρό της Αθήνας\t2004\n", encoding="utf-8")
    done("index", "index", "a.csv", "b.tsv", "-", input=json.dumps({"id": "3", "text": "Μετρό"}))
    hits = search("index", "metro")
    assert {hit["id"] for hit in hits} == {"2", "3"}
    assert {"year": "2004"} in [hit["document"]["metadata"] for hit in hits]


def test_fields_have_weights_and_stay_as_they_were_made() -> None:
    write(
        "books.jsonl", {"id": "1", "title": "Μετρό", "body": "x"}, {"id": "2", "title": "y", "body": "Μετρό"}
    )
    done("index", "index", "books.jsonl", "--field", "title=2", "--field", "body")
    assert [hit["id"] for hit in search("index", "metro")] == ["1", "2"]
    assert json.loads(done("info", "index", "--json"))["fields"] == {"title": 2.0, "body": 1.0}
    done("index", "index", "books.jsonl")
    assert "--field title=2 --field body=1" in refused(
        "index", "index", "books.jsonl", "--field", "text", code=2
    )


def test_lang_is_for_documents_that_do_not_say_theirs() -> None:
    write("docs.jsonl", {"id": "1", "text": "यह"}, {"id": "2", "text": "आहे", "lang": "mr"})
    done("index", "index", "docs.jsonl", "--lang", "hi")
    assert json.loads(done("info", "index", "--json"))["languages"] == ["hi", "mr"]


BAD = ['{"id": "3", "text": "Μετρό"}\n', '{"id": "4"}\n', "nonsense\n", '{"id": "3", "text": "δύο"}\n']


def test_a_bad_line_leaves_the_index_as_it_was(index: str) -> None:
    Path("bad.jsonl").write_text("".join(BAD), encoding="utf-8")
    before = done("search", index, "metro")
    message = refused("index", index, "bad.jsonl")
    assert message.startswith("Error: bad.jsonl:2: field 'text'")
    assert "Traceback" not in message
    assert done("search", index, "metro") == before


def test_a_failed_first_call_leaves_nothing_behind() -> None:
    Path("bad.jsonl").write_text("".join(BAD), encoding="utf-8")
    Path("there").mkdir()
    for path in ("new", "deep/er/new", "there"):
        refused("index", path, "bad.jsonl")
    refused("index", "new", "no-such-file.jsonl")
    assert sorted(path.name for path in Path().iterdir()) == ["bad.jsonl", "there"]
    assert list(Path("there").iterdir()) == []


def test_somebody_elses_directory_is_left_alone() -> None:
    Path("thesis").mkdir()
    Path("thesis/chapter").write_text("1")
    assert "neither an index nor empty" in refused("index", "thesis", write("docs.jsonl", METRO))
    assert [path.name for path in Path("thesis").iterdir()] == ["chapter"]


def test_bad_lines_are_skipped_and_listed_where_that_is_asked() -> None:
    Path("bad.jsonl").write_text("".join(BAD), encoding="utf-8")
    result = call("index", "index", "bad.jsonl", "--skip-bad")
    assert result.exit_code == 0
    for message in (
        "bad.jsonl:2:",
        "bad.jsonl:3:",
        "bad.jsonl:4:",
        "skipped 3 bad lines",
        "indexed 1 document ",
    ):
        assert message in result.stderr


# ---- search


def test_search_prints_documents_and_readings(index: str) -> None:
    lines = done("search", index, "mousakas", "-k", "5").splitlines()
    assert lines[0].split()[::2] == ["1", "1"]
    assert lines[1:] == ["     Πώς φτιάχνεται ο [μουσακάς]", "     mousakas → μουσακάς"]


def test_search_as_json(index: str) -> None:
    (hit,) = search(index, "metro", "athinas")
    assert (hit["id"], hit["highlight"]) == ("2", "[Μετρό] της [Αθήνας]")
    assert hit["document"]["fields"] == {"text": METRO["text"]}
    assert [each["token"] for each in hit["highlights"]] == ["metro", "athinas"]


def test_an_index_that_reads_no_language_says_how_to_name_one() -> None:
    docs = write("hinglish.jsonl", {"id": "1", "text": "yeh phone kharab nahi hai"})
    said = "reads no language: name its documents' with `index --lang`\n"
    assert call("index", "posts", docs).stderr.endswith(said)
    assert call("search", "posts", "नहीं").stderr == f"no document found; posts {said}"
    done("index", "posts", docs, "--lang", "hi")
    assert [hit["id"] for hit in search("posts", "नहीं")] == ["1"]


@pytest.mark.parametrize("query", ["xyzzyx", "", " ", "🍆", "\u200f"])
def test_nothing_found_is_no_error(index: str, query: str) -> None:
    result = call("search", index, query)
    said = "no document found\n" if query == "xyzzyx" else "no word in the query\n"
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", said)


def test_what_is_stored_cannot_command_the_terminal() -> None:
    text = "Μετρό \x1b[31m\x07 \x9b1m \u202eanapoda"
    write("evil.jsonl", {"id": "1", "text": text})
    done("index", "index", "evil.jsonl")
    for shown in (done("search", "index", "metro"), done("search", "index", "metro", "--json")):
        assert not set("\x1b\x07\x9b\u202e") & set(shown)
    assert search("index", "metro")[0]["document"]["fields"]["text"] == text


# ---- vectors


def test_an_index_with_an_encoder() -> None:
    write("docs.jsonl", MOUSAKAS, METRO)
    done("index", "my-index", "docs.jsonl", "--encoder", "toy_encoder:encode")
    by_words = done("search", "my-index", "mousakas")
    assert done("search", "my-index", "mousakas", "--mode", "lexical") == by_words
    for mode in ("dense", "hybrid"):
        lines = done("search", "my-index", "mousakas", "--json", "--mode", mode).splitlines()
        assert [json.loads(line)["id"] for line in lines] == ["1", "2"]
    queries = write("queries.jsonl", {"id": "q1", "text": "mousakas"})
    lines = done("run", "my-index", queries, "--mode", "dense", "--raw", "-k", "1").splitlines()
    assert [line.split()[:2] for line in lines] == [["q1", "Q0"]]
    reranked = done("run", "my-index", queries, "--mode", "dense", "--rerank", "toy_encoder:score")
    assert [line.split()[2] for line in reranked.splitlines()] == ["2", "1"]  # the shortest first
    assert json.loads(done("info", "my-index", "--json"))["encoder"] == "toy_encoder:encode"
    Path("my-index/vectors.bin").unlink()
    done("index", "my-index")
    assert Path("my-index/vectors.bin").exists()
    assert "of --mode dense and hybrid" in refused("search", "my-index", "metro", "--raw", code=2)


def test_encoders_that_cannot_be_used() -> None:
    write("docs.jsonl", MOUSAKAS, METRO)
    assert "unknown; accepted are" in refused("index", "my-index", "docs.jsonl", "--encoder", "bge")
    assert "missing" in refused("index", "my-index", "docs.jsonl", "--encoder", "toy_encoder:missing")
    assert not Path("my-index").exists()
    assert "NaN" in refused("index", "my-index", "docs.jsonl", "--encoder", "toy_encoder:nan")
    assert "μουσακάς" in done("search", "my-index", "mousakas")  # its documents are committed
    another = refused("index", "my-index", "docs.jsonl", "--encoder", "toy_encoder:encode")
    assert "the index has toy_encoder:nan" in another
    write("docs.jsonl", MOUSAKAS)
    done("index", "plain", "docs.jsonl")
    assert "this index has no encoder" in refused("search", "plain", "metro", "--mode", "dense")
    assert "Missing argument" in refused("index", "plain", code=2)


# ---- romanize, deromanize, complete


def test_romanize_is_seeded() -> None:
    arguments = ("romanize", "--lang", "el", "-n", "4", "--seed", "3", "Πώς", "φτιάχνεται;")
    versions = done(*arguments).splitlines()
    assert len(versions) == 4
    assert all(version.isascii() and version.endswith(";") for version in versions)
    assert done(*arguments).splitlines() == versions


@pytest.mark.parametrize("lang", ["EL", "Greek", "greek"])
def test_a_language_may_be_called_by_its_name(lang: str) -> None:
    assert done("romanize", "--lang", lang, "και").isascii()


def test_learn_says_what_is_missing_and_no_more() -> None:
    Path("pairs.tsv").write_text("μία\tmia\n", encoding="utf-8")
    told = refused("learn", "pairs.tsv", "-o", "my.channel", code=2)
    assert "give --lang" in told and "--index" not in told
    told = refused("learn", "pairs.tsv", "--lang", "el", "--force", "-o", "my.channel", code=2)
    assert "--force are of --queries" in told and "give --lang" not in told


def test_romanize_reads_lines() -> None:
    assert len(done("romanize", "--lang", "ru", input="привет\n\nмир").splitlines()) == 3
    assert "<stdin>:2: not UTF-8" in call("romanize", "--lang", "ru", input=b"abc\n\xff\n").stderr


def test_deromanize(index: str) -> None:
    assert done("deromanize", index, "pos", "ftiaxnetai") == "πώς φτιάχνεται\n"
    assert done("deromanize", index, input="mousakas!\nmetro\n") == "μουσακάς!\nμετρό\n"
    assert done("deromanize", index, "--diverse", "-n", "2", "pos", "ftiaxnetai").startswith(
        "πώς φτιάχνεται\n"
    )
    (best, *_) = map(json.loads, done("deromanize", index, "-n", "3", "--json", "mousakas").splitlines())
    assert best["text"] == "μουσακάς"
    assert 0.5 < best["probability"] <= 1


def test_complete(index: str) -> None:
    assert done("complete", index, "mousa") == "μουσακάς\t1\n"
    assert json.loads(done("complete", index, "mousa", "--json"))["term"] == "μουσακάς"
    assert done("complete", index, "") == ""
    assert done("complete", index, "athinas", "met").splitlines()[0] == "μετρό\t1"
    assert json.loads(done("complete", index, "athinas met", "--json").splitlines()[0])["beside"] == 1


# ---- learn


def test_learn_writes_a_channel_and_measures_it() -> None:
    words = [(word, latin) for word, (latin, *_) in languages.load("el").examples.items()]
    lines = ["native\tlatin\n", *(f"{native}\t{latin}\t2\n" for native, latin in words), "два слова\tdyo\n"]
    Path("pairs.tsv").write_text("".join(lines), encoding="utf-8")
    shown = dict(
        line.split("\t", 1)
        for line in done("learn", "pairs.tsv", "--lang", "el", "-o", "my.channel").splitlines()
    )
    assert (shown["pairs used"], shown["pairs left out"]) == (str(len(words)), "1")
    assert int(shown["pairs held out"]) == len(words) // 10
    assert all(float(number) < 0 for number in shown["log likelihood"].split())
    assert all(0 <= float(number) <= 1 for number in shown["top-1"].split())
    assert Channel.load("my.channel").sources == ("pairs.tsv",)
    assert done("romanize", "--lang", "my.channel", "καλημέρα").isascii()
    Path("docs.jsonl").write_text('{"id": "1", "text": "Καλημέρα"}\n', encoding="utf-8")
    done("index", "learned", "docs.jsonl")
    assert "[Καλημέρα]" in done("search", "learned", "--channel", "my.channel", "kalimera")
    assert "not a channel file" in refused("search", "learned", "--channel", "docs.jsonl", "kalimera")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            "μία mia\n",
            "pairs.tsv:1: 1 column came; accepted are native, latin and perhaps weight, with a tab",
        ),
        ("μία\tmia\n\nδύο\tdyo\tmany\n", "pairs.tsv:3: weight: 'many' came"),
        ("один\todin\n", "none of 1 lines can be used for Greek"),
        ("", "pairs.tsv: holds no pairs"),
    ],
)
def test_bad_pairs_are_refused(lines: str, message: str) -> None:
    Path("pairs.tsv").write_text(lines, encoding="utf-8")
    assert message in refused("learn", "pairs.tsv", "--lang", "el", "-o", "my.channel")
    assert not Path("my.channel").exists()


@pytest.mark.parametrize(("lang", "start"), [("el", "ru"), ("he", "uk")])  # the latter share an apostrophe
def test_a_start_without_a_shared_letter_is_refused(lang: str, start: str) -> None:
    Path("pairs.tsv").write_text("μία\tmia\nשלום\tshalom\n", encoding="utf-8")
    told = refused("learn", "pairs.tsv", "--lang", lang, "--from", start, "-o", "my.channel")
    assert f"shares no letters with {start}" in told
    assert not Path("my.channel").exists()


@pytest.mark.parametrize("command", ["search", "complete", "deromanize"])
def test_a_channel_that_reads_nothing_of_the_index_is_refused(command: str, index: str) -> None:
    for code in ("ru", "el"):
        Channel.load(code).save(f"{code}.channel")
    told = refused(command, index, "--channel", "ru.channel", "mousakas")
    assert "ru.channel reads ru; my-index has no word of it, but reads el" in told
    assert "μουσακάς" in done(command, index, "--channel", "el.channel", "mousakas")


# ---- languages, info, demo, help


def test_languages() -> None:
    assert [line.split()[0] for line in done("languages").splitlines()] == list(languages.codes())
    rows = map(json.loads, done("languages", "--json").splitlines())
    scripts = {row["code"]: row["scripts"] for row in rows}
    assert scripts["ar"] == ["Arab"]


def test_info(index: str) -> None:
    lines = dict(line.split(None, 1) for line in done("info", index).splitlines())
    assert (lines["documents"], lines["terms"], lines["languages"], lines["fields"]) == (
        "2",
        "7",
        "el",
        "text=1",
    )


def test_demo_finds_the_document_meant_in_most_languages() -> None:
    blocks = done("demo").strip().split("\n\n")[1:]
    assert len(blocks) == len(languages.codes())
    found = [(block.splitlines()[1:] or ["- - -"])[0].split()[2] for block in blocks]
    sample = Path(cli.__file__).parent / "sample"
    meant = [
        json.loads((sample / f"queries.{code}.jsonl").read_text("utf-8").splitlines()[0])["doc"]
        for code in languages.codes()
    ]
    assert sum(a == b for a, b in zip(found, meant, strict=True)) == len(meant)


def test_version_and_help() -> None:
    assert done("--version") == f"scriptbridge {__version__}\n"
    assert done("-h") == done("--help")


@pytest.mark.parametrize("code", ["import scriptbridge", "import scriptbridge.cli"])
def test_importing_is_quick(code: str) -> None:
    slow = "print({'numba', 'numpy', 'tantivy', 'regex'} & set(sys.modules))"
    shown = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; {slow}"], capture_output=True, env=ENVIRONMENT
    )
    assert shown.stdout == b"set()\n"


# ---- what is refused, and how


def test_a_file_for_an_index_and_a_folder_for_a_file(index: str) -> None:
    write("el.jsonl", METRO)
    forgotten = "docs.jsonl is a file; the first argument is the index folder"
    for arguments in (["index", "docs.jsonl", "el.jsonl"], ["index", "docs.jsonl"], ["info", "docs.jsonl"]):
        assert forgotten in refused(*arguments, code=2)
    Path("folder").mkdir()
    for arguments in (["index", index, "folder"], ["run", index, "folder"], ["learn", "folder"]):
        assert "folder is a folder; a file is wanted" in refused(*arguments, code=2)


def test_standard_input_that_is_no_json_is_hinted_at(index: str) -> None:
    for command in ("index", "run"):
        shown = run(command, index, "-", input=b"id\ttext\n1\tx\n")
        assert (shown.returncode, shown.stdout) == (1, b"")
        assert b"<stdin>:1: not JSON" in shown.stderr and b"use --format tsv" in shown.stderr
    assert b"--format" not in run("index", index, "-", input=b'{"id": "1"}').stderr
    done("index", index, "-", "--format", "tsv", input="id\ttext\n9\tΦέτα\n")


def test_empty_input_is_told(index: str) -> None:
    write("empty.jsonl")
    assert "no document in empty.jsonl" in call("index", index, "empty.jsonl").stderr
    assert call("run", index, "empty.jsonl").stderr == "no query in empty.jsonl\n"
    assert call("romanize", "--lang", "el", input="").stderr == "no text on standard input\n"


def test_what_was_not_kept_is_told_where_there_was_something(index: str) -> None:
    bad = Path("bad.jsonl")
    bad.write_text("nonsense\n")
    assert "nothing since" not in refused("index", index, "bad.jsonl")
    assert "nothing since the last commit" in refused("index", index, "docs.jsonl", "bad.jsonl")


def test_compiling_is_told_where_it_happens_and_once(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever times the files have: an installation sets them anew."""
    monkeypatch.setattr("numba.config.CACHE_DIR", str(directory / "cache"))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    file = directory / "loops.py"

    def told(step: int, later: int = 0) -> tuple[bool, bool]:
        """Whether a new process says that it compiles, and whether it does."""
        file.write_text(f"from numba import njit\n@njit(cache=True)\ndef decode(x): return x + {step}\n")
        os.utime(file, (time.time() + later,) * 2)
        spec = util.spec_from_file_location("loops", file)
        assert spec is not None and spec.loader is not None
        loops = util.module_from_spec(spec)
        spec.loader.exec_module(loops)
        monkeypatch.setattr(kernels, "decode", loops.decode)
        terminal.say_if_compiling()
        assert loops.decode(1) == 1 + step
        return "compiling once" in capsys.readouterr().err, bool(loops.decode.stats.cache_misses)

    assert told(1) == (True, True)
    assert told(1) == (False, False)
    said, compiled = told(1, later=60)
    assert said == compiled
    assert told(2) == (True, True)
    monkeypatch.setattr(kernels, "decode", len)  # no compiler
    terminal.say_if_compiling()
    assert capsys.readouterr().err == ""


def test_compiling_is_told_to_nobody_but_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "_compiled", lambda _: False)
    for is_terminal in (True, False):
        monkeypatch.setattr(sys.stderr, "isatty", lambda now=is_terminal: now)
        terminal.say_if_compiling()
        assert ("compiling" in capsys.readouterr().err) == is_terminal


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["search"],
        ["search", "my-index"],
        ["search", "my-index", "mousakas", "-k", "0"],
        ["search", "my-index", "mousakas", "-k", "many"],
        ["search", "my-index", "mousakas", "-k", "100001"],
        ["run", "my-index", "q.jsonl", "-k", "100001"],
        ["complete", "my-index", "mousakas", "-n", "10001"],
        ["deromanize", "my-index", "mousakas", "-n", "10001"],
        ["romanize", "--lang", "el", "-n", "10001", "καλημέρα"],
        ["learn", "pairs.tsv", "--lang", "el", "-o", "."],
        ["run", "my-index", "q.jsonl", "--fast"],
        ["index", "my-index", "docs.jsonl", "--lang", "tlh"],
        ["index", "my-index", "docs.jsonl", "--field", "title=heavy"],
        ["index", "my-index", "docs.jsonl", "--format", "xml"],
        ["romanize", "καλημέρα"],
        ["romanize", "--lang", "tlh", "καλημέρα"],
        ["romanize", "--lang", "el", "-n", "0", "καλημέρα"],
        ["search", "my-index", "\udcff"],
        ["learn", "pairs.tsv", "--lang", "el"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: Sequence[str]) -> None:
    message = refused(*arguments, code=2)
    assert message.startswith("Usage: scriptbridge")
    assert not Path("my-index").exists()


@pytest.mark.parametrize("command", ["search", "run", "deromanize", "complete", "info"])
def test_a_directory_that_is_no_index(command: str) -> None:
    arguments = [] if command == "info" else [write("q.jsonl", {"id": "1", "text": "metro"})]
    message = refused(command, "no-index", *arguments)
    assert message.startswith("Error: no-index: no scriptbridge index here")


def test_a_second_writer_is_refused(index: str) -> None:
    with Index.open(index) as writer:
        writer.add([("9", "Φέτα")])
        assert "another writer" in refused("index", index, "docs.jsonl")


def test_no_folder_for_compiled_loops_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("cannot cache function '_hash': no locator available for file 'kernels.py'")

    monkeypatch.setattr("scriptbridge.channel.romanize", fail)
    assert "NUMBA_CACHE_DIR" in refused("romanize", "--lang", "el", "μία")


def test_files_that_cannot_be_written_are_told() -> None:
    Path("pairs.tsv").write_text("μία\tmia\n", encoding="utf-8")
    assert (
        "No such file or directory"
        in call("learn", "pairs.tsv", "--lang", "el", "-o", "no/my.channel").stderr
    )
    assert "cannot read the channel" in refused("romanize", "--lang", "none.channel", "μία")


# ---- the terminal and the pipe


def test_utf_8_whatever_the_locale_says() -> None:
    shown = run("languages", env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert "Ελληνικά" in shown.stdout.decode()
    said = run("romanize", "--lang", "el", env={"PYTHONIOENCODING": "ascii"}, input="μία".encode())
    assert said.stdout == b"mia\n"


def test_a_closed_pipe_is_quiet() -> None:
    for command in ("languages", "yes μία | {0} romanize --lang el"):
        line = (command if "{0}" in command else f"{{0}} {command}").format(" ".join(COMMAND))
        shown = subprocess.run(
            ["bash", "-c", f"{line} | head -n 1"], capture_output=True, env=ENVIRONMENT, timeout=60
        )
        assert shown.stderr == b""
        assert len(shown.stdout.splitlines()) == 1


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    "command",
    [
        "languages",
        "--help",
        "info {index}",
        "search {index} mousakas",
        "complete {index} mou",
        "romanize --lang el μία",
        "romanize --lang el",
        "info nowhere",
    ],
)
def test_closed_streams_are_no_harm(index: str, command: str, closed: str) -> None:
    line = f"{' '.join(COMMAND)} {command.format(index=index)} {closed}"
    shown = subprocess.run(
        ["bash", "-c", line], capture_output=True, stdin=subprocess.DEVNULL, env=ENVIRONMENT, timeout=60
    )
    assert shown.returncode == (1 if "nowhere" in command else 0)
    assert b"Traceback" not in shown.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told() -> None:
    with Path("/dev/full").open("wb") as full:
        shown = subprocess.run([*COMMAND, "languages"], stdout=full, stderr=subprocess.PIPE, env=ENVIRONMENT)
    assert shown.returncode == 1
    assert shown.stderr.decode() == "Error: [Errno 28] No space left on device\n"


def test_interrupting_is_quiet_and_exits_with_130() -> None:
    process = subprocess.Popen(
        [*COMMAND, "index", "index", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )
    while not Path("index/scriptbridge.json").exists():
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (130, b"", b"")
    assert not Path("index").exists()


def test_progress_is_shown_on_a_terminal_only(index: str) -> None:
    assert "\r" not in call("index", index, "docs.jsonl").stderr
    ours, theirs = pty.openpty()
    ran = subprocess.run(
        [*COMMAND, "index", index, "docs.jsonl"], stdout=subprocess.PIPE, stderr=theirs, env=ENVIRONMENT
    )
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    assert (ran.returncode, ran.stdout) == (0, b"")
    assert "\r1 documents" in shown
