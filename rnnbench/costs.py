"""What a network costs, measured on the network itself and never declared.

B rows, T time steps, I input size.
"""

import contextlib
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from rnnbench.backbone import Backbone, State, tensors
from rnnbench.data.batch import Batch
from rnnbench.stack import Stack, Wrapper

if TYPE_CHECKING:
    from rnnbench.learners.base import Learner, Stepper

WARM_UP = 10  # steps
STEPS_TIMED = 50
SECONDS_TIMED = 0.05  # no further step begins after that


def parameter_count(module: nn.Module) -> int:
    """Trainable numbers; a shared matrix counts once. Those that never learn, as a reservoir's, do not count."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


@torch.inference_mode()
def state_bytes(backbone: Backbone, input_size: int) -> int:
    """Bytes a row of the state that `step` hands on."""
    _, state = backbone.step(backbone.zeros(1, input_size), backbone.initial_state(1))
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors(state))


def flops_per_token(backbone: Backbone, input_size: int) -> int:
    """Floating-point operations of one `step` of one row, forward, from the initial state.

    Matrix products, convolutions and attention, two operations a multiply-add; what is done element by element is not
    counted. Counted by torch as the operations run, so that a formula without products costs none.
    """
    return _flops(lambda: backbone.step(backbone.zeros(1, input_size), backbone.initial_state(1)))


def network_flops(stepper: "Stepper", inputs_B: Tensor) -> int:
    """`flops_per_token` of the whole network: embedding (a look-up costs none), all layers of the stack, head.

    Args:
        inputs_B: one step of one row, as the embedding takes it.
    """
    return _flops(lambda: _step(stepper, inputs_B, stepper.stack.initial_state(1)))


def activation_bytes(compute: Callable[[], object], apart: Iterable[Tensor] = ()) -> int:
    """Bytes that `compute` keeps for its backward pass, each storage once.

    What an autograd function keeps without `save_for_backward` is not seen.

    Args:
        compute: a forward pass; what it returns holds the graph, such as the loss.
        apart: tensors that are there anyway, such as parameters and inputs: they and their views do not count.
    """
    own = {tensor.untyped_storage().data_ptr() for tensor in apart}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor.detach()  # a result that its own node keeps would hold the graph for ever

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        graph = compute()
    del graph  # until here it kept every storage alive, and with it its address its own
    return sum(kept.values())


def step_seconds(stepper: "Stepper", inputs_B: Tensor) -> tuple[float, float]:
    """Median seconds of one `step` of the stack, and mean seconds of a step of the whole network, as in streaming.

    One row in evaluation, the state carried on; the whole network is embedding, stack and head.

    Args:
        inputs_B: one step of one row, read again and again.
    """
    laps, stack_laps = [], []
    with torch.inference_mode():
        state = stepper.stack.initial_state(1)
        for _ in range(WARM_UP):
            _, state = _step(stepper, inputs_B, state)
        end = _now(inputs_B.device) + SECONDS_TIMED
        while len(laps) < STEPS_TIMED and (not laps or _now(inputs_B.device) < end):
            began = _now(inputs_B.device)
            x_BI = stepper.embedding(inputs_B)
            embedded = _now(inputs_B.device)
            y_BO, state = stepper.stack.step(x_BI, state)
            stepped = _now(inputs_B.device)
            stepper.head(y_BO)
            laps.append(_now(inputs_B.device) - began)
            stack_laps.append(stepped - embedded)
    return statistics.median(stack_laps), statistics.mean(laps)


@contextlib.contextmanager
def paths(*stacks: Stack) -> Iterator[list[bool]]:
    """Tells which path the layers run within ``with``.

    Yields:
        A list that afterwards says of each layer whether it ran a `forward` of its backbone's own; else it looped over
        `step`, because the backbone has no other or because a wrapper asked for every step.
    """
    ran: set[nn.Module] = set()
    cells = [_cells(layer) for stack in stacks for layer in stack.layers]
    hooks = [cell.register_forward_pre_hook(lambda cell, _: ran.add(cell)) for layer in cells for cell in layer]
    fused: list[bool] = []
    try:
        yield fused
    finally:
        for hook in hooks:
            hook.remove()
        fused += [all(cell in ran and type(cell).forward is not Backbone.forward for cell in layer) for layer in cells]


def measure(learner: "Learner", batch: Batch, unit: str) -> dict[str, Any]:
    """All costs of a trained network, as they stand in its record. Draws no random number, changes no weight.

    A bidirectional stack has no single step: what is measured on one is None. Of a network that reads a sequence and
    then says another, a step is one of what it says.

    Args:
        batch: one training chunk, on the learner's device.
        unit: what the task calls its steps.
    """
    stepper, inputs_B = learner.stepper(batch)
    training, stack = learner.training, stepper.stack
    devices = [batch.inputs.device] if batch.inputs.is_cuda else []
    with torch.random.fork_rng(devices), paths(*learner.stacks()) as fused:
        given = [value for value in vars(batch).values() if isinstance(value, Tensor)]
        apart = [*learner.parameters(), *learner.buffers(), *given]
        kept = activation_bytes(lambda: learner.train().training_step(batch, 0), apart)
    learner.eval()
    flops = size = median = speed = None
    if not stack.bidirectional:
        flops, size = network_flops(stepper, inputs_B), state_bytes(stack, stepper.stack_input_size)
        median, mean = step_seconds(stepper, inputs_B)
        median, speed = 1000 * median, 1 / mean
    learner.train(training)
    return {
        "parameters": parameter_count(learner),
        "state_bytes": size,
        "flops_per_token": flops,
        "activation_bytes": kept,
        "step_milliseconds": median,
        f"streaming_{unit}_per_second": speed,
        "fused": fused,
    }


class PeakMemory:
    """The largest memory in use since it was made: of the GPU where `device` is one, else of the process.

    On Linux the process's mark is reset first; elsewhere it is that of the whole process so far.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        else:
            with contextlib.suppress(OSError):
                Path("/proc/self/clear_refs").write_text("5")

    def bytes(self) -> int:
        """The largest since then."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device)
        with contextlib.suppress(OSError):
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


@torch.no_grad()
def _flops(compute: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        compute()
    return counter.get_total_flops()


def _step(stepper: "Stepper", inputs_B: Tensor, state: State) -> tuple[Tensor, State]:
    y_BO, state = stepper.stack.step(stepper.embedding(inputs_B), state)
    return stepper.head(y_BO), state


def _cells(layer: nn.Module) -> list[Backbone]:
    """The backbones that a layer's wrappers hold."""
    if not isinstance(layer, Wrapper):
        return [layer] if isinstance(layer, Backbone) else []
    return [cell for child in layer.children() for cell in _cells(child)]


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
