"""The task contract: what a person writes to bring a new problem to every backbone, sweep and leaderboard.

A task is one final class. Its keyword-only constructor parameters are its options. It says what it is (`spec`), hands
over its data (`splits`), how to score (`metrics`) and how to show (`decode`); embedding, head, batching, loss, training
and statistics are the harness's.
"""

import functools
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import datasets
import numpy as np
from torch import Tensor
from torchmetrics import Metric

from rnnbench.data.batch import Batch
from rnnbench.data.content import content_hash
from rnnbench.data.sources import Sources
from rnnbench.errors import UserError
from rnnbench.values import Kind, Pictures

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
        start: what stands before the first step where targets are the inputs one step later, a token or the value of
            each number of a vector; None where they are not. Such a task predicts itself (it is autoregressive): its
            rows need no column of targets, and trained networks continue what they are given.
        causal: whether a target stands in later inputs, as in forecasting, so that reading backwards would be cheating.
            A task that predicts itself is.
    """

    inputs: Kind | Pictures
    targets: Kind
    metric: str
    direction: Literal["min", "max"]
    chance: float
    dataset: str
    setting: str
    unit: str = "tokens"
    start: int | None = None
    causal: bool = False


@dataclass(frozen=True)
class Prediction:
    """What a trained network says of a batch.

    Attributes:
        outputs: the head's outputs at every step, [B, T, V], or for every row, [B, V]. Where the network says tokens
            of its own accord, those along its hypotheses, [B, S, V].
        continuation: tokens [B, L] or vectors [B, L, V] drawn after the last step, where the task predicts itself.
        trace: what it would have said of each row had that ended at each of its steps, [B, T, V], where it says one
            thing a row; None where finding out would take too long (a bidirectional stack on long rows).
        hypotheses: of each row the tokens that it says of its own accord, without the end.
        attention: how much each step of the hypotheses looked at each step of the inputs, [B, S, T]; a last step more
            is that which said the end. None where it does not look back.
    """

    outputs: Tensor
    continuation: Tensor | None = None
    trace: Tensor | None = None
    hypotheses: Sequence[Sequence[int]] = ()
    attention: Tensor | None = None


@dataclass(frozen=True)
class Sample:
    """Something a person looks at to judge a network.

    Attributes:
        title: what the network was given.
        text: what it made of it.
        choices: its first choices for what comes next, or for the class, and their probabilities, best first.
        files: contents by file name, such as "continuation.mid"; pictures (.png) and sound (.wav) are shown in W&B.
    """

    title: str
    text: str
    choices: Mapping[str, float] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


class Task(ABC):
    """A problem to solve. The first constructor parameter is where data is found; the options follow, keyword-only.

    A constructor is cheap: it checks options and reads nothing. Data is read by `splits` and `describe`; the harness
    calls each once and keeps what they return as `data` and `spec`.

    Attributes:
        shape: how inputs and outputs relate in time; decides the learner. A literal, so that it can be listed without
            running the plugin; a constructor may set another for its options.
        stream: whether the rows of a split, laid end to end, are one unbroken sequence, as a text is. Else each row is
            a sequence of its own. For aligned tasks.
        monotonic: whether targets come in the order of the inputs and are no more than these, as the letters of what
            is spoken. For unaligned tasks.
        converses: whether a prompt of several lines is a conversation, each line a turn, that the network goes on with.
        version: raise it when a change to the task changes scores. Part of a trial's identity.
        irrelevant: options that can not change a score beyond what the data says, such as a path.
    """

    shape: Shape
    stream: bool = False
    monotonic: bool = False
    converses: ClassVar[bool] = False
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

        Columns: ``inputs``, a sequence a row, and ``targets``, a sequence as long a row or, many to one, one value a
        row; a task that predicts itself needs none. Aligned tasks may have a ``mask`` besides, which says of each step
        whether its target counts. Unaligned and one-to-many tasks have sequences of tokens of any length as targets,
        without start or end, and may have ``references`` besides, of each row the texts that count as right, as they
        were written; without them it is `text` of the targets. Other columns are the task's own.

        Every further split is evaluated once with the test split, as a longer one that shows how a network goes on
        beyond what it was trained on; its scores are called NAME/METRIC.

        Raises:
            UserError: the data is missing or not what it should be.
        """

    def augment(self, row: int, inputs: Tensor, random: np.random.Generator) -> Tensor:  # noqa: ARG002
        """The inputs of a row of train as training shows them this time: by default as they are.

        Not for streams. A task whose targets stand at every step must not change how many there are.

        Args:
            row: its number in train.
            inputs: as `splits` gave them, [T, ...].
            random: follows from seed, epoch and row; draw from nothing else, so that a training can be taken up again.
        """
        return inputs

    @abstractmethod
    def metrics(self) -> Mapping[str, Metric]:
        """Metrics by name.

        Each is updated with (outputs, targets) of the unmasked steps, [N, V] and [N] or [N, V]; one that is a
        `RowMetric` with whole rows, a `TextMetric` with texts. Where targets are sequences of their own, the end after
        each is one of them, the token `Spec.targets.size`. What computes something else than a scalar is no score: see
        `gallery`.
        """

    @abstractmethod
    def decode(self, prediction: Prediction, batch: Batch) -> list[Sample]:
        """Turns a prediction into samples, one a row."""

    def text(self, tokens: Sequence[int]) -> str:
        """What target tokens read as, where a network says them of its own accord: as a person would have written."""
        return " ".join(map(str, tokens))

    def gallery(self, metrics: Mapping[str, Metric]) -> list[Sample]:  # noqa: ARG002 - for those that have one
        """Samples that show the whole test split, such as the picture of a confusion matrix.

        Args:
            metrics: those of `metrics`, which have just seen the test split.
        """
        return []

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
        """The scalar to minimise: by default the mean over unmasked targets of the target kind's own loss.

        Where targets are sequences of their own, training hands over those that count alone, end to end: outputs
        [N, V], and a batch with targets and mask [N].
        """
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
