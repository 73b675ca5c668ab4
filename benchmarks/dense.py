"""How fast the cells on the dense loop are beside torch.nn.LSTM, torch's own layer of the cell and their plain loop.

    python benchmarks/dense.py [lstm gru …] [--hidden 128] [--batch 32] [--steps 64] [--repetitions 30]

Forward and backward, one thread, the layers in turn; medians of the thread's processor time, which a busy machine
spoils less than the clock on the wall. FLOPs are those of the matrix products, 6 a weight and token.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from scan_linear import warm_allocator
from torch import Tensor, nn

from rnnbench import plugins
from rnnbench.backbone import Backbone

CELLS = [
    "lstm", "gru", "elman", "irnn", "peephole_lstm", "cifg_lstm", "projected_lstm", "phased_lstm", "slstm", "cornn",
    "clockwork", "layernorm_lstm", "mogrifier_lstm",
]  # fmt: skip
TORCHS = {"lstm": nn.LSTM, "gru": nn.GRU, "elman": nn.RNN}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cells", nargs="*", default=CELLS)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--repetitions", type=int, default=30)
    sizes = parser.parse_args()
    torch.set_num_threads(1)
    warm_allocator()
    x = torch.randn(sizes.batch, sizes.steps, sizes.hidden)
    print(
        f"hidden {sizes.hidden}, batch {sizes.batch}, {sizes.steps} steps, {sizes.repetitions} repetitions, one thread"
    )
    print(f"{'':15} {'ms':>7} {'GFLOP/s':>8} {'/ nn.LSTM':>10} {'x loop':>7} {'x torch':>8}")
    for name in sizes.cells:
        print_cell(name, x, sizes.hidden, sizes.repetitions)


def print_cell(name: str, x: Tensor, hidden: int, repetitions: int) -> None:
    """One line: time, speed, and the ratios to nn.LSTM's speed, to the plain loop and to torch's layer of the cell."""
    cell: Any = plugins.get("backbone", name).load()
    backbone = cell(hidden, hidden_size=hidden)
    reference = nn.LSTM(hidden, hidden, batch_first=True)
    runs = {"fast": backbone, "lstm": reference, "loop": lambda x: Backbone.forward(backbone, x)}
    if name in TORCHS:
        runs["torch"] = TORCHS[name](hidden, hidden, batch_first=True)
    seconds = measure(runs, x, repetitions)
    speed = flops(backbone, x) / seconds["fast"] / 1e9
    share = speed / (flops(reference, x) / seconds["lstm"] / 1e9)
    torchs = f"{seconds['torch'] / seconds['fast']:8.2f}" if name in TORCHS else ""
    times = seconds["loop"] / seconds["fast"]
    print(f"{name:15} {1000 * seconds['fast']:7.2f} {speed:8.1f} {share:10.2f} {times:7.2f} {torchs}")


def flops(layer: nn.Module, x: Tensor) -> float:
    """Of the products, forwards and backwards: 6 for each number of each weight matrix, token by token."""
    weights = sum(parameter.numel() for name, parameter in layer.named_parameters() if is_multiplied(name, parameter))
    return 6.0 * weights * x.shape[0] * x.shape[1]


def is_multiplied(name: str, parameter: Tensor) -> bool:
    """Whether a parameter is a weight matrix."""
    return parameter.dim() > 1 and name != "peepholes"


def measure(runs: dict[str, Callable[[Tensor], Any]], x: Tensor, repetitions: int) -> dict[str, float]:
    """Median seconds of a forward and backward of each, in turn."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for repetition in range(repetitions + 2):
        for name, run in runs.items():
            seconds = time_once(run, x.clone().requires_grad_())
            if repetition > 1:  # the first two warm up
                times[name].append(seconds)
    return {name: statistics.median(values) for name, values in times.items()}


def time_once(run: Callable[[Tensor], Any], x: Tensor) -> float:
    """Seconds of a forward and backward, gradients of input and parameters included."""
    if isinstance(run, nn.Module):
        run.zero_grad()
    began = time.thread_time()
    y = run(x)[0]
    middle = time.thread_time()
    outer = torch.ones_like(y)
    again = time.thread_time()
    y.backward(outer)
    return time.thread_time() - again + middle - began


if __name__ == "__main__":
    main()
