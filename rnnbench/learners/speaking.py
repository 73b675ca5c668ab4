"""What the learners share that say a sequence of tokens of their own accord, whatever they read before.

B rows, S steps of what is said, N of those that count, T steps of what is read, O the stack's output size, V outputs a
step: the tokens, and last the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import datasets
import torch
from torch import Tensor

from rnnbench.backbone import State, detach
from rnnbench.data.batch import Batch
from rnnbench.data.batches import Batches
from rnnbench.data.columns import Groups, Ragged, groups, sequences, texts
from rnnbench.data.rows import Rows
from rnnbench.errors import UserError, at_least, fraction
from rnnbench.learners.attention import Memory
from rnnbench.learners.base import Learner, Sampling
from rnnbench.learners.decoder import Decoder, Said
from rnnbench.learners.reader import Reader, Reading
from rnnbench.learners.search import Ranking, Step, beam_search, greedy
from rnnbench.stack import MakeStack, Stack
from rnnbench.task import Prediction, Task
from rnnbench.values import Tokens


class SpeakingLearner(Learner):
    """A reader and a decoder. Training follows the targets; evaluation also finds what the network says by itself.

    Validation decodes greedily, test and samples by beam search. The tokens it says are at most as many as the longest
    target of train has, unless `max_length` says another number.

    Args:
        task: the task; its targets are tokens.
        make_stack: builds the stack for an input size.
        reader: reads the inputs.
        embedding_size: numbers a token becomes; None is as many as the stack gives.
        dropout: probability of dropping elements of embeddings and of what the head reads, while training.
        attention: how the decoder searches what was read: additive (Bahdanau 2014), multiplicative (Luong 2015), or
            none, where it has only the last state and output.
        attention_size: numbers in which attention compares; None is as many as the stack gives.
        input_feeding: what the head read is part of the next input (1508.04025 §3.3); training then goes step by step.
        tied: the decoder's embedding and the head share their matrix (Press & Wolf 2016, 1608.05859).
        scheduled_sampling: probability that a step of training follows the network's own choice in place of the
            target (1506.03099); training then goes step by step.
        label_smoothing: share of the training loss that wants all tokens equally likely (1512.00567 §7).
        beam_width: hypotheses that are kept in test and samples; 1 is greedy.
        length_penalty: 0 prefers by probability alone; more favours longer hypotheses (1609.08144, alpha).
        coverage_penalty: how much it costs to leave out something of what was read (1609.08144, beta).
        max_length: tokens that are said at most.
    """

    decoder: Decoder

    def __init__(
        self,
        task: Task,
        make_stack: MakeStack,
        reader: Reader,
        *,
        embedding_size: int | None = None,
        dropout: float = 0.0,
        attention: Literal["additive", "multiplicative", "none"] = "additive",
        attention_size: int | None = None,
        input_feeding: bool = False,
        tied: bool = False,
        scheduled_sampling: float = 0.0,
        label_smoothing: float = 0.0,
        beam_width: int = 1,
        length_penalty: float = 0.0,
        coverage_penalty: float = 0.0,
        max_length: int | None = None,
    ) -> None:
        super().__init__(task)
        if not isinstance(task.spec.targets, Tokens):
            raise UserError(f"a task of shape '{task.shape}' has tokens as targets, not {task.spec.targets}")
        for name, value in {"attention_size": attention_size, "max_length": max_length}.items():
            if value is not None:
                at_least(1, **{name: value})
        fraction(dropout=dropout, label_smoothing=label_smoothing, scheduled_sampling=scheduled_sampling)
        at_least(1, beam_width=beam_width)
        at_least(0, length_penalty=length_penalty, coverage_penalty=coverage_penalty)
        if coverage_penalty and attention == "none":
            raise ValueError("coverage_penalty is for what attention left out; set learner.attention, or leave it out")
        self.end = task.spec.targets.size
        self.reader = reader
        self.decoder = Decoder(
            self.end,
            make_stack,
            reader.memory_size,
            reader.summary_size,
            embedding_size=embedding_size,
            attention=attention,
            attention_size=attention_size,
            input_feeding=input_feeding,
            dropout=dropout,
            tied=tied,
        )
        self.scheduled_sampling, self.label_smoothing = scheduled_sampling, label_smoothing
        self.beam_width, self.ranking = beam_width, Ranking(length_penalty, coverage_penalty)
        self.max_length = max_length
        self._states: dict[bool, State] = {}

    @property
    def stack(self) -> Stack:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The decoder's."""
        return self.decoder.stack

    @property
    def predicted(self) -> Tokens:
        return Tokens(self.end + 1)

    def stacks(self) -> list[Stack]:
        return [*self.reader.stacks(), self.stack]

    def stepper(self, batch: Batch) -> tuple["Speaker", Tensor]:
        token_B = torch.zeros(1, dtype=torch.int64, device=batch.inputs.device)
        values_BTM = self.decoder.start.weight.new_zeros(1, self.reader.places(batch), self.reader.memory_size)
        valid_BT = torch.ones_like(values_BTM[:, :, 0], dtype=torch.bool)
        attention = self.decoder.attention
        return Speaker(self.decoder, attention and attention.remember(values_BTM, valid_BT)), token_B

    def states(self, training: bool) -> Sequence[State]:
        return self._states.get(training, ())

    def outputs(self, batch: Batch, batch_index: int) -> Tensor:
        return self._follow(batch, 0.0).outputs

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        outputs_NV = self._follow(batch, self.scheduled_sampling, batch.mask).outputs
        counted = replace(batch, targets=batch.targets[batch.mask], mask=batch.mask[batch.mask])
        loss = self.task.loss(outputs_NV, counted)
        if self.label_smoothing:
            loss = torch.lerp(loss, -outputs_NV.log_softmax(-1).mean(), self.label_smoothing)
        return loss

    @torch.inference_mode()
    def hypotheses(self, batch: Batch, *, searching: bool) -> list[list[int]]:
        if searching and self.beam_width > 1:
            return self.search(batch, self.beam_width)
        reading = self.read(batch)
        memory = self.decoder.memory(reading)
        return greedy(_step(self.decoder.begin(reading, memory)), self._go_on(memory), self.end, self.limit)

    @torch.inference_mode()
    def search(self, batch: Batch, width: int) -> list[list[int]]:
        """What a beam of `width` hypotheses finds."""
        reading = self.read(batch)
        memory = self.decoder.memory(reading)
        index_N = torch.arange(len(batch.inputs), device=batch.inputs.device).repeat_interleave(width)
        go_on = self._go_on(memory and memory.rows(index_N))
        first, valid_BT = _step(self.decoder.begin(reading, memory)), memory and memory.valid_BT
        return beam_search(first, go_on, self.end, self.limit, width, self.ranking, valid_BT)

    @property
    def limit(self) -> int:
        """Tokens of a hypothesis at most, the end included."""
        if self.max_length is None:
            self.max_length = int(self.targets(self.task.data["train"]).sequences.lengths_R.max())
        return self.max_length + 1

    @torch.inference_mode()
    def predict(self, batch: Batch, sampling: Sampling) -> Prediction:
        """Its hypotheses; `sampling` has no say in them. Outputs and attention are those along the hypotheses."""
        self.eval()
        found = self.hypotheses(batch, searching=True)
        rows = [torch.tensor([*tokens, self.end]) for tokens in found]
        targets_BS = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=self.end)
        said = self.decoder(self.read(batch), targets_BS.to(batch.inputs.device))
        return Prediction(said.outputs, hypotheses=found, attention=said.weights)

    def inputs(self, split: datasets.Dataset) -> Ragged:
        """The column of inputs."""
        return sequences(split, "inputs", self.task.spec.inputs)

    def targets(self, split: datasets.Dataset) -> Groups:
        """The column of targets, without the end."""
        return groups(split, "targets", self.task.spec.targets)

    def read(self, batch: Batch) -> Reading:
        """What the decoder is told of each row."""
        return self.reader(batch)

    def told(self, batch: Batch) -> Reading:
        """What it is told for each sequence of targets."""
        return self.read(batch)

    def _rows(self, split: datasets.Dataset, batch_size: int, seed: int | None) -> Batches:
        ended = self.targets(split).sequences.followed_by(self.end)
        return Rows(self.inputs(split), ended, batch_size, references=references(self.task, split), seed=seed)

    def _follow(self, batch: Batch, sampling: float, wanted_BS: Tensor | None = None) -> Said:
        said: Said = self.decoder(self.told(batch), batch.targets, sampling, wanted_BS)
        self._states[self.training] = detach(said.state[0])
        return said

    def _go_on(self, memory: Memory | None) -> Any:
        return lambda tokens_N, state: _step(self.decoder.step(tokens_N, state, memory))


@dataclass(frozen=True)
class Speaker:
    """A decoder that goes step by step, as costs are measured on: attention looks at a memory of zeros."""

    decoder: Decoder
    memory: Memory | None

    @property
    def stack(self) -> Stack:
        """The decoder's."""
        return self.decoder.stack

    @property
    def stack_input_size(self) -> int:
        """Numbers that the stack reads a step."""
        return self.decoder.embedding_size + self.decoder.fed

    def embedding(self, tokens_B: Tensor) -> Tensor:
        """What the stack reads, nothing fed back."""
        return torch.nn.functional.pad(self.decoder.embedding(tokens_B), (0, self.decoder.fed))

    def head(self, y_BO: Tensor) -> Tensor:
        """Attention and head."""
        return self.decoder.read(y_BO[:, None], self.memory)[0]


def references(task: Task, split: datasets.Dataset) -> list[list[str]]:
    """Of each row the texts that count as right: the column of that name, or else what the targets read as."""
    if "references" in split.column_names:
        return texts(split, "references")
    rows = (row if isinstance(row[0], list) else [row] for row in split["targets"])
    return [[task.text(tokens) for tokens in row] for row in rows]


def _step(said: Said) -> Step:
    return said.outputs, said.state, said.weights
