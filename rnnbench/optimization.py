"""Optimisers and learning-rate schedules, chosen by name. A config holds their numbers and never a path to import."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from rnnbench.errors import at_least, fraction

if TYPE_CHECKING:  # torch takes a second to import, and configs are read without it
    import torch
    from torch.nn import Parameter

    Parameters = Iterable[Parameter] | Iterable[dict[str, Any]]


@dataclass(kw_only=True)
class Optimizer(ABC):
    """How weights follow gradients.

    Attributes:
        learning_rate: step size, the schedule's highest.
        weight_decay: pull towards zero: added to the gradient, save in adamw, which decays by itself (1711.05101).
    """

    name: str
    learning_rate: float = 0.001
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be above 0, got {self.learning_rate}")
        at_least(0, weight_decay=self.weight_decay)

    @abstractmethod
    def build(self, parameters: "Parameters", mixed: bool = False) -> "torch.optim.Optimizer":
        """The optimiser over `parameters`, or over groups of them with rates of their own.

        Args:
            mixed: whether precision is mixed, where Lightning clips no gradients for a fused step.
        """


@dataclass(kw_only=True)
class Adam(Optimizer):
    """Adam (Kingma & Ba 2014, 1412.6980)."""

    name: str = "adam"
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        fraction(beta1=self.beta1, beta2=self.beta2)

    def build(self, parameters: "Parameters", mixed: bool = False) -> "torch.optim.Optimizer":
        import torch

        kind = torch.optim.AdamW if self.name == "adamw" else torch.optim.Adam
        groups: list[Any] = list(parameters)
        return kind(
            groups,
            lr=self.learning_rate,
            betas=(self.beta1, self.beta2),
            eps=self.epsilon,
            weight_decay=self.weight_decay,
            fused=None if mixed else _fusible(groups),
        )


@dataclass(kw_only=True)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked."""

    name: str = "sgd"
    learning_rate: float = 1.0
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        fraction(momentum=self.momentum)
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs momentum above 0")

    def build(self, parameters: "Parameters", mixed: bool = False) -> "torch.optim.Optimizer":
        import torch

        return torch.optim.SGD(
            parameters,
            lr=self.learning_rate,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
        )


@dataclass(kw_only=True)
class RMSprop(Optimizer):
    """RMSprop (Tieleman & Hinton 2012): `alpha` is how slowly the mean square of gradients forgets."""

    name: str = "rmsprop"
    alpha: float = 0.99
    epsilon: float = 1e-8
    momentum: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        fraction(alpha=self.alpha, momentum=self.momentum)

    def build(self, parameters: "Parameters", mixed: bool = False) -> "torch.optim.Optimizer":
        import torch

        return torch.optim.RMSprop(
            parameters,
            lr=self.learning_rate,
            alpha=self.alpha,
            eps=self.epsilon,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
        )


def _fusible(groups: "list[Any]") -> bool | None:
    """Whether one pass over the weights does a step: on a CPU, where torch else makes a dozen, eight times as slow.

    None leaves it to torch: a GPU is fast as it is, and complex weights can not be fused.
    """
    parameters = [each for group in groups for each in (group["params"] if isinstance(group, dict) else [group])]
    return all(parameter.is_cpu and parameter.is_floating_point() for parameter in parameters) or None


@dataclass(kw_only=True)
class Schedule(ABC):
    """How the learning rate goes on from where it starts."""

    name: str

    @abstractmethod
    def build(self, optimizer: "torch.optim.Optimizer", steps: int, mode: Literal["min", "max"]) -> dict[str, Any]:
        """Lightning's ``lr_scheduler`` entry.

        Args:
            steps: optimiser steps of the whole training.
            mode: whether less or more of the validation metric is better.
        """


@dataclass(kw_only=True)
class Constant(Schedule):
    """The same learning rate throughout."""

    name: str = "constant"

    def build(self, optimizer: "torch.optim.Optimizer", steps: int, mode: Literal["min", "max"]) -> dict[str, Any]:
        return _by(optimizer, "epoch", lambda _: 1.0)


@dataclass(kw_only=True)
class Cosine(Schedule):
    """A linear rise over `warmup` of all steps, then half a cosine down to `floor` (both fractions; 1608.03983)."""

    name: str = "cosine"
    warmup: float = 0.0
    floor: float = 0.0

    def __post_init__(self) -> None:
        fraction(warmup=self.warmup, floor=self.floor)

    def build(self, optimizer: "torch.optim.Optimizer", steps: int, mode: Literal["min", "max"]) -> dict[str, Any]:
        rise = round(self.warmup * steps)

        def factor(step: int) -> float:
            if step < rise:
                return (step + 1) / (rise + 1)
            progress = min(1.0, (step - rise) / max(1, steps - rise))
            return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * progress)) / 2

        return _by(optimizer, "step", factor)


@dataclass(kw_only=True)
class Step(Schedule):
    """The first `after` epochs at full rate; then times `factor`, again after every `every` epochs."""

    name: str = "step"
    after: int = 10
    every: int = 1
    factor: float = 0.5

    def __post_init__(self) -> None:
        at_least(0, after=self.after)
        at_least(1, every=self.every)
        fraction(factor=self.factor)

    def build(self, optimizer: "torch.optim.Optimizer", steps: int, mode: Literal["min", "max"]) -> dict[str, Any]:
        def factor(epoch: int) -> float:
            return self.factor ** (0 if epoch < self.after else (epoch - self.after) // self.every + 1)

        return _by(optimizer, "epoch", factor)


@dataclass(kw_only=True)
class Plateau(Schedule):
    """Times `factor` whenever the validation metric has not improved for more than `patience` epochs."""

    name: str = "plateau"
    factor: float = 0.5
    patience: int = 1

    def __post_init__(self) -> None:
        fraction(factor=self.factor)
        at_least(0, patience=self.patience)

    def build(self, optimizer: "torch.optim.Optimizer", steps: int, mode: Literal["min", "max"]) -> dict[str, Any]:
        import torch

        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, mode, factor=self.factor, patience=self.patience, threshold=0.0
        )
        return {"scheduler": scheduler, "interval": "epoch", "reduce_on_plateau": True}


def _by(optimizer: "torch.optim.Optimizer", interval: str, factor: Any) -> dict[str, Any]:
    import torch

    return {"scheduler": torch.optim.lr_scheduler.LambdaLR(optimizer, factor), "interval": interval}


OPTIMIZERS = {"adam": Adam(), "adamw": Adam(name="adamw", weight_decay=0.01), "sgd": SGD(), "rmsprop": RMSprop()}
SCHEDULES = {"constant": Constant(), "cosine": Cosine(), "step": Step(), "plateau": Plateau()}
