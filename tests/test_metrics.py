import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import log_softmax

from rnnbench.metrics import CrossEntropy, Mean, MeanError, WilsonBound

OUTPUTS = torch.randn(60, 11, generator=torch.Generator().manual_seed(0))
TARGETS = torch.randint(11, (60,), generator=torch.Generator().manual_seed(1))
NATS = -log_softmax(OUTPUTS.double(), -1).gather(-1, TARGETS[:, None]).mean().item()


@given(cuts=st.lists(st.integers(1, 59), max_size=6))
def test_the_value_does_not_depend_on_the_batches(cuts: list[int]):
    metric = CrossEntropy("nats")
    bounds = [0, *sorted(set(cuts)), 60]
    for start, end in itertools.pairwise(bounds):
        metric.update(OUTPUTS[start:end], TARGETS[start:end])
    assert metric.compute().item() == pytest.approx(NATS, rel=1e-6)
    assert metric.count == 60


def test_units():
    values = {}
    for unit in ("nats", "bits", "perplexity"):
        metric = CrossEntropy(unit)
        metric.update(OUTPUTS, TARGETS)
        values[unit] = metric.compute().item()
    assert values["bits"] == pytest.approx(values["nats"] / math.log(2))
    assert values["perplexity"] == pytest.approx(math.exp(values["nats"]))


def test_guessing_blindly_has_the_perplexity_of_the_number_of_classes():
    metric = CrossEntropy("perplexity")
    metric.update(torch.zeros(100, 11), TARGETS[:50].repeat(2))
    assert metric.compute().item() == pytest.approx(11)


def test_a_mean_weighs_batches_by_their_counts_and_shows_a_nan():
    mean = Mean()
    for value, count in ((2.0, 512), (3.0, 512), (4.0, 217)):
        mean.update(torch.tensor(value), count)
    assert mean.compute().item() == pytest.approx((2 * 512 + 3 * 512 + 4 * 217) / 1241, rel=1e-12)
    mean.update(torch.tensor(float("nan")), 1)
    assert mean.compute().isnan()


def test_half_precision_outputs_are_summed_in_double():
    metric = CrossEntropy("nats")
    for _ in range(300):
        metric.update(OUTPUTS.bfloat16(), TARGETS)
    expected = -log_softmax(OUTPUTS.bfloat16().double(), -1).gather(-1, TARGETS[:, None]).mean().item()
    assert metric.compute().item() == pytest.approx(expected, rel=1e-6)


@given(cuts=st.lists(st.integers(1, 59), max_size=6), power=st.sampled_from([1, 2]))
def test_mean_errors_do_not_depend_on_the_batches(cuts: list[int], power: int):
    targets, unit = OUTPUTS.flip(0), torch.linspace(0.5, 3, 11)
    metric = MeanError(power, unit)
    for start, end in itertools.pairwise([0, *sorted(set(cuts)), 60]):
        metric.update(OUTPUTS[start:end], targets[start:end])
    expected = ((OUTPUTS.double() - targets.double()).abs() / unit).pow(power).mean().item()
    assert metric.compute().item() == pytest.approx(expected, rel=1e-12)


def test_wilson_bounds_are_those_of_the_literature():
    # Newcombe 1998 (Statistics in Medicine 17), table I: 81 of 263 gives 0.2553 to 0.3662, 0 of 20 gives 0 to 0.1611.
    for right, count, expected in ((81, 263, (0.2553, 0.3662)), (0, 20, (0.0, 0.1611))):
        targets = torch.tensor([1] * right + [0] * (count - right))
        bounds = [WilsonBound("lower"), WilsonBound("upper")]
        for metric in bounds:
            metric.update(torch.tensor([[0.0, 1.0]]).repeat(count, 1), targets)
        assert [metric.compute().item() for metric in bounds] == pytest.approx(expected, abs=5e-5)
