import math
import statistics
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.config import SearchConfig
from rnnbench.recording import Pruned
from rnnbench.sweep.pruning import Pruner, Rungs, behind_median, halved, rung_epochs, rungs_of

SCORES = st.lists(st.floats(-1e6, 1e6), max_size=30)
CURVES = st.lists(st.lists(st.floats(-100, 100), min_size=1, max_size=6), max_size=12)


def curve(scores: list[float]) -> dict[int, float]:
    return dict(enumerate(scores, 1))


def run(search: SearchConfig, rungs: Rungs, trial: str, scores: list[float], direction: str = "min") -> int:
    """The epochs that a trial of these scores gets to train."""
    watch = Pruner(search, rungs, trial, len(scores), direction)
    for epoch, score in enumerate(scores, 1):
        try:
            watch(epoch, 10 * epoch, score)
        except Pruned:
            return epoch
    return len(scores)


@given(SCORES, st.floats(-1e6, 1e6), st.integers(2, 5))
def test_of_n_at_a_rung_the_best_nth_go_on(others: list[float], own: float, factor: int):
    count = len(others) + 1
    goes_on = not halved(own, others, factor)
    better = sum(other < own for other in others)
    assert goes_on == (better < max(1, count // factor))
    if goes_on:
        assert not halved(min([own, *others]), others, factor)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40, unique=True), st.integers(2, 4))
