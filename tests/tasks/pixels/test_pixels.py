import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rnnbench.tasks.pixels import Pixels
from rnnbench.tasks.pixels.samples import DIGITS

from rnnbench import Batch, Prediction, Reals, Sources


@pytest.mark.parametrize(
    ("mode", "steps", "width", "shape"),
    [("pixel", 64, 1, "many_to_one"), ("permuted", 64, 1, "many_to_one"), ("row", 8, 8, "many_to_one"),
     ("whole", 1, 64, "one_to_one")],
)  # fmt: skip
def test_every_mode_reads_the_same_pixels(mode: Any, steps: int, width: int, shape: str):
    built = Pixels(Sources(), mode=mode)
    assert (built.spec.inputs, built.shape, built.spec.setting) == (Reals(width), shape, mode)
    rows = np.asarray(built.data["test"].with_format("numpy")["inputs"])
    assert rows.shape == ((297, steps) if width == 1 else (297, steps, width))
    pictures = built.pictures["test"].pixels.reshape(297, -1)
    if mode == "permuted":
        np.testing.assert_array_equal(np.sort(rows.reshape(297, -1)), np.sort(pictures))
        assert (rows.reshape(297, -1) != pictures).any()
    else:
        np.testing.assert_array_equal(rows.reshape(297, -1), pictures)


def test_the_permutation_is_the_published_one():
    built = Pixels(Sources(), dataset="mnist", mode="permuted")
    built.__dict__["pictures"] = {"train": type("Side", (), {"pixels": np.zeros((1, 28, 28))})}
    # What np.random.RandomState(92916).permutation(784) gives; numpy promises that this stream stays as it is.
    assert (built.order[:5].tolist(), built.order[-3:].tolist()) == ([319, 576, 323, 107, 355], [102, 39, 346])
    assert sorted(built.order) == list(range(784))


def first(task: Pixels) -> Batch:
    """The first three pictures of test, as the harness hands them to `decode`."""
    rows = task.data["test"].with_format("torch")[:3]
    mask = torch.ones(3, dtype=torch.bool)
    inputs = rows["inputs"].reshape(3, -1, task.spec.inputs.size)
    return Batch(inputs, rows["targets"], mask, mask * inputs.shape[1])


def test_a_permuted_picture_is_shown_as_it_was():
    permuted, plain = Pixels(Sources(), mode="permuted"), Pixels(Sources(), mode="row")
    batch = first(permuted)
    outputs = torch.eye(10)[batch.targets] * 9
    samples, others = permuted.decode(Prediction(outputs), batch), plain.decode(Prediction(outputs), first(plain))
    for sample, other, target in zip(samples, others, batch.targets.tolist(), strict=True):
        assert sample.title == f"a {target}"
        assert next(iter(sample.choices)) == str(target)
        assert sorted(sample.choices) == DIGITS
        assert sample.text == other.text
        assert sample.files["picture.png"][:4] == b"\x89PNG"


def test_the_gallery_is_the_confusion_matrix_of_what_was_scored():
    built = Pixels(Sources())
    metrics = built.metrics()
    true, said = torch.tensor([0, 0, 0, 7]), torch.tensor([0, 3, 3, 7])
    for metric in metrics.values():
        metric.update(torch.eye(10)[said], true)
    (sample,) = built.gallery(metrics)
    assert sample.title == "4 test pictures of digits, 50.00% right"
    row = sample.text.split("\n")[1].split()
    assert row == ["0", "1", "0", "0", "2", "0", "0", "0", "0", "0", "0"]
    assert sample.files["confusion.png"][:4] == b"\x89PNG"


def test_a_picture_at_once_is_learnt_and_its_samples_are_files(rnnbench: Callable[..., Any]):
    said = rnnbench(
        "task=pixels", "task.mode=whole", "backbone=feedforward", "backbone.hidden_size=32", "trainer.max_epochs=2",
        "optimizer.learning_rate=0.01", "trainer.batch_size=50", "logger.mode=disabled",
    )  # fmt: skip
    assert said.code == 0, said.err
    (result,) = Path("outputs").rglob("result.json")
    test = json.loads(result.read_text())["test"]
    assert test["accuracy"] > 0.7
    assert "confusion" not in test
    names = sorted(path.name for path in Path("outputs").rglob("*.png"))
    assert [name.split("-")[-1] for name in names] == ["picture.png"] * 3 + ["confusion.png"]
