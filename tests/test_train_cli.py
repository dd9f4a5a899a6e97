"""`scriptbridge train`, on tiny models."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from scriptbridge.cli import main
from scriptbridge.commands.train import options, train

RECIPES = {
    "translit": "Translit",
    "align": "Align",
    "ngrams": "Ngrams",
    "adapter": "Adapter",
    "vocab": "Vocab",
}
ALIGNED = ("--latin-per-batch", "6", "--native-per-batch", "2")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny model's folder."""
    pytest.importorskip("sentence_transformers", reason="needs scriptbridge[train]")
    import tiny_models

    return str(tiny_models.dense(tmp_path_factory.mktemp("model")))


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory, and a cache of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["train", *arguments], prog_name="scriptbridge")


def done(recipe: str, model: str, *arguments: str, data: str = "sample:el", steps: str = "3") -> list[str]:
    """The lines that a run prints."""
    common = ["--model", model, "--data", data, "--out", "out", "--steps", steps, "--threads", "1"]
    result = call(recipe, *common, "--device", "cpu", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_a_file_whose_name_is_no_utf_8_is_learnt_from(directory: Path, model: str) -> None:
    try:
        (directory / "q\udcff.txt").write_text("Το μετρό\nΟ μουσακάς\n", encoding="utf-8")
    except OSError:
        pytest.skip("the system takes no such name")
    lines = done("align", model, "--lang", "el", *ALIGNED, data="q\udcff.txt", steps="1")
    assert lines[-1].startswith("measure it")
    # It stands in the command that comes next.
    printed = call(
        "subwords", "--model", model, "--data", "q\udcff.txt", "--out", "sub", "--least", "1"
    ).stdout
    assert "q\N{REPLACEMENT CHARACTER}.txt" in printed


def told(name: str = "config") -> Any:
    return json.loads(Path("out", "training", f"{name}.json").read_text(encoding="utf-8"))


def run_again(line: str) -> None:
    """The command that the last line says, over a system in quotes and all, does run."""
    said, _, command = line.partition(": scriptbridge ")
    assert said == "measure it"
    result = CliRunner().invoke(main, [*shlex.split(command), "--no-causes", "--latin", "given"])
    assert result.exit_code == 0, result.output


# ---- recipes


def test_translit_is_measured_as_its_last_line_says(model: str) -> None:
    lines = done(
        "translit", model, "--dev", "0.4", "--evaluate-every", "2", "--batch-size", "4", "--mix", "0.25"
    )
    assert {line.split("\t")[0] for line in lines[:-1]} >= {
        "steps",
        "seconds",
        "last loss",
        "best",
        "best step",
    }
    assert lines[-1] == "measure it: scriptbridge gap sample:el --system st:out"
    config = told()
    assert (config["batch_size"], config["options"]["mix"], config["evaluate_every"]) == (4, 0.25, 2)
    pytest.importorskip("ir_measures")
    run_again(lines[-1])


def test_the_papers_settings_are_a_preset_that_options_override(model: str) -> None:
    done("translit", model, "--preset", "paper", "--seed", "4")
    assert (told()["learning_rate"], told()["steps"], told()["seed"]) == (1e-5, 3, 4)
    again = call("translit", "--model", model, "--data", "sample:el", "--out", "out", "--preset", "paper")
    assert again.exit_code == 1 and "holds another run" in again.stderr


def test_an_ended_run_is_not_run_again(model: str) -> None:
    first = done("translit", model)
    assert done("translit", model) == first


def test_native_queries_alone_need_no_author(model: str) -> None:
    done("translit", model, "--mix", "0", "--latin", "no author at all", "--mine", "0")
    assert told()["options"]["mix"] == 0


@pytest.mark.parametrize(
    ("kind", "said"), [("sparse", "--system sparse:st:out"), ("cross", "INDEX?rerank=st:out")]
)
def test_other_kinds_say_how_they_are_used(kind: str, said: str, directory: Path) -> None:
    pytest.importorskip("sentence_transformers", reason="needs scriptbridge[train]")
    import tiny_models

    made = tiny_models.sparse(directory) if kind == "sparse" else tiny_models.cross(directory)
    assert said in done("translit", str(made), "--kind", kind, "--latin", "given", "--batch-size", "4")[-1]


def test_align_learns_from_a_file_of_queries(model: str, directory: Path) -> None:
    Path("queries.txt").write_text(
        "μουσακάς με μελιτζάνες\nμετρό της Αθήνας\n\nφακές σούπα\n", encoding="utf-8"
    )
    Path("dev.txt").write_text("σούπα\nφακές\n", encoding="utf-8")
    lines = done(
        "align",
        model,
        "--lang",
        "el",
        "--dev",
        "dev.txt",
        "--evaluate-every",
        "1",
        *ALIGNED,
        data="queries.txt",
    )
    assert lines[-2] == f"documents are the teacher's: scriptbridge index INDEX DOCS --encoder st:{model}"
    assert lines[-1].endswith("gap COLLECTION --system 'INDEX?mode=dense&deromanize=no&queries=st:out'")
    assert (told()["learning_rate"], told()["options"]["teacher"]) == (3e-4, model)
    assert told("result")["best"] > -1 and list((directory / "cache" / "scriptbridge" / "teachers").iterdir())


def test_align_searches_the_teachers_documents(model: str, directory: Path) -> None:
    pytest.importorskip("ir_measures")
    line = done("align", model, *ALIGNED)[-1]
    sample = Path(import_module("scriptbridge").__file__ or "").parent / "sample" / "el.jsonl"
    made = CliRunner().invoke(main, ["index", "INDEX", str(sample), "--encoder", f"st:{model}"])
    assert made.exit_code == 0, made.output
    run_again(line)


def test_a_router_encodes_documents_as_the_teacher_does(model: str) -> None:
    import numpy as np

    from scriptbridge import encoders

    assert done("align", model, "--router", *ALIGNED, "--learning-rate", "0.01")[-1].endswith("st:out")
    both, teacher = encoders.dense("st:out?device=cpu"), encoders.dense(f"st:{model}?device=cpu")
    texts = ["μουσακάς", "φακές σούπα"]
    np.testing.assert_allclose(both.encode_documents(texts), teacher.encode_documents(texts), atol=1e-6)
    assert np.abs(both.encode_queries(texts) - teacher.encode_queries(texts)).max() > 1e-3
    assert "encodes documents as that model does" in Path("out", "README.md").read_text(encoding="utf-8")
    refused = call("translit", "--model", "out", "--data", "sample:el", "--out", "more")
    assert "one for documents" in refused.stderr


def test_a_router_keeps_the_teachers_prompt(model: str) -> None:
    import numpy as np

    from scriptbridge import encoders

    teacher = f"st:{model}?document_prompt=έγγραφο: "
    done("align", model, "--router", "--teacher", teacher, *ALIGNED)
    both, taught = encoders.dense("st:out"), encoders.dense(teacher)
    np.testing.assert_allclose(
        both.encode_documents(["σούπα"]), taught.encode_documents(["σούπα"]), atol=1e-6
    )
    refused = call(
        "align", "--model", model, "--teacher", "a:b", "--router", "--data", "sample:el", "--out", "more"
    )
    assert refused.exit_code == 1


def test_ngrams_and_adapter_name_the_file_that_encodes(model: str) -> None:
    from scriptbridge import encoders

    line = done("ngrams", f"st:{model}", "--buckets", "1024", "--width", "8", *ALIGNED)[-1]
    assert line.endswith("queries=ngrams:out/encoder.ngrams'")
    assert encoders.dense("ngrams:out/encoder.ngrams").encode_queries(["mousakas"]).shape == (1, 32)
    assert 'library_name: "scriptbridge"' in Path("out", "README.md").read_text(encoding="utf-8")
    Path("out").rename("ngrams")
    line = done("adapter", model, "--rank", "4", "--dev", "0.4")[-1]
    assert line == "measure it: scriptbridge gap sample:el --system adapter:out/encoder.adapter"
    pytest.importorskip("ir_measures")
    run_again(line)


def test_vocab_says_what_it_did_and_what_it_cannot(model: str, directory: Path) -> None:
    from test_vocab import tiny

    russian = tiny(directory, "WordPiece")
    done = call("vocab", "--model", russian, "--languages", "ru", "--out", "new", "--least", "1")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == "measure it: scriptbridge gap COLLECTION --system st:new"
    assert {line.split("\t")[0] for line in done.stdout.splitlines()} >= {"native", "added", "reached"}
    result = call("vocab", "--model", model, "--languages", "el", "--out", "out", "--merge", "average")
    assert result.exit_code == 1 and "least: 100" in result.stderr and not Path("out").exists()


# ---- what is refused


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--evaluate-every", "2"], "needs --dev"),
        (["--dev", "1.5"], "accepted are shares"),
        (["--dev", "main"], "by --set"),
        (["--steps", "2", "--epochs", "1"], "one of them counts"),
        (["--mix", "2"], "mix 2.0 came; accepted: 0 to 1"),
        (["--latin", "nobody"], "nobody"),
        (["--precision", "int4"], "int4"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(model: str, arguments: list[str], said: str) -> None:
    result = call("translit", "--model", model, "--data", "sample:el", "--out", "out", *arguments)
    assert result.exit_code in (1, 2) and said in result.stderr
    assert "Traceback" not in result.output and not Path("out").exists()


def test_models_are_named_plainly(model: str) -> None:
    for name in ("openai:small@https://host/v1", f"st:{model}?max_length=3"):
        result = call("translit", "--model", name, "--data", "sample:el", "--out", "out")
        assert result.exit_code == 2 and "a model's name or folder" in result.stderr
    assert options._model(f"st:{model}") == model


def test_a_file_of_queries_has_no_sets(model: str) -> None:
    Path("queries.txt").write_text("σούπα\n", encoding="utf-8")
    common = ["--model", model, "--data", "queries.txt", "--lang", "el", "--out", "out"]
    assert "--dev is another file" in call("align", *common, "--dev", "0.1").stderr
    assert "no query has a positive document" in call("translit", *common).stderr


def test_a_missing_extra_is_named_with_its_command() -> None:
    code = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "from scriptbridge.cli import main\n"
        "main(['train', 'align', '--model', 'm', '--data', 'sample:el', '--out', 'out'])\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert shown.returncode == 1
    assert shown.stderr == "Error: torch is needed: pip install 'scriptbridge[train]'\n"


# ---- help


@pytest.mark.parametrize("recipe", RECIPES)
def test_defaults_that_help_shows_are_the_recipes(recipe: str) -> None:
    pytest.importorskip("sentence_transformers", reason="needs scriptbridge[train]")
    from scriptbridge.train.trainer import Settings

    options = getattr(import_module(f"scriptbridge.train.{recipe}"), RECIPES[recipe])
    defaults = {each.name: each.default for each in (*fields(Settings), *fields(options))}
    seen = set()
    for parameter in train.commands[recipe].params:
        assert isinstance(parameter, click.Option) and parameter.name
        shown = (parameter.help or "").partition("  [default: ")[2].rstrip("]")
        if shown and defaults[parameter.name] is not None:
            assert shown == str(defaults[parameter.name]), parameter.name
            seen.add(parameter.name)
    assert len(seen) > 2
