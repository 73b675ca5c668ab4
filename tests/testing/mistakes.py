"""Backbones with exactly one mistake each, for the kit to find."""

import random
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone, ParameterGroup, State
from rnnbench.errors import at_least


class Leaky(Backbone):
    """h = a h + tanh(W x + b), a = sigma(decay): no mistake."""

    def __init__(self, input_size: int, *, hidden_size: int = 6) -> None:
        super().__init__()
        at_least(1, hidden_size=hidden_size)
        self.output_size = hidden_size
        self.read = nn.Linear(input_size, hidden_size)
        self.decay = nn.Parameter(torch.zeros(hidden_size))

    def initial_state(self, batch_size: int) -> State:
        return self.zeros(batch_size, self.output_size)

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        h_BH = torch.sigmoid(self.decay) * state + torch.tanh(self.read(x_BI))
        return h_BH, h_BH

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        h_BH = self.initial_state(len(x_BTI)) if state is None else state
        return self.run(torch.tanh(self.read(x_BTI)), h_BH)

    def run(self, v_BTH: Tensor, h_BH: Tensor) -> tuple[Tensor, State]:
        outputs, a_H = [], torch.sigmoid(self.decay)
        for v_BH in v_BTH.unbind(1):
            h_BH = a_H * h_BH + v_BH
            outputs.append(h_BH)
        return torch.stack(outputs, 1), h_BH


class WithoutAtLeast(Leaky):
    def __init__(self, input_size: int, *, hidden_size: int = 6) -> None:
        super().__init__(input_size, hidden_size=max(1, hidden_size))


