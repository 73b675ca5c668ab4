import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rnnbench.tasks.forecasting.baselines import design_effect
from rnnbench.tasks.forecasting.cutting import Cut, cut
from rnnbench.tasks.forecasting.series import Borders, Scale, Series, blocks, naive, scale_of, windows

from rnnbench import UserError

COUNT = np.arange(40, dtype=float)[:, None]  # every value says its own step
NONE = Scale(np.zeros(1), np.ones(1))


def series(values: np.ndarray = COUNT, borders: Borders | None = None) -> Series:
    names = [f"c{place}" for place in range(values.shape[1])]
    return Series("a series", names, values, borders or Borders.shares(len(values)))


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 40), st.integers(0, 40))
def test_windows_are_all_those_whose_horizon_lies_in_the_part(context: int, horizon: int, first: int, last: int):
    contexts, ahead = windows(COUNT, (first, last), context, horizon)
    starts = [s for s in range(first, last) if s - context >= 0 and s + horizon <= last]
    assert contexts.shape == (len(starts), context, 1)
    for s, seen, said in zip(starts, contexts, ahead, strict=True):
        assert seen[:, 0].tolist() == list(range(s - context, s))
        assert said[:, 0].tolist() == list(range(s, s + horizon))


@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 39))
def test_blocks_count_every_step_once_after_a_whole_context(context: int, horizon: int, first: int):
    counted = []
    for inputs, targets, counts in blocks(COUNT, (first, 40), context, horizon):
        assert (targets - inputs == horizon).all()
        assert counts.tolist() == [False] * context + [True] * (len(counts) - context)
        counted += targets[counts, 0].tolist()
    assert counted == list(range(max(first, context + horizon), 40))


def test_the_same_steps_are_forecast_whatever_the_context():
    targets = [windows(COUNT, (20, 30), context, 4)[1] for context in (1, 7, 20)]
    assert (targets[0] == targets[1]).all()
    assert (targets[0] == targets[2]).all()


@given(st.integers(1, 9), st.integers(1, 12))
def test_the_seasonal_naive_forecast_is_the_last_known_value_of_that_season(season: int, horizon: int):
    forecast, truth = naive(COUNT, (24, 40), 3, horizon, season)
    for row, start in enumerate(range(24, 40 - horizon + 1)):
        for ahead in range(horizon):
            step = start + ahead
            assert truth[row, ahead, 0] == step
            while step >= start:
                step -= season
            assert forecast[row, ahead, 0] == step


def test_a_season_longer_than_what_came_before_is_refused():
    with pytest.raises(UserError, match="a season of 30 steps is longer"):
        naive(COUNT, (24, 40), 3, 2, 30)


def test_scales_know_nothing_of_validation_and_test():
    values = np.random.default_rng(0).normal(3, 2, (50, 2))
    changed = values.copy()
    changed[30:] = 1e6
    for by_change in (False, True):
        scale = scale_of(series(values), by_change=by_change)
        other = scale_of(series(changed), by_change=by_change)
        np.testing.assert_array_equal(scale.offset, other.offset)
        np.testing.assert_array_equal(scale.unit, other.unit)
    scaled = scale_of(series(values), by_change=False)(values)
    np.testing.assert_allclose(scaled[:30].mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled[:30].std(0), 1)
    np.testing.assert_allclose(scale_of(series(values), by_change=False).back(scaled), values)


def test_nothing_of_validation_or_test_stands_in_train():
    changed = COUNT.copy()
    changed[24:] = -7
    for how in (Cut("horizon", 5, 3), Cut("horizon", 5, 3, True), Cut("step", 5, 3)):
        train, other = (cut(how, [series(values)], [NONE], "train")[:] for values in (COUNT, changed))
        assert train == other


def test_relative_rows_begin_where_the_context_ended_and_errors_stay():
    plain = cut(Cut("horizon", 4, 2), [series()], [NONE], "test").with_format("numpy")
    relative = cut(Cut("horizon", 4, 2, True), [series()], [NONE], "test").with_format("numpy")
    for row, other in zip(plain, relative, strict=True):
        assert other["inputs"][-1] == 0
        np.testing.assert_array_equal(row["inputs"] - row["inputs"][-1], other["inputs"])
        np.testing.assert_array_equal(row["targets"] - row["inputs"][-1], other["targets"])


def test_the_rows_that_are_shown_lie_apart_and_none_is_lost():
    rows = cut(Cut("horizon", 4, 2), [series()], [NONE], "test")["targets"]
    firsts = [int(row[0]) for row in rows]
    assert sorted(firsts) == list(range(32, 39))
    assert min(abs(a - b) for a in firsts[:3] for b in firsts[:3] if a != b) >= 2


def test_too_short_a_series_says_so():
    with pytest.raises(UserError, match="a series is too short: its test part has 8 steps of 40"):
        cut(Cut("horizon", 4, 9), [series()], [NONE], "test")


def test_a_channel_that_stands_still_is_named():
    values = np.stack([np.arange(10.0), np.ones(10)], 1)
    with pytest.raises(UserError, match="'c1' of a series never changes in train"):
        scale_of(series(values), by_change=False)


def test_the_design_effect_is_the_group_size_for_twins_and_one_for_strangers():
    random = np.random.default_rng(0)
    days = np.repeat(np.arange(200), 10).astype(str)
    alike = np.repeat(random.integers(0, 2, 200), 10)
    assert design_effect(alike, days) == pytest.approx(10)
    assert design_effect(random.integers(0, 2, 2000), days) == pytest.approx(1, abs=0.5)
    assert design_effect(alike, np.arange(2000).astype(str)) == 1
    assert design_effect(alike, np.full(2000, "one")) == 2000
    # Half of each day's movements are its own: the mean over days varies as the design effect says.
    own = random.integers(0, 2, 2000)
    mixed = np.where(random.random(2000) < 0.5, alike, own)
    variance = mixed.reshape(200, 10).mean(1).var() / (mixed.var() / 10)
    assert design_effect(mixed, days) == pytest.approx(variance, rel=0.1)
