"""A Lightning callback that watches gradients while a trial trains, and says when they vanish, explode or are dead.

It draws no random number and changes no weight, so that a watched trial has the numbers of one that is not.

B rows, T time steps, E embedding size, O output size, N numbers of a state, K lags.
"""

import contextlib
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
from rich.console import Console
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.data.batch import Batch
from rnnbench.diagnostics.gradients import random_direction, slope
from rnnbench.diagnostics.listening import rows_read
from rnnbench.diagnostics.parts import norm, parts_of, update_ratios
from rnnbench.diagnostics.trajectory import numbers, with_numbers
from rnnbench.diagnostics.verdict import Looked, verdicts
from rnnbench.errors import UserError
from rnnbench.learners.base import Learner

if TYPE_CHECKING:
    from rnnbench.recording import Recorder

ROWS = 4  # of a batch whose gradients are followed


class GradientFlow(pl.Callback):
    """Looks at gradients every so many steps, and writes to the curves what it sees.

    ``gradient_flow/lag_K``, the norm of the gradient by the state K steps before the last output, for K = 1, 2, 4, …,
    and ``gradient_flow/rate``, its growth in nats a step; ``gradient_norm/PART`` and ``update_ratio/PART`` (length of
    the update over that of the weights) of the whole network, of each layer, and of the other parts, such as
    embedding and head; ``clip_rate``,
    the share of steps since the last look whose gradient was clipped.

    Args:
        recorder: writes the curves.
        every: steps between two looks.
        clip: the norm that gradients are clipped at; None where they are not.
    """

    def __init__(self, recorder: "Recorder", every: int, clip: float | None) -> None:
        self.recorder, self.every, self.clip = recorder, every, clip
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.said: list[str] = []
        self._clipped: Tensor | float = 0.0
        self._steps = 0
        self._before: dict[str, list[Tensor]] = {}
        self._values: dict[str, float] = {}

    def state_dict(self) -> dict[str, Any]:
        """What it has counted since the last look, and what it has said."""
        return {"clipped": float(self._clipped), "steps": self._steps, "said": self.said}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from there."""
        self._clipped, self._steps, self.said = state_dict["clipped"], state_dict["steps"], state_dict["said"]

    def on_before_optimizer_step(self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Any) -> None:
        """Gradients are whole here, and not yet clipped."""
        gradients = [parameter.grad for parameter in pl_module.parameters() if parameter.grad is not None]
        whole = nn.utils.get_total_norm(gradients)
        self._steps += 1
        if self.clip is not None:
            self._clipped = self._clipped + (whole > self.clip)
        if trainer.global_step % self.every == 0:
            assert isinstance(pl_module, Learner)
            parts = parts_of(pl_module)
            self._values = {"gradient_norm/all": float(whole)}
            self._values |= {f"gradient_norm/{name}": norm(p.grad for p in part) for name, part in parts.items()}
            self._before = {name: [p.detach().clone() for p in part] for name, part in parts.items()}

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Compares the weights with those before the step, and follows the gradient of this batch."""
        if not self._before:
            return
        assert isinstance(pl_module, Learner)
        with self.recorder.stopwatch.paused():
            values = self._values | update_ratios(parts_of(pl_module), self._before)
            self._before = {}
            if self.clip is not None:
                values["clip_rate"] = float(self._clipped) / self._steps
            self._clipped, self._steps = 0.0, 0
            flow, dead = self._flow(trainer, pl_module, batch)
            values |= {f"gradient_flow/lag_{lag}": norm for lag, norm in flow.items()}
            rate = growth(flow)
            values |= {} if rate is None else {"gradient_flow/rate": rate}
            self.recorder.write(trainer, values)
            update = values["update_ratio/all"] / _share_of_rate(trainer)
            self._warn(trainer, Looked(flow, values["gradient_norm/all"], update, dead))

    def _warn(self, trainer: pl.Trainer, looked: Looked) -> None:
        for kind, text in verdicts(looked).items():
            self._say(trainer, kind, text)

    def _flow(self, trainer: pl.Trainer, learner: Learner, batch: Batch) -> tuple[dict[int, float], float]:
        """As the function of that name; where a stack can not be looked into, this is said, and nothing is found."""
        try:
            return _flow(learner, batch)
        except UserError as error:
            self._say(trainer, "not followed", f"gradients through time are not followed: {error}")
            return {}, 0.0

    def _say(self, trainer: pl.Trainer, kind: str, text: str) -> None:
        """Says something, once of its kind."""
        if kind not in self.said:
            self.said.append(kind)
            line = f"step {trainer.global_step}: {text}"
            self.recorder.record.log(line)
            self.console.print(f"[yellow]rnnbench: {line}")


