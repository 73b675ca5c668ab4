"""Pixels: say which digit a picture shows, read as a sequence.

A picture of side S is read in one of four ways (`mode`):

    pixel      S * S steps of one pixel, line by line ("sequential MNIST", Le et al. 2015)
    permuted   the same pixels in a fixed random order ("permuted MNIST"): numpy's RandomState(92916).permutation, the
               seed that published code has used since scoRNN (Helfrich et al. 2018)
    row        S steps of S pixels, from the top
    whole      one step of S * S pixels: one to one, the home of networks without memory

Pixels are ink from 0 to 1, not standardised. Accuracy is the share of test pictures whose most probable digit is right.
"""

import functools
from collections.abc import Mapping
from typing import Literal

import datasets
import numpy as np
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy, MulticlassConfusionMatrix

from rnnbench import Batch, Prediction, Reals, Sample, Sources, Spec, Task, Tokens

from .pictures import CLASSES, Pictures, read_pictures
from .samples import confusion_sample, digit_sample

PERMUTATION_SEED = 92916


class Pixels(Task):
    """Say which digit a picture shows, pixel by pixel, row by row, or at once."""

    shape = "many_to_one"

    def __init__(
        self,
        sources: Sources,
        *,
        dataset: Literal["digits", "mnist"] = "digits",
        mode: Literal["pixel", "permuted", "row", "whole"] = "pixel",
    ) -> None:
        """
        Args:
            dataset: "digits" are the 1,797 pictures of 8 x 8 that scikit-learn carries, always there; "mnist" has
                70,000 of 28 x 28.
            mode: how a picture becomes a sequence.
        """
        super().__init__(sources)
        self.dataset, self.mode = dataset, mode
        if mode == "whole":
            self.shape = "one_to_one"

    @functools.cached_property
    def pictures(self) -> Mapping[str, Pictures]:
        """The pictures of each split."""
        return read_pictures(self.dataset, self.sources)

    @property
    def side(self) -> int:
        """Pixels a line."""
        return self.pictures["train"].pixels.shape[-1]

    @property
    def order(self) -> np.ndarray:
        """Which pixel stands at each place of the sequence, [side * side]."""
        places = np.arange(self.side**2)
        return np.random.RandomState(PERMUTATION_SEED).permutation(places) if self.mode == "permuted" else places

    def describe(self) -> Spec:
        width = {"row": self.side, "whole": self.side**2}.get(self.mode, 1)
        return Spec(
            inputs=Reals(width),
            targets=Tokens(CLASSES),
            metric="accuracy",
            direction="max",
            chance=1 / CLASSES,
            dataset=self.dataset,
            setting=self.mode,
            unit={"row": "rows", "whole": "pictures"}.get(self.mode, "pixels"),
        )

    def splits(self) -> Mapping[str, datasets.Dataset]:
        return {name: self._split(pictures) for name, pictures in self.pictures.items()}

    def metrics(self) -> Mapping[str, Metric]:
        return {
            "accuracy": MulticlassAccuracy(CLASSES, average="micro"),
            "confusion": MulticlassConfusionMatrix(CLASSES),
        }

    def decode(self, prediction: Prediction, batch: Batch) -> list[Sample]:
        places = np.argsort(self.order)
        return [
            digit_sample(inputs_TI.cpu().numpy().flatten()[places].reshape(self.side, -1), outputs_V, int(truth))
            for inputs_TI, outputs_V, truth in zip(batch.inputs, prediction.outputs, batch.targets, strict=True)
        ]

    def gallery(self, metrics: Mapping[str, Metric]) -> list[Sample]:
        return [confusion_sample(metrics["confusion"].compute().cpu().numpy(), self.dataset)]

    def _split(self, pictures: Pictures) -> datasets.Dataset:
        pixels = pictures.pixels.reshape(len(pictures.labels), -1)[:, self.order]
        width = self.spec.inputs.size
        rows = pixels if width == 1 else pixels.reshape(len(pixels), -1, width)  # flat lists take half the memory
        return datasets.Dataset.from_dict({"inputs": rows, "targets": pictures.labels})
