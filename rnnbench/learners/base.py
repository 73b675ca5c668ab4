"""What all learners share: optimisation, evaluation over whole splits, and where metrics go."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import datasets
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torchmetrics import Metric

from rnnbench.backbone import Backbone, State
from rnnbench.data.batch import Batch
from rnnbench.data.batches import Batches
from rnnbench.metrics import Mean, RowMetric, TextMetric
from rnnbench.optimization import Optimizer, Schedule
from rnnbench.row_scores import RowScores
from rnnbench.stack import Stack
from rnnbench.task import Prediction, Task
from rnnbench.values import Kind

EXAMPLES = 3  # rows of a split that a person is shown


@dataclass(frozen=True)
class Sampling:
    """How continuations are drawn: `length` steps, at `temperature` (0 takes the most probable), from `seed`."""

    length: int = 40
    temperature: float = 1.0
    seed: int = 0


class Stepper(Protocol):
    """What goes step by step in streaming: the stack, what comes before and what after."""

    @property
    def embedding(self) -> Any:
        """Turns a step of one row into what the stack reads."""
        ...

    @property
    def stack_input_size(self) -> int:
        """Numbers of that."""
        ...

    @property
    def stack(self) -> Stack:
        """The backbones."""
        ...

    @property
    def head(self) -> Any:
        """Turns what the stack gives into the outputs."""
        ...


class Learner(pl.LightningModule, ABC):
    """Trains a stack of backbones on a task.

    Evaluation sees every unmasked target of a split exactly once, and its metrics do not depend on batch size. Results
    are logged as ``validation/NAME`` and ``test/NAME``, the loss among them.

    Attributes:
        embedding: the module that turns a step of the inputs into a vector of `stack_input_size`.
        stack: the backbones.
        head: the module that turns a step of the stack's output into the task's.
        row_scores: where what is evaluated is kept row by row as well; None where nobody asks.
    """

    embedding: Any
    stack_input_size: int
    stack: Stack
    head: Any
    row_scores: RowScores | None = None

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task
        self.metrics = nn.ModuleDict({**task.metrics(), "loss": Mean()})
        self.optimizer_config: Optimizer | None = None
        self.schedule_config: Schedule | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        # Lightning notes its place here fifty times a step; torch would look each time whether that is a parameter.
        if name == "_current_fx_name":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def training_batches(self, split: datasets.Dataset, batch_size: int, seed: int) -> Batches:
        """Batches of an epoch. Their order depends on the seed and never on the backbone."""
        return self._rows(split, batch_size, seed)

    def evaluation_batches(self, split: datasets.Dataset, batch_size: int) -> Batches:
        """Batches that hold every target of a split exactly once."""
        return self._rows(split, batch_size, None)

    @abstractmethod
    def outputs(self, batch: Batch, batch_index: int) -> Tensor:
        """The head's outputs for a batch, a step [B, T, V] or a row [B, V]; `batch_index` 0 begins a pass."""

    def examples(self, split: datasets.Dataset) -> Batch:
        """A few rows of a split for a person to look at."""
        return self._rows(split.select(range(min(EXAMPLES, len(split)))), EXAMPLES, None).first()

    @abstractmethod
    def predict(self, batch: Batch, sampling: Sampling) -> Prediction:
        """What the network says of a batch, in evaluation mode."""

    @property
    def predicted(self) -> Kind:
        """The kind of value that the outputs predict: the task's targets, where nothing is added to these."""
        return self.task.spec.targets

    def hypotheses(self, batch: Batch, *, searching: bool) -> list[list[int]]:
        """The tokens that the network says of each row of its own accord, without the end.

        Args:
            batch: the rows.
            searching: as carefully as the options say; else in the fastest way there is.
        """
        raise NotImplementedError(f"{type(self).__name__} says no tokens of its own accord, and scores no texts")

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The scalar to minimise: the task's, where outputs and targets stand at the same steps."""
        return self.task.loss(outputs, batch)

    @property
    def borrowed(self) -> str | None:
        """Id of a run whose trained network this one makes use of in test and samples; None for none."""
        return None

    def borrow(self, network: "Learner") -> None:
        """Takes that network."""
        raise NotImplementedError(f"{type(self).__name__} makes use of no other network")

    def stacks(self) -> list[Stack]:
        """All stacks, that which reads the inputs first."""
        return [self.stack]

    def stepper(self, batch: Batch) -> tuple[Stepper, Tensor]:
        """What goes step by step, and a step for one row, [1] or [1, V], as costs are measured on.

        Args:
            batch: a chunk of the data; what it holds does not count.
        """
        return self, batch.inputs[:1, 0]

    def states(self, training: bool) -> Sequence[State]:
        """What each layer of the stack carries on from the last batch, of training or of evaluation; lowest first.

        Empty where nothing is carried.
        """
        return ()

    def memory(self) -> list[Any]:
        """What training carries from batch to batch beside weights, in plain values and tensors, for `remember`."""
        return []

    def remember(self, memory: list[Any]) -> None:
        """Goes on with the `memory` of another learner of the same make."""

    def optimize_with(self, optimizer: Optimizer, schedule: Schedule) -> None:
        """Sets what `configure_optimizers` hands Lightning."""
        self.optimizer_config, self.schedule_config = optimizer, schedule

    def configure_optimizers(self) -> Any:
        assert self.optimizer_config and self.schedule_config, "call optimize_with before training"
        mixed = self.trainer.precision.endswith("mixed")
        optimizer = self.optimizer_config.build(self._parameter_groups(), mixed)
        spec = self.task.spec
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = self.schedule_config.build(optimizer, steps, spec.direction)
        return {"optimizer": optimizer, "lr_scheduler": {**schedule, "monitor": f"validation/{spec.metric}"}}

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """All parameters, those apart that a backbone wants trained otherwise."""
        assert self.optimizer_config
        rate, decay = self.optimizer_config.learning_rate, self.optimizer_config.weight_decay
        backbones = [module for module in self.modules() if isinstance(module, Backbone)]
        special = [group for backbone in backbones for group in backbone.parameter_groups()]
        apart = {id(parameter) for group in special for parameter in group.parameters}
        groups: list[dict[str, Any]] = [{"params": [p for p in self.parameters() if id(p) not in apart]}]
        for group in special:
            weight_decay = decay if group.decay else 0.0
            groups.append({"params": list(group.parameters), "lr": rate * group.rate, "weight_decay": weight_decay})
        return groups

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        return batch.to(device)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        return self.loss(self.outputs(batch, batch_index), batch)

    def on_validation_epoch_start(self) -> None:
        self._reset()

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        self._score(batch, batch_index)
        self._score_texts(batch, searching=False)

    def on_validation_epoch_end(self) -> None:
        self.log_dict(self.scores("validation"))

    def on_test_epoch_start(self) -> None:
        self._reset()

    def test_step(self, batch: Batch, batch_index: int) -> None:
        self._score(batch, batch_index)
        self._score_texts(batch, searching=True)

    def on_test_epoch_end(self) -> None:
        self.log_dict(self.scores("test"))

    def scores(self, split: str) -> dict[str, Tensor]:
        """The metrics of what was evaluated last, by ``split/NAME``."""
        values = {f"{split}/{name}": metric.compute() for name, metric in self.scorers().items()}
        return {name: value.float() for name, value in values.items() if value.dim() == 0}  # no matrices for pictures

    @abstractmethod
    def _rows(self, split: datasets.Dataset, batch_size: int, seed: int | None) -> Batches:
        """Batches that hold every row once: shuffled by the seed, or as they stand where that is None."""

    def _reset(self) -> None:
        for metric in self.scorers().values():
            metric.reset()

    def _score(self, batch: Batch, batch_index: int) -> None:
        outputs = self.outputs(batch, batch_index)
        loss = self.loss(outputs, batch)
        if batch.mask.all():
            scored, targets = (values.flatten(0, batch.mask.dim() - 1) for values in (outputs, batch.targets))
        else:
            scored, targets = outputs[batch.mask], batch.targets[batch.mask]
        for name, metric in self.scorers().items():
            if name == "loss":
                metric.update(loss, len(targets))
            elif isinstance(metric, RowMetric):
                metric.update(outputs, batch.targets, batch.mask)
            elif not isinstance(metric, TextMetric):
                metric.update(scored, targets)
        if self.row_scores is not None:
            self.row_scores.add(self.scorers()[self.task.spec.metric], outputs, batch)

    def _score_texts(self, batch: Batch, *, searching: bool) -> None:
        metrics = [metric for metric in self.scorers().values() if isinstance(metric, TextMetric)]
        if metrics:
            texts = [self.task.text(tokens) for tokens in self.hypotheses(batch, searching=searching)]
            for metric in metrics:
                metric.update(texts, batch.references)

    def scorers(self) -> Mapping[str, Metric]:
        """The metrics by name, holding what was evaluated last."""
        return {name: metric for name, metric in self.metrics.items() if isinstance(metric, Metric)}


def uniform_(module: nn.Module, bound: float) -> None:
    """Draws every parameter from U(-bound, bound), as the language models of Zaremba et al. (2014) begin."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-bound, bound)
