"""Training that a signal cuts short where a test says so, and all that is left of it in the end."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from conftest import TINY
from resume.toys import TOYS

from rnnbench import training
from rnnbench.compose import compose, resolve
from rnnbench.errors import Stopped
from rnnbench.resuming import Resuming
from rnnbench.storage.record import Record, Status
from rnnbench.training import run_trial
from rnnbench.trial import Preparation, Trial


class Witness(Resuming):
    """Keeps all that training ends with; cuts it short where `cut` says so."""

    cut: Callable[[str, pl.Trainer], bool] = staticmethod(lambda place, trainer: False)
    batches: list[tuple[int, int]] = []
    end: dict[str, Any] = {}

    def _strike(self, place: str, trainer: pl.Trainer) -> None:
        if self.cut(place, trainer):
            signal.raise_signal(signal.SIGTERM)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        Witness.batches.append((trainer.global_step, hash(batch.inputs.numpy().tobytes())))
        self._strike("step", trainer)
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)

    def on_validation_batch_end(self, trainer: pl.Trainer, *rest: Any, **named: Any) -> None:
        self._strike("validation", trainer)
        super().on_validation_batch_end(trainer, *rest, **named)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._strike("validation end", trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_train_end(trainer, pl_module)
        Witness.end = {
            "weights": {name: value.clone() for name, value in pl_module.state_dict().items()},
            "optimizer": trainer.optimizers[0].state_dict(),
            "schedule": trainer.lr_scheduler_configs[0].scheduler.state_dict(),
            "random": torch.get_rng_state(),
        }


def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a `Witness` that cuts nothing short, yet, stand by every training."""
    monkeypatch.setattr(training, "Resuming", Witness)
    monkeypatch.setattr(Witness, "cut", staticmethod(lambda place, trainer: False))
    Witness.batches = []


def write_toys() -> None:
    Path("tasks").mkdir()
    Path("tasks/toy.py").write_text(TOYS)


QUIET = (*TINY[2:], "trainer.progress=false")


def prepare(*overrides: str) -> Trial:
    return Preparation().prepare(resolve(compose([*QUIET, *overrides])))


def cut_at(monkeypatch: pytest.MonkeyPatch, *places: tuple[str, int]) -> None:
    """Lets a SIGTERM come at each place (what, after so many steps) once."""
    left = list(places)

    def strike(place: str, trainer: pl.Trainer) -> bool:
        if (place, trainer.global_step) not in left:
            return False
        left.remove((place, trainer.global_step))
        return True

    monkeypatch.setattr(Witness, "cut", staticmethod(strike))


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Where two nestings of tensors and values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return [f"{path}: keys"]
        return [line for key in one for line in differences(one[key], other[key], f"{path}/{key}")]
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        if len(one) != len(other):
            return [f"{path}: lengths {len(one)} and {len(other)}"]
        pairs = enumerate(zip(one, other, strict=True))
        return [line for at, pair in pairs for line in differences(*pair, f"{path}/{at}")]
    same = torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other
    return [] if same else [f"{path}: {one} and {other}"]


def numbers(record: Record) -> dict[str, Any]:
    """All of a record that a second run of it would repeat."""
    timed = ("second", "memory")
    best = torch.load(record.folder / "checkpoints/best.pt", weights_only=True)
    result = {name: value for name, value in record.result.items() if not any(word in name for word in timed)}
    lines = [{name: value for name, value in line.items() if "second" not in name} for line in record.metrics]
    return {"result": json.loads(json.dumps(result)), "metrics": lines, "best": best, "samples": record.samples}


def resumed(trial: Trial, places: list[tuple[str, int]]) -> Record:
    """Runs a trial into its interruptions and types it again after each."""
    Witness.batches = []
    for _ in places:
        with pytest.raises(Stopped):
            run_trial(trial)
        assert trial.record.status == Status.PREEMPTED
    record = run_trial(trial)
    assert record.state["attempts"] == len(places) + 1
    return record
