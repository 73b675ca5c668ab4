"""What a measurement of speed was asked for, and what came out of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from rnnbench.errors import at_least, not_among

DTYPES = ("float32", "float64", "bfloat16", "float16")


@dataclass(frozen=True)
class Setup:
    """How backbones are measured.

    Attributes:
        steps: lengths of sequences.
        batch: rows.
        inputs: input size; None gives each backbone as many as its hidden size.
        repeat: repetitions that count.
        warmup: rounds before them that do not.
        threads: of torch, on the CPU.
        device: cpu, cuda or cuda:N.
        dtype: one of `DTYPES`.
    """

    steps: Sequence[int] = (64,)
    batch: int = 32
    inputs: int | None = None
    repeat: int = 7
    warmup: int = 1
    threads: int = 1
    device: str = "cpu"
    dtype: str = "float32"

    def __post_init__(self) -> None:
        at_least(1, steps=min(self.steps), batch=self.batch, repeat=self.repeat, threads=self.threads)
        at_least(1, inputs=1 if self.inputs is None else self.inputs)
        at_least(0, warmup=self.warmup)
        kind, _, number = self.device.partition(":")
        if kind not in ("cpu", "cuda") or not (number or "0").isdecimal():
            raise ValueError(not_among("device", self.device, ["cpu", "cuda"]))
        if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
            raise ValueError(
                f"device '{self.device}' is not there; torch sees {torch.cuda.device_count()} CUDA devices"
            )
        if self.dtype not in DTYPES:
            raise ValueError(not_among("dtype", self.dtype, DTYPES))


@dataclass(frozen=True)
class Row:
    """What was measured of one backbone at one size and length. Without numbers where there is a `problem`.

    Attributes:
        path: "fused" where the class has a `forward` of its own, else "step loop".
        backward: whether gradients flow; where not (a reservoir), all numbers are of the forward pass alone.
        flops_per_token: of the matrix products, forward; `gflops` counts the backward pass too.
        bytes_per_token: of a linear scan.
        seconds: median of a forward and backward pass; `seconds_low` and `seconds_high` are the extremes.
        bound: what limits it, "product" or "copy" (`rnnbench.diagnostics.limits`).
        limit_ratio: the share of that limit that it reaches; None where there is nothing to count.
        lstm_ratio: its tokens/s over those of torch.nn.LSTM with the same input and hidden size.
        loop_ratio: its tokens/s over those of the plain loop over its `step`.
        product_gflops: the machine's products of matching size, by library; the faster one is the limit.
        copy_gigabytes_per_second: the machine's copy of `copy_bytes`, read and written.
    """

    backbone: str
    options: Mapping[str, Any]
    steps: int
    batch: int
    inputs: int | None = None
    hidden_size: int | None = None
    primitive: str | None = None
    path: str | None = None
    backward: bool | None = None
    parameters: int | None = None
    state_bytes: int | None = None
    flops_per_token: int | None = None
    bytes_per_token: int | None = None
    seconds: float | None = None
    seconds_low: float | None = None
    seconds_high: float | None = None
    tokens_per_second: float | None = None
    gflops: float | None = None
    bound: str | None = None
    limit_ratio: float | None = None
    lstm_ratio: float | None = None
    loop_ratio: float | None = None
    product_gflops: Mapping[str, float] | None = None
    copy_bytes: int | None = None
    copy_gigabytes_per_second: float | None = None
    lstm_tokens_per_second: float | None = None
    lstm_gflops: float | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Report:
    """A row for each backbone, size and length in the order asked for, and how and on what they were measured."""

    setup: Setup
    machine: Mapping[str, Any]
    rows: Sequence[Row]

    @property
    def place(self) -> str:
        """Machine, threads and type in a line."""
        threads = f"{self.setup.threads} thread{'s' if self.setup.threads > 1 else ''} of {self.machine['cpu']}"
        return f"{self.machine['gpu'] or threads}, torch {self.machine['torch']}, {self.setup.dtype}"


def labels(rows: Sequence[Row]) -> list[str]:
    """A name for each row: the backbone, and those of its options that differ between rows, the hidden size apart."""
    varied: dict[str, set[str]] = {}
    for row in rows:
        for other in rows:
            if row.backbone == other.backbone:
                differ = {key for key in row.options if row.options[key] != other.options.get(key)}
                varied.setdefault(row.backbone, set()).update(differ - {"hidden_size"})
    return [
        " ".join([row.backbone, *(f"{key}={row.options[key]}" for key in sorted(varied[row.backbone]))]) for row in rows
    ]
