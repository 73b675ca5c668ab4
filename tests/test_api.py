import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import TINY

import rnnbench


def test_from_python(book: Path):
    record = rnnbench.run([*TINY, "trainer.progress=false", "backbone=gru"])
    assert record.finished
    rnnbench.run([*TINY, "trainer.progress=false", "backbone=elman"])

    frame = rnnbench.records()
    assert sorted(frame["backbone"]) == ["elman", "gru"]
    row = frame[frame["id"] == record.id].iloc[0]
    assert row["test.perplexity"] == record.result["test"]["perplexity"]
    assert row["config.backbone.hidden_size"] == 8
    assert row["status"] == "done"

    network = rnnbench.load(record.id)
    assert not network.training
    outputs, _ = network(torch.tensor([[0, 1, 2]]))
    assert outputs.shape == (1, 3, record.facts["chance"])
    assert rnnbench.load("best").task.spec.metric == "perplexity"


def test_a_changed_text_is_noticed_before_its_network_speaks(book: Path):
    record = rnnbench.run([*TINY, "trainer.progress=false"])
    book.write_text(book.read_text() + "something new\n")
    with pytest.raises(rnnbench.UserError, match=f"the data of run {record.id} has changed"):
        rnnbench.load(record.id)


def test_a_run_without_a_network_is_said(book: Path):
    record = rnnbench.run([*TINY, "trainer.progress=false"])
    (record.folder / "checkpoints" / "best.pt").unlink()
    with pytest.raises(rnnbench.UserError, match="has no trained network"):
        rnnbench.load(record.id)


def test_public_names_are_there_and_importing_the_package_is_cheap():
    assert all(getattr(rnnbench, name) is not None for name in rnnbench.__all__)
    assert set(rnnbench.__all__) <= set(dir(rnnbench))
    with pytest.raises(AttributeError, match="no attribute 'train'"):
        rnnbench.train  # noqa: B018  # pyright: ignore
    subprocess.run([sys.executable, "-c", "import rnnbench, sys; assert 'torch' not in sys.modules"], check=True)


def test_a_hostile_checkpoint_runs_no_code(book: Path):
    class Bomb:
        def __reduce__(self) -> tuple:
            return (Path.touch, (Path("exploded"),))

    record = rnnbench.run([*TINY, "trainer.progress=false"])
    torch.save({"state_dict": Bomb()}, record.folder / "checkpoints" / "best.pt")
    with pytest.raises(Exception, match="Weights only load failed"):
        rnnbench.load(record.id)
    assert not Path("exploded").exists()
