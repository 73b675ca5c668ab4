"""The search as the sweep sees it: a small synthetic problem stands in for the trials, records are real files."""

import functools
import hashlib
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import TINY

from rnnbench.config import SearchConfig
from rnnbench.errors import UserError
from rnnbench.storage import files
from rnnbench.storage.record import Record, Status, all_records
from rnnbench.sweep.executors.base import Outcome
from rnnbench.sweep.points import Space, space
from rnnbench.sweep.search import Search
from rnnbench.sweep.searched import Searched
from rnnbench.sweep.study import Study

FACTS = {"metric": "perplexity", "direction": "min", "unit": "words", "task": "t", "dataset": "d", "setting": "s"}
RATE = "optimizer.learning_rate=tag(log,interval(1e-4,1))"
WIDTH = "backbone.hidden_size=int(interval(8,64))"


def point(overrides: Sequence[str]) -> Any:
    relevant = sorted(line for line in overrides if not line.startswith(("search.", "sweep.")) and line != "seed=0")
    digest = hashlib.sha256(json.dumps(relevant).encode()).hexdigest()[:12]
    record = Record(Path("outputs") / digest)
    return SimpleNamespace(
        id=digest, overrides=tuple(overrides), trial=SimpleNamespace(record=record, facts={**FACTS, "id": digest})
    )


def values(point: Any) -> dict[str, float]:
    pairs = (override.split("=") for override in point.overrides)
    return {key: float(value) for key, value in pairs if value.replace(".", "").replace("e-", "").isdigit()}


def score(point: Any) -> float:
    """Best at a rate of 0.01 and a width of 40."""
    of = values(point)
    rate = of.get("optimizer.learning_rate", 0.01)
    return (math.log10(rate) + 2) ** 2 + ((of.get("backbone.hidden_size", 40) - 40) / 32) ** 2


def finish(point: Any, status: Status = Status.DONE) -> Outcome:
    """What running a trial leaves behind."""
    record, validation = point.trial.record, score(point)
    files.append_json(record.folder / "metrics.jsonl", {"epoch": 1, "step": 5, "validation/perplexity": validation})
    files.write_json(
        record.folder / "result.json",
        {"validation": {"perplexity": validation}, "parameters": values(point).get("backbone.hidden_size", 1)},
    )
    files.write_json(record.folder / "status.json", {"status": status})
    return Outcome(str(status))


def search(*overrides: str, trials: int = 12) -> Search:
    found = spanned(f"search.trials={trials}", *overrides)
    return Search(Searched(found), Path("sweep"), point, point(found.corner()))


@functools.cache
def spanned(*overrides: str) -> Space:
    """Composed once, for a tenth of a second each time is most of what a search takes."""
    return space(overrides)


def drain(searching: Search, run: Callable[[Any], Outcome] = finish, at_once: int = 1, most: int = 10**6) -> list[Any]:
    """Runs all there is, `at_once` at a time, those first begun first over."""
    given: list[Any] = []
    under_way: list[Any] = []
    while len(given) < most:
        while len(under_way) < at_once and len(given) < most and (found := searching.next()) is not None:
            given.append(found)
            under_way.append(found)
        if not under_way:
            break
        ended = under_way.pop(0)
        record = ended.trial.record
        searching.told(ended, Outcome(str(record.status)) if record.finished else run(ended))
    for ended in under_way:
        searching.told(ended, run(ended))
    return given


def typed(points: Sequence[Any]) -> list[tuple[str, ...]]:
    return [found.overrides for found in points]


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


FOREIGN = '{"number": 2, "choice": {}, "overrides": [], "heard": []}'


