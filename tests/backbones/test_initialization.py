"""Initialisation options of the LSTM."""

import math

import pytest
import torch

from rnnbench.backbones.lstm import LSTM


def bias(**options: float | int | None) -> torch.Tensor:
    torch.manual_seed(0)
    built = LSTM(3, hidden_size=600, **options)  # pyright: ignore[reportArgumentType]
    return built.get_parameter("layer.bias_ih_l0").detach()


def test_chrono_spreads_forget_gates_over_lags_up_to_the_longest():
    i, f, g, o = bias(chrono=101).chunk(4)
    assert torch.equal(i, -f)
    assert 0 <= f.min() < f.max() <= math.log(100)
    assert f.exp().mean().item() == pytest.approx(50.5, rel=0.1)
    assert f.exp().var().sqrt().item() == pytest.approx(99 / math.sqrt(12), rel=0.1)
    assert g.abs().sum() == o.abs().sum() == 0


def test_chrono_is_off_by_default_and_draws_nothing():
    with_default = bias()
    drawn = torch.rand(1)
    assert torch.equal(with_default, bias(chrono=None, forget_bias=1.0))
    assert torch.equal(drawn, torch.rand(1))
    assert with_default.chunk(4)[1].unique().tolist() == [1.0]


def test_a_lag_below_two_is_refused():
    with pytest.raises(ValueError, match="chrono must be at least 2, got 1"):
        LSTM(3, chrono=1)
