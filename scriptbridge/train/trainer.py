"""The training loop that every recipe shares: AdamW, warm-up and linear decay, clipping, checkpoints.

What a step does depends on the seed and the step's number alone: random generators are seeded anew before
each. A run that was killed therefore goes on from its last checkpoint exactly as if nothing had happened,
and a checkpoint needs no generator's state. Memory does not grow with the number of steps.

Beside what the recipe saves, the folder of a run holds::

    README.md                 the model card
    training/config.json      settings, options, the data's fingerprint, versions
    training/metrics.jsonl    a line for each step: step, loss, lr, norm (of the gradient), seconds, dev
    training/checkpoint.pt    modules, optimizer, step; gone once the run has ended
    training/best.pt          the modules at the step that did best on dev; gone once the run has ended
    training/result.json      the Metrics; written last, so that a run that has it has ended
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
import shutil
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import torch

from scriptbridge import atomic
from scriptbridge.errors import TrainingError
from scriptbridge.functions import raised

from . import card
from .optimizer import Optimizer

__all__ = [
    "Metrics",
    "Progress",
    "Settings",
    "check",
    "check_new",
    "device_of",
    "draws",
    "learning_rate",
    "train",
    "writing",
]

Progress = Callable[[int, int, float], None]
"""Called after each step with its number, from 1, the number of steps, and its loss."""

FOLDER = "training"
MOST_THREADS = 1_024  # that torch is given
AVERAGED = 50  # steps at most, half of the run's, whose mean loss a run's first and last loss are
_FREE = ("checkpoint_every", "device", "threads")  # settings that a run may go on with changed
_PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model is trained. One of `steps` and `epochs` counts; without both, one epoch.

    `learning_rate` is the highest, reached after the share `warm_up` (0-1) of the steps; then it falls to 0.
    `clip` bounds the norm of the gradient. Matrices decay by `weight_decay`, vectors do not. `threads` are
    torch's (None: as they are); `device` is torch's name, or "auto": cuda where there is one; `precision` is
    float32, or bfloat16 for matrix products (weights stay float32). `evaluate_every` steps, and after the
    last, the model is judged on dev; 0: never.
    """

    recipe: str
    model: str
    seed: int = 0
    steps: int | None = None
    epochs: float | None = None
    batch_size: int = 32
    learning_rate: float = 2e-5
    warm_up: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    checkpoint_every: int = 100
    evaluate_every: int = 0
    threads: int | None = None
    device: str = "auto"
    precision: str = "float32"

    def __post_init__(self) -> None:
        """TrainingError for what cannot be trained with."""
        check(
            self,
            ("steps", self.steps is None or self.steps > 0, "1 and more"),
            ("epochs", self.epochs is None or 0 < self.epochs < math.inf, "more than 0"),
            ("seed", 0 <= self.seed < 2**63, "0 to 2 ** 63 - 1"),
            ("batch_size", self.batch_size > 0, "1 and more"),
            ("learning_rate", 0 < self.learning_rate < math.inf, "more than 0"),
            ("warm_up", 0 <= self.warm_up <= 1, "0 to 1"),
            ("weight_decay", 0 <= self.weight_decay < math.inf, "0 and more"),
            ("clip", self.clip > 0, "more than 0"),
            ("checkpoint_every", self.checkpoint_every > 0, "1 and more"),
            ("evaluate_every", self.evaluate_every >= 0, "0 and more"),
            ("threads", self.threads is None or 0 < self.threads <= MOST_THREADS, f"1 to {MOST_THREADS:,}"),
            ("precision", self.precision in _PRECISIONS, " and ".join(_PRECISIONS)),
        )
        if self.steps is not None and self.epochs is not None:
            raise TrainingError(f"steps {self.steps} and epochs {self.epochs} came; one of them counts")

    def counted(self, batches: int) -> Settings:
        """These settings with `steps`, where an epoch has that many batches."""
        if self.steps is not None:
            return self
        epochs = 1 if self.epochs is None else self.epochs
        return replace(self, steps=max(1, round(epochs * batches)), epochs=None)


@dataclass(frozen=True, slots=True)
class Metrics:
    """What came of a run. Losses are means of the first and the last 50 steps, at most half of all each;
    `best` is the highest figure on dev and `best_step` the step of the model that was kept, both None where
    nothing was evaluated.
    """

    steps: int
    seconds: float
    first_loss: float
    last_loss: float
    best: float | None = None
    best_step: int | None = None


