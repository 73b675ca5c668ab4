"""Tasks with one mistake each in what they show: samples, the gallery, answers to a prompt."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torchmetrics import Metric

from rnnbench import Batch, Prediction, Sample

from .tokens import First


class OneSample(First):
    """Shows the first row only."""

    def decode(self, prediction: Prediction, batch: Batch) -> list[Sample]:
        return super().decode(prediction, batch)[:1]


class TensorText(First):
    """Prints a tensor."""

    def sample(self, row: list[int], odds: Tensor) -> Sample:
        return Sample(str(row), f"first was {odds.argmax(keepdim=True)}")


class Silent(First):
    """Says nothing."""

    def sample(self, row: list[int], odds: Tensor) -> Sample:
        return Sample(str(row), " ")


class UnsortedChoices(First):
    """Lists classes in their order."""

    def sample(self, row: list[int], odds: Tensor) -> Sample:
        return Sample(str(row), "first", {str(number): odds.sort().values[number].item() for number in range(4)})


class LogitChoices(First):
    """Leaves out the softmax."""

    def sample(self, row: list[int], odds: Tensor) -> Sample:
        return Sample(str(row), "first", {"0": 3.5})


class FileInFolder(First):
    """Writes somewhere."""

    def sample(self, row: list[int], odds: Tensor) -> Sample:
        return Sample(str(row), "first", files={"../picture.png": b"\x89PNG\r\n\x1a\n"})


class EmptyFile(First):
    """Writes nothing."""

    def sample(self, row: list[int], odds: Tensor) -> Sample:
        return Sample(str(row), "first", files={"notes.txt": b""})


class OtherFile(First):
    """Writes a picture of another kind."""

    def sample(self, row: list[int], odds: Tensor) -> Sample:
        return Sample(str(row), "first", files={"picture.png": b"\xff\xd8\xff"})


class EmptyGallery(First):
    """Hangs a picture of nothing."""

    def gallery(self, metrics: Mapping[str, Metric]) -> list[Sample]:
        return [Sample("confusion", "all test rows", files={"confusion.png": b""})]


class CrashingPrompt(First):
    """Knows no other words."""

    def encode(self, prompt: str) -> Batch:
        numbers = torch.tensor([[{"0": 0}[word] for word in prompt.split()]])
        return Batch(numbers, numbers[:, 0], torch.ones(1, dtype=torch.bool), torch.tensor([1]))


class PromptOutOfRange(First):
    """Numbers words beyond its symbols."""

    def encode(self, prompt: str) -> Batch:
        numbers = torch.tensor([[4]])
        return Batch(numbers, numbers[:, 0], torch.ones(1, dtype=torch.bool), torch.tensor([1]))
