import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from rnnbench import Backbone
from rnnbench.diagnostics import speed
from rnnbench.diagnostics.limits import Product
from rnnbench.diagnostics.passes import Pass
from rnnbench.diagnostics.speed import Subject, measure
from rnnbench.diagnostics.speed_results import Row, Setup, labels

TINY = Setup(steps=(3,), batch=2, repeat=1, warmup=0)

FROZEN = """
import torch
from torch import nn
from rnnbench import Backbone


class Frozen(Backbone):
    def __init__(self, input_size):
        super().__init__()
        self.output_size = 4
        self.w = nn.Linear(input_size, 4)

    def initial_state(self, batch_size):
        return self.zeros(batch_size, 4)

    def step(self, x_BI, state):
        return (self.w(x_BI) + state).detach(), state
"""


def plugin(name: str, source: str) -> None:
    Path("backbones").mkdir(exist_ok=True)
    Path(f"backbones/{name}.py").write_text(source)


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Row]]:
    """Measures with made-up times; `seconds` is given the work that is timed."""

    def run(subjects: list[Subject], setup: Setup, seconds: Callable[[Any], float]) -> list[Row]:
        def interleave(jobs: dict[Any, Any], *_: Any) -> Any:
            return {work: [seconds(work)] for work in jobs}, {}

        monkeypatch.setattr(speed, "interleave", interleave)
        return list(measure(subjects, setup).rows)

    return run


def test_every_ratio_is_computed_from_its_own_times(faked: Callable[..., list[Row]]):
    def seconds(work: Any) -> float:
        if isinstance(work, Pass):
            return 3.0 if isinstance(work.module, nn.LSTM) else 8.0 if work.loop else 2.0
        if isinstance(work, Product):
            return work.flops / (3e9 if work.library == "oneDNN" else 1e9)
        return work.moved / 5e9

    (row,) = faked([Subject("gru", {"hidden_size": 6})], TINY, seconds)
    flops = 6 * 3 * 6 * (6 + 6)
    assert (row.seconds, row.lstm_ratio, row.loop_ratio) == (2.0, 1.5, 4.0)
    assert row.tokens_per_second == 2 * 3 / 2.0
    assert row.flops_per_token == flops / 3
    assert row.gflops == pytest.approx(flops * 6 / 2.0 / 1e9)
    assert row.limit_ratio == pytest.approx(flops * 6 / 3e9 / 2.0)
    assert (row.bound, row.path, row.backward, row.primitive) == ("product", "fused", True, "dense loop")
    assert row.lstm_gflops == pytest.approx(6 * 4 * 6 * 12 * 6 / 3.0 / 1e9)
    assert row.product_gflops == pytest.approx({"torch.mm": 1.0, "oneDNN": 3.0})
    assert row.copy_gigabytes_per_second == pytest.approx(5.0)
    assert row.state_bytes == 6 * 4
    assert row.parameters == 3 * (6 * 12 + 2 * 6)


def test_what_is_shared_is_timed_once(monkeypatch: pytest.MonkeyPatch):
    seen: list[Any] = []

    def interleave(jobs: dict[Any, Any], *_: Any) -> Any:
        seen.extend(jobs)
        return {work: [1.0] for work in jobs}, {}

    monkeypatch.setattr(speed, "interleave", interleave)
    measure([Subject("gru", {"hidden_size": 4}), Subject("elman", {"hidden_size": 4})], TINY)
    assert len(seen) == 2 * 2 + 1 + 2 + 1  # own and loop of both, one LSTM, products of two libraries, one copy


def test_a_pass_gives_every_gradient_and_leaves_none():
    lstm = nn.LSTM(3, 4, batch_first=True)
    given: list[Any] = []
    for parameter in lstm.parameters():
        parameter.register_hook(lambda gradient: given.append(gradient))
    job = Pass(lstm, (2, 5, 3)).job(lambda *shape: torch.ones(shape))
    job()
    assert len(given) == 4
    assert all(parameter.grad is None for parameter in lstm.parameters())


