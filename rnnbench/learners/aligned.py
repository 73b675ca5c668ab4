"""Aligned many to many: an output at every step, as in language modelling.

B rows, T time steps, N steps of a whole split, E embedding size, V outputs a step.
"""

from collections.abc import Callable, Sequence

import datasets
import numpy as np
import torch
from torch import Tensor, nn

from rnnbench.backbone import State, detach
from rnnbench.data.batch import Batch
from rnnbench.data.streams import Streams
from rnnbench.errors import UserError, at_least, fraction
from rnnbench.learners.base import Batches, Learner, Sampling, uniform_
from rnnbench.regularization import EmbeddingDropout, LockedDropout, activation_penalty, temporal_penalty
from rnnbench.stack import Stack
from rnnbench.task import Prediction, Task

EVALUATION_CHUNK = 512  # steps; bounds memory only, since the state is carried from chunk to chunk
OPENING = 24  # steps of a held-out text that are shown to the network to go on from
EXAMPLES = 3


class AlignedLearner(Learner):
    """Embedding, stack, head: reads a step, says what the task wants of it, and remembers.

    A task that predicts itself is one long stream: training reads it as `trainer.batch_size` parallel rows, `bptt`
    steps at a time, and carries the state from chunk to chunk without its gradient (truncated back-propagation through
    time, Williams & Peng 1990). Evaluation reads it as a single row, the state carried through, every step scored once.

    Args:
        task: the task.
        make_stack: builds the stack for an input size.
        bptt: steps of a training chunk. None takes the whole stream as one chunk (full back-propagation through time):
            one update an epoch, from gradients that reach back to the stream's first step, with all steps in memory.
            It is for streams of some thousand steps a row.
        embedding_size: numbers an input step becomes; None makes it as wide as the stack's output.
        dropout: probability of dropping elements of the embedding and of the stack's output while training.
        locked_dropout: the same, with one mask for all steps of a chunk (variational dropout, 1512.05287).
        embedding_dropout: probability of dropping a word wherever it stands in a chunk (1708.02182 §4.3).
        activation_regularization: weight in the training loss of the mean square of the stack's output after dropout
            (AR, 1708.01009; alpha, 2 in AWD-LSTM).
        temporal_activation_regularization: weight in the training loss of the mean square change of the stack's output
            from step to step within a chunk (TAR, 1708.01009; beta, 1 in AWD-LSTM).
        tied: head and embedding share their matrix (Press & Wolf 2016, 1608.05859).
        init_scale: draw every parameter from U(-init_scale, init_scale); None leaves each part its own initialisation.
    """

    def __init__(
        self,
        task: Task,
        make_stack: Callable[[int], Stack],
        *,
        bptt: int | None = 32,
        embedding_size: int | None = None,
        dropout: float = 0.0,
        locked_dropout: float = 0.0,
        embedding_dropout: float = 0.0,
        activation_regularization: float = 0.0,
        temporal_activation_regularization: float = 0.0,
        tied: bool = False,
        init_scale: float | None = None,
    ) -> None:
        super().__init__(task)
        if bptt is not None:
            at_least(1, bptt=bptt)
        fraction(dropout=dropout, locked_dropout=locked_dropout, embedding_dropout=embedding_dropout)
        at_least(0, activation_regularization=activation_regularization)
        at_least(0, temporal_activation_regularization=temporal_activation_regularization)
        spec = task.spec
        self.bptt = bptt
        self.penalties = (activation_regularization, temporal_activation_regularization)
        self.stack_input_size = _output_size(make_stack) if embedding_size is None else embedding_size
        at_least(1, embedding_size=self.stack_input_size)
        self.embedding = spec.inputs.embedding(self.stack_input_size)
        self.stack = make_stack(self.stack_input_size)
        self.dropout = nn.Sequential(nn.Dropout(dropout), LockedDropout(locked_dropout))
        self.embedding_dropout = EmbeddingDropout(embedding_dropout, self.embedding.num_embeddings)
        self.head = nn.Linear(self.stack.output_size, spec.targets.outputs)
        nn.init.zeros_(self.head.bias)
        if self.stack.bidirectional and spec.start is not None:
            raise ValueError("a bidirectional stack sees the steps it is to predict; set stack.bidirectional=false")
        if tied:
            self._tie()
        if init_scale is not None:
            uniform_(self, init_scale)
        self._states: dict[bool, State] = {}  # by whether in training: an evaluation in between disturbs nothing

    def _tie(self) -> None:
        if self.embedding.weight.shape != self.head.weight.shape:
            raise ValueError(
                f"tied needs the embedding and the stack's output to be equally wide, got "
                f"{self.stack_input_size} and {self.stack.output_size}; set learner.embedding_size="
                f"{self.stack.output_size}"
            )
        self.head.weight = self.embedding.weight

    def forward(
        self, inputs_BT: Tensor, state: State | None = None, lengths_B: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Outputs [B, T, V] and the last state. `state` None begins anew."""
        y_BTO, state = self._hidden(inputs_BT, state, lengths_B)
        return self.head(self.dropout(y_BTO)), state

    def _hidden(self, inputs_BT: Tensor, state: State | None, lengths_B: Tensor | None) -> tuple[Tensor, State]:
        """The stack's outputs [B, T, O] and the last state."""
        x_BTE = self.embedding_dropout(self.embedding(inputs_BT), inputs_BT)
        return self.stack(self.dropout(x_BTE), state, lengths_B)

    def outputs(self, batch: Batch, batch_index: int) -> Tensor:
        return self.head(self.dropout(self._read_on(batch, batch_index)))

    def _read_on(self, batch: Batch, batch_index: int) -> Tensor:
        """The stack's outputs for the next chunk of a stream."""
        state = None if batch_index == 0 else self._states[self.training]
        y_BTO, state = self._hidden(batch.inputs, state, batch.lengths)
        self._states[self.training] = detach(state)
        return y_BTO

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """The task's loss and the penalties; what is logged as the training loss holds both."""
        y_BTO = self._read_on(batch, batch_index)
        dropped_BTO = self.dropout(y_BTO)
        loss = self.task.loss(self.head(dropped_BTO), batch)
        activation, temporal = self.penalties
        if activation:
            loss = loss + activation * activation_penalty(dropped_BTO, batch.mask)
        if temporal:
            loss = loss + temporal * temporal_penalty(y_BTO, batch.mask)
        return loss

    def states(self, training: bool) -> Sequence[State]:
        return self._states.get(training, ())

    def training_batches(self, split: datasets.Dataset, batch_size: int, seed: int) -> Batches:
        inputs_N, targets_N = self._stream(split)
        return Streams(inputs_N, targets_N, batch_size, self.bptt or len(inputs_N))

    def evaluation_batches(self, split: datasets.Dataset, batch_size: int) -> Batches:
        return Streams(*self._stream(split), 1, EVALUATION_CHUNK)

    def examples(self, split: datasets.Dataset) -> Batch:
        inputs_N, targets_N = self._stream(split)
        length = min(OPENING, len(inputs_N))
        starts = np.linspace(0, len(inputs_N) - length, EXAMPLES).astype(int)
        rows = [slice(start, start + length) for start in starts]
        return Batch.whole(torch.stack([inputs_N[row] for row in rows]), torch.stack([targets_N[row] for row in rows]))

    @torch.inference_mode()
    def predict(self, batch: Batch, sampling: Sampling) -> Prediction:
        self.eval()
        outputs_BTV, state = self(batch.inputs)
        if self.task.spec.start is None:
            return Prediction(outputs_BTV)
        generator = torch.Generator(outputs_BTV.device).manual_seed(sampling.seed)
        last_BV, drawn = outputs_BTV[:, -1], []
        for _ in range(sampling.length):
            token_B = self.task.spec.targets.draw(last_BV, sampling.temperature, generator)
            drawn.append(token_B)
            y_BO, state = self.stack.step(self.embedding(token_B), state)
            last_BV = self.head(y_BO)
        continuation = torch.stack(drawn, 1) if drawn else batch.inputs[:, :0]
        return Prediction(outputs_BTV, continuation)

    def _stream(self, split: datasets.Dataset) -> tuple[Tensor, Tensor]:
        """Inputs and targets of all rows laid end to end, [N] each."""
        spec = self.task.spec
        if spec.start is None:
            raise UserError(f"{type(self.task).__name__}: aligned tasks need Spec.start in this version")
        rows = split.with_format("numpy")["inputs"]
        targets_N = torch.from_numpy(np.concatenate([np.asarray(row, np.int64) for row in rows]))
        return torch.cat([targets_N.new_full((1,), spec.start), targets_N[:-1]]), targets_N


def _output_size(make_stack: Callable[[int], Stack]) -> int:
    """How wide a stack's output is; asking draws no random number."""
    with torch.random.fork_rng(devices=[]):
        return make_stack(1).output_size
