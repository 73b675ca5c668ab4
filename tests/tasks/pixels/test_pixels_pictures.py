import gzip
import struct
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from rnnbench.tasks.pixels.pictures import IMAGES, LABELS, MNIST_FILES, read_idx, read_pictures

from rnnbench import Sources, UserError

PIXELS = np.random.default_rng(0).integers(0, 256, (5_003, 28, 28), np.uint8)
DIGITS = (np.arange(5_003) % 10).astype(np.uint8)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">I{array.ndim}I", 2048 + array.ndim, *array.shape) + array.tobytes()


def stored(folder: Path, packed: str = ".gz", **changes: bytes) -> Sources:
    (folder / "mnist").mkdir()
    for name, array in zip(MNIST_FILES, (PIXELS, DIGITS, PIXELS[:4], DIGITS[:4]), strict=True):
        content = changes.get(name.split("-")[0] + name.split("-")[1], idx(array))
        (folder / "mnist" / (name + packed)).write_bytes(gzip.compress(content, 1) if packed else content)
    return Sources(folder)


@pytest.mark.parametrize("packed", ["", ".gz"])
def test_mnist_holds_out_the_last_of_train(workplace: Path, packed: str):
    found = read_pictures("mnist", stored(workplace, packed))
    assert {name: len(split.labels) for name, split in found.items()} == {"train": 3, "validation": 5_000, "test": 4}
    np.testing.assert_array_equal(found["validation"].labels, DIGITS[3:])
    np.testing.assert_allclose(found["train"].pixels, PIXELS[:3] / 255, rtol=1e-6)
    assert found["test"].pixels.dtype == np.float32


def test_mnist_is_the_same_from_the_hub(workplace: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rnnbench.tasks.pixels.pictures.HELD_OUT", {"mnist": (1, 0)})
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", workplace / "cache")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(num_classes=10)})
    folder = workplace / "ylecun" / "mnist" / "mnist"
    folder.mkdir(parents=True)
    for name, size in (("train", 5), ("test", 4)):
        rows = {"image": list(PIXELS[:size]), "label": DIGITS[:size]}
        datasets.Dataset.from_dict(rows, features).to_parquet(str(folder / f"{name}-00000-of-00001.parquet"))

    class Hub(Sources):
        def hub(self, folder: str, repository: str, **where: Any) -> datasets.DatasetDict:
            return super().hub(folder, str(workplace / repository), **where)

    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    found = read_pictures("mnist", Hub())
    assert {name: len(split.labels) for name, split in found.items()} == {"train": 4, "validation": 1, "test": 4}
    np.testing.assert_array_equal(found["test"].pixels, (PIXELS[:4] / np.float32(255)).astype(np.float32))
    np.testing.assert_array_equal(found["test"].labels, DIGITS[:4])


def test_digits_are_scikit_learns():
    found = read_pictures("digits", Sources())
    assert {name: split.pixels.shape for name, split in found.items()} == {
        "train": (1_300, 8, 8),
        "validation": (200, 8, 8),
        "test": (297, 8, 8),
    }
    assert found["train"].labels[:10].tolist() == list(range(10))
    assert 0 == found["train"].pixels.min() < found["train"].pixels.max() == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "'a' is no idx file of uint8 in 1 dimensions: it begins with 0"),
        (idx(PIXELS[:2]), "'a' is no idx file of uint8 in 1 dimensions: it begins with 2051"),
        (idx(DIGITS)[:-3], "'a' is torn: expected 5,011 bytes, found 5,008; fetch it again"),
        (idx(DIGITS) + b"x", "'a' is torn: expected 5,011 bytes, found 5,012; fetch it again"),
        (struct.pack(">I", LABELS), "'a' is torn: expected 8 bytes, found 4; fetch it again"),
    ],
)
def test_what_is_no_idx_file_is_said(content: bytes, message: str):
    Path("a").write_bytes(content)
    with pytest.raises(UserError) as error:
        read_idx(Path("a"), LABELS)
    assert str(error.value) == message


def test_torn_packed_files_and_missing_ones_are_said(workplace: Path):
    Path("a.gz").write_bytes(gzip.compress(idx(DIGITS))[:50])
    with pytest.raises(UserError, match="'a.gz' can not be read: .*; fetch it again"):
        read_idx(Path("a.gz"), LABELS)
    (workplace / "mnist").mkdir()
    with pytest.raises(UserError, match="mnist/train-images-idx3-ubyte.gz' is missing; mnist needs"):
        read_pictures("mnist", Sources(workplace))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trainlabels": idx(DIGITS[:7])}, "holds 5,003 pictures and .* 7 labels"),
        ({"t10klabels": idx(DIGITS[6:10] + 2)}, "are not MNIST: expected 28 x 28 pixels and labels from 0 to 9"),
        ({"t10kimages": idx(PIXELS[:4, :9])}, "are not MNIST: expected 28 x 28 pixels"),
    ],
)
def test_files_that_do_not_belong_together_are_said(workplace: Path, changes: dict[str, bytes], message: str):
    with pytest.raises(UserError, match=message):
        read_pictures("mnist", stored(workplace, "", **changes))


@pytest.mark.slow
@pytest.mark.real_data
def test_mnist_as_published(real_data: Path):
    found = read_pictures("mnist", Sources(real_data))
    assert [len(split.labels) for split in found.values()] == [55_000, 5_000, 10_000]
    assert found["test"].labels[:5].tolist() == [7, 2, 1, 0, 4]
    mean = np.concatenate([found["train"].pixels, found["validation"].pixels]).mean(dtype=np.float64)
    assert mean == pytest.approx(0.1307, abs=5e-5)  # the figure that every tutorial standardises by
    assert read_idx(real_data / "mnist" / f"{MNIST_FILES[0]}.gz", IMAGES).shape == (60_000, 28, 28)
