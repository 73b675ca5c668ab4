"""The task contract: what a person writes to bring a new problem to every backbone, sweep and leaderboard.

A task is one final class. Its keyword-only constructor parameters are its options. It says what it is (`spec`), hands
over its data (`splits`), how to score (`metrics`) and how to show (`decode`); embedding, head, batching, loss, training
and statistics are the harness's.
"""

import functools
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import datasets
from torch import Tensor
from torchmetrics import Metric

from rnnbench.data.batch import Batch
from rnnbench.data.content import content_hash
from rnnbench.data.sources import Sources
from rnnbench.errors import UserError
from rnnbench.values import Tokens

Shape = Literal[
    "one_to_one",
    "one_to_many",
    "many_to_one",
    "many_to_many_aligned",
    "many_to_many_unaligned",
]


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What a task is, once its data is known.

    Attributes:
        inputs: kind of value that stands at an input step.
        targets: kind of value that is predicted.
        metric: the primary metric, a key of `Task.metrics`; selection and ranking use it.
        direction: whether less or more of it is better.
        chance: its value for one who guesses blindly.
        dataset: name of the data, such as "ptb". Scores are compared within one dataset and setting only.
        setting: what else must be equal for a fair comparison, such as "word".
        unit: what a step is called where speed and counts are shown, in the plural.
        start: what stands before the first token where targets are the inputs one step later; None where they are not.
            Such a task predicts itself (it is autoregressive): its rows need no column of targets, they form one
            unbroken stream, and trained networks continue what they are given.
    """

    inputs: Tokens
    targets: Tokens
    metric: str
    direction: Literal["min", "max"]
    chance: float
    dataset: str
    setting: str
    unit: str = "tokens"
    start: int | None = None


@dataclass(frozen=True)
class Prediction:
    """What a trained network says of a batch.

    Attributes:
        outputs: the head's outputs at every step, [B, T, V].
        continuation: tokens drawn after the last step, [B, L], where the task predicts itself.
    """

    outputs: Tensor
    continuation: Tensor | None = None


@dataclass(frozen=True)
class Sample:
    """Something a person looks at to judge a network.

    Attributes:
        title: what the network was given.
        text: what it made of it.
        choices: its first choices for what comes next and their probabilities, best first.
    """

    title: str
    text: str
    choices: Mapping[str, float] = field(default_factory=dict)


class Task(ABC):
    """A problem to solve. The first constructor parameter is where data is found; the options follow, keyword-only.

    A constructor is cheap: it checks options and reads nothing. Data is read by `splits` and `describe`; the harness
    calls each once and keeps what they return as `data` and `spec`.

    Attributes:
        shape: how inputs and outputs relate in time; decides the learner. A literal, so that it can be listed without
            running the plugin; a constructor may set another for its options.
        version: raise it when a change to the task changes scores. Part of a trial's identity.
        irrelevant: options that can not change a score beyond what the data says, such as a path.
    """

    shape: Shape
    version: ClassVar[int] = 1
    irrelevant: ClassVar[tuple[str, ...]] = ()

    def __init__(self, sources: Sources) -> None:
        self.sources = sources

    @functools.cached_property
    def spec(self) -> Spec:
        """What the task is."""
        return self.describe()

    @functools.cached_property
    def data(self) -> Mapping[str, datasets.Dataset]:
        """The data sets of the three splits."""
        return self.splits()

    @abstractmethod
    def describe(self) -> Spec:
        """Says what the task is. May read the data.

        Raises:
            UserError: the data is missing or not what it should be.
        """

    @abstractmethod
    def splits(self) -> Mapping[str, datasets.Dataset]:
        """Data sets for "train", "validation" and "test".

        Columns: ``inputs``, a sequence a row, and ``targets``, as long, unless the task predicts itself.

        Raises:
            UserError: the data is missing or not what it should be.
        """

    @abstractmethod
    def metrics(self) -> Mapping[str, Metric]:
        """Metrics by name. Each is updated with (outputs, targets) of the unmasked steps, [N, V] and [N]."""

    @abstractmethod
    def decode(self, prediction: Prediction, batch: Batch) -> list[Sample]:
        """Turns a prediction into samples, one a row."""

    def encode(self, prompt: str) -> Batch:  # noqa: ARG002 - for those that take one
        """Turns a person's prompt into a batch of one row.

        Raises:
            UserError: the task takes no prompt.
        """
        raise UserError(f"{type(self).__name__} takes no prompt")

    def unknown(self, prompt: str) -> list[str]:  # noqa: ARG002
        """What in a prompt the network has never seen, such as words outside its vocabulary."""
        return []

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The scalar to minimise: by default the mean over unmasked targets of the target kind's own loss."""
        return self.spec.targets.loss(outputs, batch.targets, batch.mask)

    def facts(self) -> Mapping[str, int | float | str]:
        """What a reader of the score should know of the data, such as how many test words were unknown."""
        return {}

    def fingerprint(self) -> str:
        """Hash of the content of all splits: the same data gives the same, wherever it came from."""
        digest = hashlib.sha256()
        for name, split in sorted(self.data.items()):
            digest.update(f"{name}:{content_hash(split)}".encode())
        return digest.hexdigest()[:16]
