"""A trial that was cut short goes on to the step: whatever is left in the end equals what an unbroken one leaves."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from conftest import TINY

from rnnbench import training
from rnnbench.compose import compose, resolve
from rnnbench.errors import Stopped
from rnnbench.resuming import Resuming
from rnnbench.storage.record import Record, Status
from rnnbench.training import run_trial
from rnnbench.trial import Preparation, Trial

TOYS = """
import datasets
import numpy as np
from rnnbench import Sample, Spec, Task, Tokens
from rnnbench.metrics import CrossEntropy


class Toy(Task):
    '''Parity of random bits: of all so far at every step, or of a whole row.'''

    shape = "many_to_many_aligned"

    def __init__(self, sources, *, aligned: bool = True):
        super().__init__(sources)
        self.aligned = aligned
        self.shape = "many_to_many_aligned" if aligned else "many_to_one"

    def describe(self):
        return Spec(
            inputs=Tokens(2), targets=Tokens(2), metric="loss", direction="min", chance=0.7, dataset="toy", setting="-"
        )

    def splits(self):
        dice = np.random.default_rng(0)
        return {name: self.rows(dice, number) for name, number in (("train", 30), ("validation", 8), ("test", 8))}

    def rows(self, dice, number):
        inputs = [dice.integers(0, 2, dice.integers(2, 9)) for _ in range(number)]
        targets = [np.cumsum(row) % 2 for row in inputs]
        return datasets.Dataset.from_dict(
            {"inputs": inputs, "targets": targets if self.aligned else [int(row[-1]) for row in targets]}
        )

    def metrics(self):
        return {}

    def decode(self, prediction, batch):
        return [Sample("toy", str(row.tolist())) for row in prediction.outputs]
"""
ALL = ("stack.num_layers=2", "stack.dropout=0.3", "learner.dropout=0.2", "trainer.max_epochs=3")  # masks at every step
STREAM = (*ALL, "task=language_modeling", "task.dataset=text", "task.path=book.txt", "learner.bptt=64")
OTHERWISE = (
    "schedule=plateau", "schedule.patience=0", "optimizer=sgd", "optimizer.momentum=0.9",
    "trainer.averaging=asgd", "trainer.averaging_after=1", "trainer.patience=1",
)  # fmt: skip
TRIALS = {
    "a stream": (*STREAM, "backbone=gru"),
    "a stream, otherwise trained": (*STREAM, *OTHERWISE, "backbone=mingru"),
    "rows": (*ALL, "task=toy", "backbone=gru"),
    "one answer a row": (*ALL, *OTHERWISE, "task=toy", "task.aligned=false", "backbone=mingru"),
}
"""By name: trials of eight steps an epoch, three epochs."""


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


@pytest.fixture(autouse=True)
def witness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "Resuming", Witness)
    monkeypatch.setattr(Witness, "cut", staticmethod(lambda place, trainer: False))
    Witness.batches = []


def prepare(*overrides: str) -> Trial:
    return Preparation().prepare(resolve(compose([*TINY[2:], "trainer.progress=false", *overrides])))


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


CUTS = [("step", 3), ("step", 8), ("validation end", 8), ("validation", 16), ("step", 20), ("validation end", 24)]


@pytest.fixture
def toys(book: Path) -> None:
    Path("tasks").mkdir()
    Path("tasks/toy.py").write_text(TOYS)


@pytest.mark.parametrize("name", TRIALS)
def test_it_goes_on_to_the_step(toys: None, monkeypatch: pytest.MonkeyPatch, name: str):
    unbroken = run_trial(prepare(*TRIALS[name], "outputs_dir=unbroken"))
    end, batches = Witness.end, Witness.batches
    steps = [(place, step) for place, step in CUTS if step <= len(batches)]
    cut_at(monkeypatch, *steps)
    record = resumed(prepare(*TRIALS[name]), steps)
    assert record.status == Status.DONE
    assert differences(Witness.end, end) == []
    assert differences(numbers(record), numbers(unbroken)) == []
    assert Witness.batches == batches
    assert [path.name for path in (record.folder / "checkpoints").iterdir()] == ["best.pt"]
