import io
import math
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rnnbench.tasks.music import Music
from rnnbench.tasks.music.pieces import read_midi
from rnnbench.tasks.music.roll import KEYS
from scipy.io import savemat

from rnnbench import Batch, Prediction, Sources
from rnnbench.api import run

PIECES = {"train": [[39, 43, 46], [39, 43, 46], [41, 45, 48]], "validation": [[40], [41]], "test": [[39], [46], [39]]}


def roll(chords: list) -> np.ndarray:
    rolled = np.zeros((len(chords), KEYS), np.uint8)
    for step, keys in enumerate(chords):
        rolled[step, keys] = 1
    return rolled


@pytest.fixture(autouse=True)
def chorales(workplace: Path) -> None:
    (workplace / "music").mkdir()
    cells = {}
    for name, split in zip(("traindata", "validdata", "testdata"), PIECES, strict=True):
        cells[name] = np.empty((1, 2), object)
        cells[name][0, 0], cells[name][0, 1] = roll(PIECES[split]), roll(PIECES[split][:2])
    savemat(workplace / "music" / "JSB_Chorales.mat", cells)


def task(workplace: Path) -> Music:
    return Music(Sources(workplace), dataset="jsb")


def test_the_spec_and_the_data(workplace: Path):
    built = task(workplace)
    spec = built.spec
    assert (spec.dataset, spec.setting, spec.metric, spec.start) == ("jsb", "steps_per_beat 1", "nll", 0)
    assert np.array_equal(built.data["train"].with_format("numpy")[0]["inputs"], roll(PIECES["train"]))
    facts = built.facts()
    assert facts["test_pieces"] == 2 and facts["test_steps"] == 5 and facts["test_in_train"] == 0


def test_chance_is_the_odds_of_each_key_in_train(workplace: Path):
    """Five steps of train; keys 39, 43, 46 sound in four of them, 41, 45, 48 in one; one made-up step each way."""
    often, once, never = 5 / 7, 2 / 7, 1 / 7
    silence = sum(-math.log(1 - p) for p in [often] * 3 + [once] * 3 + [never] * (KEYS - 6))
    sounding = silence + math.log(1 - often) - math.log(often)  # of key 39 or 46, alone
    assert task(workplace).spec.chance == pytest.approx(sounding, rel=1e-5)


def test_samples_can_be_read_heard_and_seen(workplace: Path):
    built, opening = task(workplace), roll([[39, 43, 46], [39, 43, 46]])
    inputs = torch.from_numpy(np.concatenate([roll([[]]), opening])).float()[None]
    outputs = torch.full((1, 3, KEYS), -5.0)
    outputs[0, -1, 41] = 2.0
    drawn = torch.from_numpy(roll([[41, 45, 48], []])).float()[None]
    (sample,) = built.decode(Prediction(outputs, drawn), Batch.whole(inputs, inputs))
    assert (sample.title, sample.text) == ("C4-E4-G4 C4-E4-G4", "D4-F#4-A4 -")
    assert next(iter(sample.choices.items())) == ("D4", pytest.approx(1 / (1 + math.exp(-2))))
    assert set(sample.files) == {"continuation.mid", "continuation.png", "continuation.wav"}
    (workplace / "heard.mid").write_bytes(sample.files["continuation.mid"])
    assert np.array_equal(read_midi(workplace / "heard.mid", 1), roll([*[[39, 43, 46]] * 2, [41, 45, 48]]))
    with wave.open(io.BytesIO(sample.files["continuation.wav"])) as file:
        assert file.getnframes() / file.getframerate() == pytest.approx(4 * 0.5, abs=0.1)


def test_without_pretty_midi_the_sample_says_what_is_missing(workplace: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pretty_midi", None)
    inputs = torch.zeros(1, 2, KEYS)
    (sample,) = task(workplace).decode(Prediction(inputs, inputs), Batch.whole(inputs, inputs))
    assert set(sample.files) == {"continuation.png", "continuation.wav"}
    assert sample.text == "- -\n(no continuation.mid: MIDI files need pretty_midi: pip install 'rnnbench[music]')"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "songs"}, "task.path=FOLDER goes with task.dataset=midi"),
        ({"dataset": "midi"}, "task.path=FOLDER goes with task.dataset=midi"),
        ({"dataset": "jsb", "steps_per_beat": 2}, "the steps of jsb are fixed"),
        ({"dataset": "midi", "path": "songs", "steps_per_beat": 0}, "steps_per_beat must be at least 1"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        Music(Sources(), **options)


def test_a_trial_runs_and_writes_its_samples(workplace: Path):
    record = run(["task=music", "task.dataset=jsb", f"data_dir={workplace}", "backbone=gru", "backbone.hidden_size=4",
                  "trainer.max_epochs=1", "logger.mode=disabled"])  # fmt: skip
    assert {"nll", "nll_piece_average", "nll_every_step", "frame_accuracy"} <= set(record.result["test"])
    assert (record.folder / "samples" / "1-continuation.mid").read_bytes()[:4] == b"MThd"
    assert (record.folder / "samples" / "2-continuation.png").read_bytes()[1:4] == b"PNG"
