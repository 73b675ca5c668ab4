"""What the chunked scans of matrix states gain over their plain loops, forward + backward, on one thread.

    python benchmarks/matrix.py [--rows 32] [--steps 256] [--heads 2] [--size 64] [--repetitions 5]

Loop and scan take turns in one process, each once unmeasured and once measured, as steps of training follow their
like; printed are medians of processor time and their ratio. Promise, at heads of 64 x 64 and 256 steps: 8, and 5 for
the delta rule.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import normalize

from rnnbench.scan.matrix import delta_scan, matrix_scan, outer, read

Scan = Callable[..., tuple[Tensor, Tensor]]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("rows", 32), ("steps", 256), ("heads", 2), ("size", 64), ("repetitions", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    sizes = parser.parse_args()
    torch.set_num_threads(1)
    print(f"one thread, {sizes.rows} rows, {sizes.steps} steps, {sizes.heads} heads of {sizes.size} x {sizes.size}")
    for decay in ("none", "head", "key"):
        for rule, loop, scan in (("plain", plain_loop, matrix_scan), ("delta", delta_loop, delta_rule)):
            measure(f"{rule} rule, decay: {decay}", loop, scan, draw(sizes, decay, rule), sizes.repetitions)


def draw(sizes: argparse.Namespace, decay: str, rule: str) -> list[Tensor | None]:
    """Queries, keys of length 1, values, log decay, state; for the delta rule, rates."""
    shape = (sizes.rows, sizes.steps, sizes.heads)
    q, k, v = torch.randn(3, *shape, sizes.size).unbind()
    log_decay = {"none": None, "head": -torch.rand(shape), "key": -torch.rand(*shape, sizes.size)}[decay]
    state = torch.randn(sizes.rows, sizes.heads, sizes.size, sizes.size)
    values = [q, normalize(k, dim=-1), v, log_decay, state]
    return values if rule == "plain" else [*values, torch.rand(*shape, 1)]


def plain_loop(q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor | None, state: Tensor) -> tuple[Tensor, Tensor]:
    """The recurrence as one writes it down."""
    outputs = []
    for t in range(q.shape[1]):
        state = faded(state, log_decay, t) + outer(k[:, t], v[:, t])
        outputs.append(read(q[:, t], state))
    return torch.stack(outputs, 1), state


def delta_loop(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor | None, state: Tensor, rate: Tensor
) -> tuple[Tensor, Tensor]:
    """The delta rule as one writes it down."""
    outputs = []
    for t in range(q.shape[1]):
        state = faded(state, log_decay, t)
        state = state + outer(k[:, t], rate[:, t] * (v[:, t] - read(k[:, t], state)))
        outputs.append(read(q[:, t], state))
    return torch.stack(outputs, 1), state


def delta_rule(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor | None, state: Tensor, rate: Tensor
) -> tuple[Tensor, Tensor]:
    """The same in chunks."""
    return delta_scan(q, k, rate * v, rate * k, log_decay, state)


def faded(state: Tensor, log_decay: Tensor | None, t: int) -> Tensor:
    """The state after its decay at step t."""
    if log_decay is None:
        return state
    decay = log_decay[:, t].exp()
    return state * (decay[..., None] if decay.dim() == 3 else decay[..., None, None])


def measure(title: str, loop: Scan, scan: Scan, inputs: list[Tensor | None], repetitions: int) -> None:
    """Times both in turn and prints a line."""
    free = [tensor.requires_grad_() for tensor in inputs if tensor is not None]
    times: dict[Scan, list[float]] = {loop: [], scan: []}
    for _ in range(repetitions):
        for function, seconds in times.items():
            for measured in (False, True):
                began = time.process_time()
                o, state = function(*inputs)
                torch.autograd.grad(o.sum() + state.sum(), free)
                if measured:
                    seconds.append(time.process_time() - began)
    slow, fast = (1000 * statistics.median(seconds) for seconds in times.values())
    print(f"{title:24} loop {slow:8.1f} ms   chunks {fast:7.1f} ms   ratio {slow / fast:5.1f}")


if __name__ == "__main__":
    main()