class WrongOutputSize(Leaky):
    def __init__(self, input_size: int, *, hidden_size: int = 6) -> None:
        super().__init__(input_size, hidden_size=hidden_size)
        self.output_size = 2 * hidden_size

    def initial_state(self, batch_size: int) -> State:
        return self.zeros(batch_size, self.output_size // 2)


class TimeMajor(Leaky):
    def run(self, v_BTH: Tensor, h_BH: Tensor) -> tuple[Tensor, State]:
        y_BTH, state = super().run(v_BTH, h_BH)
        return y_BTH.transpose(0, 1), state


class BatchSecond(Leaky):
    def initial_state(self, batch_size: int) -> State:
        return self.zeros(self.output_size, batch_size)

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        h_BH, after = super().step(x_BI, state.T)
        return h_BH, after.T

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        y_BTH, after = super().forward(x_BTI, None if state is None else state.T)
        return y_BTH, after.T


class PlainCounter(Leaky):
    """Counts steps in a python integer."""

    def initial_state(self, batch_size: int) -> State:
        return super().initial_state(batch_size), 0

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        h_BH, after = super().step(x_BI, state[0])
        return h_BH, (after, state[1] + 1)

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        h_BH, count = self.initial_state(len(x_BTI)) if state is None else state
        y_BTH, after = super().forward(x_BTI, h_BH)
        return y_BTH, (after, count + x_BTI.shape[1])


class OtherNesting(Leaky):
    """Begins with a list and goes on with a tuple."""

    def initial_state(self, batch_size: int) -> State:
        return [super().initial_state(batch_size)]

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        h_BH, after = super().step(x_BI, state[0])
        return h_BH, (after,)

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        (h_BH,) = self.initial_state(len(x_BTI)) if state is None else state
        y_BTH, after = super().forward(x_BTI, h_BH)
        return y_BTH, (after,)


class Cache(Leaky):
    """A state that grows by a step's output each step."""

    def initial_state(self, batch_size: int) -> State:
        return self.zeros(batch_size, 1, self.output_size)

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        h_BH, _ = super().step(x_BI, state[:, -1])
        return h_BH, torch.cat([state, h_BH[:, None]], 1)

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        before = self.initial_state(len(x_BTI)) if state is None else state
        y_BTH, _ = super().forward(x_BTI, before[:, -1])
        return y_BTH, torch.cat([before, y_BTH], 1)


class MissingBias(Leaky):
    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        h_BH = self.initial_state(len(x_BTI)) if state is None else state
        return self.run(torch.tanh(x_BTI @ self.read.weight.T + 0 * self.read.bias), h_BH)


class OtherDecay(Leaky):
    """The recurrence of forward, and not its first step, is another."""

    def run(self, v_BTH: Tensor, h_BH: Tensor) -> tuple[Tensor, State]:
        outputs = []
        for v_BH in v_BTH.unbind(1):
            h_BH = torch.sigmoid(1.1 * self.decay) * h_BH + v_BH
            outputs.append(h_BH)
        return torch.stack(outputs, 1), h_BH


class LostBorder(Leaky):
    """Chunks of 16 steps, of which each begins anew."""

    def run(self, v_BTH: Tensor, h_BH: Tensor) -> tuple[Tensor, State]:
        outputs = []
        for piece in v_BTH.split(16, 1):
            y_BTH, last_BH = super().run(piece, 0 * h_BH if outputs else h_BH)
            outputs.append(y_BTH)
            h_BH = last_BH
        return torch.cat(outputs, 1), h_BH


class Rounded(Leaky):
    """Wrong in float32 only."""

    def run(self, v_BTH: Tensor, h_BH: Tensor) -> tuple[Tensor, State]:
        return super().run((v_BTH + 1e4) - 1e4 if v_BTH.dtype == torch.float32 else v_BTH, h_BH)


class StaleState(Leaky):
    """Returns the state before the last step."""

    def run(self, v_BTH: Tensor, h_BH: Tensor) -> tuple[Tensor, State]:
        y_BTH, _ = super().run(v_BTH, h_BH)
        return y_BTH, y_BTH[:, -2] if y_BTH.shape[1] > 1 else h_BH


class OtherBeginning(Leaky):
    """Without a state forward begins at ones."""

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        state = torch.ones_like(self.initial_state(len(x_BTI))) if state is None else state
        return super().forward(x_BTI, state)


class Forgetful(Leaky):
    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        return super().forward(x_BTI, None)


class Centred(Leaky):
    """Subtracts the mean over time: sees the future."""

    def run(self, v_BTH: Tensor, h_BH: Tensor) -> tuple[Tensor, State]:
        return super().run(v_BTH - v_BTH.mean(1, keepdim=True), h_BH)


class OffByOne(Leaky):
    """A window that reaches one step too far."""

    def run(self, v_BTH: Tensor, h_BH: Tensor) -> tuple[Tensor, State]:
        y_BTH, state = super().run(v_BTH, h_BH)
        return y_BTH + torch.cat([v_BTH[:, 1:], 0 * v_BTH[:, :1]], 1), state


class Scaled(Leaky):
    """Scales by the largest number of all time, which no gradient shows."""

    def run(self, v_BTH: Tensor, h_BH: Tensor) -> tuple[Tensor, State]:
        y_BTH, state = super().run(v_BTH, h_BH)
        return y_BTH * (1 + 0.01 * y_BTH.detach().abs().amax((1, 2), keepdim=True)), state


class BatchNormed(Leaky):
    """Subtracts the mean over rows."""

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        return super().step(x_BI - x_BI.mean(0), state)

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        return super().forward(x_BTI - x_BTI.mean(0), state)


class Squeezed(Leaky):
    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        y_BTH, after = super().forward(x_BTI, state)
        return y_BTH.squeeze(1), after


class KeptOnModule(Leaky):
    """Adds a trace of its own last state, which detach does not reach."""

    last: Any = None

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        if state is not None and self.last is not None:
            state = state + (self.last - self.last.detach())
        y_BTH, self.last = super().forward(x_BTI, state)
        return y_BTH, self.last


class CountsInBuffer(Leaky):
    count: Tensor

    def __init__(self, input_size: int, *, hidden_size: int = 6) -> None:
        super().__init__(input_size, hidden_size=hidden_size)
        self.register_buffer("count", torch.zeros((), dtype=torch.long))

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        self.count += x_BTI.shape[1]
        return super().forward(x_BTI, state)


class AlwaysDrops(Leaky):
    """Dropout that evaluation does not switch off."""

    def run(self, v_BTH: Tensor, h_BH: Tensor) -> tuple[Tensor, State]:
        return super().run(nn.functional.dropout(v_BTH, 0.1, training=True), h_BH)


class InPlace(Leaky):
    def run(self, v_BTH: Tensor, h_BH: Tensor) -> tuple[Tensor, State]:
        y_BTH, last = super().run(v_BTH, h_BH)
        with torch.no_grad():
            h_BH.copy_(last)
        return y_BTH, last


class DrawsAtTheStart(Leaky):
    """Its initial state costs a random number."""

    def initial_state(self, batch_size: int) -> State:
        torch.rand(1)
        return super().initial_state(batch_size)


class DrawnByNumpy(Leaky):
    def __init__(self, input_size: int, *, hidden_size: int = 6) -> None:
        super().__init__(input_size, hidden_size=hidden_size)
        with torch.no_grad():
            self.decay.copy_(torch.from_numpy(np.random.default_rng().normal(size=hidden_size)))


class UnregisteredDraw(Leaky):
    """A fixed matrix that is no buffer, drawn without a seed."""

    def __init__(self, input_size: int, *, hidden_size: int = 6) -> None:
        super().__init__(input_size, hidden_size=hidden_size)
        self.gain = self.draw()

    def draw(self) -> float:
        return 1 + random.SystemRandom().random()

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        return super().step(self.gain * x_BI, state)

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        return super().forward(self.gain * x_BTI, state)


class Unregistered(UnregisteredDraw):
    """The same, drawn from torch's generator."""

    def draw(self) -> float:
        return 1 + float(torch.rand(()))


class Halved(torch.autograd.Function):
    """The identity with half the gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0] / 2


class WrongBackward(Leaky):
    def run(self, v_BTH: Tensor, h_BH: Tensor) -> tuple[Tensor, State]:
        halved: Any = Halved.apply(v_BTH)
        return super().run(halved, h_BH)


class WrongBackwardInBoth(WrongBackward):
    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        halved: Any = Halved.apply(torch.tanh(self.read(x_BI)))
        h_BH = torch.sigmoid(self.decay) * state + halved
        return h_BH, h_BH


class DetachesState(Leaky):
    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        return super().forward(x_BTI, None if state is None else state.detach())


class WithoutGradients(Leaky):
    """Runs under no_grad."""

    @torch.no_grad()
    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        return super().forward(x_BTI, state)


class Unused(Leaky):
    def __init__(self, input_size: int, *, hidden_size: int = 6) -> None:
        super().__init__(input_size, hidden_size=hidden_size)
        self.spare = nn.Parameter(torch.zeros(3))


class RootOfZero(Leaky):
    """A gate sqrt(|decay|) of a decay that begins at zero."""

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        h_BH, _ = super().step(x_BI, state)
        return h_BH * (1 + self.decay.abs().sqrt()), h_BH

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        y_BTH, after = super().forward(x_BTI, state)
        return y_BTH * (1 + self.decay.abs().sqrt()), after


class NormOfZero(Leaky):
    """Inputs of length one."""

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        return super().step(x_BI / x_BI.norm(dim=-1, keepdim=True), state)

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        return super().forward(x_BTI / x_BTI.norm(dim=-1, keepdim=True), state)


class Exploding(Leaky):
    """exp of the inputs."""

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        return super().step(x_BI.exp().pow(2), state)

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        return super().forward(x_BTI.exp().pow(2), state)


class AlwaysFloat32(Leaky):
    def initial_state(self, batch_size: int) -> State:
        return torch.zeros(batch_size, self.output_size)


class ForeignGroup(Leaky):
    def parameter_groups(self) -> list[ParameterGroup]:
        return [ParameterGroup([nn.Parameter(self.decay.detach().clone())])]


class DoubleGroup(Leaky):
    def parameter_groups(self) -> list[ParameterGroup]:
        return [ParameterGroup([self.decay]), ParameterGroup([self.decay], rate=0.1)]


class OverflowsInHalf(Leaky):
    """Takes a power that bfloat16 does not hold."""

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        h_BH, after = super().step(x_BI, state)
        return h_BH * self.one(h_BH), after

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        y_BTH, after = super().forward(x_BTI, state)
        return y_BTH * self.one(y_BTH), after

    def one(self, y: Tensor) -> Tensor:
        rest = torch.full_like(y, 1 + 2**-10) - 1  # zero where it is rounded to eight bits
        return rest / rest


class Crashing(Leaky):
    """A mistake of another kind altogether."""

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        raise KeyError("gate")


class OtherError(Leaky):
    """Refuses a size, but not with a ValueError."""

    def __init__(self, input_size: int, *, hidden_size: int = 6) -> None:
        if hidden_size < 1:
            raise TypeError("no")
        super().__init__(input_size, hidden_size=hidden_size)


class NamelessError(Leaky):
    def __init__(self, input_size: int, *, hidden_size: int = 6) -> None:
        if hidden_size < 1:
            raise ValueError("too small")
        super().__init__(input_size, hidden_size=hidden_size)


class OwnGenerator(Leaky):
    """Noise from a generator of its own."""

    def __init__(self, input_size: int, *, hidden_size: int = 6) -> None:
        super().__init__(input_size, hidden_size=hidden_size)
        self.generator = torch.Generator().manual_seed(0)

    def run(self, v_BTH: Tensor, h_BH: Tensor) -> tuple[Tensor, State]:
        return super().run(v_BTH + torch.randn(v_BTH.shape, generator=self.generator).to(v_BTH), h_BH)


class LargestRow(Leaky):
    """Scales by the largest number of all rows, which no gradient shows."""

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        return super().step(x_BI / x_BI.detach().abs().max().clamp(min=1.0), state)

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        largest = x_BTI.detach().abs().amax((0, 2), keepdim=True).clamp(min=1.0)
        return super().forward(x_BTI / largest, state)


class ByLength(Leaky):
    """Divides by the number of steps."""

    def run(self, v_BTH: Tensor, h_BH: Tensor) -> tuple[Tensor, State]:
        return super().run(v_BTH / v_BTH.shape[1], h_BH)


class Two(OffByOne):
    """Two mistakes that have nothing to do with one another."""

    def parameter_groups(self) -> list[ParameterGroup]:
        return [ParameterGroup([self.decay, self.decay])]


class Multiple(Leaky):
    """No mistake: takes multiples of 64 only."""

    def __init__(self, input_size: int, *, hidden_size: int = 128) -> None:
        super().__init__(input_size, hidden_size=hidden_size)
        if hidden_size % 64:
            raise ValueError(f"hidden_size must be a multiple of 64, got {hidden_size}")


class Complex(Backbone):
    """No mistake: a complex state and a counter, h = a h + W x, a = 0.9 exp(i angle), y = Re h, louder by the step."""

    def __init__(self, input_size: int, *, hidden_size: int = 6) -> None:
        super().__init__()
        at_least(1, hidden_size=hidden_size)
        self.output_size = hidden_size
        self.read = nn.Linear(input_size, hidden_size)
        self.angle = nn.Parameter(torch.ones(hidden_size))

    def initial_state(self, batch_size: int) -> State:
        h_BH = self.zeros(batch_size, self.output_size)
        dtype = torch.complex128 if h_BH.dtype == torch.float64 else torch.complex64
        return {"h": h_BH.to(dtype), "count": torch.zeros(batch_size, dtype=torch.long, device=h_BH.device)}

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        h_BH, count_B = state["h"], state["count"]
        angle_H = self.angle.to(h_BH.real.dtype)
        h_BH = torch.polar(torch.full_like(angle_H, 0.9), angle_H) * h_BH + self.read(x_BI)
        y_BH = h_BH.real.to(x_BI.dtype) * (1 + 0.01 * count_B.to(x_BI.dtype)[:, None])
        return y_BH, {"h": h_BH, "count": count_B + 1}


class Untrained(Backbone):
    """No mistake: a fixed reservoir of buffers, of which nothing is trained."""

    read: Tensor
    recur: Tensor

    def __init__(self, input_size: int, *, hidden_size: int = 6) -> None:
        super().__init__()
        at_least(1, hidden_size=hidden_size)
        self.output_size = hidden_size
        self.register_buffer("read", torch.randn(hidden_size, input_size))
        self.register_buffer("recur", 0.3 * torch.randn(hidden_size, hidden_size))

    def initial_state(self, batch_size: int) -> State:
        return self.read.new_zeros(batch_size, self.output_size)

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        h_BH = torch.tanh(x_BI @ self.read.T + state @ self.recur.T)
        return h_BH, h_BH


class Unlearning(Untrained):
    """No mistake either: since nothing is trained, no gradient is kept."""

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        with torch.no_grad():
            return super().step(x_BI, state)
