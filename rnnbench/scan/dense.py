"""The loop for nonlinear cells, whose recurrence holds a matrix product: h_t = phi(W x_t + U h_{t-1}).

One autograd function for all steps, in place of a graph of a dozen nodes a step. What does not wait for the state, W x,
is one product before the loop; a step multiplies into memory that is already there and does its pointwise work in
place; a weight's gradient is one product after the loop (Appleyard et al. 2016, arXiv 1604.01946, for cuDNN). A cell
brings only its pointwise work, forwards and backwards.

T steps, B rows, H state size, G gates of H numbers each.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.autograd.graph import increment_version

from rnnbench.scan.linear import untracked
from rnnbench.scan.product import Weight, weight_gradient

MINUS_ONE = torch.tensor(-1.0)


class Memory(dict[str, Tensor]):
    """Tensors by name: ``m["c"]`` is whole, [T, B, H]; ``m.c[t]`` is one of its steps, [B, H].

    Attributes:
        matrices: those weights that multiply at every step; in the memory of a backward transposed.
    """

    matrices: dict[str, Weight]

    def __getattr__(self, name: str) -> tuple[Tensor, ...]:
        if name not in self:
            raise AttributeError(name)
        steps = self[name].unbind()
        setattr(self, name, steps)
        return steps

    def at(self, name: str, t: int) -> Tensor:
        """Step t of a tensor whose name is computed."""
        return getattr(self, name)[t]

    def add(self, name: str, like: Tensor, size: int | None = None) -> None:
        """Makes room shaped as `like`, or with a last dimension of another size."""
        self[name] = torch.empty_like(like) if size is None else like.new_empty(*like.shape[:-1], size)

    def split(self, name: str, parts: Sequence[str]) -> None:
        """Names equal parts of a tensor's last dimension."""
        self.update(zip(parts, self[name].chunk(len(parts), dim=-1), strict=True))


class Cell(ABC):
    """One step of a recurrence and its backward, on tensors of all steps.

    Forwards, `m` holds inputs and weights by name, and for each state such as ``c`` the tensors ``c_before`` and ``c``,
    [T, B, ...]: the state before and after each step. Backwards, `d` holds the gradients of the states at one step,
    ``d["c"]``.

    Attributes:
        inputs: names of what comes in at each step, [T, B, ...].
        weights: names of what is the same at all steps.
        states: names of the states. The first is ``h``, the output.
        multiplied: names of those weights that multiply at every step.
        forgotten: names of what the backward does not need.
    """

    inputs: Sequence[str] = ("wx",)
    weights: Sequence[str] = ("u",)
    states: Sequence[str] = ("h",)
    multiplied: Sequence[str] = ("u",)
    forgotten: Sequence[str] = ("wx",)

    @abstractmethod
    def allocate(self, m: Memory) -> None:
        """Adds to `m` what the steps write."""

    @abstractmethod
    def advance(self, t: int, m: Memory) -> None:
        """Writes the states after step t."""

    @abstractmethod
    def prepare(self, m: Memory, d: Memory) -> None:
        """Adds to `d` what the steps backwards write, and all that does not wait for the states' gradients."""

    @abstractmethod
    def retreat(self, t: int, m: Memory, d: Memory) -> None:
        """Turns the states' gradients after step t into those before it, in place."""

    @abstractmethod
    def gradients(self, m: Memory, d: Memory) -> dict[str, Tensor]:
        """Gradients of inputs and weights by name, once all steps are done; one left out is none."""


class GatedCell(Cell):
    """A cell whose step is one product, gates = wx_t + U h_{t-1}, and pointwise work on it, in the memory of ``wx``.

    U is [G H, H], or [heads, G D, D] for a block of its own to each of the heads, whose tensors are then
    [T, heads, B, ...].

    Attributes:
        gates: names of the equal parts of the sum. `forward` turns them into activations, in place.
        kept: names of what else `forward` writes for the backward, shaped as the last state.
        direct: whether h_{t-1} reaches h_t past the product, too.
    """

    gates: ClassVar[Sequence[str]]
    kept: ClassVar[Sequence[str]] = ()
    direct: ClassVar[bool] = False

    @abstractmethod
    def forward(self, t: int, m: Memory) -> None:
        """From the gates' sums at step t and the states before it to the states after it, pointwise."""

    def factors(self, m: Memory, d: Memory) -> None:
        """Writes into `d` what `backward` multiplies with, for all steps at once; by default nothing."""

    @abstractmethod
    def backward(self, t: int, m: Memory, d: Memory) -> None:
        """Writes the sums' gradients into the gates of `d`; turns the states' gradients into those before step t.

        That of ``h`` then is what it passes on past the product where it is `direct`, and of no matter elsewhere.
        """

    def allocate(self, m: Memory) -> None:
        m["gates"] = m["wx"].detach()
        increment_version(m["wx"])  # it is overwritten: torch is to say so where another gradient needs it
        m.split("gates", self.gates)
        for name in self.kept:
            m.add(name, m[self.states[-1]])

    def advance(self, t: int, m: Memory) -> None:
        m.matrices["u"].add_times(m.wx[t], m.h_before[t], out=m.gates[t])
        self.forward(t, m)

    def prepare(self, m: Memory, d: Memory) -> None:
        d.add("gates", m["gates"])
        d.split("gates", self.gates)
        self.factors(m, d)

    def retreat(self, t: int, m: Memory, d: Memory) -> None:
        self.backward(t, m, d)
        through = d.matrices["u"].times(d.gates[t])
        d["h"] = d["h"].add_(through) if self.direct else through

    def gradients(self, m: Memory, d: Memory) -> dict[str, Tensor]:
        return {"wx": d["gates"], "u": weight_gradient(d["gates"], m["h_before"])}


