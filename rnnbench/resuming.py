"""Leaving a training and taking it up again, to the step: on the CPU the numbers are those of an unbroken one.

A checkpoint is taken after a training step, or, at the end of an epoch, before its validation, which is then done anew.
It holds all that numbers follow from: weights, optimiser, schedule, place in the data, random states, the state carried
from chunk to chunk, and what the other callbacks remember.
"""

import random
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins import CheckpointIO
from torch.utils import _pytree as pytree

from rnnbench import signals
from rnnbench.data.batches import Batches
from rnnbench.errors import Stopped
from rnnbench.learners.base import Learner
from rnnbench.recording import Recorder
from rnnbench.storage import checkpoints
from rnnbench.storage.record import CHECKPOINTS


class Resuming(pl.Callback):
    """Writes a checkpoint every so often and when a signal asks for the end. Stands behind all other callbacks.

    Args:
        recorder: keeps the curves; what writing takes is none of its training time.
        seconds: between checkpoints.

    Raises:
        Stopped: a signal came; the checkpoint is written.
    """

    def __init__(self, recorder: Recorder, seconds: float) -> None:
        self.recorder, self.seconds = recorder, seconds
        self.folder = recorder.record.folder / CHECKPOINTS
        self._last = time.monotonic()
        self._random: dict[str, Any] = {}
        self._loaded: dict[str, Any] = {}
        self._stopping = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Learner)
        signals.catch()  # Lightning took SIGTERM for itself
        self._last = time.monotonic()
        if self._loaded:
            _restore_random_state(self._loaded["random"])
            to_device = partial(torch.Tensor.to, device=pl_module.device)
            pl_module.remember(pytree.tree_map_only(torch.Tensor, to_device, self._loaded["memory"]))
            # Lightning 2.6 would do this too early, if a schedule had not made it look at the data before.
            _batches(trainer).load_state_dict(self._loaded["data"])
            self._loaded = {}

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._random = {}
        self._poll()
        self._save_if_due(trainer)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._random = _random_state()  # validation is done anew, and may draw

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._poll()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # In the epoch that it goes on with, Lightning 2.6 would leave out a schedule that watches a metric.
        trainer.fit_loop.restarting = False

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._poll()
        self._save_if_due(trainer)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        if self._stopping:  # by now the averages of `WeightAveraging` have made way for the weights
            self._save(trainer)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        assert isinstance(pl_module, Learner)
        checkpoint["random"] = self._random or _random_state()
        checkpoint["memory"] = pl_module.memory()
        checkpoint["stopped_early"] = trainer.should_stop
        checkpoint["data"] = _batches(trainer).state_dict()
        _before_validation(checkpoint["loops"]["fit_loop"])

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        self._loaded = {name: checkpoint[name] for name in ("random", "memory", "data")}
        trainer.should_stop = checkpoint["stopped_early"]

    def _poll(self) -> None:
        try:
            signals.poll()
        except Stopped:
            self._stopping = True
            raise

    def _save_if_due(self, trainer: pl.Trainer) -> None:
        if time.monotonic() - self._last >= self.seconds:
            self._save(trainer)

    def _save(self, trainer: pl.Trainer) -> None:
        with self.recorder.stopwatch.paused():
            self.recorder.record.sync_metrics()
            trainer.save_checkpoint(checkpoints.path_of(self.folder, trainer.global_step))
            self._last = time.monotonic()


class CheckpointFiles(CheckpointIO):
    """Lets Lightning write and read checkpoints as `storage.checkpoints` does."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        checkpoints.write(Path(path), checkpoint)

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        return checkpoints.read(Path(path))

    def remove_checkpoint(self, path: Any) -> None:
        Path(path).unlink(missing_ok=True)


def _batches(trainer: pl.Trainer) -> Batches:
    batches = trainer.train_dataloader
    assert isinstance(batches, Batches)
    return batches


def _before_validation(loops: dict[str, Any]) -> None:
    """Makes of Lightning's counts at the end of an epoch those of one whose validation has begun and done no batch.

    Lightning 2.6 by itself would go on with the next epoch and leave the validation out.
    """
    epochs, batches = loops["epoch_progress"]["current"], loops["epoch_loop.batch_progress"]
    if batches["is_last_batch"] and epochs["processed"] < epochs["ready"]:
        for counts in (batches["total"], batches["current"]):
            counts["completed"] = counts["processed"]
        begun = {"ready": 1, "started": 1, "processed": 0, "completed": 0}
        loops["epoch_loop.val_loop.batch_progress"] |= {"total": begun, "current": dict(begun)}


def _random_state() -> dict[str, Any]:
    """The state of every global generator, as tensors and plain values."""
    version, words, gauss = random.getstate()
    mersenne = np.random.get_state(legacy=False)
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "python": {"version": version, "words": list(words), "gauss": gauss},
        "numpy": {**mersenne, "state": {**mersenne["state"], "key": mersenne["state"]["key"].tolist()}},
    }


def _restore_random_state(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.device_count() == len(state["cuda"]):
        torch.cuda.set_rng_state_all(state["cuda"])
    python, numpy = state["python"], state["numpy"]
    random.setstate((python["version"], tuple(python["words"]), python["gauss"]))
    key = np.asarray(numpy["state"]["key"], np.uint32)
    np.random.set_state({**numpy, "state": {**numpy["state"], "key": key}})