def test_no_more_than_their_share_go_on_once_all_have_come(scores: list[float], factor: int):
    go_on = [own for own in scores if not halved(own, [other for other in scores if other != own], factor)]
    assert sorted(go_on) == sorted(scores)[: max(1, len(scores) // factor)]


@given(st.permutations(range(20)), st.integers(2, 4))
def test_the_best_is_never_ended_and_each_that_is_ended_was_beaten_by_enough(order: list[int], factor: int):
    seen: list[float] = []
    for own in order:
        reason = halved(own, seen, factor)
        assert not (reason and own == min([*seen, own]))
        if reason:
            assert sum(other < own for other in seen) >= (len(seen) + 1) // factor
        seen.append(own)


def test_the_epochs_of_the_rungs():
    assert rung_epochs(1, 3, 27) == [1, 3, 9]
    assert rung_epochs(1, 3, 28) == [1, 3, 9, 27]
    assert rung_epochs(2, 4, 100) == [2, 8, 32]
    assert rung_epochs(5, 2, 5) == []


@pytest.mark.parametrize("direction", ["min", "max"])
@given(curves=st.lists(st.lists(st.floats(0, 1), min_size=9, max_size=9), min_size=1, max_size=8))
def test_successive_halving_ends_what_optunas_own_ends(curves: list[list[float]], direction: Any):
    """Optuna's pruner is the same rule, written by others (`SuccessiveHalvingPruner`, which never resumes either)."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
    study = optuna.create_study(pruner=pruner, direction="minimize" if direction == "min" else "maximize")
    ours: list[int] = []
    theirs: list[int] = []
    others: dict[str, dict[int, float]] = {}
    sign = 1 if direction == "min" else -1
    for number, scores in enumerate(curves):
        trial, lasted = study.ask(), len(scores)
        for epoch, score in enumerate(scores[:-1], 1):
            trial.report(score, epoch)
            if trial.should_prune():
                lasted = epoch
                break
        study.tell(trial, scores[-1])
        theirs.append(lasted)
        ours.append(_halve(sign, scores, others, f"{number}"))
    assert ours == theirs


def _halve(sign: int, scores: list[float], noted: dict[str, dict[int, float]], trial: str) -> int:
    """The same as `run`, without files."""
    noted[trial] = {}
    for epoch in rung_epochs(1, 2, len(scores)):
        reached = [other[epoch] for other in noted.values() if epoch in other]
        noted[trial][epoch] = own = sign * scores[epoch - 1]
        if halved(own, reached, 2):
            return epoch
    return len(scores)


@given(CURVES, st.lists(st.floats(-100, 100), min_size=6, max_size=6), st.integers(1, 6))
def test_the_median_rule_by_its_definition(others: list[list[float]], own: list[float], epoch: int):
    means = [statistics.fmean(scores[:epoch]) for scores in others if len(scores) >= epoch]
    expected = len(means) >= 5 and min(own[:epoch]) > statistics.median(means)
    assert bool(behind_median(curve(own), map(curve, others), epoch)) == expected


def test_a_trial_that_falls_behind_the_median_ends_and_a_good_start_counts():
    search, rungs = SearchConfig(pruner="median", min_epochs=2), Rungs(Path("rungs"))
    for number in range(5):
        assert run(search, rungs, f"trial{number}", [5, 4, 3, 2]) == 4
    assert run(search, rungs, "bad", [9, 8, 7, 6]) == 2  # not after the first epoch
    # 4.4 is ahead of the mean of 5 and 4, and behind that of 5, 4 and 3.
    assert run(search, rungs, "late", [4.4, 6, 6, 6]) == 3
    assert run(search, rungs, "good", [3, 9, 9, 9]) == 4


@pytest.mark.parametrize(("direction", "sign"), [("min", 1), ("max", -1)])
def test_successive_halving_by_files(direction: str, sign: int):
    search, rungs = SearchConfig(pruner="asha", reduction_factor=3), Rungs(Path("rungs"))
    finals = [run(search, rungs, f"t{n}", [sign * (10 - n)] * 9, direction) for n in range(4)]  # each beats the last
    assert finals == [9, 9, 9, 9]
    finals = [run(search, rungs, f"u{n}", [sign * (20 + n)] * 9, direction) for n in range(4)]
    assert finals == [1, 1, 1, 1]
    assert run(search, rungs, "v", [sign * 8.5] * 9, direction) == 3  # third of nine goes on, third of five does not
    assert {path.name for path in Path("rungs").iterdir()} >= {"t0.json", "u3.json", "v.json"}


def test_a_trial_is_judged_by_others_alone_however_often_it_shows_the_same():
    search, rungs = SearchConfig(pruner="asha"), Rungs(Path("rungs"))
    assert run(search, rungs, "first", [1.0] * 9) == 9
    assert run(search, rungs, "first", [1.0] * 9) == 9
    assert rungs.curve("first") == {1: 1.0, 3: 1.0}


def test_a_trial_in_its_last_epoch_is_not_ended():
    search, rungs = SearchConfig(pruner="asha", reduction_factor=3), Rungs(Path("rungs"))
    assert [run(search, rungs, name, [score] * 3) for name, score in (("best", 1.0), ("worse", 2.0))] == [3, 1]
    assert rungs.curve("best") == {1: 1.0}  # the third epoch is a rung of longer trials only
    assert run(search, rungs, "short", [9.0]) == 1


def test_torn_and_foreign_files_are_passed_over():
    search, rungs = SearchConfig(pruner="asha"), Rungs(Path("rungs"))
    Path("rungs").mkdir()
    for number, content in enumerate(["", "{", "[1]", '{"1": "x"}', '{"one": 1}', '{"1": NaN}', "null", "7"]):
        Path(f"rungs/torn{number}.json").write_text(content)
    Path("rungs/.torn.json.x.tmp").write_text('{"1": 0}')
    Path("rungs/README").write_text("mine")
    assert run(search, rungs, "trial", [5.0] * 9) == 9
    assert [other for other in rungs.others("trial") if other] == []


def test_only_comparable_trials_share_rungs():
    facts = {"task": "t", "dataset": "d", "setting": "word", "metric": "perplexity", "fingerprint": "f"}
    changes = ({}, {"setting": "character"}, {"dataset": "e"})
    folders = {rungs_of(Path("s"), {**facts, **change}).folder for change in changes}
    assert len(folders) == 3 and all(folder.parent == Path("s/rungs") for folder in folders)
    assert rungs_of(Path("s"), {**facts, "backbone": "gru"}) == rungs_of(Path("s"), facts)


def test_what_is_noted_is_read_to_the_last_bit_and_seen_by_the_others():
    noted, rungs = {9: 0.1 + 0.2, 1: math.inf, 3: -1e-300}, Rungs(Path("rungs"))
    for epoch, score in noted.items():
        rungs.note("t", epoch, score)
    assert rungs.curve("t") == noted and rungs.others("u") == [noted] and rungs.others("t") == []
