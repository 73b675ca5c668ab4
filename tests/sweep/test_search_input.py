"""What a person types to search, and what lies in a search's files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY
from sweep.synthetic import RATE, WIDTH, drain, search

from rnnbench.config import SearchConfig
from rnnbench.errors import UserError
from rnnbench.storage.record import Status, all_records
from rnnbench.sweep.points import space
from rnnbench.sweep.searched import Searched
from rnnbench.sweep.study import Study

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
