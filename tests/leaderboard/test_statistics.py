import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rnnbench.leaderboard.statistics import distinct, groups, holm, mean_and_interval, paired_p


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


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=2, max_size=9))
def test_the_paired_test_is_scipys(pairs: list[tuple[float, float]]):
    a, b = [list(values) for values in zip(*pairs, strict=True)]
    first, second = dict(enumerate(a)), dict(enumerate(b))
    differences = [one - other for one, other in pairs]
    got = paired_p(first, second)
    if np.ptp(differences) > 1e-6:
        assert got == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-6, abs=1e-12)
    assert got is not None
    assert 0 <= got <= 1


def test_only_seeds_in_common_are_compared():
    assert paired_p({0: 1.0, 1: 2.0, 2: 3.0}, {1: 1.0, 3: 9.0}) is None
    assert paired_p({0: 1.0, 1: 2.0, 7: 99.0}, {0: 1.5, 1: 2.75, 8: -99.0}) == pytest.approx(
        stats.ttest_rel([1.0, 2.0], [1.5, 2.75]).pvalue
    )
    assert paired_p({0: 1.0, 1: 2.0}, {0: 1.0, 1: 2.0}) == 1
    assert paired_p({0: 1.0, 1: 2.0}, {0: 2.0, 1: 3.0}) == 0


def test_holm_on_a_textbook_case():
    # 0.01, 0.02, 0.03 and 0.04 become 4 x 0.01, then 3 x 0.02, and never less than the one before.
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


NAMES = list("pqrstu")
APART = st.sets(st.sampled_from([frozenset(pair) for pair in itertools.combinations(NAMES, 2)]))


@given(APART)
def test_two_share_a_letter_if_and_only_if_they_can_not_be_told_apart(apart: set[frozenset[str]]):
    letters = groups(NAMES, apart)
    for one, other in itertools.combinations(NAMES, 2):
        assert bool(set(letters[one]) & set(letters[other])) == (frozenset({one, other}) not in apart)
    assert letters[NAMES[0]].startswith("a")


def test_groups_overlap_where_neighbours_can_not_be_told_apart():
    apart = {frozenset(pair) for pair in [("p", "t"), ("p", "u"), ("q", "u")]}
    assert groups(NAMES, apart) == {"p": "a", "q": "ab", "r": "abc", "s": "abc", "t": "bc", "u": "c"}


def test_seeds_that_agree_tell_apart_and_seeds_that_do_not_do_not():
    noise = {seed: float(seed) for seed in range(4)}  # what a seed does to every backbone
    scores = {
        "best": {seed: noise[seed] + 0.01 * (seed % 2) for seed in noise},
        "second": {seed: noise[seed] + 1.0 + 0.01 * (seed % 3) for seed in noise},
        "lucky": {0: 9.0, 1: -3.0, 2: 0.5, 3: 4.0},
    }
    assert distinct(scores) == {frozenset({"best", "second"})}


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5])
def test_intervals_cover_and_claims_are_false_in_one_family_of_twenty_at_most(seeds: int):
    generator, families, backbones = np.random.default_rng(0), 4000, 5
    covered = wrong = found = 0
    for _ in range(families):
        block = generator.normal(size=seeds)  # what the seeds have in common
        drawn = block + generator.normal(size=(backbones, seeds))
        mean, half = mean_and_interval(drawn[0].tolist())
        assert half is not None
        covered += abs(mean) <= half
        wrong += bool(distinct({name: dict(enumerate(row)) for name, row in enumerate(drawn.tolist())}))
        drawn[0] -= 8
        apart = distinct({name: dict(enumerate(row)) for name, row in enumerate(drawn.tolist())})
        found += sum(0 in pair for pair in apart) / (backbones - 1)
        wrong += any(0 not in pair for pair in apart)
    error = 3 * (0.95 * 0.05 / families) ** 0.5
    assert covered / families == pytest.approx(0.95, abs=error + 0.005)
    assert wrong / (2 * families) <= 0.05 + error
    assert found / families > {3: 0.05, 5: 0.8}[seeds]  # the power to see a difference of 8 deviations
