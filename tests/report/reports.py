"""Records with curves and samples of every kind, and their page; some of their texts would like to be markup."""

import functools
import io
import math
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy

from rnnbench.leaderboard.select import with_trials
from rnnbench.leaderboard.trials import read
from rnnbench.report.page import page
from rnnbench.storage.record import Record, Status, all_records, folder_of

HOSTILE = "</script><script>window.stolen = 1</script><img src=x onerror='window.stolen = 1'>\"'${'}`\\"
BACKBONES, WIDTHS, SEEDS = ("gru", "lstm", "elman"), (32, 64), (0, 1)
FACTS = {
    "task_version": 1, "backbone_version": 1, "setting": "whole", "fingerprint": "f00d", "unit": "steps",
}  # fmt: skip


def write(folder: Path) -> None:
    """Two boards: music, less is better, with sound and notes; pixels, more is better, with hostile texts."""
    for backbone in BACKBONES:
        for width in WIDTHS:
            for seed in SEEDS:
                cost = 3.0 + BACKBONES.index(backbone) - width / 100 + seed / 50
                write_trial(folder, "music", backbone, width, seed, cost, music_sample())
                write_trial(folder, "pixels", backbone, width, seed, cost, text_sample(HOSTILE))
    write_trial(folder, "pixels", "irnn", 32, 0, math.nan, {}, Status.DIVERGED)
    write_trial(folder, "pixels", "gru", 16, 0, 4.0, {}, Status.FAILED)


def write_few(folder: Path) -> None:
    """One trial of each board."""
    for task in ("music", "pixels"):
        write_trial(folder, task, "gru", 32, 0, 3.0, text_sample(HOSTILE))


def write_trial(
    folder: Path, task: str, backbone: str, width: int, seed: int, cost: float, sample: dict[str, Any],
    status: Status = Status.DONE,
) -> Record:  # fmt: skip
    """One trial in the form that trials leave on disk; `cost` is its score, and for pixels 10 less that."""
    metric, direction, chance = ("nll", "min", 9.0) if task == "music" else ("accuracy", "max", 0.1)
    score = cost if task == "music" else 1 - cost / 10
    setting = f"{task}-{backbone}-{width}"
    record = Record(folder_of(folder, task, backbone, f"{setting}-{seed}"))
    described = {"metric": metric, "direction": direction, "chance": chance, "dataset": "made", "seed": seed}
    facts = {**FACTS, **described, "id": f"{setting}-{seed}", "setting_id": setting, "task": task, "backbone": backbone}
    config = {
        "task": {"name": task, "dataset": HOSTILE if task == "pixels" else "made"},
        "backbone": {"name": backbone, "hidden_size": width},
        "trainer": {"max_epochs": 4, "threads": 1},
        "seed": seed,
        "outputs_dir": "/home/somebody/outputs",
    }
    record.begin(config, facts, {"python": "3.11", "packages": {"torch": "2.13.0"}})
    for line in curve(metric, score):
        record.log_metrics(line)
    if status == Status.FAILED:
        record.fail(RuntimeError(HOSTILE))
        return record
    if sample:
        record.write_samples([sample])
    test = {metric: score, "loss": cost} if status == Status.DONE else {}
    costs = {
        "parameters": 100 * width,
        "state_bytes": 8 * width,
        "steps_per_second": 5000.0 / (1 + width),
        "wall_seconds": 60,
    }
    record.write_result({"test": test, "validation": {metric: score, "loss": cost}, "epochs": 4, **costs})
    record.finish(status)
    return record


def curve(metric: str, score: float) -> Iterator[dict[str, float]]:
    for epoch in range(1, 5):
        yield {"step": 10 * epoch, "epoch": epoch, "train/loss": 5 / epoch}
        yield {"step": 10 * epoch, "epoch": epoch, f"validation/{metric}": score + (4 - epoch) / 10}


def text_sample(text: str) -> dict[str, Any]:
    return {"title": text, "text": text, "choices": {text: 0.7, "b": 0.2}, "files": {"picture.png": PNG}}


def music_sample() -> dict[str, Any]:
    notes = {"continuation.wav": tone(440.0, 1.5), "continuation.mid": MIDI, "continuation.png": PNG}
    return {"title": "C4", "text": "E4 G4", "choices": {}, "files": notes}


@functools.cache
def tone(hertz: float, seconds: float, rate: int = 44_100) -> bytes:
    """A sine as WAV."""
    written = io.BytesIO()
    with wave.open(written, "wb") as sound:
        sound.setparams((1, 2, rate, 0, "NONE", "not compressed"))
        times_N = numpy.arange(int(rate * seconds)) / rate
        sound.writeframes((8000 * numpy.sin(2 * math.pi * hertz * times_N)).round().astype("<i2").tobytes())
    return written.getvalue()


def build(folder: Path, **more: Any) -> str:
    """The page of all records in a folder of outputs."""
    reading = read(all_records(folder))
    return page(with_trials(reading.trials), reading.troubles, **more)


# Two notes of half a second each at 120 quarters a minute, 480 ticks a quarter: format 0, running status, note on with
# velocity 0 as note off.
_TRACK = bytes([0, 0x90, 60, 64, 0x83, 0x60, 60, 0, 0, 64, 64, 0x83, 0x60, 64, 0, 0, 0xFF, 0x2F, 0])
MIDI = b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk" + len(_TRACK).to_bytes(4, "big") + _TRACK
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cfc0f01f0005000"
    "1ff56c7274e0000000049454e44ae426082"
)
