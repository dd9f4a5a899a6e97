"""The README and the pages beside it say what is so: their examples run, their generated parts are fresh."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import click
import pytest

import scriptbridge as sb
from scriptbridge.cli import main

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
ATTRIBUTION = ROOT / "scriptbridge" / "weights" / "ATTRIBUTION.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Block by block: TOML is the file that its first line names, or tg.toml; Python shares one namespace;
    consoles show what is shown.
    """
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for kind, code in BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind == "toml":
            named = re.match(r"# (\w+\.toml)\n", code)
            Path(named[1] if named else "tg.toml").write_text(code, encoding="utf-8")
        elif kind == "python":
            exec(compile(code, str(page), "exec"), names)
        elif kind == "console":
            check_console(code)


def check_console(block: str) -> None:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        wanted = ".*".join(map(re.escape, expected.split("…")))
        shown = shell(command)
        assert re.fullmatch(wanted, shown, re.DOTALL), f"$ {command}\n{shown}"


def shell(command: str) -> str:
    """What a command shows in a terminal; `scriptbridge` is the one under test."""
    python = f'scriptbridge() {{ "{sys.executable}" -m scriptbridge "$@"; }}'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", f"{python}\n{command}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout.decode()
    return done.stdout.decode()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()] == []


def test_the_command_line_reference_is_fresh() -> None:
    generated: str = runpy.run_path(str(ROOT / "docs" / "cli_reference.py"))["reference"]()
    written = (ROOT / "docs" / "cli-reference.md").read_text(encoding="utf-8")
    assert written.split() == generated.split(), "run `make docs`"


def commands(group: click.Group, before: str = "") -> dict[str, click.Command]:
    """Every command by what is typed for it."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        found[before + name] = command
        if isinstance(command, click.Group):
            found |= commands(command, f"{before}{name} ")
    return found


@pytest.mark.parametrize("name", sorted(commands(main)))
def test_every_command_shows_an_example(name: str) -> None:
    assert re.search(rf"\n *Example:\n *scriptbridge {name}\b", commands(main)[name].help or "")


def test_public_names_are_documented() -> None:
    undocumented = [name for name in sb.__all__ if not (getattr(sb, name).__doc__ or "").strip()]
    assert undocumented == []


def test_the_architecture_names_every_file() -> None:
    """Those of the package itself, and its folders."""
    there = [path for path in (ROOT / "scriptbridge").iterdir() if not path.name.startswith(("_", "."))]
    modules = [path.name for path in there if path.suffix == ".py"]
    folders = [f"{path.name}/" for path in there if path.is_dir()]
    page = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert [name for name in [*modules, *folders] if f"`{name}" not in page] == []


def test_every_source_of_the_weights_is_credited() -> None:
    credited = re.findall(r"^\| `([\w-]+)` \| ([a-z ]+) \|", ATTRIBUTION.read_text("utf-8"), re.MULTILINE)
    used = {
        (source.split(".")[1], code)
        for code in sb.languages.codes()
        for source in sb.Channel.load(code).sources
    }
    assert used == {(name, code) for name, codes in credited for code in codes.split()}


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", ROOT / "NOTICE", ATTRIBUTION], ids=lambda page: page.name
)
def test_every_page_tells_the_same_licence_of_the_weights(page: Path) -> None:
    """What was estimated from a source under CC BY-SA is under it, too; the rest under the program's."""
    table = re.findall(
        r"^\| `([\w-]+)` \|[^|]*\|[^|]*\|([^|]*)\|", ATTRIBUTION.read_text("utf-8"), re.MULTILINE
    )
    alike = {name for name, licence in table if "CC BY-SA" in licence}
    shared = [
        code
        for code in sb.languages.codes()
        if any(source.split(".")[1] in alike for source in sb.Channel.load(code).sources)
    ]
    told = page.read_text("utf-8")
    (codes,) = re.findall(r"\b(?:of|files of) ((?:[a-z]{2},\s)+[a-z]{2} and [a-z]{2})\b", told)
    assert re.split(r",\s| and ", codes) == sorted(shared)
    assert "CC BY-SA 4.0" in told and re.search(
        r"the others?( channels)? are under\s+Apache-2.0", told, re.IGNORECASE
    )
