"""Planning is quick, and gives what composing gives."""

from pathlib import Path
from typing import Any

import pytest
from conftest import TINY
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnbench.compose import compose, resolve
from rnnbench.errors import UserError
from rnnbench.sweep import planning
from rnnbench.sweep.planning import Composer, Planner

AXES = {
    "backbone": ["gru", "lstm"],
    "backbone.hidden_size": ["8", "'8'", "16", "${seed}"],
    "optimizer": ["sgd", "adamw"],
    "optimizer.learning_rate": ["1", "1e-3", "0.5", "-1", "x"],
    "stack.residual": ["true", "false"],
    "stack.highway": ["true", "false"],
    "stack.num_layers": ["1", "2.0", "two"],
    "match.parameters": ["null", "5000"],
    "learner": ["{bptt:4}", "{bptt:5}"],
    "learner.bptt": ["3", "4", "null"],
    "logger.tags": ["[a]", "[a,b]"],
    "logger.project": ["x", "'y z'", "7"],
    "trainer.nonsense": ["1", "2"],
    "experiment": ["demo", "null"],
    "seed": ["0", "1", "2"],
    "+seed": ["0", "3"],
}


def outcome(make: Any) -> Any:
    try:
        return make()
    except UserError as error:
        return str(error)


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_points_are_as_composed(workplace: Path, data: st.DataObject):
    keys = data.draw(st.lists(st.sampled_from(sorted(AXES)), min_size=1, max_size=4, unique=True))
    composer = Composer()
    for _ in range(3):
        point = [f"{key}={data.draw(st.sampled_from(AXES[key]))}" for key in keys]
        assert outcome(lambda: composer.config(point)) == outcome(lambda: resolve(compose(point))), point  # noqa: B023


def test_hundreds_of_points_take_one_composition_a_backbone(book: Path, monkeypatch: pytest.MonkeyPatch):
    composed = []

    def counting(overrides: Any, *rest: Any) -> Any:
        composed.append(overrides)
        return compose(overrides, *rest)

    monkeypatch.setattr(planning, "compose", counting)
    planner = Planner()
    points = [
        [*TINY, f"backbone={name}", f"optimizer.learning_rate={rate}", f"seed={seed}"]
        for name in ("gru", "elman")
        for rate in (0.1, 0.2, 0.3, 0.4, 0.5)
        for seed in range(30)
    ]
    assert len({planner.point(point).id for point in points}) == 300
    assert len(composed) == 2
