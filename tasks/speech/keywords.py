"""Keyword spotting: say which of a few words a recording holds.

Worked example, of the Free Spoken Digit Dataset: 0.4 seconds at 8,000 Hz -> 38 frames of 40 log-mel energies, stacked
by three to 13 steps of 120 numbers -> "7".
"""

from collections.abc import Mapping
from typing import Any, Literal

import datasets
import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy

from rnnbench import Batch, Prediction, Reals, Sample, Sources, Spec, Tokens, UserError
from rnnbench.data.repeats import repeats
from rnnbench.errors import not_among

from .digits import spoken_digits
from .reading import from_hub, read_folder
from .recordings import Corpus
from .samples import belief_png, first_choices, wav
from .spoken import Spoken


class Keywords(Spoken):
    """Say which of a few words a recording holds."""

    shape = "many_to_one"

    def __init__(
        self, sources: Sources, *, dataset: Literal["digits", "fsdd", "folder"] = "digits", **options: Any
    ) -> None:
        """
        Args:
            dataset: "digits" are single digits spoken by a small formant synthesiser, always there; "fsdd" is the Free
                Spoken Digit Dataset; "folder" is your own at `path`, with a column label.
            options: those of every task on recordings.
        """
        super().__init__(sources, dataset=dataset, **options)

    def read(self) -> Corpus:
        if self.dataset == "digits":
            return spoken_digits(shortest=1, longest=1)
        if self.dataset == "folder":
            return self.own_folder("label")
        found = self.sources.files("fsdd", ["train/metadata.csv", "test/metadata.csv"])
        if found:
            return read_folder(found[0].parent.parent, "label", self.skip_unreadable)
        return from_hub(self.sources.hub("fsdd", "mteb/free-spoken-digit-dataset"), "label", "fsdd")

    @property
    def words(self) -> list[str]:
        """The words of train, by number."""
        return sorted({recording.text for recording in self.corpus.splits["train"]})

    def describe(self) -> Spec:
        words = [recording.text for recording in self.corpus.splits["train"]]
        test = [recording.text for recording in self.corpus.splits["test"]]
        return Spec(
            inputs=Reals(self.mels * self.stacked_frames),
            targets=Tokens(len(self.words)),
            metric="accuracy",
            direction="max",
            chance=test.count(max(self.words, key=words.count)) / len(test),
            dataset=self.dataset,
            setting="words",
            unit="steps",
        )

    def splits(self) -> Mapping[str, datasets.Dataset]:
        numbers = {word: number for number, word in enumerate(self.words)}
        found = {}
        for name, recordings in self.corpus.splits.items():
            for one in recordings:
                if one.text not in numbers:
                    raise UserError(f"{one.where}: {not_among('label', one.text, self.words)} in train")
            targets = [numbers[recording.text] for recording in recordings]
            found[name] = datasets.Dataset.from_dict({"inputs": self.inputs(name), "targets": targets})
        return found

    def metrics(self) -> Mapping[str, Metric]:
        return {"accuracy": MulticlassAccuracy(len(self.words), average="micro")}

    def facts(self) -> Mapping[str, int | float | str]:
        return {**super().facts(), "words": len(self.words), **repeats(self.data)}

    def encode(self, prompt: str) -> Batch:
        inputs_1TI = self.ask(prompt)
        none = torch.zeros(1, dtype=torch.long)
        return Batch(inputs_1TI, none, none.bool(), none + inputs_1TI.shape[1])

    def decode(self, prediction: Prediction, batch: Batch) -> list[Sample]:
        return [self._sample(prediction, batch, row) for row in range(len(batch.lengths))]

    def _sample(self, prediction: Prediction, batch: Batch, row: int) -> Sample:
        inputs_TI: Tensor = batch.inputs[row, : batch.lengths[row]].cpu()
        choices = first_choices(prediction.outputs[row].float().softmax(-1), self.words)
        said, probability = next(iter(choices.items()))
        title = f"'{self.words[int(batch.targets[row])]}' spoken" if batch.mask[row] else "a recording of yours"
        text = f"heard '{said}' ({probability:.0%})"
        files = {}
        if recording := self.recording(inputs_TI):
            files["recording.wav"] = wav(recording)
        if prediction.trace is not None:
            belief_TV = prediction.trace[row, : len(inputs_TI)].float().softmax(-1).cpu()
            files["belief.png"] = belief_png(f"{title}, {text}", inputs_TI, belief_TV, self.words, self.stacked_frames)
        return Sample(title, text, choices, files)
