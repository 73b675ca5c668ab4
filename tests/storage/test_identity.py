import dataclasses
import functools
from typing import Any

import pytest

from rnnbench.compose import compose, resolve
from rnnbench.config import Config
from rnnbench.storage.identity import relevant, trial_id

VERSIONS = {"task": 1, "backbone": 1}


def identity(*overrides: str, **changes: Any) -> str:
    given = {"versions": VERSIONS, "fingerprint": "abc", **changes}
    return trial_id(relevant(composed(*overrides), ("path",)), **given)


@functools.cache
def composed(*overrides: str) -> Config:
    return resolve(compose(overrides))


@pytest.mark.parametrize(
    "override",
    [
        "data_dir=/somewhere",
        "outputs_dir=/elsewhere",
        "logger.mode=disabled",
        "logger.tags=[a]",
        "sweep.name=x",
        "trainer.threads=1",
        "trainer.accelerator=cpu",
        "trainer.progress=false",
        "trainer.checkpoint_seconds=5",
        "task.path=book.txt",
    ],
)
def test_what_can_not_change_the_numbers_is_no_part_of_the_id(override: str):
    assert identity(override) == identity()


@pytest.mark.parametrize(
    "override",
    [
        "seed=1",
        "task.level=character",
        "backbone=gru",
        "backbone.hidden_size=64",
        "stack.num_layers=2",
        "learner.bptt=16",
        "optimizer.learning_rate=0.1",
        "schedule=constant",
        "trainer.max_epochs=3",
        "trainer.batch_size=3",
        "trainer.precision=64-true",
        "trainer.gradient_clip=null",
        "trainer.diverged_above=10",
    ],
)
def test_what_can_change_the_numbers_changes_the_id(override: str):
    assert identity(override) != identity()


def test_versions_and_data_are_part_of_the_id():
    ids = {
        identity(),
        identity(versions={"task": 2, "backbone": 1}),
        identity(versions={"task": 1, "backbone": 2}),
        identity(fingerprint="abd"),
    }
    assert len(ids) == 4


def test_the_id_does_not_depend_on_the_order_of_overrides_or_on_spelling_out_a_default():
    assert identity("seed=1", "backbone=gru") == identity("backbone=gru", "seed=1")
    assert identity("optimizer.learning_rate=1e-3") == identity("optimizer.learning_rate=0.001") == identity()


def test_relevant_leaves_the_config_alone():
    config = resolve(compose([]))
    before = dataclasses.asdict(config)
    relevant(config, ("path", "nothing_of_this_name"))
    assert dataclasses.asdict(config) == before


def test_a_setting_that_came_later_leaves_older_trials_their_ids():
    assert "last_size" not in relevant(resolve(compose([])))["stack"]
    assert identity("learner.bptt=16", "learner.bptt_deviation=null") == identity("learner.bptt=16")
    assert identity("learner.bptt=16", "learner.bptt_deviation=2") != identity("learner.bptt=16")
    assert "diverged_above" not in relevant(resolve(compose([])))["trainer"]
    assert relevant(resolve(compose(["trainer.diverged_above=10"])))["trainer"]["diverged_above"] == 10
