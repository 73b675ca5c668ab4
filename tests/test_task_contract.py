"""What a task may have beside splits and scores: further splits, pictures of a whole split, files of its samples."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import wandb_file

import rnnbench as package

PICTURE = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU\x00\x00\x00\nIDAT"
    + zlib.compress(b"\0\0")
    + b"H\xaf\xa4q\x00\x00\x00\x00IEND\xaeB`\x82"
)
TASK = f'''
import datasets
from rnnbench import Sample, Spec, Task, Tokens
from torchmetrics.classification import MulticlassAccuracy, MulticlassConfusionMatrix

class Ends(Task):
    """Say the last token of a row."""

    shape = "many_to_one"

    def describe(self):
        return Spec(inputs=Tokens(2), targets=Tokens(2), metric="accuracy", direction="max", chance=0.5,
                    dataset="ends", setting="")

    def splits(self):
        rows = [[number >> place & 1 for place in range(4)] for number in range(16)]
        longer = [row * 3 for row in rows]
        return {{**dict.fromkeys(("train", "validation", "test"), self.split(rows)), "longer": self.split(longer[:10])}}

    def split(self, rows):
        return datasets.Dataset.from_dict({{"inputs": rows, "targets": [row[-1] for row in rows]}})

    def metrics(self):
        return {{"accuracy": MulticlassAccuracy(2, average="micro"), "confusion": MulticlassConfusionMatrix(2)}}

    def gallery(self, metrics):
        return [Sample("confusion", str(int(metrics["confusion"].compute().sum())), files={{"all.png": {PICTURE!r}}})]

    def decode(self, prediction, batch):
        return [Sample(str(row.tolist()), "said", files={{"FILE": b"notes"}}) for row in batch.inputs]
'''
FAST = ("task=ends", "backbone=gru", "backbone.hidden_size=4", "trainer.max_epochs=1", "trainer.progress=false")

Rnnbench = Callable[..., Any]


@pytest.fixture
def ends() -> Callable[[str], None]:
    def write(file: str) -> None:
        Path("tasks").mkdir()
        Path("tasks/ends.py").write_text(TASK.replace("FILE", file))

    return write


def test_further_splits_are_scored_and_files_of_samples_are_kept_and_mirrored(ends: Callable[[str], None]):
    ends("notes.mid")
    record = package.run([*FAST, "logger.mode=offline"])
    assert set(record.result["test"]) == {"accuracy", "loss", "longer/accuracy", "longer/loss"}
    assert set(record.result["validation"]) == {"accuracy", "loss"}
    samples = record.samples
    assert [sample["files"] for sample in samples[:3]] == [{"notes.mid": f"{n}-notes.mid"} for n in (1, 2, 3)]
    # The gallery saw the test split, all of it, and not the further one that was scored after it.
    assert (samples[3]["title"], samples[3]["text"]) == ("confusion", "16")
    assert (record.folder / "samples" / "4-all.png").read_bytes() == PICTURE
    assert (record.folder / "samples" / "1-notes.mid").read_bytes() == b"notes"

    (file,) = record.folder.glob("wandb/offline-run-*/run-*.wandb")
    assert wandb_file.load(file).summary["samples"]["_type"] == "table-file"
    staged = (record.folder / "wandb" / "data" / "artifacts" / "staging").iterdir()
    assert PICTURE in [path.read_bytes() for path in staged]


def test_a_sample_file_stays_in_its_folder(ends: Callable[[str], None], rnnbench: Rnnbench):
    ends("../notes.mid")
    said = rnnbench(*FAST, "logger.mode=disabled")
    assert said.code == 1
    assert "a sample's file is called '../notes.mid'; give a plain name" in said.err