def train(
    settings: Settings,
    step: Callable[[int, int], torch.Tensor],
    modules: Mapping[str, torch.nn.Module],
    out: Path,
    save: Callable[[Path], None],
    *,
    data: str = "",
    origin: Mapping[str, str] | None = None,
    options: Mapping[str, object] | None = None,
    about: str = "",
    evaluate: Callable[[], float] | None = None,
    progress: Progress | None = None,
) -> Metrics:
    """Train `modules` by `step` and have `save` write the result into a folder that it is given.

    `step` takes the step's number, from 0, and a seed for what it draws, and returns the loss, a scalar.
    `data` is the fingerprint of the data, `origin` has one of each thing that training begins with, a model's
    weights or a teacher, and `options` are what a recipe is told beside the settings, plain values: with the
    settings, they are what a run is known by. `about` opens the model card (Markdown).
    `evaluate` returns a figure, the higher the better; the modules are in `eval` mode then. Where it is used,
    the best modules are those that are saved.

    A run that has ended returns its metrics again; one that was killed goes on; one that fails before its
    first checkpoint leaves nothing. TrainingError where `out` holds another run or other files, a checkpoint
    cannot be read, or the loss is no number.
    """
    if (steps := settings.steps) is None:
        raise TrainingError("settings without steps came; Settings.counted gives them")
    if evaluate is None:
        settings = replace(settings, evaluate_every=0)
    device = device_of(settings)
    for module in modules.values():
        module.to(device).train()
    optimizer = Optimizer(modules.values(), settings.weight_decay)
    run = _Run(out, settings, modules, data, origin or {}, options or {})
    with run.open(), _threads(settings.threads):
        if (ended := run.result()) is not None:
            return ended
        done, seconds = run.resume(optimizer)
        started = time.perf_counter() - seconds
        with (run.folder / "metrics.jsonl").open("a", encoding="utf-8", buffering=1) as log:
            for number in range(done, steps):
                line = _update(settings, number, step, optimizer, device)
                line["seconds"] = round(time.perf_counter() - started, 3)
                last = number + 1 == steps
                if evaluate and settings.evaluate_every and (last or _due(number, settings.evaluate_every)):
                    line["dev"] = run.judge(number + 1, evaluate)
                print(json.dumps(line), file=log)
                if last or _due(number, settings.checkpoint_every):
                    os.fsync(log.fileno())
                    run.keep(number + 1, line["seconds"], optimizer)
                if progress:
                    progress(number + 1, steps, line["loss"])
        return run.end(save, about)


def learning_rate(settings: Settings, step: int) -> float:
    """The learning rate of a step, from 0: a line up to `settings.learning_rate`, then one down to 0."""
    assert settings.steps is not None
    warm = round(settings.warm_up * settings.steps)
    if step < warm:
        return settings.learning_rate * (step + 1) / warm
    return settings.learning_rate * (settings.steps - step) / (settings.steps - warm)


def check_new(out: Path) -> None:
    """TrainingError unless `out` is a new or an empty folder, of a name that all libraries can write."""
    try:
        str(out).encode()
        other = out.exists() and (not out.is_dir() or any(out.iterdir()))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{str(out)!r}: cannot be a folder for a result: {raised(error)}") from error
    if other:
        raise TrainingError(f"{out}: holds other files; a new or an empty folder is needed")


