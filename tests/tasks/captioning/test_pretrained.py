"""Photographs through a network of timm, which stands in here with weights that nobody trained."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from rnnbench.tasks.captioning import Captioning
from torch import nn

from rnnbench import Batch, Prediction, Reals, Sources, UserError

MEAN, DEVIATION = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)


class Colours(nn.Module):
    """Two features: the mean of red, and whether it is in evaluation mode."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.Size] = []

    def forward(self, x_NCSS: torch.Tensor) -> torch.Tensor:
        self.seen.append(x_NCSS.shape)
        red_N = x_NCSS[:, 0].mean((1, 2))
        return torch.stack([red_N, torch.full_like(red_N, float(not self.training))], 1)


def create_model(name: str, *, pretrained: bool, num_classes: int) -> nn.Module:
    assert (pretrained, num_classes) == (True, 0)
    if name.endswith("offline"):
        raise OSError("no connection to the hub")
    return Colours()


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["colours", "colours.offline"]
    wanted = {"input_size": (3, 12, 12), "mean": MEAN, "std": DEVIATION}
    data = SimpleNamespace(resolve_model_data_config=lambda model: wanted)
    module: Any = SimpleNamespace(
        create_model=create_model, is_model=names.__contains__, list_models=lambda: names, data=data
    )
    monkeypatch.setitem(sys.modules, "timm", module)


def photographs(home: Path, **options: Any) -> Captioning:
    """Twenty pictures, the redder the larger their number."""
    home.mkdir()
    for number in range(20):
        Image.new("RGB", (9, 9), (10 * number, 7, 200)).save(home / f"{number}.png")
    lines = [f"{number}.png,a wall of red {number}" for number in range(20)]
    (home / "metadata.csv").write_text("\n".join(["file_name,text", *lines]))
    return Captioning(Sources(), dataset="folder", path=str(home), minimum_count=1, **options)


@pytest.mark.usefixtures("timm")
def test_features_stand_in_place_of_pixels(workplace: Path):
    task = photographs(workplace / "red", pretrained="colours", side=8)
    assert task.spec.inputs == Reals(2)
    assert task.spec.setting == "pretrained colours"
    for split in ("train", "test"):
        for row in task.data[split]:
            number = int(row["references"][0].split()[-1])
            assert row["inputs"] == pytest.approx([(10 * number / 255 - 0.4) / 0.2, 1.0], abs=1e-5)
    network: Any = task.views.network
    assert {shape[1:] for shape in network.network.seen} == {(3, 12, 12)}


@pytest.mark.usefixtures("timm")
def test_a_sample_shows_the_picture_that_the_features_are_of(workplace: Path):
    task = photographs(workplace / "red", pretrained="colours", side=8)
    view = torch.tensor(task.data["test"][1]["inputs"])
    np.testing.assert_array_equal(task.views.picture(view.bfloat16()), task.captioned["test"].pixels[1])
    Image.new("RGB", (5, 5), (253, 0, 0)).save("mine.png")
    asked = task.encode("mine.png")
    assert asked.inputs.shape == (1, 1, 2)
    assert task.views.picture(asked.inputs[0])[0, 0, 0] == 253
    batch = Batch(asked.inputs, torch.zeros(1, 1), torch.ones(1, 1).bool(), torch.ones(1))
    (sample,) = task.decode(Prediction(torch.zeros(1, 1, 9), hypotheses=[[0]], attention=torch.ones(1, 2, 1)), batch)
    assert set(sample.files) == {"picture.png"}


@pytest.mark.usefixtures("timm")
def test_the_data_is_known_by_its_pixels(workplace: Path):
    task = photographs(workplace / "red", pretrained="colours", side=8)
    before = task.fingerprint()
    task.views.splits["train"][:] += 1e-6
    assert task.fingerprint() == before
    other = photographs(workplace / "other", pretrained="colours", side=8)
    assert other.fingerprint() == before
    other.captioned["train"].pixels[0, 0, 0, 0] += 1
    assert other.fingerprint() != before


@pytest.mark.usefixtures("timm")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("colour", "network of timm 'colour' does not exist; did you mean 'colours'"),
        ("colours.offline", "weights of 'colours.offline' can not be had: OSError: no connection to the hub"),
    ],
)
def test_what_can_not_be_had_is_said(workplace: Path, name: str, message: str):
    with pytest.raises(UserError, match=message):
        photographs(workplace / "red", pretrained=name).describe()


def test_without_timm_it_says_what_to_install(workplace: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UserError, match=r"pip install 'rnnbench\[vision\]'"):
        photographs(workplace / "red", pretrained="colours").describe()
    with pytest.raises(ValueError, match="pretrained is for photographs"):
        Captioning(Sources(), pretrained="colours")