@pytest.mark.parametrize("content", ["", '{"number": 1', "[]", FOREIGN])
def test_a_torn_or_foreign_file_is_one_line(content: str):
    drain(search(RATE, trials=3))
    Path("sweep/search/0001.json").write_text(content)
    with pytest.raises(UserError, match=r"0001.json is torn or of another search; remove it and type the same again"):
        drain(search(RATE, trials=3))
    Path("sweep/search/0001.json").unlink()
    assert len(drain(search(RATE, trials=3))) == 3


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], "search.trials=12 has nothing to choose from; type an interval"),
        (["seed=0,1"], "has nothing to choose from"),
        (["seed=int(interval(0,9))", RATE], "seeds are not searched; list those"),
        (["task=language_modeling,other"], "'task' can not be searched: scores of different tasks"),
        (["task.level=word,character"], "'task.level' can not be searched"),
        ([RATE, "search.sampler=grid"], "search.sampler=grid can not list optimizer.learning_rate"),
        ([RATE, "backbone=gru,lstm", "search.sampler=cmaes"], "search.sampler=cmaes searches numbers; backbone is"),
        ([RATE, "search.sampler=cmaes"], "search.sampler=cmaes needs two axes"),
        ([RATE, "search.sampler=tpee"], "search.sampler 'tpee' does not exist; did you mean 'tpe'?"),
        ([RATE, "search.objectives=[test/perplexity]"], "would choose by the test split"),
        ([RATE, "search.objectives=[validation/perplexty]"], "did you mean 'validation/perplexity'"),
        ([RATE, "search.objectives=[parameters,validation/loss]", "search.pruner=asha"], "leave it out"),
        ([RATE, WIDTH, "search.sampler=cmaes", "search.objectives=[parameters,validation/loss]"], "follows one"),
        ([RATE, "search.trials=0"], "search.trials must be at least 1, got 0"),
        ([RATE, "search.trials=ten"], "search.trials: value 'ten'"),
    ],
)
def test_wrong_input_is_one_line(overrides: list[str], message: str):
    with pytest.raises(UserError, match=message) as error:
        search(*overrides)
    assert "\n" not in str(error.value)
    assert not Path("sweep").exists()


def test_on_the_command_line(book: Path, rnnbench: Callable[..., Any]):
    lengths = ("trainer.max_epochs=2", "trainer.progress=false", "sweep.workers=1", "sweep.name=mine")
    searched = ("backbone.hidden_size=int(interval(16,64))", RATE, "search.pruner=asha", "seed=0,1")
    said = rnnbench("-m", *TINY, *lengths, *searched, "search.trials=3")
    assert said.code == 0, said.out
    assert "\nbest: " in said.out
    records = all_records(Path("outputs"))
    statuses = [str(record.status) for record in records]
    assert statuses.count("done") + statuses.count("pruned") == 4
    done = [record for record in records if record.status == Status.DONE]
    (winner,) = [record for record in done if record.config["seed"] == 1]
    best = min((one for one in done if one is not winner), key=lambda one: one.result["validation"]["perplexity"])
    assert best.facts["setting_id"] == winner.facts["setting_id"]
    # The candidates are those that Optuna alone draws: its first ten are drawn at random, results or not.
    study = Study(searched_axes := Searched(space([*searched, "search.trials=3"])).axes, SearchConfig(), ["min"])
    drawn = [study.ask() for _ in range(3)]
    assert sorted(
        record.config["backbone"]["hidden_size"] for record in records if record.config["seed"] == 0
    ) == sorted(choice["backbone.hidden_size"] for choice in drawn)
    assert len(searched_axes) == 2
    assert rnnbench("leaderboard").code == 0
    before = len(records)
    again = rnnbench("-m", *TINY, *lengths, *searched, "search.trials=3")
    assert again.code == 0 and len(all_records(Path("outputs"))) == before
    other = rnnbench("-m", *TINY, *lengths, *searched, "search.trials=3", "search.sampler=random")
    assert other.code == 2 and "sweep mine is another search" in other.err


def test_a_mistake_is_found_before_anything_runs(book: Path, rnnbench: Callable[..., Any]):
    for overrides, message in (
        (["backbone.hiden_size=int(interval(4,8))"], "hiden_size' does not exist; did you mean 'hidden_size'"),
        (["trainer.batch_size=interval(4,8)"], "could not be converted to Integer"),
        (["backbone.hidden_size=interval(4,8)"], "could not be converted to Integer"),
    ):
        said = rnnbench("-m", *TINY, *overrides, "search.trials=3")
        assert said.code == 2 and message in said.err and said.err.count("\n") == 1
    alone = rnnbench(*TINY, RATE.replace("tag(log,interval(1e-4,1))", "0.1"), "search.trials=3")
    assert alone.code == 2
    assert alone.err == (
        "rnnbench: search.trials=3 is a search of many trials; type -m as well, or leave search.trials out\n"
    )
    assert not Path("outputs").exists()