def test_the_loop_is_the_loop_over_step():
    class Steps(Backbone):
        def __init__(self) -> None:
            super().__init__()
            self.output_size, self.w, self.calls = 2, nn.Linear(2, 2), [0, 0]

        def initial_state(self, batch_size: int) -> tuple[()]:
            return ()

        def step(self, x_BI: Any, state: tuple[()]) -> Any:
            self.calls[0] += 1
            return self.w(x_BI), state

        def forward(self, x_BTI: Any, state: Any = None) -> Any:
            self.calls[1] += 1
            return self.w(x_BTI), ()

    backbone = Steps()
    Pass(backbone, (2, 5, 2)).job(lambda *shape: torch.ones(shape))()
    assert backbone.calls == [0, 1]
    Pass(backbone, (2, 5, 2), loop=True).job(lambda *shape: torch.ones(shape))()
    assert backbone.calls == [5, 1]


def test_a_class_without_forward_is_its_own_loop_and_one_without_gradient_is_forward_only():
    plugin("frozen", FROZEN)
    (row,) = measure([Subject("frozen", {})], dataclasses.replace(TINY, inputs=5)).rows
    assert row.problem is None
    assert (row.path, row.loop_ratio, row.backward) == ("step loop", 1.0, False)
    assert row.flops_per_token == 2 * 5 * 4
    assert (row.inputs, row.hidden_size) == (5, 4)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("self.w = nn.Linear(input_size, 4)", "self.w = nn.Linear(input_size, 5)"), "RuntimeError"),
        (("super().__init__()", "raise SystemExit('go away')"), "SystemExit: go away"),
        (("import torch\n", "import torch, nothing_of_this_name\n"), "can not be loaded: ModuleNotFoundError"),
        (("return self.zeros", "raise KeyError('state')\n        return self.zeros"), "KeyError: 'state'"),
    ],
)
def test_a_broken_plugin_costs_its_own_row_only(change: tuple[str, str], reason: str):
    assert FROZEN.count(change[0]) == 1
    plugin("frozen", FROZEN.replace(*change))
    broken, whole = measure([Subject("frozen", {}), Subject("gru", {"hidden_size": 4})], TINY).rows
    assert reason in (broken.problem or "")
    assert "\n" not in (broken.problem or "")
    assert "frozen.py" in (broken.problem or "") or "functional.py" in (broken.problem or "")
    assert broken.tokens_per_second is None
    assert whole.problem is None and (whole.tokens_per_second or 0) > 0


def test_the_persons_random_numbers_are_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    measure([Subject("gru", {"hidden_size": 4})], TINY)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_other_types_are_measured_too(dtype: str):
    (row,) = measure([Subject("elman", {"hidden_size": 4})], dataclasses.replace(TINY, dtype=dtype)).rows
    assert row.problem is None
    assert row.state_bytes == 4 * getattr(torch, dtype).itemsize
    assert 0 < (row.limit_ratio or 0) < math.inf


def test_labels_name_what_differs():
    rows = [
        Row("a", {"hidden_size": 1, "leak": 1}, 1, 1),
        Row("a", {"hidden_size": 2, "leak": 2}, 1, 1),
        Row("b", {"hidden_size": 2, "leak": 2}, 1, 1),
        Row("b", {"hidden_size": 4, "leak": 2}, 1, 1),
    ]
    assert labels(rows) == ["a leak=1", "a leak=2", "b", "b"]


@pytest.mark.gpu
def test_cuda_measures():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    (row,) = measure([Subject("lstm", {"hidden_size": 64})], Setup(device="cuda", repeat=3)).rows
    assert row.problem is None
    assert 0 < (row.lstm_ratio or 0) < math.inf
    assert set(row.product_gflops or {}) == {"torch.mm"}
