"""The callback: what it writes, what it says, and that it changes nothing."""

import json
from pathlib import Path

import pytest

from rnnbench.diagnostics.along import along_training
from rnnbench.diagnostics.verdict import Looked, verdicts

SMALL = [
    "task=memory", "task.dataset=copy", "task.length=30", "task.items=2", "task.train_rows=64",
    "backbone.hidden_size=16", "trainer.max_epochs=1", "trainer.batch_size=16",
    "logger.mode=disabled", "trainer.progress=false",
]  # fmt: skip
WATCHED = ["diagnostics.gradient_flow=true", "diagnostics.every=1"]
HEALTHY = {1: 1.0, 2: 0.9, 4: 0.7, 8: 0.4, 16: 0.1}


def record() -> Path:
    (folder,) = Path("outputs/runs").glob("*/*/*")
    return folder


@pytest.mark.slow
def test_it_changes_neither_the_numbers_nor_the_id(rnnbench, workplace: Path, monkeypatch: pytest.MonkeyPatch):
    found = {}
    settings = [*SMALL, "backbone=lstm", "learner.dropout=0.2", "stack.num_layers=2", "stack.dropout=0.2"]
    for name, more in (("bare", []), ("watched", WATCHED)):
        monkeypatch.setenv("RNNBENCH_OUTPUTS", name)
        assert rnnbench(*settings, *more).code == 0
        (folder,) = Path(name, "runs").glob("*/*/*")
        lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        result = json.loads((folder / "result.json").read_text())
        curves = [line["train/loss"] for line in lines if "train/loss" in line]
        found[name] = folder.name, result["test"], result["validation"], curves
    assert found["bare"] == found["watched"]
    looked = [line for line in lines if "gradient_norm/all" in line]
    assert [line["step"] for line in looked] == [1, 2, 3, 4]
    parts = ["all", "embedding", "layer_1", "layer_2", "head"]
    assert [key for key in looked[0] if key.startswith("update_ratio/")] == [f"update_ratio/{part}" for part in parts]
    norm = sum(looked[0][f"gradient_norm/{part}"] ** 2 for part in parts[1:]) ** 0.5
    assert looked[0]["gradient_norm/all"] == pytest.approx(norm, rel=1e-5)
    assert looked[0]["gradient_flow/lag_16"] < looked[0]["gradient_flow/lag_1"]
    assert all(0 <= line["clip_rate"] <= 1 for line in looked)
    assert {chart.name for chart in along_training(lines)} == {
        "gradient_flow_along_training", "gradient_norm_along_training", "update_ratio_along_training"
    }  # fmt: skip


PLANTED = {
    "explode": ["backbone=elman", "backbone.activation=relu", "backbone.recurrence=identity", "backbone.gain=1.6"],
    "vanish": ["backbone=elman", "backbone.gain=0.1"],
    "dead": ["backbone=lstm", "optimizer.learning_rate=1e-12"],
}


@pytest.mark.parametrize(
    "kind", ["explode", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("vanish", "dead"))]
)
def test_it_warns_of_what_was_planted(rnnbench, workplace: Path, kind: str):
    said = rnnbench(*SMALL, *WATCHED, *PLANTED[kind])
    lines = [line for line in said.err.splitlines() if "try " in line]
    assert len(lines) == 1 and kind in lines[0] and lines[0].startswith("rnnbench: step 1: ")
    assert lines[0].removeprefix("rnnbench: ") in (record() / "log.txt").read_text()


@pytest.mark.parametrize("backbone", ["lstm", pytest.param("lru", marks=pytest.mark.slow)])
def test_it_is_silent_on_a_healthy_training(rnnbench, workplace: Path, backbone: str):
    said = rnnbench(*SMALL, *WATCHED, f"backbone={backbone}")
    assert said.code == 0 and said.err == "" and not (record() / "log.txt").exists()


@pytest.mark.parametrize(
    ("looked", "kinds"),
    [
        (Looked(HEALTHY, 1.0, 1e-3, 0.0), set()),
        (Looked({}, 1.0, 1e-3, 0.0), set()),  # nothing to follow, as in a feed-forward network
        (Looked({1: 0.0, 2: 0.0}, 1.0, 1e-3, 0.0), set()),
        (Looked({1: 1.0, 2: 9.0, 4: 101.0}, 1.0, 1e-3, 0.0), {"exploding"}),
        (Looked(HEALTHY, float("inf"), 1e-3, 0.0), {"exploding"}),
        (Looked({1: 1.0, 2: 1e-9, 4: 0.0}, 1.0, 1e-3, 0.0), {"vanishing"}),
        (Looked({1: 1.0, 2: 0.5, 4: 0.0}, 1.0, 1e-3, 0.0), set()),  # within the reach of a short chunk
        (Looked(HEALTHY, 0.0, 1e-3, 0.0), {"dead"}),
        (Looked(HEALTHY, 1.0, 1e-9, 0.0), {"dead"}),
        (Looked(HEALTHY, 1.0, 1e-3, 0.95), {"dead"}),
    ],
)
def test_verdicts(looked: Looked, kinds: set[str]):
    found = verdicts(looked)
    assert set(found) == kinds
    assert all("try " in text and "\n" not in text for text in found.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "parts", "line"),
    [
        (["task=translation"], ["reader", "reader_layer_1", "decoder", "decoder_layer_1"], ""),
        (["task=captioning"], ["reader", "decoder", "layer_1"], ""),
        (["task=speech"], ["layer_1", "head"], ""),
        (["task=sentiment", "learner.pooling=mean"], ["embedding", "layer_1", "head"], ""),
        (["task=speech", "stack.bidirectional=true"], ["layer_1", "head"], "no single step to look at"),
        (["task=captioning", "learner.input_feeding=true"], ["reader", "decoder", "layer_1"], "step by step"),
    ],
    ids=str,
)
def test_learners_of_every_shape_are_watched_and_diagnosed(
    rnnbench, workplace: Path, settings: list[str], parts: list[str], line: str
):
    common = ["backbone.hidden_size=8", "trainer.max_epochs=1", "trainer.batch_size=64", "logger.mode=disabled"]
    said = rnnbench(
        *settings, *common, "trainer.progress=false", "diagnostics.gradient_flow=true", "diagnostics.every=10"
    )
    assert said.code == 0 and said.err.count("\n") == (1 if line else 0) and line in said.err
    lines = [json.loads(one) for one in (record() / "metrics.jsonl").read_text().splitlines()]
    looked = [one for one in lines if "gradient_norm/all" in one]
    assert [key.removeprefix("gradient_norm/") for key in looked[0] if "gradient_norm" in key] == ["all", *parts]
    assert all(("gradient_flow/lag_1" in one) == (not line) for one in looked)
    said = rnnbench("diagnose", record().name, "--steps", "8", "--rows", "4")
    assert said.code == (2 if line else 0) and line in said.err
    assert (record() / "diagnostics/diagnosis.json").is_file() == (not line)
