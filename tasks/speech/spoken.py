"""What tasks on recordings share: reading them, what a network hears of them, and how that varies in training.

T steps, I numbers of a step, F frames, M mel bands, S stacked frames: I = S * M.
"""

import functools
import hashlib
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnbench import Sources, Task, UserError
from rnnbench.errors import at_least

from .features import LEAST_SPREAD, LogMel, stacked, standardized
from .perturbation import Perturbation
from .reading import read_folder, read_sound
from .recordings import Corpus, Recording


class Spoken(Task):
    """A task on recordings."""

    irrelevant: ClassVar[tuple[str, ...]] = ("path", "skip_unreadable")

    def __init__(
        self,
        sources: Sources,
        *,
        dataset: str,
        path: str | None = None,
        skip_unreadable: bool = False,
        mels: int = 40,
        stacked_frames: int = 3,
        normalization: Literal["utterance", "train"] = "utterance",
        speeds: list[float] | None = None,
        noise: list[float] | None = None,
        frequency_masks: int = 0,
        frequency_mask_size: int = 8,
        time_masks: int = 0,
        time_mask_size: int = 30,
    ) -> None:
        """
        Args:
            dataset: one of those that the task knows.
            path: with dataset "folder": a folder with train/metadata.csv and test/metadata.csv.
            skip_unreadable: leave out what is no sound file, and count it, instead of ending at the first.
            mels: bands of the mel scale.
            stacked_frames: frames of 10 ms that make a step.
            normalization: whose mean and deviation each band is scaled by: the recording's own, or those of all train.
            speeds: in training each recording is played at one of these, such as [0.9, 1.0, 1.1]; None as it is.
            noise: in training white noise is added, so many decibels weaker, such as [10, 30]; None adds none.
            frequency_masks: in training so many stretches of neighbouring bands are hidden (SpecAugment, 1904.08779).
            frequency_mask_size: bands of such a stretch at most.
            time_masks: in training so many stretches of neighbouring frames are hidden.
            time_mask_size: frames of such a stretch at most.
        """
        super().__init__(sources)
        at_least(1, mels=mels, stacked_frames=stacked_frames)
        if (dataset == "folder") != (path is not None):
            raise ValueError("task.path=FOLDER goes with task.dataset=folder, and folder with a path")
        self.dataset = dataset
        self.path, self.skip_unreadable = path, skip_unreadable
        self.mels, self.stacked_frames, self.normalization = mels, stacked_frames, normalization
        masks = (frequency_masks, frequency_mask_size, time_masks, time_mask_size)
        self.perturbation = Perturbation(speeds or (), noise or (), *masks)
        self._asked: dict[bytes, Recording] = {}  # recordings of prompts, by what a network hears of them

    @abstractmethod
    def read(self) -> Corpus:
        """The recordings.

        Raises:
            UserError: they are not to be had, or not what they should be.
        """

    @functools.cached_property
    def corpus(self) -> Corpus:
        """The recordings, read once."""
        return self.read()

    def own_folder(self, column: str) -> Corpus:
        """The recordings at `path`."""
        assert self.path is not None
        return read_folder(Path(self.path).expanduser(), column, self.skip_unreadable)

    def inputs(self, split: str) -> list[NDArray[np.float32]]:
        """What a network hears of each recording of a split, [T, I]."""
        return [self.heard(recording.sound).numpy() for recording in self.corpus.splits[split]]

    def heard(self, sound_N: NDArray[np.int16], random: np.random.Generator | None = None) -> Tensor:
        """What a network hears of a sound, [T, I]; with random numbers, as training varies it."""
        sound_N = sound_N if random is None else self.perturbation.of_sound(sound_N, random)
        features_FM = LogMel(self.corpus.rate, self.mels)(sound_N)
        if self.normalization == "utterance":
            features_FM = standardized(features_FM)
        else:
            mean_M, spread_M = self._scale
            features_FM = (features_FM - mean_M) / spread_M
        features_FM = features_FM if random is None else self.perturbation.of_features(features_FM, random)
        return stacked(features_FM, self.stacked_frames)

    @functools.cached_property
    def _scale(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each band over all frames of train, [M] each."""
        hear = LogMel(self.corpus.rate, self.mels)
        features_FM = torch.cat([hear(recording.sound) for recording in self.corpus.splits["train"]])
        return features_FM.mean(0), features_FM.std(0, correction=0).clamp(min=LEAST_SPREAD)

    def augment(self, row: int, inputs: Tensor, random: np.random.Generator) -> Tensor:
        if not self.perturbation.any:
            return inputs
        return self.heard(self.corpus.splits["train"][row].sound, random)

    def fingerprint(self) -> str:
        """Hash of the sounds and what is said in them; features may differ in their last digits between machines."""
        digest = hashlib.sha256(f"{self.corpus.rate}".encode())
        for name, recordings in sorted(self.corpus.splits.items()):
            for recording in recordings:
                digest.update(f"{name}:{recording.text}:{len(recording.sound)}:".encode())
                digest.update(recording.sound.tobytes())
        return digest.hexdigest()[:16]

    def facts(self) -> Mapping[str, int | float | str]:
        """Of the recordings: how many, how long, whose, and how many were resampled or skipped."""
        facts: dict[str, int | float | str] = {"sample_rate": self.corpus.rate}
        for name, recordings in self.corpus.splits.items():
            facts[f"{name}_recordings"] = len(recordings)
            facts[f"{name}_minutes"] = round(sum(recording.seconds for recording in recordings) / 60, 2)
        speakers = {name: {one.speaker for one in part} - {""} for name, part in self.corpus.splits.items()}
        if all(speakers.values()):
            facts |= {f"{name}_speakers": len(found) for name, found in speakers.items()}
            facts["test_speakers_in_train"] = len(speakers["test"] & speakers["train"])
        return {**facts, "resampled": self.corpus.resampled, "skipped": self.corpus.skipped}

    def ask(self, prompt: str) -> Tensor:
        """What a network hears of a person's own sound file, [1, T, I].

        Raises:
            UserError: it is none.
        """
        if not prompt.strip():
            raise UserError("the prompt is empty; name a sound file, such as --prompt my_words.wav")
        path = Path(prompt).expanduser()
        found = read_sound(path, "the prompt").at(self.corpus.rate)
        inputs_TI = self.heard(found.sound)
        self._asked[inputs_TI.numpy().tobytes()] = found
        return inputs_TI[None]

    def recording(self, inputs_TI: Tensor) -> Recording | None:
        """The recording of test, or of a prompt, of which a network heard this."""
        key = inputs_TI.cpu().numpy().tobytes()
        return self._asked.get(key) or self._tested.get(key)

    @functools.cached_property
    def _tested(self) -> dict[bytes, Recording]:
        return {self.heard(recording.sound).numpy().tobytes(): recording for recording in self.corpus.splits["test"]}
