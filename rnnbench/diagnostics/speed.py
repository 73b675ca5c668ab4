"""How fast backbones are, forward and backward: against the machine's limit, torch.nn.LSTM, and their own step loop.

B rows, T time steps, I input size, O output size.
"""

import functools
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from rnnbench import options, plugins
from rnnbench.backbone import Backbone
from rnnbench.costs import flops_per_token, parameter_count, state_bytes
from rnnbench.diagnostics.limits import (
    LARGEST_PRODUCT,
    SCAN_ELEMENTS,
    TRAINING,
    Copy,
    Product,
    limit,
    scan_bytes_per_token,
)
from rnnbench.diagnostics.passes import Pass
from rnnbench.diagnostics.speed_results import Report, Row, Setup
from rnnbench.diagnostics.timing import interleave, reason, stopwatch, threads
from rnnbench.errors import UserError
from rnnbench.storage.environment import environment

_INPUTS = 128  # of a backbone without an option hidden_size
LSTM_GATES = 4  # the product of torch.nn.LSTM's inputs is the matching one


@dataclass(frozen=True)
class Subject:
    """A backbone with its options. `problem` is why it can not be had, if it can not."""

    name: str
    options: Mapping[str, Any]
    problem: str | None = None


@dataclass(frozen=True)
class Case:
    """A backbone at one length, and what is timed for it. What several cases share is timed once."""

    row: Row
    own: Pass
    loop: Pass
    lstm: Pass
    products: tuple[Product, Product]
    copy: Copy

    @property
    def works(self) -> list[Pass | Product | Copy]:
        """All that is timed."""
        return [self.own, self.loop, self.lstm, *self.products, self.copy]


def measure(subjects: Sequence[Subject], setup: Setup, tell: Callable[[], object] = lambda: None) -> Report:
    """Measures every subject at every length. A backbone that fails costs its own rows only.

    Args:
        tell: called after each round of repetitions.
    """
    with threads(setup.threads), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        bench = _Bench(setup)
        found = [case for subject in subjects for case in bench.cases(subject)]
        cases = [case for case in found if isinstance(case, Case)]
        jobs = {work: work.job(bench.draw) for work in dict.fromkeys(work for case in cases for work in case.works)}
        timer = stopwatch(bench.device, setup.threads)
        times, problems = interleave(jobs, setup.repeat, setup.warmup, timer, tell)
    seconds = {work: statistics.median(times[work]) for work in jobs if work not in problems}
    rows = [_finish(case, times, problems, seconds) if isinstance(case, Case) else case for case in found]
    return Report(setup, _machine(setup), rows)


class _Bench:
    """Makes what is measured, on one device and in one type, each thing once."""

    def __init__(self, setup: Setup) -> None:
        self.setup, self.device, self.dtype = setup, torch.device(setup.device), getattr(torch, setup.dtype)
        self.draw = functools.cache(self._draw)
        self.lstm = functools.cache(self._lstm)

    def _draw(self, *shape: int) -> Tensor:
        return torch.randn(shape, device=self.device, dtype=self.dtype)

    def _lstm(self, inputs: int, hidden_size: int) -> nn.LSTM:
        return nn.LSTM(inputs, hidden_size, batch_first=True, device=self.device, dtype=self.dtype)

    def cases(self, subject: Subject) -> list[Case] | list[Row]:
        """One for each length; where the backbone can not be built, rows that say why."""
        rows = [Row(subject.name, subject.options, steps, self.setup.batch) for steps in self.setup.steps]
        try:
            module, facts = self._build(subject)
        except (Exception, SystemExit) as error:  # a stranger's code, as in `interleave`
            return [replace(row, problem=reason(error)) for row in rows]
        return [self._case(module, replace(row, **facts)) for row in rows]

    def _build(self, subject: Subject) -> tuple[Backbone, dict[str, Any]]:
        if subject.problem:
            raise UserError(subject.problem)
        size = subject.options.get("hidden_size")
        inputs = self.setup.inputs or (max(size, 1) if isinstance(size, int) else _INPUTS)
        owner = plugins.get("backbone", subject.name).load()
        module = options.build(owner, f"backbone {subject.name}", subject.options, inputs)
        module = module.to(device=self.device, dtype=self.dtype)
        return module, _facts(module, inputs, size if isinstance(size, int) else module.output_size)

    def _case(self, module: Backbone, row: Row) -> Case:
        assert row.inputs and row.hidden_size and row.bytes_per_token is not None
        shape, tokens = (row.batch, row.steps, row.inputs), row.batch * row.steps
        size = (min(tokens, LARGEST_PRODUCT), row.inputs, LSTM_GATES * row.hidden_size)
        channels = row.bytes_per_token // SCAN_ELEMENTS or row.hidden_size * self.dtype.itemsize
        return Case(
            row,
            own=Pass(module, shape),
            loop=Pass(module, shape, loop=row.path != "step loop"),
            lstm=Pass(self.lstm(row.inputs, row.hidden_size), shape),
            products=(Product(*size, "torch.mm"), Product(*size, "oneDNN")),
            copy=Copy.matching(tokens, channels),
        )


