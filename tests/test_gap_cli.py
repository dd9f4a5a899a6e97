"""The command `scriptbridge gap`."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scriptbridge.cli import main
from scriptbridge.gap import load_report


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def gap(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["gap", *map(str, arguments)], catch_exceptions=False)


def test_table_page_and_json(tmp_path: Path) -> None:
    page, figures = tmp_path / "gap.html", tmp_path / "gap.json"
    shown = gap(
        "sample:el", "--system", "scriptbridge", "--system", "bm25", "--report", page, "--report", figures
    )
    assert shown.exit_code == 0
    assert "scriptbridge" in shown.stdout and "bm25" in shown.stdout
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    report = load_report(figures)
    assert [cell.system for cell in report.cells] == ["scriptbridge", "bm25"]
    assert report.circumstances["seed"] == 0
    assert "wrote" in shown.stderr


def test_fail_under() -> None:
    enough = gap("sample:el", "--system", "scriptbridge", "--system", "bm25", "--fail-under", "0.95")
    assert enough.exit_code == 0  # the first system counts, not the second
    lost = gap("sample:el", "--system", "bm25", "--fail-under", "0.95")
    assert lost.exit_code == 1
    assert "is under 0.95" in lost.stderr
    assert "bm25" in lost.stdout


def test_fail_under_needs_native_queries(tmp_path: Path) -> None:
    (tmp_path / "docs.jsonl").write_text('{"id": "1", "text": "μουσακάς"}\n')
    (tmp_path / "queries.latin.jsonl").write_text('{"id": "q", "text": "mousakas"}\n')
    (tmp_path / "qrels.tsv").write_text("q\t1\t1\n")
    assert gap(tmp_path).exit_code == 0
    refused = gap(tmp_path, "--fail-under", "0.5")
    assert refused.exit_code == 1
    assert "no native queries" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere"),
        (["sample:xx"], "there are:"),
        (["sample:el", "--system", "nothing"], "accepted are"),
        (["sample:el", "--system", "no_such_module:search"], "no_such_module"),
        (["sample:el", "--system", "http://localhost:1/search"], "{query}"),
        (["sample:el", "--latin", "nobody"], "accepted is"),
        (["sample:el", "--latin", "uroman+typos=2"], "RATE"),
        (["sample:el", "--set", "rare"], "no query set"),
        (["sample:el", "--system", "bm25", "--system", "bm25"], "two systems"),
        (["sample:el", "sample:el"], "two collections"),
    ],
)
def test_what_cannot_be_measured_is_said(arguments: list[str], said: str) -> None:
    refused = gap(*arguments)
    assert refused.exit_code == 1
    assert "\ufffd" not in refused.stderr  # lines stay lines
    assert said in refused.stderr
    assert "Traceback" not in refused.output


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["sample:el", "--report", "gap.pdf"],
        ["sample:el", "--report", "nowhere/gap.html"],
        ["sample:el", "--queries", "0"],
        ["sample:el", "--fail-under", "nan"],
        ["sample:el", "--fail-under", "0"],
        ["sample:el", "--fail-under", "1.01"],
        ["sample:el", "--fail-under", "all"],
    ],
)
def test_wrong_usage(arguments: list[str]) -> None:
    assert gap(*arguments).exit_code == 2


def test_a_report_that_is_a_folder_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "gap.html").mkdir()
    refused = gap("sample:el", "--report", tmp_path / "gap.html")
    assert refused.exit_code == 2
    assert "is a folder" in refused.stderr


def test_a_report_that_cannot_be_written_loses_nothing(tmp_path: Path) -> None:
    """The other reports are written, the table is shown, and the same command need not ask again."""
    (tmp_path / "gap.html").symlink_to(tmp_path / "nowhere" / "gap.html")
    reports = (f"--report={tmp_path / 'gap.html'}", f"--report={tmp_path / 'gap.json'}")
    command = ("sample:el", "--system", "bm25", f"--work={tmp_path / 'work'}", *reports)
    failed = gap(*command)
    assert failed.exit_code == 1
    assert "gap.html: cannot be written: No such file" in failed.stderr
    assert "bm25" in failed.stdout
    assert load_report(tmp_path / "gap.json").cells
    (tmp_path / "nowhere").mkdir()
    again = gap(*command)
    assert again.exit_code == 0
    assert "answers kept" in again.stderr
    assert (tmp_path / "nowhere" / "gap.html").exists()
    assert not list((tmp_path / "work").iterdir())


def test_what_users_functions_print_or_exit_with_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import sys\nprint('imported')\n"
        "def search(text, k):\n    print('searched')\n    return [('el-01', 1.0)]\n"
        "def author(text):\n    sys.exit(0)\n"
    )
    command = [sys.executable, "-m", "scriptbridge", "gap", "sample:el", "--system", "mine:search"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert shown.returncode == 0
    assert "mine:search" in shown.stdout
    assert "imported" not in shown.stdout and "searched" not in shown.stdout
    exits = subprocess.run(
        [*command, "--latin", "mine:author"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert exits.returncode == 1
    assert "mine:author" in exits.stderr and "SystemExit: 0" in exits.stderr


def test_live_progress_fits_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def search(text, k):\n    return [('el-01', 1.0)]\n")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 40))
    done = subprocess.run(
        [sys.executable, "-m", "scriptbridge", "gap", "sample:el", "--system", f"{'long' * 20}=mine:search"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=theirs,
        timeout=60,
    )
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert done.returncode == 0
    lines = shown.replace("\x1b[K", "").split("\r")
    live = [line for line in lines if " of " in line and "long" in line]
    assert live
    assert all(len(line) < 40 for line in live)


def test_same_command_same_figures(tmp_path: Path) -> None:
    reports = []
    for name in ("a.json", "b.json"):
        made = gap(
            "sample:hi",
            "--latin",
            "channel:2+typos=.3",
            "--system",
            "scriptbridge",
            "--report",
            tmp_path / name,
        )
        assert made.exit_code == 0
        report = load_report(tmp_path / name)
        reports.append((report.queries, report.lost, [(cell.figures, cell.scores) for cell in report.cells]))
    assert reports[0] == reports[1]


SLOW = """
import os, signal
asked = 0
def search(text, k):
    global asked
    asked += 1
    if asked > 12 and not os.path.exists("again"):
        open("again", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return [("el-01", 1.0)]
"""


def test_killed_and_run_again(tmp_path: Path) -> None:
    """The second run completes what the first began, and leaves nothing behind."""
    (tmp_path / "slow.py").write_text(SLOW)
    command = [
        sys.executable,
        "-m",
        "scriptbridge",
        "gap",
        "sample:el",
        "--system",
        "slow:search",
        "--work",
        "work",
    ]
    killed = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60)
    assert killed.returncode == -9
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60)
    assert again.returncode == 0, again.stderr.decode()
    assert "10 answers kept from an interrupted measurement" in again.stderr.decode()
    assert not list((tmp_path / "work").iterdir())


def test_the_core_installs_without_the_meters_packages(tmp_path: Path) -> None:
    """`import scriptbridge`, its commands' help and an index need none of the optional packages."""
    code = (
        "import sys\n"
        "for name in ('ir_measures', 'icu', 'rapidfuzz', 'uroman', 'httpx', 'torch'):\n"
        "    sys.modules[name] = None\n"
        "import scriptbridge as sb\n"
        "from scriptbridge.cli import main\n"
        "sb.Index.create(sys.argv[1]).close()\n"
        "import scriptbridge.gap\n"
        "main(['gap', 'sample:el'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "index")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "pip install 'scriptbridge[gap]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_json_has_the_documented_keys(tmp_path: Path) -> None:
    gap("sample:el", "--system", "bm25", "--report", tmp_path / "gap.json")
    report = json.loads((tmp_path / "gap.json").read_text(encoding="utf-8"))
    page = (Path(__file__).parent.parent / "docs" / "gap.md").read_text(encoding="utf-8")
    table = page[page.index("| key |") : page.index("reads it back")]
    for key in report:
        assert f"`{key}`" in table or key == "schema", key


def test_no_secret_is_printed_or_written(tmp_path: Path) -> None:
    url = "http://bob:hunter2@localhost:1/search?api_key=SECRET&q={query}"
    fails = gap("sample:el", "--system", f"mine={url}")
    assert fails.exit_code == 1
    assert "localhost:1" in fails.stderr
    assert "hunter2" not in fails.output and "SECRET" not in fails.output


def test_the_command_in_a_report_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    from scriptbridge.commands.gap import _without_secrets

    url = "https://bob:hunter2@host/search?api_key=SECRET&q={query}"
    spec = f"mine={url}"
    assert _without_secrets(["gap", "--system", spec, f"--system={url}", "--seed", "1"], [spec, url]) == [
        "gap",
        "--system",
        "mine=https://host/search",
        "--system=https://host/search",
        "--seed",
        "1",
    ]


@pytest.mark.parametrize(
    "spec",
    [
        "HTTP://user:SEKRIT@localhost:1/ok?q={query}&key=SEKRIT",
        "htps://user:SEKRIT@h/ok?q={query}&key=SEKRIT",
        " http://user:SEKRIT@h/ok?q={query}&key=SEKRIT",
        "my engine=http://user:SEKRIT@h/ok?q={query}",
        "http://user:SEKRIT/SEKRIT@localhost:1/x",
        "run:http://u:SEKRIT@h/x,y",
    ],
)
def test_no_secret_of_a_wrong_system_is_printed(spec: str) -> None:
    for refused in (gap("sample:el", "--system", spec), gap(spec)):
        assert refused.exit_code == 1
        assert "SEKRIT" not in refused.output


def test_fail_under_does_not_pass_where_queries_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half.py").write_text(
        "def search(text, k):\n"
        "    if len(text) % 2 and not text.isascii():\n"
        "        raise ValueError('no')\n"
        "    return [(f'el-{n:02}', 1.0 / n) for n in range(1, 11)]\n"
    )
    monkeypatch.chdir(tmp_path)
    refused = gap("sample:el", "--system", "half:search", "--no-causes", "--fail-under", "0.1")
    assert refused.exit_code == 1
    assert "nothing can be said" in refused.stderr
