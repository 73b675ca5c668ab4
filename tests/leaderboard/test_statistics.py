import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rnnbench.leaderboard.statistics import mean_and_interval


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12))
def test_the_interval_is_scipys(values: list[float]):
    mean, half = mean_and_interval(values)
    assert half is not None
    error = float(stats.sem(values))
    low, high = stats.t.interval(0.95, len(values) - 1, loc=mean, scale=error) if error else (mean, mean)
    assert mean - half == pytest.approx(low, abs=1e-6)
    assert mean + half == pytest.approx(high, abs=1e-6)


def test_a_textbook_value():
    # t(0.975, 2) = 4.302653; standard deviation of 1, 2, 3 is 1.
    assert mean_and_interval([1, 2, 3]) == (2, pytest.approx(4.302653 / 3**0.5, rel=1e-6))


def test_a_single_value_has_no_interval():
    assert mean_and_interval([7.0]) == (7.0, None)
