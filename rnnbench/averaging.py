"""Averaged weights for evaluation: training goes on with its own, the average of them is what is scored and kept."""

from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn


class WeightAveraging(pl.Callback):
    """Averages the weights after every step since some epoch's end (Polyak & Juditsky 1992), for any optimiser.

    asgd begins after a number of epochs. nt_asgd, the non-monotonically triggered form of AWD-LSTM (1708.02182,
    algorithm 1, with an epoch between checks), begins once a validation score is worse than the best of those more than
    n epochs ago; the paper's has plain SGD at a constant rate. Validation swaps the average in for as long as it lasts:
    callbacks that stand before this one see it there, so that the checkpoint that is best is one of averages.

    Args:
        kind: asgd or nt_asgd.
        after: epochs before asgd begins; n of nt_asgd.
        metric: what nt_asgd watches, as logged.
        direction: min or max, whichever is better of `metric`.
        log: is told when averaging begins.
    """

    def __init__(self, kind: str, after: int, metric: str, direction: str, log: Callable[[str], None]) -> None:
        self.kind, self.after, self.metric = kind, after, metric
        self.say = log  # Lightning gives every callback a `log` of its own
        self.sign = 1 if direction == "min" else -1
        self.count = 0
        self._average: dict[str, Tensor] | None = None
        self._own: dict[str, Tensor] = {}
        self._scores: list[float] = []

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._average is None and self._due(trainer.current_epoch):
            # In float32 at least: in bfloat16 an average of a thousand would no longer move.
            self._average = {name: _wide(parameter) for name, parameter in _trained(pl_module).items()}
            self.say(f"{self.kind}: weights are averaged from epoch {trainer.current_epoch + 1} on")

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self._average is None:
            return
        self.count += 1
        for name, parameter in _trained(pl_module).items():
            self._average[name].lerp_(parameter.detach().to(self._average[name].dtype), 1 / self.count)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._average is not None:
            self._own = {name: parameter.detach().clone() for name, parameter in _trained(pl_module).items()}
            _load(pl_module, self._average)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._scores.append(self.sign * float(trainer.callback_metrics[self.metric]))
        self._swap_back(pl_module)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self._swap_back(pl_module)

    def state_dict(self) -> dict[str, Any]:
        return {"count": self.count, "average": self._average, "scores": self._scores}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.count, self._average, self._scores = (state_dict[name] for name in ("count", "average", "scores"))

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._average is not None:
            self._average = {name: weight.to(pl_module.device) for name, weight in self._average.items()}

    def _swap_back(self, module: nn.Module) -> None:
        _load(module, self._own)
        self._own = {}

    def _due(self, epoch: int) -> bool:
        if self.kind == "asgd":
            return epoch >= self.after
        earlier = self._scores[:-1]
        compared = earlier[: max(0, len(earlier) - self.after)]
        return bool(compared) and self._scores[-1] > min(compared)


def _trained(module: nn.Module) -> dict[str, nn.Parameter]:
    return {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}


def _wide(parameter: Tensor) -> Tensor:
    return parameter.detach().to(torch.promote_types(parameter.dtype, torch.float32), copy=True)


@torch.no_grad()
def _load(module: nn.Module, weights: dict[str, Tensor]) -> None:
    parameters = _trained(module)
    for name, weight in weights.items():
        parameters[name].copy_(weight)
