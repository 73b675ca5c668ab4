"""A network's forward and backward pass as something to be timed.

B rows, T time steps, I input size, O output size.
"""

import functools
from dataclasses import dataclass
from typing import Any

from rnnbench.backbone import Backbone
from rnnbench.diagnostics.limits import Draw
from rnnbench.diagnostics.timing import Job


@dataclass(frozen=True)
class Pass:
    """Forward and backward of a module over inputs of a shape [B, T, I], through its `forward` or its step loop."""

    module: Any
    shape: tuple[int, int, int]
    loop: bool = False

    def job(self, draw: Draw) -> Job:
        """What is to be timed: the gradients of all parameters and of the inputs, as within a stack."""
        x_BTI = draw(*self.shape).detach().requires_grad_()
        leaves = [x_BTI, *self.module.parameters()]
        run = functools.partial(Backbone.forward, self.module) if self.loop else self.module

        def forward_backward() -> None:
            y_BTO = run(x_BTI)[0]
            if y_BTO.requires_grad:
                y_BTO.backward(draw(*y_BTO.shape))
            for leaf in leaves:
                leaf.grad = None

        return forward_backward
