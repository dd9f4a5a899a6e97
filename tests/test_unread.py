"""Languages that an index holds and Latin queries cannot read here: every opening says so."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from scriptbridge import Bridge, Index, cli, extras, segmentation, sounds
from scriptbridge.channel import romanize
from scriptbridge.errors import MissingExtraError

DOCUMENTS = [
    {"id": "1", "text": "北京大学", "lang": "zh"},
    {"id": "2", "text": "กรุงเทพ", "lang": "th"},
    {"id": "3", "text": "Πώς φτιάχνεται ο μουσακάς", "lang": "el"},
]
SAID = "zh needs scriptbridge[zh]"


def forget() -> None:
    """What was loaded and read before."""
    for module in (sounds, segmentation, *map(sounds._module, sounds.modules())):
        for cached in vars(module).values():
            if hasattr(cached, "cache_clear") and cached is not sounds._module:
                cached.cache_clear()


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installation without extras."""

    def load(module: str, extra: str) -> None:
        raise MissingExtraError(f"{module} is needed: pip install 'scriptbridge[{extra}]'", extra)

    forget()
    monkeypatch.setattr(extras, "load", load)
    yield
    forget()


def made(path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Index.create(path) as index:
            index.add(DOCUMENTS)
            index.commit()
    return path


@pytest.mark.usefixtures("bare")
def test_every_opening_warns_and_names_the_command(tmp_path: Path) -> None:
    path = made(tmp_path / "index")
    for _ in range(2):
        with pytest.warns(
            RuntimeWarning, match=r"zh needs .*: .*pip install 'scriptbridge\[th,zh\]'"
        ) as said:
            Index.open(path).close()
        assert len(said) == 1 and Path(said[0].filename) == Path(__file__)


@pytest.mark.usefixtures("bare")
def test_a_commit_warns_of_new_languages_once(tmp_path: Path) -> None:
    with Index.create(tmp_path / "index") as index:
        index.add(DOCUMENTS)
        with pytest.warns(RuntimeWarning, match="zh needs"):
            index.commit()
        index.add(DOCUMENTS)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            index.commit()
        assert list(index.unread) == ["th", "zh"]


@pytest.mark.usefixtures("bare")
def test_a_bridge_of_other_engines_words_warns() -> None:
    with pytest.warns(RuntimeWarning, match="zh needs"):
        Bridge.from_terms({"北京": 3}, languages=["zh", "el"])


def test_words_that_were_cut_without_icu_need_a_new_index(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("icu")
    with monkeypatch.context() as patched:
        patched.setattr(segmentation, "default", lambda: segmentation.NGRAMS)
        path = made(tmp_path / "index")
        with pytest.warns(RuntimeWarning, match=r"th needs scriptbridge\[th\] and a new index"):
            Index.open(path).close()
    with pytest.warns(RuntimeWarning, match="th needs a new index: index all documents into a new folder"):
        Index.open(path).close()


def test_where_what_cut_the_words_is_missing_no_language_is_read(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    pytest.importorskip("icu")
    path = made(tmp_path / "index")
    request.getfixturevalue("bare")
    with pytest.warns(RuntimeWarning, match=r"el needs .*: .*pip install 'scriptbridge\[th,zh\]'$"):
        Index.open(path).close()
    shown = CliRunner().invoke(cli.main, ["info", str(path)])
    assert shown.exit_code == 0 and "documents  3\n" in shown.stdout
    assert "languages  el: needs scriptbridge[th,zh]; th: needs" in shown.stdout
    assert shown.stderr.count("pip install 'scriptbridge[th,zh]'") == 1
    asked = CliRunner().invoke(cli.main, ["search", str(path), "mousakas"])
    assert asked.exit_code == 1 and "pip install 'scriptbridge[th,zh]'" in asked.stderr


@pytest.mark.filterwarnings("error")
def test_what_is_read_is_not_warned_of(tmp_path: Path) -> None:
    with Index.create(tmp_path / "index", languages=["el", "ko"]) as index:
        assert index.unread == {}


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("code", "word", "extra"),
    [
        ("th", "กาแฟ", "th"),
        ("km", "កាហ្វេ", "th"),
        ("my", "ကော်ဖီ", "th"),
        ("ja", "珈琲", "ja"),
        ("zh", "咖啡", "zh"),
    ],
)
def test_what_takes_words_names_what_cuts_or_says_them(
    code: str, word: str, extra: str, tmp_path: Path
) -> None:
    (tmp_path / "pairs.tsv").write_text(f"{word}\tkafe\n", encoding="utf-8")
    out = str(tmp_path / "out.channel")
    for command in (
        ["romanize", "--lang", code, word],
        ["learn", str(tmp_path / "pairs.tsv"), "--lang", code, "--out", out],
    ):
        shown = CliRunner().invoke(cli.main, command)
        assert shown.exit_code == 1 and shown.stdout == ""
        assert f"pip install 'scriptbridge[{extra}]'" in shown.stderr
    assert romanize("ήλιος", "el") and romanize("かな", "ja") and romanize("가나", "ko")


@pytest.mark.usefixtures("bare")
def test_the_command_line_says_it_in_a_line(tmp_path: Path) -> None:
    path = made(tmp_path / "index")

    def ran(*arguments: str) -> tuple[str, str]:
        result = CliRunner().invoke(cli.main, [*arguments])
        assert result.exit_code == 0
        return result.stdout, result.stderr

    for command in ("search", "complete", "deromanize"):
        (line,) = ran(command, str(path), "beijing")[1].splitlines()[:1]
        assert SAID in line and "Warning" not in line and ".py" not in line
    for command in ("search", "complete", "deromanize"):
        for query in ("mousakas", "μουσακάς", "北京"):
            assert "needs" not in ran(command, str(path), query)[1]
    out, err = ran("info", str(path))
    assert "languages  el; th: needs scriptbridge[th] and a new index; zh: needs scriptbridge[zh]\n" in out
    assert err.count(SAID) == 1
    assert json.loads(ran("info", str(path), "--json")[0])["unread"]["zh"] == "scriptbridge[zh]"
    (tmp_path / "docs.jsonl").write_text("".join(json.dumps(each) + "\n" for each in DOCUMENTS))
    assert "reads el; th: needs" in ran("index", str(tmp_path / "new"), str(tmp_path / "docs.jsonl"))[1]


@pytest.mark.usefixtures("bare")
def test_the_demo_leaves_them_out_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Index, "search", lambda index, query, k: [])
    result = CliRunner().invoke(cli.main, ["demo"])
    assert "(Greek)" in result.stdout and "(Chinese)" not in result.stdout and "(Thai)" not in result.stdout
    last = result.stdout.splitlines()[-1]
    assert last.startswith("not searched: ") and "Japanese, " in last
    assert last.endswith(f", which need {extras.pip()} install 'scriptbridge[ja,th,zh]'")
    assert "scriptbridge[" not in result.stderr


def test_the_command_to_install_is_of_the_python_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ".venv" / "bin"
    folder.mkdir(parents=True)
    (folder / "pip").touch(mode=0o755)
    monkeypatch.setattr("sys.executable", str(folder / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert extras.pip() == ".venv/bin/python -m pip"
    monkeypatch.setenv("PATH", str(folder))
    assert extras.pip() == "pip"
