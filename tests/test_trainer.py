import json
import os
import signal
import subprocess
import sys
import textwrap
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from scriptbridge.errors import TrainingError  # noqa: E402
from scriptbridge.train import trainer  # noqa: E402
from scriptbridge.train.trainer import Settings  # noqa: E402

TOY = Settings("toy", "none", steps=40, learning_rate=0.05, checkpoint_every=7, threads=1, device="cpu")


class Toy:
    """A linear task for a small network with dropout."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.module = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.2), torch.nn.Linear(8, 1))
        self.losses: list[float] = []
        self.training: list[bool] = []

    def step(self, number: int, seed: int) -> Any:
        inputs = torch.randn(16, 4, generator=torch.Generator().manual_seed(seed))
        self.training.append(self.module.training)
        return (self.module(inputs) - inputs.sum(dim=1, keepdim=True)).square().mean()

    def save(self, folder: Path) -> None:
        torch.save(self.module.state_dict(), folder / "weights.pt")
        (folder / "part").mkdir()
        (folder / "part" / "more.txt").write_text("more")

    def train(self, out: Path, settings: Settings = TOY, **more: Any) -> trainer.Metrics:
        return trainer.train(settings, self.step, {"toy": self.module}, out, self.save, **more)


def _weights(out: Path) -> dict[str, Any]:
    weights: dict[str, Any] = torch.load(out / "weights.pt", weights_only=True)
    return weights


def _same(one: Path, other: Path) -> bool:
    first, second = _weights(one), _weights(other)
    return all(torch.equal(first[name], second[name]) for name in first)


def _lines(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "training" / "metrics.jsonl").open()]


@pytest.mark.parametrize(
    ("steps", "first", "last"), [(1, 1, 1), (2, 1, 2), (4, 1.5, 3.5), (5, 1.5, 4.5), (200, 25.5, 175.5)]
)
def test_first_and_last_steps_do_not_overlap(steps: int, first: float, last: float, tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    lines = [json.dumps({"step": n, "seconds": 0.1, "loss": n}) + "\n" for n in range(1, steps + 1)]
    file.write_text("".join(lines))
    metrics = trainer._summary(file, None, None)
    assert (metrics.steps, metrics.first_loss, metrics.last_loss) == (steps, first, last)


def test_a_run_learns_and_leaves_its_files(tmp_path: Path) -> None:
    out = tmp_path / "runs" / "toy"
    seen: list[tuple[int, int, float]] = []
    metrics = Toy().train(
        out, replace(TOY, steps=120), data="abc", about="A toy.", progress=lambda *each: seen.append(each)
    )
    assert metrics.steps == 120 and metrics.last_loss < metrics.first_loss / 2 and metrics.best is None
    there = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    kept = {"config.json", "metrics.jsonl", "result.json"}
    assert there == {"README.md", "weights.pt", "part/more.txt", *(f"training/{name}" for name in kept)}
    lines = _lines(out)
    assert [line["step"] for line in lines] == list(range(1, 121)) == [step for step, _, _ in seen]
    assert {"step", "loss", "lr", "norm", "seconds"} == set(lines[0])
    config = json.loads((out / "training" / "config.json").read_text())
    assert config["data"] == "abc" and config["learning_rate"] == 0.05 and config["versions"]["torch"]
    card = (out / "README.md").read_text()
    assert "A toy." in card and '"data": "abc"' in card and f"{metrics.last_loss:.4f}" in card


def test_the_seed_decides_everything(tmp_path: Path) -> None:
    Toy().train(tmp_path / "a")
    Toy().train(tmp_path / "b")
    Toy().train(tmp_path / "c", replace(TOY, seed=1))
    assert _same(tmp_path / "a", tmp_path / "b") and not _same(tmp_path / "a", tmp_path / "c")


class _StoppedError(Exception):
    pass


@pytest.mark.parametrize("at", [1, 7, 12, 39, 40])
def test_a_run_goes_on_as_if_it_had_not_stopped(tmp_path: Path, at: int) -> None:
    def stop(step: int, steps: int, loss: float) -> None:
        if step == at:
            raise _StoppedError

    Toy().train(tmp_path / "whole")
    with pytest.raises(_StoppedError):
        Toy().train(tmp_path / "parts", progress=stop)
    assert not (tmp_path / "parts" / "weights.pt").exists()
    Toy().train(tmp_path / "parts", replace(TOY, checkpoint_every=5))
    assert _same(tmp_path / "whole", tmp_path / "parts")
    for one, other in zip(_lines(tmp_path / "whole"), _lines(tmp_path / "parts"), strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


def test_a_killed_run_goes_on_bit_for_bit(tmp_path: Path) -> None:
    program = tmp_path / "run.py"
    program.write_text(
        textwrap.dedent("""
        import os, signal, sys
        from pathlib import Path
        from test_trainer import TOY, Toy

        def kill(step, steps, loss):
            if step == int(sys.argv[2]):
                os.kill(os.getpid(), signal.SIGKILL)

        Toy().train(Path(sys.argv[1]), progress=kill)
        """)
    )
    out = tmp_path / "killed"
    paths = os.pathsep.join([str(Path(__file__).parent), *(path for path in sys.path if path)])
    for at, status in ((10, -signal.SIGKILL), (30, -signal.SIGKILL), (0, 0)):
        ended = subprocess.run(
            [sys.executable, str(program), str(out), str(at)], env={**os.environ, "PYTHONPATH": paths}
        )
        assert ended.returncode == status
    Toy().train(tmp_path / "whole")
    assert _same(tmp_path / "whole", out)
    assert [line["step"] for line in _lines(out)] == list(range(1, 41))


def test_a_run_that_has_ended_is_not_run_again(tmp_path: Path) -> None:
    first = Toy().train(tmp_path / "a")
    toy = Toy()
    assert toy.train(tmp_path / "a") == first and not toy.training


def test_another_run_is_refused_and_what_differs_is_told(tmp_path: Path) -> None:
    Toy().train(tmp_path / "a", data="abc", options={"mix": 0.5})
    others: list[dict[str, Any]] = [
        {"data": "abd", "options": {"mix": 0.5}},
        {"data": "abc", "options": {"mix": 0.4}},
        {"data": "abc", "options": {"mix": 0.5}, "settings": replace(TOY, learning_rate=0.06)},
        {"data": "abc", "options": {"mix": 0.5}, "settings": replace(TOY, recipe="other")},
    ]
    for other, named in zip(others, ("data", "options", "learning_rate", "recipe"), strict=True):
        with pytest.raises(TrainingError, match=rf"another run; {named} .* there, .* now"):
            Toy().train(tmp_path / "a", **other)


def test_another_model_is_refused(tmp_path: Path) -> None:
    Toy().train(tmp_path / "a")
    wider = Toy()
    wider.module[0] = torch.nn.Linear(4, 9)
    wider.module[2] = torch.nn.Linear(9, 1)
    with pytest.raises(TrainingError, match="parameters"):
        wider.train(tmp_path / "a")


def test_another_origin_is_refused_and_halves_of_files_go(tmp_path: Path) -> None:
    _stopped(tmp_path / "a", origin={"model": "1"})
    half = tmp_path / "a" / "training" / "checkpoint.pt.12.partial"
    half.write_bytes(b"half")
    with pytest.raises(TrainingError, match=r"another run; origin .*'1'.* there, .*'2'.* now"):
        Toy().train(tmp_path / "a", origin={"model": "2"})
    assert not half.exists()


def test_folders_with_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(TrainingError, match="other files"):
        Toy().train(tmp_path)
    with pytest.raises(TrainingError, match="other files"):
        Toy().train(tmp_path / "notes.txt")


def _stopped(out: Path, at: int = 20, **more: Any) -> None:
    def stop(step: int, steps: int, loss: float) -> None:
        if step == at:
            raise _StoppedError

    with pytest.raises(_StoppedError):
        Toy().train(out, progress=stop, **more)


def test_damaged_checkpoints_are_told(tmp_path: Path) -> None:
    _stopped(tmp_path / "a")
    checkpoint = tmp_path / "a" / "training" / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: cannot be used: .*; delete it to start anew"):
        Toy().train(tmp_path / "a")
    checkpoint.unlink()
    Toy().train(tmp_path / "a")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"[]"),
        ("config.json", b"\xff"),
        ("result.json", b"{}"),
        ("result.json", b"[1]"),
        ("metrics.jsonl", b""),
        ("metrics.jsonl", b"junk\n" * 20),
        ("metrics.jsonl", b"[]\n" * 20),
        ("metrics.jsonl", b'{"step": 1}\n' * 20),
        ("checkpoint.pt", b""),
        ("checkpoint.pt", [1]),
        ("checkpoint.pt", {"step": 14, "seconds": 1.0}),
        ("checkpoint.pt", {"step": 14, "seconds": 1.0, "modules": {"toy": {}}}),
        ("checkpoint.pt", {"step": 14, "seconds": 1.0, "modules": None}),
        ("best.pt", {"step": 14}),
    ],
)
def test_damaged_files_of_a_run_are_told(tmp_path: Path, name: str, content: Any) -> None:
    _stopped(tmp_path / "a")
    path = tmp_path / "a" / "training" / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(TrainingError, match=rf"{path.name}: cannot be used: .*; (start in a new|delete it)"):
        Toy().train(tmp_path / "a")
    assert path.exists()


def test_a_run_that_fails_with_nothing_to_go_on_with_leaves_the_folder_as_new(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    _stopped(tmp_path / "a", 3)
    assert not any((tmp_path / "a").iterdir())
    Toy().train(tmp_path / "a", replace(TOY, learning_rate=0.01))
    _stopped(tmp_path / "b", 8)
    with pytest.raises(TrainingError, match="holds another run"):
        Toy().train(tmp_path / "b", replace(TOY, learning_rate=0.01))


def test_what_torch_says_of_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> None:
        raise RuntimeError("[enforce fail at inline_container.cc:672]")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(
        TrainingError, match=r"checkpoint\.pt: cannot be written \(is the disk full\?\): Runtime"
    ):
        Toy().train(tmp_path / "a")


def test_folders_that_cannot_be_written_are_told_at_the_start(tmp_path: Path) -> None:
    toy = Toy()
    with pytest.raises(TrainingError, match="cannot be a folder for a result: UnicodeEncodeError"):
        toy.train(tmp_path / "n\udcff")
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match=r"cannot be written: .*Not a directory"):
        toy.train(tmp_path / "file" / "out")
    assert not toy.training


def test_half_written_files_are_not_read(tmp_path: Path) -> None:
    Toy().train(tmp_path / "whole")
    _stopped(tmp_path / "a")
    (tmp_path / "a" / "training" / "checkpoint.pt.unfinished").write_bytes(b"half")
    with (tmp_path / "a" / "training" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 21, "lo')
    Toy().train(tmp_path / "a")
    assert _same(tmp_path / "whole", tmp_path / "a")


def test_an_end_that_was_cut_short_is_done_again(tmp_path: Path) -> None:
    class Full(Toy):
        def save(self, folder: Path) -> None:
            super().save(folder)
            raise OSError("no space left")

    with pytest.raises(TrainingError, match="a: cannot be written: no space left"):
        Full().train(tmp_path / "a")
    assert not (tmp_path / "a" / "weights.pt").exists()
    toy = Toy()
    toy.train(tmp_path / "a")
    assert not toy.training and (tmp_path / "a" / "part" / "more.txt").exists()
    Toy().train(tmp_path / "whole")
    assert _same(tmp_path / "whole", tmp_path / "a")


def test_the_best_modules_are_kept(tmp_path: Path) -> None:
    figures = iter([0.1, 0.7, 0.3, 0.7, 0.2])
    toy = Toy()
    states: list[Any] = []

    def evaluate() -> float:
        assert not toy.module.training and not torch.is_grad_enabled()
        states.append({name: value.clone() for name, value in toy.module.state_dict().items()})
        return next(figures)

    metrics = toy.train(tmp_path / "a", replace(TOY, evaluate_every=9), evaluate=evaluate)
    assert metrics.best == 0.7 and metrics.best_step == 18 and all(toy.training)
    assert all(torch.equal(value, states[1][name]) for name, value in _weights(tmp_path / "a").items())
    assert [line["step"] for line in _lines(tmp_path / "a") if "dev" in line] == [9, 18, 27, 36, 40]


def test_the_best_modules_survive_a_stop(tmp_path: Path) -> None:
    def run(out: Path, at: int) -> None:
        toy = Toy()

        def stop(step: int, steps: int, loss: float) -> None:
            if step == at:
                raise _StoppedError

        def evaluate() -> float:
            return -abs(float(next(iter(toy.module.parameters())).sum()) - 0.5)

        toy.train(out, replace(TOY, evaluate_every=4), evaluate=evaluate, progress=stop)

    run(tmp_path / "whole", 0)
    for at in (10, 27, 40):
        with pytest.raises(_StoppedError):
            run(tmp_path / "parts", at)
    run(tmp_path / "parts", 0)
    assert _same(tmp_path / "whole", tmp_path / "parts")


def test_evaluating_does_not_change_what_is_learnt(tmp_path: Path) -> None:
    plain, judged = Toy(), Toy()
    plain.train(tmp_path / "a")
    figures = iter(range(100))
    judged.train(tmp_path / "b", replace(TOY, evaluate_every=3), evaluate=lambda: next(figures))
    assert _same(tmp_path / "a", tmp_path / "b")


def test_the_learning_rate_rises_and_falls() -> None:
    settings = replace(TOY, steps=10, warm_up=0.4, learning_rate=1.0)
    rates = [trainer.learning_rate(settings, step) for step in range(10)]
    assert rates == pytest.approx([1 / 4, 2 / 4, 3 / 4, 1, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])
    for share in (0.0, 1.0):
        assert all(
            0 < trainer.learning_rate(replace(settings, warm_up=share), step) <= 1 for step in range(10)
        )


def test_only_matrices_decay(tmp_path: Path) -> None:
    module = torch.nn.Linear(3, 3)
    torch.nn.init.ones_(module.weight)
    torch.nn.init.ones_(module.bias)
    trainer.train(
        replace(TOY, weight_decay=0.5, steps=5),
        lambda number, seed: 0 * (module.weight.sum() + module.bias.sum()),
        {"module": module},
        tmp_path / "a",
        lambda folder: None,
    )
    assert (module.weight < 0.99).all() and (module.bias == 1).all()


def test_large_gradients_are_clipped(tmp_path: Path) -> None:
    weight = torch.nn.Parameter(torch.zeros(2))
    module = torch.nn.ParameterList([weight])
    norms: list[float] = []

    def step(number: int, seed: int) -> Any:
        if weight.grad is not None:
            norms.append(float(weight.grad.norm()))
        return 1e6 * weight.sum()

    trainer.train(replace(TOY, steps=3), step, {"m": module}, tmp_path / "a", lambda folder: None)
    assert _lines(tmp_path / "a")[0]["norm"] == pytest.approx(1e6 * 2**0.5, rel=1e-5)
    assert not norms  # gradients do not add up from step to step


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path, bad: float) -> None:
    toy = Toy()

    def step(number: int, seed: int) -> Any:
        return toy.step(number, seed) * (bad if number == 9 else 1)

    with pytest.raises(TrainingError, match="step 10: the loss"):
        trainer.train(TOY, step, {"toy": toy.module}, tmp_path / "a", toy.save)
    assert not (tmp_path / "a" / "weights.pt").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"steps": None, "epochs": 0.0},
        {"steps": 3, "epochs": 1.0},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"warm_up": 1.5},
        {"weight_decay": -1.0},
        {"clip": 0.0},
        {"checkpoint_every": 0},
        {"evaluate_every": -1},
        {"threads": 0},
        {"threads": 10**20},
        {"seed": -1},
        {"seed": 10**40},
        {"precision": "float16"},
    ],
)
def test_settings_that_cannot_be_are_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(TrainingError):
        replace(TOY, **wrong)


def test_what_cannot_be_trained_is_told(tmp_path: Path) -> None:
    toy = Toy()
    with pytest.raises(TrainingError, match="without steps"):
        toy.train(tmp_path / "a", replace(TOY, steps=None))
    with pytest.raises(TrainingError, match="device"):
        toy.train(tmp_path / "b", replace(TOY, device="abacus"))
    with pytest.raises(TrainingError, match="no parameters"):
        trainer.train(TOY, toy.step, {"none": torch.nn.Identity()}, tmp_path / "c", toy.save)


def test_epochs_become_steps() -> None:
    settings = replace(TOY, steps=None)
    assert settings.counted(25).steps == 25
    assert replace(settings, epochs=0.5).counted(25).steps == 12
    assert replace(settings, epochs=0.001).counted(25).steps == 1
    assert TOY.counted(25) == TOY


def test_memory_does_not_grow_with_the_steps(tmp_path: Path) -> None:
    sizes: dict[int, int] = {}

    def look(step: int, steps: int, loss: float) -> None:
        if step in (100, 600):
            sizes[step] = tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        trainer.train(
            replace(TOY, steps=600, checkpoint_every=100),
            (toy := Toy()).step,
            {"toy": toy.module},
            tmp_path / "a",
            toy.save,
            progress=look,
        )
    finally:
        tracemalloc.stop()
    assert sizes[600] - sizes[100] < 100_000
