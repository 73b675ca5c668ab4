"""What a person sees while a trial trains: a live line on a terminal, a plain line an epoch elsewhere."""

import math
from typing import Any

import pytorch_lightning as pl
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from rnnbench.data.batch import Batch
from rnnbench.recording import Recorder

REFRESH_EVERY = 10  # steps


class ProgressLine(pl.Callback):
    """Epoch, loss, validation metric, speed and time left of one trial.

    Args:
        title: what is trained, such as "lstm seed 0".
        recorder: knows loss and speed.
        metric: the primary metric.
        unit: what is counted, in the plural.
    """

    def __init__(self, title: str, recorder: Recorder, metric: str, unit: str, console: Console | None = None) -> None:
        self.title, self.recorder, self.metric, self.unit = title, recorder, metric, unit
        self.console = console or Console(stderr=True)
        self.live = self.console.is_terminal
        self.score = math.nan
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=12),
            TaskProgressColumn(),
            TextColumn("{task.fields[state]}"),
            TimeRemainingColumn(compact=True),
            console=self.console,
            transient=True,
            disable=not self.live,
        )
        self._bar: Any = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._progress.start()
        steps = int(trainer.num_training_batches) * (trainer.max_epochs or 1)
        self._bar = self._progress.add_task(self.title, total=steps, state="")

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        if self.live and trainer.global_step % REFRESH_EVERY == 0:
            loss = self.recorder.loss
            state = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
            state += f"  loss {loss:.3f}" if math.isfinite(loss) else ""
            state += f"  {self.metric} {self.score:.4g}" if math.isfinite(self.score) else ""
            state += f"  {self.recorder.stopwatch.speed:,.0f} {self.unit}/s"
            self._progress.update(self._bar, completed=trainer.global_step, state=state)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.score = float(trainer.callback_metrics[f"validation/{self.metric}"])
        if not self.live:
            self.console.print(
                f"{self.title}  epoch {trainer.current_epoch + 1}/{trainer.max_epochs}  validation {self.metric} "
                f"{self.score:.4g}  {self.recorder.stopwatch.speed:,.0f} {self.unit}/s",
                highlight=False,
                soft_wrap=True,
            )

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._progress.stop()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self._progress.stop()
