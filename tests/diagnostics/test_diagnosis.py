"""Whole diagnoses: of every backbone at initialisation, and of a run."""

import json
from pathlib import Path

import pytest
import torch
from conftest import TINY
from diagnostics.dynamics import noise
from report.browser import chromium, needed, opened

from rnnbench import plugins
from rnnbench.diagnostics.charts import Chart, Series
from rnnbench.diagnostics.diagnosis import diagnose
from rnnbench.diagnostics.drawing import draw
from rnnbench.diagnostics.page import page
from rnnbench.diagnostics.subjects import Look, at_initialisation
from rnnbench.testing import small

BUILT_IN = [name for name, plugin in plugins.find("backbone").items() if plugin.source.startswith("rnnbench ")]
SHORT = Look(steps=12, rows=3)


def network(name: str):
    return at_initialisation(name, small(plugins.get("backbone", name).load()), 5, SHORT)


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILT_IN)
def test_every_backbone_passes_at_initialisation(name: str):
    found = diagnose([network(name)])
    numbers = json.loads(json.dumps(found.numbers[name], allow_nan=False))
    flow = numbers["gradient_through_time"]
    assert flow is None or (len(flow["norm_median"]) == 12 and None not in flow["norm_median"])
    assert len(numbers["memory_horizon"]["score"]) == 12
    assert {"gradient_through_time", "memory_horizon"} <= {figure.name for figure in found.figures}
    for figure in found.figures if name in ("elman", "tcn") else []:
        assert draw(figure).startswith(b"\x89PNG")
    assert len(page(name, {}, found.figures, found.remarks)) > 2000


@pytest.mark.parametrize("name", ["feedforward", "esn", "lstm"])
def test_what_does_not_apply_is_said(name: str):
    found = diagnose([network(name)])
    said = {
        "feedforward": "feedforward carries no state",
        "esn": "esn lets no gradient pass",
    }
    assert " ".join(found.remarks).startswith(said.get(name, ""))
    assert ("lyapunov_exponents" in found.numbers[name]) == (name == "lstm")


def test_gates_lie_between_0_and_1_and_have_a_row_each():
    named = set()
    for name in BUILT_IN:
        backbone = small(plugins.get("backbone", name).load())(5).double().eval()
        _, state = backbone.step(noise(3, 1, 5)[:, 0], backbone.initial_state(3))
        for gate, values in backbone.gate_values(noise(3, 1, 5, seed=1)[:, 0], state).items():
            assert len(values) == 3 and values.min() >= 0 and values.max() <= 1, (name, gate)
            named.add(name)
    assert {"lstm", "gru", "mingru", "sru", "qrnn", "phased_lstm"} <= named


@pytest.mark.slow
def test_backbones_are_diagnosed_side_by_side_from_the_command_line(rnnbench, workplace: Path):
    said = rnnbench(
        "diagnose", "backbone=elman,gru", "backbone.hidden_size=4", "--steps", "8", "--rows", "3", "--out", "seen"
    )
    assert said.code == 0, said.err
    numbers = json.loads(Path("seen/diagnosis.json").read_text())
    assert set(numbers) == {"title", "facts", "elman", "gru"}
    text = Path("seen/diagnosis.html").read_text()
    assert "http" not in text.replace("http-equiv", "") and "<svg" in text
    for name in ("gradient_through_time", "memory_horizon", "eigenvalues", "gates", "state_norm"):
        assert Path(f"seen/{name}.png").is_file(), name
    assert "9 figures" in said.out.replace("\n", " ")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nosuch"], "no run 'nosuch'"),
        (["backbone=gru", "seed=1"], "'seed=1' is no setting of a backbone or a stack"),
        (["backbone=gru", "run"], "not both"),
        (["a", "b"], "one run at a time"),
        (["backbone=gruu"], "did you mean 'gru'"),
        (["backbone=gru", "stack.bidirectional=true"], "no single step"),
        (["backbone=gru", "--steps", "1"], "--steps must be at least 2, got 1"),
        (["backbone=gru", "--steps", "100000000000"], "the largest that fits is"),
    ],
)
def test_wrong_input_is_one_line(rnnbench, arguments: list[str], line: str):
    said = rnnbench("diagnose", *arguments)
    assert said.code == 2
    assert said.err.startswith("rnnbench: ") and said.err.count("\n") == 1 and line in said.err
    assert not list(Path().rglob("*.png"))


MEMORY = [
    "task=memory", "task.dataset=copy", "task.length=6", "task.items=2", "task.train_rows=64",
    "backbone=lstm", "backbone.hidden_size=6", "trainer.max_epochs=1", "trainer.batch_size=32",
    "logger.mode=disabled", "trainer.progress=false", "diagnostics.gradient_flow=true", "diagnostics.every=1",
]  # fmt: skip


