"""One trial, top to bottom: train, take what was best on validation, test it once, write it down."""

import contextlib
import dataclasses
import itertools
import logging
import signal
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from pytorch_lightning.callbacks import EarlyStopping
from pytorch_lightning.profilers import PassThroughProfiler

from rnnbench.averaging import WeightAveraging
from rnnbench.config import TrainerConfig
from rnnbench.costs import PeakMemory, measure
from rnnbench.data.augmented import Augmented
from rnnbench.data.batches import Batches
from rnnbench.diagnostics.watching import GradientFlow
from rnnbench.errors import Stopped, UnfitError, UserError
from rnnbench.learners.base import Learner, Sampling
from rnnbench.loading import lend
from rnnbench.progress import ProgressLine
from rnnbench.recording import BestCheckpoint, Diverged, Pruned, Recorder, Watch, Watching
from rnnbench.resuming import CheckpointFiles, Resuming
from rnnbench.row_scores import RowScores
from rnnbench.signals import deferred, stoppable
from rnnbench.storage import checkpoints
from rnnbench.storage.claim import claimed
from rnnbench.storage.record import CHECKPOINTS, Record, Status
from rnnbench.task import Task
from rnnbench.tracking import Tracker
from rnnbench.trial import Trial

CHOICES_KEPT = 10  # of each recorded sample; `rnnbench sample --top` shows more


def run_trial(trial: Trial, group: str | None = None, watch: Watch | None = None) -> Record:
    """Runs a trial unless it is finished, and returns its record. One that was cut short goes on from its checkpoint.

    Args:
        group: the sweep it belongs to, for Weights & Biases.
        watch: is told of each validation, and may prune it. Where nobody watches, a pruned trial is run to its end.

    Raises:
        BusyError: another process is running it.
        UserError: a setting turns out wrong before training begins; nothing is written.
        Stopped: a signal ended it; the record says so.
        Exception: whatever failed; the record holds the reason and its log the traceback.
    """
    record, config = trial.record, trial.config
    if _is_over(record, watch):
        return record
    _check_machine(config.trainer)
    with stoppable(), claimed(record.folder), _torch_settings(config.trainer):
        if _is_over(record, watch):  # by another process, between the look and the claim
            return record
        pl.seed_everything(config.seed, verbose=False)
        learner, batches = _build(trial)
        start = _begin(trial)
        try:
            with Tracker(trial, group) as tracker:
                status, result = _train_and_test(trial, learner, batches, tracker, watch, start)
                tracker.finish(status, result, record.samples)
                record.write_result(result)  # meanwhile
            with deferred():
                record.finish(status)
                checkpoints.discard(record.folder / CHECKPOINTS)
        except Stopped as stopped:
            if not record.finished:
                by_hand = stopped.signal_number == signal.SIGINT
                record.end(Status.INTERRUPTED if by_hand else Status.PREEMPTED, str(stopped))
            raise
        except Exception as error:
            record.fail(error)
            raise
    return record


def _is_over(record: Record, watch: Watch | None) -> bool:
    return record.finished and (watch is not None or record.status != Status.PRUNED)


def _build(trial: Trial) -> tuple[Learner, dict[str, Batches]]:
    """Learner and batches. Wrong input leaves no trace; a mistake in a plugin is recorded as the trial's failure."""
    try:
        learner = trial.build_learner()
        lend(learner, trial.record)
        return learner, _batches(trial, learner)
    except UserError as error:
        raise UnfitError(str(error)) from error
    except Exception as error:
        _begin(trial)
        trial.record.fail(error)
        raise


def _begin(trial: Trial) -> Path | None:
    """Opens the record; returns the checkpoint to go on from, where an earlier attempt left one."""
    said: list[str] = []
    start = checkpoints.newest(trial.record.folder / CHECKPOINTS, said.append)
    trial.begin(resume=start is not None)
    for line in [*said, f"resumed from {start.name}"] if start else said:
        trial.record.log(line)
    return start


def _batches(trial: Trial, learner: Learner) -> dict[str, Batches]:
    splits, config = dict(trial.task.data), trial.config
    size = config.trainer.batch_size
    train = learner.training_batches(splits.pop("train"), size, config.seed)
    if type(trial.task).augment is not Task.augment:
        train = Augmented(train, trial.task.augment, config.seed)
    return {"train": train, **{name: learner.evaluation_batches(split, size) for name, split in splits.items()}}


def _train_and_test(
    trial: Trial,
    learner: Learner,
    batches: Mapping[str, Batches],
    tracker: Tracker,
    watch: Watch | None,
    start: Path | None,
) -> tuple[Status, dict[str, Any]]:
    spec, record = trial.task.spec, trial.record
    recorder = Recorder(record, tracker, spec.metric, spec.unit, trial.config.trainer.diverged_above)
    best = BestCheckpoint(record, spec.metric, spec.direction)
    trainer = _trainer(trial, recorder, best, watch)
    memory = PeakMemory(trainer.strategy.root_device)
    status, test = Status.DONE, {}
    try:
        with deferred():
            trainer.fit(learner, batches["train"], batches["validation"], ckpt_path=start, weights_only=True)
        best.load(learner)
        learner.row_scores = None if trial.task.stream else RowScores()
        test = _test(trainer, learner, batches["test"])
        if learner.row_scores and (archive := learner.row_scores.archive()):
            record.write_row_scores(archive)
        learner.row_scores = None
        gallery = trial.task.gallery(learner.scorers())
        for name in sorted(batches.keys() - {"train", "validation", "test"}):
            further = _test(trainer, learner, batches[name])
            test |= {f"{name}/{metric}": value for metric, value in further.items()}
        record.write_samples([*_samples(trial, learner), *map(dataclasses.asdict, gallery)])
    except (Diverged, Pruned) as ended:
        status = Status.DIVERGED if isinstance(ended, Diverged) else Status.PRUNED
        record.log(str(ended))
    return status, {
        "test": test,
        "validation": _named(best.scores, "validation/"),
        "best_epoch": best.epoch,
        "epochs": recorder.epochs,
        "steps": trainer.global_step,
        recorder.speed_name: recorder.stopwatch.speed,
        "train_seconds": recorder.stopwatch.seconds,
        "wall_seconds": recorder.seconds,
        "peak_memory_bytes": memory.bytes(),
        **_costs(trainer, learner, batches["train"], spec.unit),
        "facts": dict(trial.task.facts()),
    }


def _costs(trainer: pl.Trainer, learner: Learner, batches: Batches, unit: str) -> dict[str, Any]:
    """What the network costs where it was trained and in that precision, on the first training chunk."""
    device, plugin = trainer.strategy.root_device, trainer.precision_plugin
    batch = plugin.convert_input(batches.first().to(device))
    with plugin.forward_context():
        return measure(learner.to(device), batch, unit)


def _trainer(trial: Trial, recorder: Recorder, best: BestCheckpoint, watch: Watch | None) -> pl.Trainer:
    config, spec = trial.config.trainer, trial.task.spec
    callbacks: list[pl.Callback] = [recorder, best]
    if config.averaging != "none":  # after `best`, which is to save the averages
        log = recorder.record.log
        callbacks.append(
            WeightAveraging(config.averaging, config.averaging_after, recorder.metric, spec.direction, log)
        )
    if config.patience is not None:
        monitor = f"validation/{spec.metric}"
        callbacks.append(EarlyStopping(monitor, patience=config.patience, mode=spec.direction, check_finite=False))
    if watch:
        callbacks.append(Watching(watch, spec.metric))
    if trial.config.diagnostics.gradient_flow:
        callbacks.append(GradientFlow(recorder, trial.config.diagnostics.every, config.gradient_clip))
    if config.progress:
        title = f"{trial.facts['backbone']} seed {trial.config.seed}"
        callbacks.append(ProgressLine(title, recorder, spec.metric, spec.unit))
    return pl.Trainer(
        accelerator=_accelerator(config),
        devices=1,
        precision=cast(Any, config.precision),
        max_epochs=config.max_epochs,
        gradient_clip_val=config.gradient_clip,
        gradient_clip_algorithm=config.gradient_clip_by,
        callbacks=[*callbacks, Resuming(recorder, config.checkpoint_seconds)],
        # Also on a cluster: processes, signals and requeueing are the sweep's, and not Lightning's.
        plugins=[CheckpointFiles(), LightningEnvironment()],
        profiler=NoProfiler(),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


class NoProfiler(PassThroughProfiler):
    """Measures nothing, and is asked to seventy times a step: Lightning's own makes a generator each time."""

    _nothing = contextlib.nullcontext()

    def profile(self, action_name: str) -> Any:  # noqa: ARG002
        """A context that does nothing."""
        return self._nothing


def _test(trainer: pl.Trainer, learner: Learner, batches: Batches) -> dict[str, float]:
    return _named(trainer.test(learner, batches, verbose=False)[0], "test/")


def _samples(trial: Trial, learner: Learner) -> list[dict[str, Any]]:
    batch = learner.examples(trial.task.data["test"])
    prediction = learner.cpu().predict(batch, Sampling())
    samples = [dataclasses.asdict(sample) for sample in trial.task.decode(prediction, batch)]
    for sample in samples:
        sample["choices"] = dict(itertools.islice(sample["choices"].items(), CHOICES_KEPT))
    return samples


def _named(values: Mapping[str, Any], prefix: str) -> dict[str, float]:
    return {name.removeprefix(prefix): float(value) for name, value in values.items() if name.startswith(prefix)}


def _accelerator(config: TrainerConfig) -> str:
    if config.accelerator == "auto":
        # Not Lightning's own "auto": it would take Apple's MPS, which lacks the float64 that metrics are summed in.
        return "gpu" if torch.cuda.is_available() else "cpu"
    return config.accelerator


def _check_machine(config: TrainerConfig) -> None:
    if config.accelerator == "gpu" and not torch.cuda.is_available():
        raise UserError("trainer.accelerator=gpu: there is no GPU that torch can use here; try auto or cpu")


@contextlib.contextmanager
def _torch_settings(config: TrainerConfig) -> Iterator[None]:
    """The trial's number of threads, and quiet from Lightning; both as before afterwards."""
    threads = torch.get_num_threads()
    lightning = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric", "lightning.pytorch")]
    levels = [logger.level for logger in lightning]
    try:
        for logger in lightning:
            logger.setLevel(logging.ERROR)
        if config.threads is not None:
            torch.set_num_threads(config.threads)
        with warnings.catch_warnings():
            for module in ("pytorch_lightning", "lightning_fabric"):
                warnings.filterwarnings("ignore", module=module)
            yield
    finally:
        torch.set_num_threads(threads)
        for logger, level in zip(lightning, levels, strict=True):
            logger.setLevel(level)