def segmented_flow(backbone: Backbone, x_BTE: Tensor) -> tuple[dict[int, float], Tensor]:
    """Norms of the gradient by the state 1, 2, 4, … steps before the last output, medians over rows; and the outputs.

    The sequence runs through `forward` from cut to cut, so that fast paths stay fast. As `gradients.gradient_flow`,
    of few lags and in the network's own precision.
    """
    steps = x_BTE.shape[1]
    lags = [2**power for power in range(int(math.log2(max(1, steps - 1))) + 1)] if steps > 1 else []
    ends = sorted({steps, *(steps - lag for lag in lags)})
    outputs, cuts, state, begin = [], [], None, 0
    with torch.enable_grad():
        for end in ends:
            y_BTO, state = backbone(x_BTE[:, begin:end], state)
            outputs.append(y_BTO)
            if end < steps:
                cut_BN = numbers(state)
                cuts.append(cut_BN if cut_BN.requires_grad else cut_BN.requires_grad_())
                state = with_numbers(state, cuts[-1])
            begin = end
        last_BO = outputs[-1][:, -1]
        value = (last_BO * random_direction(last_BO)).sum()
        follows = bool(cuts) and cuts[0].numel() > 0 and value.requires_grad
        found = torch.autograd.grad(value, cuts, allow_unused=True) if follows else []
    norms = [0.0 if gradient is None else float(gradient.norm(dim=1).median()) for gradient in found]
    return dict(zip(lags, reversed(norms), strict=False)), torch.cat(outputs, 1).detach()


def growth(flow: Mapping[int, float]) -> float | None:
    """Growth of the norm in nats a step over the longer half of the lags; None where it can not be told."""
    alive = [(lag, norm) for lag, norm in flow.items() if norm > 0 and math.isfinite(norm)]
    longer = alive[len(alive) // 2 - 1 :] if len(alive) > 3 else alive
    if len(longer) < 2:
        return None
    return slope(torch.tensor([float(lag) for lag, _ in longer]), torch.tensor([math.log(norm) for _, norm in longer]))


def _flow(learner: Learner, batch: Batch) -> tuple[dict[int, float], float]:
    """The gradient flow of a batch's longest rows, and the share of the stack's outputs that do not move."""
    with _evaluating(learner):
        rows = sorted(rows_read(learner, batch), key=lambda row: -len(row.x_TE))[:ROWS]
        if not rows:
            return {}, 0.0
        steps = len(rows[-1].x_TE)
        x_BTE = torch.stack([row.x_TE[:steps] for row in rows])
        flow, y_BTO = segmented_flow(learner.stacks()[0], x_BTE)
    still_O = y_BTO.flatten(0, 1).std(0) == 0
    return flow, float(still_O.double().mean())


def _share_of_rate(trainer: pl.Trainer) -> float:
    """What a schedule has left of the learning rate; its last steps, which are meant to be still, count as whole."""
    group = trainer.optimizers[0].param_groups[0]
    share = group["lr"] / group.get("initial_lr", group["lr"]) if group["lr"] else 0.0
    return max(share, 1e-6)


@contextlib.contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Within it dropout and the like are off, so that no random number is drawn; afterwards all is as before."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode
