"""The search as the sweep sees it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sweep.synthetic import RATE, WIDTH, drain, finish, point, score, search, typed, values

from rnnbench.errors import UserError
from rnnbench.storage.record import Status
from rnnbench.sweep.executors.base import Outcome
from rnnbench.sweep.points import space
from rnnbench.sweep.search import Search
from rnnbench.sweep.searched import Searched

OTHERS = [pytest.param(name, marks=pytest.mark.slow) for name in ("random", "cmaes", "nsga2")]


@pytest.mark.parametrize("sampler", ["tpe", *OTHERS])
def test_a_search_that_was_cut_short_goes_on_as_if_it_had_not_been(sampler: str):
    given = (RATE, WIDTH, f"search.sampler={sampler}")
    whole = typed(drain(search(*given, trials=16), at_once=3))
    assert len(set(whole)) == 16  # evolution draws some of its parents once more
    for path in (Path("outputs"), Path("sweep")):
        path.rename(f"{path}-whole")
    first = drain(search(*given, trials=16), at_once=3, most=11)
    assert typed(first) == whole[:11]
    # What was under way when it was cut short ended meanwhile, so that more is known from there on.
    again = drain(search(*given, trials=16), at_once=3)
    assert typed(again[:11]) == whole[:11]
    assert typed(drain(search(*given, trials=16), at_once=3)) == typed(again)


@pytest.mark.parametrize("sampler", ["tpe", *OTHERS[1:]])
def test_one_at_a_time_a_search_cut_anywhere_asks_for_the_very_same(sampler: str):
    given = (RATE, WIDTH, f"search.sampler={sampler}")
    whole = typed(drain(search(*given, trials=15)))
    for path in (Path("outputs"), Path("sweep")):
        path.rename(f"{path}-whole")
    for most in (1, 12):
        drain(search(*given, trials=15), most=most)
    assert typed(drain(search(*given, trials=15))) == whole


def test_a_finished_search_runs_nothing_and_changes_no_file():
    drain(search(RATE, WIDTH))
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}

    def never(point: Any) -> Outcome:
        raise AssertionError(point)

    assert len(drain(search(RATE, WIDTH), never)) == 12
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before


def test_more_trials_continue_a_search():
    first = typed(drain(search(RATE, WIDTH, trials=8)))
    assert typed(drain(search(RATE, WIDTH, trials=12)))[:8] == first


def test_a_name_is_not_shared_by_two_searches():
    drain(search(RATE, WIDTH))
    for other in (
        (RATE,),
        (RATE, WIDTH, "search.seed=1"),
        (RATE.replace("1e-4", "1e-3"), WIDTH),
        (RATE, WIDTH, "seed=7"),
    ):
        with pytest.raises(UserError, match="sweep sweep is another search, of other axes or settings"):
            search(*other)
    assert len(drain(search(WIDTH, RATE, "seed=0,1"), most=0)) == 0


def test_two_processes_share_a_search():
    one, other = search(RATE, WIDTH, trials=20), search(RATE, WIDTH, trials=20)
    runs: list[str] = []
    for side in [one, other] * 21:
        found = side.next()
        if found is not None:
            if not found.trial.record.finished:
                runs.append(found.id)
                finish(found)
            side.told(found, Outcome.DONE)
    assert len(runs) == len(set(runs)) == 20
    assert sorted(path.name for path in Path("sweep/search").iterdir()) == [
        *(f"{n:04}.json" for n in range(20)),
        "space.json",
    ]


def test_seeds_of_the_winner_wait_for_the_last_trial():
    searching = search(RATE, "seed=0,1", trials=2)
    first, second = searching.next(), searching.next()
    assert first and second and searching.next() is None
    searching.told(second, finish(second))
    assert searching.next() is None
    finish(first)
    best = min((first, second), key=score)
    winner = searching.next()
    assert winner and winner.overrides == tuple(line.replace("seed=0", "seed=1") for line in best.overrides)


@pytest.mark.parametrize("sampler", ["tpe", OTHERS[1]])
def test_samplers_find_what_is_good(sampler: str):
    found = drain(search(RATE, WIDTH, f"search.sampler={sampler}", trials=40))
    assert min(map(score, found[20:])) < 0.05
    assert sum(map(score, found[30:])) < sum(map(score, found[:10])) / 2


def test_seeds_are_not_searched_and_the_winner_runs_with_the_rest():
    searching = search(RATE, "seed=3,1,2", "backbone=gru", trials=10)
    assert searching.total == 12
    found = drain(searching, at_once=4)
    assert searching.next() is None and searching.total == 12
    assert all("seed=3" in one.overrides for one in found[:10])
    winner = min(found[:10], key=score)
    assert typed(found[10:]) == [
        tuple(line if line != "seed=3" else seed for line in winner.overrides) for seed in ("seed=1", "seed=2")
    ]


def test_the_winner_is_not_pruned_and_no_pruned_trial_wins():
    def run(point: Any) -> Outcome:
        late = "search.pruner=none" in point.overrides or score(point) > 2
        return finish(point, Status.DONE if late else Status.PRUNED)

    found = drain(search(RATE, WIDTH, "seed=0,1", "search.pruner=asha", trials=20), run)
    winner = min((one for one in found[:20] if score(one) > 2), key=score)
    assert typed(found[20:]) == [
        (*(line if line != "seed=0" else "seed=1" for line in winner.overrides), "search.pruner=none")
    ]


def test_with_several_objectives_all_that_none_beats_are_winners():
    aims = "search.objectives=[validation/perplexity,parameters]"
    found = typed(drain(search(RATE, WIDTH, aims, "search.sampler=nsga2", "seed=0,1", trials=20)))
    tried = [overrides for overrides in found if "seed=0" in overrides]
    costs = {one.overrides: (score(one), values(one)["backbone.hidden_size"]) for one in map(point, tried)}
    front = [
        tuple(line.replace("seed=0", "seed=1") for line in overrides)
        for overrides, (a, b) in costs.items()
        if not any((c, d) != (a, b) and c <= a and d <= b for c, d in costs.values())
    ]
    assert len(front) > 1 and found[len(tried) :] == front


@pytest.mark.parametrize("status", [Status.DIVERGED, Status.FAILED, Status.PRUNED])
@pytest.mark.parametrize("sampler", ["tpe", OTHERS[1]])
def test_a_search_learns_from_what_came_to_nothing(sampler: str, status: Status):
    def run(point: Any) -> Outcome:
        wild = values(point)["optimizer.learning_rate"] > 0.1
        return finish(point, status if wild else Status.DONE)

    searching = search(RATE, WIDTH, f"search.sampler={sampler}", trials=24)
    found = drain(searching, run, at_once=2)
    wild = [values(one)["optimizer.learning_rate"] > 0.1 for one in found]
    assert any(wild) and not all(wild)
    if status != Status.FAILED:  # of which nothing is learnt
        assert sum(wild[12:]) <= sum(wild[:12])


def test_all_failed_is_the_end_of_it():
    searching = search(RATE, "seed=0,1", trials=5)
    found = drain(searching, lambda point: finish(point, Status.FAILED))
    assert len(found) == 5 and searching.next() is None


def test_a_grid_ends_when_all_is_tried_and_a_trial_asked_for_twice_runs_once():
    found = drain(search("backbone.hidden_size=8,16,24", "seed=0,1", "search.sampler=grid", trials=50))
    assert sorted(values(one)["backbone.hidden_size"] for one in found[:3]) == [8, 16, 24] and len(found) == 4
    for path in (Path("outputs"), Path("sweep")):
        path.rename(f"{path}-grid")
    assert len(drain(search("backbone.hidden_size=8,16,24", "search.sampler=random", trials=50))) == 3


def test_ranges_zips_and_choices_are_searched():
    zipped = ("stack.num_layers=1,2", "learner.dropout=0.1,0.3", "sweep.zip=[stack.num_layers,learner.dropout]")
    found = drain(search(*zipped, "backbone=gru,lstm", "backbone.hidden_size=range(8,65,8)", trials=40))
    pairs = {tuple(line for line in one.overrides if line.startswith(("stack", "learner"))) for one in found}
    assert pairs == {("stack.num_layers=1", "learner.dropout=0.1"), ("stack.num_layers=2", "learner.dropout=0.3")}
    assert {values(one)["backbone.hidden_size"] for one in found} <= {*range(8, 65, 8)}
    assert {line for one in found for line in one.overrides if line.startswith("backbone=")} == {
        "backbone=gru",
        "backbone=lstm",
    }


def test_a_candidate_that_makes_no_trial_counts_as_failed_and_is_named():
    def fussy(overrides: Sequence[str]) -> Any:
        if "stack.num_layers=3" in overrides:
            raise UserError("three is too many")
        return point(overrides)

    space_of = space(["search.trials=20", "stack.num_layers=1,2,3", RATE])
    searching = Search(Searched(space_of), Path("sweep"), fussy, point(space_of.corner()))
    found = drain(searching)
    assert len(found) + len(searching.refused) == 20
    assert set(searching.refused.values()) == {"three is too many"}
