"""How much faster the linear and elementwise scans are than loops under autograd, and their layers than torch's LSTM.

    python benchmarks/scan_linear.py [--batch 32] [--hidden 128] [--seconds 3] [--cpu-time]

Forward and backward, one thread, float32; medians of repetitions, in turn by blocks of 30 ms after two that do not
count, so that everybody finds its own data in the cache and nobody those of the one before. Two loops are written as a
person would: over batch-first tensors by index (`h = a[:, t] * h + b[:, t]`, whose backward fills a whole gradient at
every step), and over time-first tensors by `unbind`, which is the best that autograd can do. Both end in `torch.stack`.

--cpu-time counts what the process ran instead of what the clock says: on a machine that others use, too; the ratio of
the fastest repetitions is then the one that others have spoiled least.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rnnbench import plugins
from rnnbench.scan.elementwise import elementwise_scan
from rnnbench.scan.gated import gated_scan
from rnnbench.scan.linear import linear_path, linear_scan

BLOCK = 0.03  # seconds
LAYERS = ["mingru", "minlstm", "qrnn", "indrnn", "sru", "unicornn"]
Call = Callable[[], object]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=3, help="for each comparison")
    parser.add_argument("--cpu-time", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    warm_allocator()
    print(f"one thread, batch {options.batch}, hidden {options.hidden}, path '{linear_path(torch.zeros(1))}'")
    for steps in (64, 512):
        sizes = steps, options.batch, options.hidden
        for name, calls in scans(*sizes).items():
            report(f"{name}, {steps} steps", measure(calls, options))
    report("layers, 64 steps", measure(layers(options.batch, options.hidden), options), tokens=64 * options.batch)


def warm_allocator() -> None:
    """Frees 28 MiB: from then on the C library keeps what is freed, as it does in training once a loss was computed.

    Until then every tensor of a megabyte is new to the kernel, page by page, which takes as long as a scan.
    """
    torch.empty(7 * 2**20)


def measure(calls: dict[str, Call], options: argparse.Namespace) -> dict[str, tuple[float, float]]:
    """Median and least seconds of each call, taken in turn until the time is over."""
    clock = time.process_time if options.cpu_time else time.perf_counter
    times: dict[str, list[float]] = {name: [] for name in calls}
    until = time.perf_counter() + options.seconds
    while time.perf_counter() < until or len(next(reversed(times.values()))) < 5:
        for name, call in calls.items():
            call()
            call()
            block = time.perf_counter() + BLOCK
            while time.perf_counter() < block:
                began = clock()
                call()
                times[name].append(clock() - began)
    return {name: (statistics.median(values), min(values)) for name, values in times.items()}


def report(title: str, found: dict[str, tuple[float, float]], tokens: int = 0) -> None:
    """A line for each; the first is what the others are compared with, by medians and by the least."""
    first = next(iter(found.values()))
    print(title)
    for name, seconds in found.items():
        rate = f"{tokens / seconds[0]:12,.0f} tokens/s" if tokens else ""
        median, least = (a / b if tokens else b / a for a, b in zip(first, seconds, strict=True))
        print(f"  {name:24} {1000 * seconds[0]:9.3f} ms {rate}  x {median:.2f}  (least: x {least:.2f})")


def scans(steps: int, batch: int, hidden: int) -> dict[str, dict[str, Call]]:
    """For each recurrence: the scan first, then its loops."""
    shape = steps, batch, hidden
    u = torch.rand(hidden)

    def indrnn(inputs: Sequence[Tensor], state: Sequence[Tensor], weights: Sequence[Tensor]) -> list[Tensor]:
        return [torch.relu(inputs[0] + weights[0] * state[0])]

    return {
        "linear": compare(lambda a, b, h: linear_scan(a, b, h), lambda a, b, h: a * h + b, torch.rand(shape)),
        "complex linear": compare(
            lambda a, b, h: linear_scan(a, b, h),
            lambda a, b, h: a * h + b,
            torch.rand(shape) * torch.tensor(0.9 + 0.4j),
        ),
        "gated": compare(lambda f, v, h: gated_scan(f, v, h), lambda f, v, h: f * h + (1 - f) * v, torch.rand(shape)),
        "elementwise (indrnn)": compare(
            lambda _, x, h: elementwise_scan(indrnn, (x,), (h,), (u,))[0],
            lambda _, x, h: indrnn((x,), (h,), (u,))[0],
            torch.rand(shape),
        ),
    }


def compare(scan: Callable[..., Tensor], step: Callable[..., Tensor], factors: Tensor) -> dict[str, Call]:
    """The scan, the loop by index over batch-first tensors, the loop by `unbind` over time-first ones."""
    first = [factors.requires_grad_(), torch.randn_like(factors).requires_grad_(), torch.zeros_like(factors[0])]
    batch = [value.detach().transpose(0, 1).contiguous().requires_grad_() for value in first[:2]]
    outer = torch.randn_like(factors)

    def by_index(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
        states = []
        for t in range(b.shape[1]):
            h = step(a[:, t], b[:, t], h)
            states.append(h)
        return torch.stack(states, dim=1)

    def by_unbind(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
        states = []
        for a_t, b_t in zip(a.unbind(), b.unbind(), strict=True):
            h = step(a_t, b_t, h)
            states.append(h)
        return torch.stack(states)

    def both(function: Callable[..., Tensor], inputs: Sequence[Tensor], grad: Tensor) -> Call:
        return lambda: torch.autograd.grad(function(*inputs, first[2]), inputs, grad, allow_unused=True)

    return {
        "scan": both(scan, first[:2], outer),
        "loop by index": both(by_index, batch, outer.transpose(0, 1).contiguous()),
        "loop by unbind": both(by_unbind, first[:2], outer),
    }


def layers(batch: int, hidden: int, steps: int = 64) -> dict[str, Call]:
    """The LSTM of torch first, then the backbones, all with gradients of weights and inputs."""
    x_BTI = torch.randn(batch, steps, hidden, requires_grad=True)
    outer = torch.randn(batch, steps, hidden)

    def both(layer: nn.Module) -> Call:
        leaves = [x_BTI, *layer.parameters()]
        return lambda: torch.autograd.grad(layer(x_BTI)[0], leaves, outer)

    def build(name: str) -> nn.Module:
        backbone: Any = plugins.get("backbone", name).load()
        return backbone(hidden, hidden_size=hidden)

    return {"torch.nn.LSTM": both(nn.LSTM(hidden, hidden, batch_first=True))} | {n: both(build(n)) for n in LAYERS}


if __name__ == "__main__":
    main()