def check(options: object, *conditions: tuple[str, bool, str]) -> None:
    """TrainingError for the first of these that does not hold: a field, whether it does, what would."""
    for name, holds, accepted in conditions:
        if not holds:
            raise TrainingError(f"{name} {getattr(options, name)!r} came; accepted: {accepted}")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Where `path` is written, a TrainingError for whatever is raised: torch and safetensors have their own
    errors for a full disk.
    """
    try:
        yield
    except TrainingError:
        raise
    except OSError as error:
        raise TrainingError(f"{path}: cannot be written: {error}") from error
    except Exception as error:
        raise TrainingError(f"{path}: cannot be written (is the disk full?): {raised(error)}") from error


def draws(seed: int, *purpose: object) -> int:
    """A seed of 63 bits for a purpose of a run; other purposes have other ones."""
    return random.Random(" ".join(map(str, (seed, *purpose)))).getrandbits(63)


def device_of(settings: Settings) -> torch.device:
    """The device that these settings name."""
    if settings.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(settings.device)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise TrainingError(f"device {settings.device!r}: {error}") from error
    return device


# ---- a step


def _differs(there: object, now: object) -> bool:
    """Whether a run says otherwise. One of an earlier version says less: options that it lacks were off."""
    if isinstance(there, dict) and isinstance(now, dict):
        later = [value for name, value in now.items() if name not in there]
        return any(later) or any(now.get(name) != value for name, value in there.items())
    return there != now


def _due(number: int, every: int) -> bool:
    return (number + 1) % every == 0


def _update(
    settings: Settings,
    number: int,
    step: Callable[[int, int], torch.Tensor],
    optimizer: Optimizer,
    device: torch.device,
) -> dict[str, Any]:
    """One step of the optimizer; what there is to say of it."""
    torch.manual_seed(draws(settings.seed, "torch", number))  # dropout
    generator = torch.Generator().manual_seed(draws(settings.seed, "step", number))
    half = settings.precision == "bfloat16"
    with torch.autocast(device.type, torch.bfloat16) if half else nullcontext():
        loss = step(number, int(torch.randint(2**62, (), generator=generator)))
    value = float(loss.detach())
    if not math.isfinite(value):
        raise TrainingError(
            f"step {number + 1}: the loss is {value}; a lower learning_rate may help, in a new folder"
        )
    loss.backward()
    norm = optimizer.clip(settings.clip)
    if not math.isfinite(norm):
        raise TrainingError(
            f"step {number + 1}: the gradient's norm is {norm}; "
            "a lower learning_rate may help, in a new folder"
        )
    rate = learning_rate(settings, number)
    optimizer.step(rate)
    return {"step": number + 1, "loss": value, "lr": rate, "norm": norm}


@contextmanager
def _threads(number: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


# ---- what a run keeps on disk


class _Run:
    """The folder of a run. Every file is written whole, then renamed."""

    def __init__(
        self,
        out: Path,
        settings: Settings,
        modules: Mapping[str, torch.nn.Module],
        data: str,
        origin: Mapping[str, str],
        options: Mapping[str, object],
    ) -> None:
        self.out = Path(out)
        self.folder = self.out / FOLDER
        self._modules = modules
        self._best: float | None = None  # figure on dev
        shapes = {
            f"{name}.{key}": list(value.shape)
            for name, module in modules.items()
            for key, value in module.named_parameters()
        }
        self._identity: dict[str, Any] = {
            **{name: value for name, value in asdict(settings).items() if name not in _FREE},
            "options": json.loads(json.dumps(options, ensure_ascii=False, default=str)),
            "data": data,
            "origin": dict(origin),
            "parameters": hashlib.sha256(json.dumps(shapes).encode()).hexdigest(),
        }
        self._free = {name: getattr(settings, name) for name in _FREE}

    @contextmanager
    def open(self) -> Iterator[None]:
        """The folder, made or with this run in it; as new again where it fails with nothing to go on with."""
        self._make()
        try:
            yield
        except BaseException:
            if not any((self.folder / name).exists() for name in ("checkpoint.pt", "best.pt", "result.json")):
                for name in ("metrics.jsonl", "config.json"):
                    (self.folder / name).unlink(missing_ok=True)
                with suppress(OSError):
                    self.folder.rmdir()
            raise

    def _make(self) -> None:
        """Make the folder, or check that what is in it is this run."""
        config = self.folder / "config.json"
        if not config.exists():
            check_new(self.out)
            with writing(self.out):
                self.folder.mkdir(parents=True, exist_ok=True)
            _write_json(config, {"schema": 1, **self._identity, **self._free, "versions": card.versions()})
            return
        for half in self.folder.glob("*.partial"):  # of a run that was killed while it wrote
            half.unlink(missing_ok=True)
        there = _read_json(config)
        differ = [
            f"{name} {there[name]!r} there, {value!r} now"
            for name, value in self._identity.items()
            if name in there and _differs(there[name], value)
        ]
        if differ:
            raise TrainingError(f"{self.out}: holds another run; {'; '.join(differ)}")

    def result(self) -> Metrics | None:
        """The metrics of a run that has ended."""
        path = self.folder / "result.json"
        if not path.exists():
            return None
        with _used(path):
            return Metrics(**_read_json(path))

    def resume(self, optimizer: Optimizer) -> tuple[int, float]:
        """Modules, optimizer and metrics as they were at the last checkpoint; its steps and seconds."""
        path = self.folder / "checkpoint.pt"
        steps, seconds = 0, 0.0
        if path.exists():
            with _used(path, "delete it to start anew"):
                checkpoint = _read_tensors(path)
                self._restore(checkpoint["modules"])
                optimizer.load_state_dict(checkpoint["optimizer"])
                steps, seconds = int(checkpoint["step"]), float(checkpoint["seconds"])
        best = self.folder / "best.pt"
        if best.exists():
            with _used(best):
                self._best = float(_read_tensors(best)["figure"])
        _truncate(self.folder / "metrics.jsonl", steps)
        return steps, seconds

    def keep(self, steps: int, seconds: float, optimizer: Optimizer) -> None:
        """Write the checkpoint."""
        state = {"step": steps, "seconds": seconds, "optimizer": optimizer.state_dict()}
        _write_tensors(self.folder / "checkpoint.pt", state | {"modules": self._state()})

    def judge(self, steps: int, evaluate: Callable[[], float]) -> float:
        """The figure on dev; the best modules yet are kept."""
        for module in self._modules.values():
            module.eval()
        with torch.no_grad():
            figure = float(evaluate())
        for module in self._modules.values():
            module.train()
        if self._best is None or figure > self._best:
            best = {"figure": figure, "step": steps, "modules": self._state()}
            _write_tensors(self.folder / "best.pt", best)
            self._best = figure
        return figure

    def end(self, save: Callable[[Path], None], about: str) -> Metrics:
        """Save the best modules, or the last ones; the checkpoint goes."""
        best = self.folder / "best.pt"
        kept: dict[str, Any] = {}
        if best.exists():
            with _used(best):
                kept = _read_tensors(best)
                self._restore(kept["modules"])
        for module in self._modules.values():
            module.eval()
        metrics = _summary(self.folder / "metrics.jsonl", kept.get("figure"), kept.get("step"))
        unfinished = self.folder / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        text = card.written(about, _read_json(self.folder / "config.json"), asdict(metrics))
        with writing(self.out):
            unfinished.mkdir()
            save(unfinished)
            (unfinished / "README.md").write_text(text, encoding="utf-8")
        for path in sorted(unfinished.iterdir()):
            target = self.out / path.name
            if target.is_dir():  # of an end that was itself cut short
                shutil.rmtree(target)
            path.replace(target)
        unfinished.rmdir()
        _write_json(self.folder / "result.json", asdict(metrics))
        for name in ("checkpoint.pt", "best.pt"):
            (self.folder / name).unlink(missing_ok=True)
        return metrics

    def _state(self) -> dict[str, Any]:
        return {name: module.state_dict() for name, module in self._modules.items()}

    def _restore(self, states: Mapping[str, Any]) -> None:
        for name, module in self._modules.items():
            module.load_state_dict(states[name])


def _summary(path: Path, best: float | None, best_step: int | None) -> Metrics:
    """What the lines of metrics come to."""
    with _used(path), path.open(encoding="utf-8") as lines:
        read = map(json.loads, lines)
        first = list(islice(read, AVERAGED))
        last = list(deque(chain(first, read), maxlen=AVERAGED))
        steps, seconds = last[-1]["step"], last[-1]["seconds"]
        averaged = max(1, min(AVERAGED, steps // 2))
        losses = _mean_loss(first[:averaged]), _mean_loss(last[-averaged:])
        return Metrics(steps, seconds, *losses, best, best_step)


def _mean_loss(lines: Collection[Mapping[str, float]]) -> float:
    return sum(line["loss"] for line in lines) / len(lines)


def _truncate(path: Path, steps: int) -> None:
    """Leave the lines of the first `steps` steps."""
    if not path.exists() and not steps:
        return
    with _used(path), path.open("rb+") as file:
        there = [json.loads(line)["step"] for line in islice(file, steps)]
        if there != list(range(1, steps + 1)):
            raise ValueError(f"not the lines of the {steps:,} steps that were done")
        file.truncate(file.tell())


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    with _replacing(path) as file:
        file.write((json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode())


def _write_tensors(path: Path, value: Mapping[str, Any]) -> None:
    with _replacing(path) as file:
        torch.save(value, file)


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    with writing(path), atomic.replacing(path) as file:
        yield file


@contextmanager
def _used(path: Path, advice: str = "start in a new folder") -> Iterator[None]:
    """Where what a file holds is used; whatever comes of what was not written so is a TrainingError."""
    try:
        yield
    except Exception as error:  # torch and pickle raise many
        raise TrainingError(f"{path}: cannot be used: {raised(error)}; {advice}") from error


def _read_json(path: Path) -> dict[str, Any]:
    with _used(path):
        read = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(read, dict):
            raise ValueError(f"{type(read).__name__} came, no object")
    return read


def _read_tensors(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return read