def _facts(module: Backbone, inputs: int, hidden_size: int) -> dict[str, Any]:
    """What is known of a backbone without timing it."""
    x_BTI = torch.zeros_like(module.zeros(1, 1, inputs), requires_grad=True)
    backward = module(x_BTI)[0].requires_grad
    return {
        "inputs": inputs,
        "hidden_size": hidden_size,
        "primitive": module.primitive,
        "path": "step loop" if type(module).forward is Backbone.forward else "fused",
        "backward": backward,
        "parameters": parameter_count(module),
        "state_bytes": state_bytes(module, inputs),
        "flops_per_token": flops_per_token(module, inputs),
        "bytes_per_token": scan_bytes_per_token(module, inputs),
    }


def _finish(
    case: Case, times: Mapping[Any, Sequence[float]], problems: Mapping[Any, str], seconds: Mapping[Any, float]
) -> Row:
    row = case.row
    for work in (case.own, case.loop, case.lstm, case.products[0], case.copy):
        if work in problems:
            return replace(row, problem=problems[work])
    assert row.flops_per_token is not None and row.bytes_per_token is not None
    own, tokens = seconds[case.own], row.batch * row.steps
    products = {work.library: work.flops / seconds[work] / 1e9 for work in case.products if work in seconds}
    copy = case.copy.moved / seconds[case.copy] / 1e9
    flops_per_token = row.flops_per_token * (TRAINING if row.backward else 1)
    gigaflops, gigabytes = flops_per_token * tokens / 1e9, row.bytes_per_token * tokens / 1e9
    bound, fastest = limit(gigaflops, gigabytes, max(products.values()), copy)
    return replace(
        row,
        seconds=own,
        seconds_low=min(times[case.own]),
        seconds_high=max(times[case.own]),
        tokens_per_second=tokens / own,
        gflops=gigaflops / own,
        bound=bound,
        limit_ratio=fastest / own if fastest else None,
        lstm_ratio=seconds[case.lstm] / own,
        loop_ratio=seconds[case.loop] / own,
        product_gflops=products,
        copy_bytes=case.copy.size,
        copy_gigabytes_per_second=copy,
        lstm_tokens_per_second=tokens / seconds[case.lstm],
        lstm_gflops=_lstm_gigaflops(row) / seconds[case.lstm],
    )


def _lstm_gigaflops(row: Row) -> float:
    assert row.inputs and row.hidden_size
    return TRAINING * 2 * LSTM_GATES * row.hidden_size * (row.inputs + row.hidden_size) * row.batch * row.steps / 1e9


def _machine(setup: Setup) -> dict[str, Any]:
    facts = environment()
    gpu = None if setup.device == "cpu" else facts["gpu"]
    clock = "CUDA events" if gpu else "computing time" if setup.threads == 1 else "time on the wall"
    return {"cpu": facts["cpu"], "gpu": gpu, "torch": torch.__version__, "clock": clock}
