from pathlib import Path

import datasets
import numpy as np
import pytest
import torch
from rnnbench.tasks.series_classification import SeriesClassification, archives, held_out
from rnnbench.tasks.series_classification.archives import cylinder_bell_funnel
from rnnbench.tasks.series_classification.ts_files import Cases

from rnnbench import Batch, Prediction, Sources, UserError


def case(label: str, shift: float) -> str:
    return f"{shift},{shift + 1}:{-shift},0:{label}\n"


def files(workplace: Path, train: str, test: str) -> SeriesClassification:
    for name, text in {"a.ts": train, "b.ts": test}.items():
        (workplace / name).write_text(f"@data\n{text}")
    return SeriesClassification(Sources(), dataset="ts", path=["a.ts", "b.ts"])


TRAIN = "".join(case(label, row) for row in range(10) for label in ("x", "y"))


def test_validation_is_a_fifth_of_each_class_of_train():
    cases = cylinder_bell_funnel(30, seed=0)
    kept, held = held_out(cases)
    assert [held.labels.count(label) for label in cases.classes] == [2, 2, 2]
    identities = sorted(id(series) for part in (kept, held) for series in part.values)
    assert identities == sorted(map(id, cases.values))


def test_the_scale_is_that_of_train_alone(workplace: Path):
    task = files(workplace, TRAIN, case("x", 1e6))
    steps = np.concatenate(task.cases["train"].values)
    np.testing.assert_allclose(steps.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(steps.std(0), 1, rtol=1e-5)
    other = files(workplace, TRAIN, case("y", -7))
    np.testing.assert_array_equal(steps, np.concatenate(other.cases["train"].values))


def test_the_task_is_what_the_files_hold(workplace: Path):
    task = files(workplace, TRAIN, case("x", 1) + case("y", 3) + case("y", 77))
    assert (task.spec.inputs.size, task.spec.targets.size) == (2, 2)
    assert [len(task.data[name]) for name in ("train", "validation", "test")] == [16, 4, 3]
    assert task.data["test"]["targets"] == [0, 1, 1]
    assert task.facts()["test_in_train"] <= 2
    assert files(workplace, case("x", 5) * 5, case("x", 5)).facts()["test_in_train"] == 1


def test_what_test_has_and_train_has_not_is_refused(workplace: Path):
    with pytest.raises(UserError, match="'b.ts': class 'z' does not exist; there are: x, y in train"):
        _ = files(workplace, TRAIN, case("z", 1)).spec
    with pytest.raises(UserError, match="'b.ts' has 1 channels, but train has 2"):
        _ = files(workplace, TRAIN, "1,2:x\n").spec
    with pytest.raises(ValueError, match="goes with task.dataset=ts, and ts with two paths"):
        SeriesClassification(Sources(), dataset="ts", path=["a.ts"])


def test_the_hub_gives_what_the_files_give(workplace: Path, monkeypatch: pytest.MonkeyPatch):
    home = workplace / "uea_ucr" / "GunPoint"
    home.mkdir(parents=True)
    for name in ("TRAIN", "TEST"):
        (home / f"GunPoint_{name}.ts").write_text(f"@classLabel true x y\n@data\n{TRAIN}")
    monkeypatch.setattr(archives, "_HUB", str(workplace / "uea_ucr"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", workplace / "cache")
    tasks = [SeriesClassification(sources, dataset="gunpoint") for sources in (Sources(workplace), Sources())]
    assert tasks[0].fingerprint() == tasks[1].fingerprint()


def test_cylinders_bells_and_funnels_are_what_they_are_called():
    cases = cylinder_bell_funnel(90, seed=0)
    labels = np.array(cases.labels)
    mean = {label: np.stack(cases.values)[labels == label].mean(0)[:, 0] for label in cases.classes}
    assert abs(mean["cylinder"][:16]).max() < 1 < 4 < mean["cylinder"][35:45].mean()
    assert mean["bell"][30:45].mean() < mean["funnel"][30:45].mean()
    assert mean["bell"][60:75].mean() > mean["funnel"][60:75].mean()
    assert not np.array_equal(cases.values[0], cylinder_bell_funnel(90, seed=1).values[0])


def test_samples_say_the_class_and_show_the_belief():
    task = SeriesClassification(Sources())
    task.__dict__["cases"] = {"train": Cases([], [], ["a", "b", "c"])}
    inputs = torch.randn(2, 6, 1)
    batch = Batch(inputs, torch.tensor([2, 0]), torch.ones(2, dtype=torch.bool), torch.tensor([6, 4]))
    outputs = torch.tensor([[0.0, 0, 9], [1, 2, 0]])
    first, second = task.decode(Prediction(outputs, trace=torch.randn(2, 6, 3)), batch)
    assert (first.text, second.text) == ("class c, and it is c", "class b, and it is a")
    assert list(second.choices) == ["b", "a", "c"]
    assert sum(second.choices.values()) == pytest.approx(1)
    assert first.files["belief.png"].startswith(b"\x89PNG")
    assert not task.decode(Prediction(outputs), batch)[0].files