def dense_loop(
    cell: Cell, inputs: Sequence[Tensor], weights: Sequence[Tensor], state: Sequence[Tensor]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Runs a cell over all steps. Half precision is computed in float32.

    Args:
        cell: what a step does.
        inputs: its inputs, [T, B, ...] each, T >= 1. That of a `GatedCell` is overwritten.
        weights: its weights.
        state: the states before the first step, [B, ...] each.

    Returns:
        The first state after each step, [T, B, ...], and all states after the last; of the type of `state`.
    """
    given = (*inputs, *weights, *state)
    kinds = {tensor.dtype for tensor in given}
    working = torch.float64 if torch.float64 in kinds else torch.float32
    with torch.autocast(inputs[0].device.type, enabled=False):
        h, *last = _DenseLoop.apply(cell, *(tensor.to(working) for tensor in given))
    h = h.to(state[0].dtype)
    return h, (h[-1], *(after.to(before.dtype) for after, before in zip(last, state[1:], strict=True)))


class _DenseLoop(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, cell: Cell, *given: Tensor) -> tuple[Tensor, ...]:
        names = (*cell.inputs, *cell.weights)
        m = Memory(dict(zip(names, given[: len(names)], strict=True)))
        with untracked():
            _advance(cell, m, given[0].shape[0], given[len(names) :])
        ctx.cell, ctx.names = cell, [name for name in m if name not in cell.forgotten]
        ctx.save_for_backward(*(m[name] for name in ctx.names))
        return m["h"], *(m[name][-1].clone() for name in cell.states[1:])

    @staticmethod
    @once_differentiable  # which hides the names of the arguments
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, outer: Tensor, *last: Tensor
    ) -> tuple[Tensor | None, ...]:
        cell: Cell = ctx.cell
        m = Memory(dict(zip(ctx.names, ctx.saved_tensors, strict=True)))
        with untracked():
            d = _retreat(cell, m, outer, last)
            gradients = cell.gradients(m, d)
        return (
            None,
            *(gradients.get(name) for name in (*cell.inputs, *cell.weights)),
            *(d[name] for name in cell.states),
        )


def _advance(cell: Cell, m: Memory, steps: int, initials: Sequence[Tensor]) -> None:
    """All steps forwards, from the states before the first."""
    for name, initial in zip(cell.states, initials, strict=True):
        states = initial.new_empty(steps + 1, *initial.shape)
        states[0] = initial
        m[f"{name}_before"], m[name] = states[:-1], states[1:]
    m.matrices = {name: Weight(m[name], initials[0].shape[-2]) for name in cell.multiplied}
    cell.allocate(m)
    for t in range(steps):
        cell.advance(t, m)


def _retreat(cell: Cell, m: Memory, outer: Tensor, last: Sequence[Tensor]) -> Memory:
    """All steps backwards, from the gradients of the outputs and of the states after the last."""
    firsts = (torch.zeros_like(m["h"][0]), *(gradient.clone() for gradient in last))
    d = Memory(dict(zip(cell.states, firsts, strict=True)))
    d.matrices = {name: Weight(m[name].mT, d["h"].shape[-2]) for name in cell.multiplied}
    cell.prepare(m, d)
    for t, outer_t in reversed(list(enumerate(outer.unbind()))):
        d["h"].add_(outer_t)
        cell.retreat(t, m, d)
    return d


def tanh(x: Tensor, out: Tensor) -> None:
    """Hyperbolic tangent, as 2 sigma(2 x) - 1: on a CPU torch's sigmoid takes a fifth of the time of its tanh."""
    torch.add(x, x, out=out).sigmoid_()
    torch.add(MINUS_ONE, out, alpha=2, out=out)


def sigmoid_slope(times: Tensor, y: Tensor, out: Tensor) -> None:
    """Writes times y (1 - y), where y = sigma(s): the gradient of s for that of y."""
    torch.ops.aten.sigmoid_backward.grad_input(times, y, grad_input=out)


def tanh_slope(times: Tensor, y: Tensor, out: Tensor) -> None:
    """Writes times (1 - y²), where y = tanh(s): the gradient of s for that of y."""
    torch.ops.aten.tanh_backward.grad_input(times, y, grad_input=out)