@pytest.mark.slow
def test_a_run_is_diagnosed_beside_what_it_began_with(rnnbench, workplace: Path):
    assert rnnbench(*MEMORY).code == 0
    (record,) = Path("outputs/runs").glob("*/*/*")
    said = rnnbench("diagnose", record.name, "--lengths", "6,12", "--rows", "4")
    assert said.code == 0, said.err
    folder = record / "diagnostics"
    numbers = json.loads((folder / "diagnosis.json").read_text())
    assert {"at initialisation", "trained", "score_against_length"} <= set(numbers)
    scores = {row["length"]: row for row in numbers["score_against_length"]["scores"]}
    result = json.loads((record / "result.json").read_text())["test"]
    # The same network on the same rows, by another way: the split of the trained length, and the longer one.
    assert scores[6]["cross_entropy"] == pytest.approx(result["cross_entropy"], rel=1e-5)
    assert (folder / "gradient_flow_along_training.png").is_file()
    # The network that training began with is that of the first look of the callback, step 0 apart.
    assert numbers["at initialisation"] != numbers["trained"]

    for arguments, line in [
        (["--lengths", "x"], "no list of whole numbers"),
        (["--lengths", "0"], "at least 1"),
        (["--lengths", "100000000000"], "the longest that fit have"),
    ]:
        said = rnnbench("diagnose", record.name, *arguments)
        assert said.code == 2 and line in said.err and said.err.count("\n") == 1
    next(record.glob("checkpoints/best.pt")).unlink()
    said = rnnbench("diagnose", record.name)
    assert said.code == 2 and "has no trained network" in said.err and said.err.count("\n") == 1


@pytest.mark.slow
def test_a_stream_is_read_in_stretches(rnnbench, book: Path):
    assert rnnbench(*TINY, "trainer.progress=false").code == 0
    (record,) = Path("outputs/runs").glob("*/*/*")
    said = rnnbench("diagnose", record.name, "--steps", "10", "--rows", "4")
    assert said.code == 0, said.err
    assert "option length of task language_modeling does not exist" in said.out
    assert rnnbench("diagnose", record.name, "--lengths", "10").code == 2
    numbers = json.loads((record / "diagnostics/diagnosis.json").read_text())
    assert numbers["facts"]["lags"] == "10" and numbers["facts"]["rows"] == "4"


def test_the_direction_of_a_run_is_the_gradient_of_its_loss(rnnbench, workplace: Path):
    from rnnbench.diagnostics.trained import of_learner
    from rnnbench.diagnostics.trajectory import follow
    from rnnbench.loading import load_trained
    from rnnbench.storage.record import Record

    assert rnnbench(*MEMORY).code == 0
    (record,) = Path("outputs/runs").glob("*/*/*")
    learner = load_trained(Record(record))
    (batch,) = learner.evaluation_batches(learner.task.data["test"].select(range(3)), 3)
    network = of_learner("trained", learner, learner.task.data["test"].select(range(3)), Look(100, 3))
    y_BO = follow(network.backbone, network.x_BTI).y_BTO[:, -1]
    logits_BV = y_BO @ learner.head.weight.T + learner.head.bias
    expected = (logits_BV.softmax(-1) - torch.nn.functional.one_hot(batch.targets[:, -1], 9)) @ learner.head.weight
    torch.testing.assert_close(network.direction(y_BO), expected.detach())


class TestPage:
    """The page in a browser: what the pointer shows, and what a click switches off."""

    pytestmark = [*needed, pytest.mark.slow]

    def test_values_stand_under_the_pointer_and_lines_switch_off(self, workplace: Path):
        lines = [Series("one", [1, 2, 3], [0.5, 0.25, 0.125]), Series("two <b>", [1, 2, 3], [4.0, 2.0, 1.0])]
        plane = Chart(
            "plane", "In the plane", "real", "imaginary", [Series("z", [0.5], [-0.25], joined=False)], circle=True
        )
        figures = [Chart("lines", "Two lines", "x", "y", lines, log_y=True), plane]
        (workplace / "page.html").write_text(page("Seen", {"task": "none"}, figures, ["said"]))
        with chromium() as browser, opened(browser, (workplace / "page.html").as_uri()) as found:
            figure = found.page.locator("figure").first
            under = figure.locator(".value")
            box = figure.locator("svg.chart").bounding_box()
            assert box is not None and under.inner_text() == ""
            middle = box["x"] + box["width"] * 0.53, box["y"] + box["height"] / 2
            found.page.mouse.move(*middle)
            assert under.inner_text() == "at 2:  one 0.25   two <b> 2"
            button = figure.get_by_role("button", name="two <b>")
            button.click()
            assert button.get_attribute("aria-pressed") == "false"
            found.page.mouse.move(*middle)
            assert under.inner_text() == "at 2:  one 0.25"
            button.click()
            found.page.mouse.move(*middle)
            assert under.inner_text() == "at 2:  one 0.25   two <b> 2"
            second = found.page.locator("figure").nth(1)
            second.locator("circle").hover()
            assert second.locator(".value").inner_text() == "z: 0.5, -0.25"
