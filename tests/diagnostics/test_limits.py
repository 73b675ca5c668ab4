import math
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from rnnbench import Backbone
from rnnbench.backbones.lstm import LSTM
from rnnbench.diagnostics.limits import (
    LARGEST_COPY,
    Copy,
    Product,
    _multiply_transposed,
    limit,
    scan_bytes_per_token,
)
from rnnbench.diagnostics.timing import stopwatch


def draw(*shape: int) -> Tensor:
    return torch.randn(shape)


class Averages(Backbone):
    """A complex linear scan beside the last three inputs, which it does not use."""

    primitive: ClassVar[str] = "complex linear scan"

    def __init__(self, input_size: int, channels: int) -> None:
        super().__init__()
        self.output_size = channels
        self.linear = nn.Linear(input_size, channels)

    def initial_state(self, batch_size: int) -> Any:
        past = self.zeros(batch_size, 3, self.linear.in_features)
        return {"h": self.zeros(batch_size, self.output_size).to(torch.complex64), "past": past}

    def step(self, x_BI: Tensor, state: Any) -> tuple[Tensor, Any]:
        h = 0.9j * state["h"] + self.linear(x_BI)
        return h.real, {**state, "h": h}


def test_bytes_are_those_of_the_scans_channels_and_of_nothing_else():
    assert scan_bytes_per_token(Averages(2, channels=16), 2) == 8 * 16 * 8
    assert scan_bytes_per_token(LSTM(2, hidden_size=16), 2) == 0


def test_the_limit_is_the_slower_of_product_and_copy():
    assert limit(flops=10, moved=1, flops_per_second=5, bytes_per_second=1) == ("product", 2.0)
    assert limit(flops=10, moved=9, flops_per_second=5, bytes_per_second=3) == ("copy", 3.0)
    assert limit(flops=0, moved=0, flops_per_second=5, bytes_per_second=3)[1] == 0


def test_product_and_copy_count_what_they_do():
    product = Product(tokens=6, inputs=4, outputs=3, library="torch.mm")
    with FlopCounterMode(display=False) as counter:
        product.job(draw)()
    assert counter.get_total_flops() == product.flops == 6 * 6 * 4 * 3
    copy = Copy.matching(tokens=100, channel_bytes=8)
    assert copy.size == 3 * 100 * 8  # half of a, b, h and their gradients
    assert copy.moved == 2 * copy.size
    assert Copy.matching(10**9, 8).size == LARGEST_COPY


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch was built without oneDNN")
def test_both_libraries_multiply_the_same():
    a, b = draw(5, 7), draw(3, 7)
    torch.testing.assert_close(_multiply_transposed(a, b), a @ b.T)
    torch.testing.assert_close(_multiply_transposed(a.T, b[:, :5]), a.T @ b[:, :5].T)


@pytest.mark.parametrize("work", [Product(64, 16, 32, "torch.mm"), Product(64, 16, 32, "oneDNN"), Copy(2**16)])
def test_limits_are_positive_and_finite(work: Product | Copy):
    seconds = min(stopwatch(torch.device("cpu"), 1)(work.job(draw)) for _ in range(5))
    speed = (work.flops if isinstance(work, Product) else work.moved) / seconds
    assert 0 < speed < math.inf
