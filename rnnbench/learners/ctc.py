"""Unaligned many to many where targets come in the order of the inputs: connectionist temporal classification.

B rows, T steps, S steps of the targets, V outputs a step: the tokens, and last the blank.
"""

from typing import Any

import datasets
import torch
from torch import Tensor, nn

from rnnbench.data.batch import Batch
from rnnbench.data.columns import sequences
from rnnbench.data.rows import Rows
from rnnbench.errors import UserError, at_least
from rnnbench.learners.base import Learner, Sampling
from rnnbench.learners.ctc_search import LanguageModel, greedy_search, prefix_search, shortest_path
from rnnbench.learners.fusion import NetworkLanguageModel
from rnnbench.learners.sequence import SequenceLearner
from rnnbench.learners.speaking import references
from rnnbench.metrics import TextMetric
from rnnbench.stack import MakeStack
from rnnbench.task import Prediction, Task
from rnnbench.values import Tokens


class CTCLearner(SequenceLearner):
    """Says at each step a token or nothing, and sums over all ways to say the targets (Graves et al. 2006).

    Validation takes the likeliest path. Test and samples do as well, or search for the likeliest text.

    Args:
        task: the task; its targets are tokens.
        make_stack: builds the stack for an input size.
        beam_width: prefixes that the search keeps in test and samples; 1 takes the likeliest path.
        language_model: id of a run whose network goes on from texts, such as language_modeling by character, which
            helps the search (shallow fusion).
        language_model_weight: of its log-probability beside what was heard.
        insertion_bonus: for each token in the search, since a language model prefers short texts.
        options: those of every learner that reads with one stack.
    """

    def __init__(
        self,
        task: Task,
        make_stack: MakeStack,
        *,
        beam_width: int = 1,
        language_model: str | None = None,
        language_model_weight: float = 0.5,
        insertion_bonus: float = 0.0,
        **options: Any,
    ) -> None:
        if not isinstance(task.spec.targets, Tokens):
            raise UserError(f"CTC says tokens, and the targets are {task.spec.targets}; leave out `monotonic`")
        for name, metric in task.metrics().items():
            if not isinstance(metric, TextMetric):
                raise UserError(f"metric '{name}' wants an output a target, and CTC has none; make it a TextMetric")
        at_least(1, beam_width=beam_width)
        at_least(0, language_model_weight=language_model_weight)
        if language_model is not None and beam_width == 1:
            raise ValueError("a language model helps a search only; set learner.beam_width=10 or so")
        if options.get("tied"):
            raise ValueError("tied needs outputs to be the inputs' tokens, and CTC has a blank besides; set tied=false")
        super().__init__(task, make_stack, **options)
        self.blank = task.spec.targets.size
        self.beam_width = beam_width
        self.language_model_id, self.weight, self.bonus = language_model, language_model_weight, insertion_bonus
        self.language_model: LanguageModel | None = None  # no submodule: it is neither trained nor saved

    @property
    def predicted(self) -> Tokens:
        return Tokens(self.task.spec.targets.size + 1)

    @property
    def borrowed(self) -> str | None:
        return self.language_model_id

    def borrow(self, network: Learner) -> None:
        self.language_model = NetworkLanguageModel(network, self.task)

    def forward(self, inputs: Tensor, lengths_B: Tensor | None = None) -> Tensor:
        """Outputs [B, T, V] for inputs [B, T] tokens or [B, T, I] vectors; `lengths_B` None: none is padded."""
        y_BTO, _ = self.hidden(inputs, None, lengths_B)
        return self.head(self.dropout(y_BTO))

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Mean over all target tokens of -log p(targets), in nats a token, summed over the paths that say them.

        A row that augmentation has made too short for its targets counts as 0; `_rows` lets no other through.
        """
        logits_TBV = outputs.float().log_softmax(-1).transpose(0, 1)
        said_B = batch.mask.sum(1)
        nats = nn.functional.ctc_loss(
            logits_TBV, batch.targets, batch.lengths, said_B, self.blank, reduction="sum", zero_infinity=True
        )
        return nats / said_B.sum()

    @torch.inference_mode()
    def hypotheses(self, batch: Batch, *, searching: bool) -> list[list[int]]:
        return self._search(self.outputs(batch, 0), batch.lengths, searching)

    @torch.inference_mode()
    def predict(self, batch: Batch, sampling: Sampling) -> Prediction:
        """What it says of each row; `sampling` has no say in it."""
        self.eval()
        outputs_BTV = self.outputs(batch, 0)
        return Prediction(outputs_BTV, hypotheses=self._search(outputs_BTV, batch.lengths, True))

    def _score(self, batch: Batch, batch_index: int) -> None:
        """Adds the loss alone: outputs and targets stand at different steps, so that only texts are compared."""
        loss = self.loss(self.outputs(batch, batch_index), batch)
        self.scorers()["loss"].update(loss, int(batch.mask.sum()))

    def _search(self, outputs_BTV: Tensor, lengths_B: Tensor, searching: bool) -> list[list[int]]:
        if not searching or self.beam_width == 1:
            return greedy_search(outputs_BTV, lengths_B)
        assert self.language_model_id is None or self.language_model, "`loading.lend` was not called"
        logits_BTV = outputs_BTV.float().log_softmax(-1).cpu().numpy()
        return [
            prefix_search(logits_TV[:length], self.beam_width, self.language_model, self.weight, self.bonus)
            for logits_TV, length in zip(logits_BTV, lengths_B.tolist(), strict=True)
        ]

    def _rows(self, split: datasets.Dataset, batch_size: int, seed: int | None) -> Rows:
        spec = self.task.spec
        inputs, targets = sequences(split, "inputs", spec.inputs), sequences(split, "targets", spec.targets)
        for row, (steps, tokens_S) in enumerate(
            zip(inputs.lengths_R.tolist(), targets.values.split(targets.lengths_R.tolist()), strict=True)
        ):
            needed = shortest_path(tokens_S.tolist())
            if steps < needed:
                raise UserError(
                    f"the task's data has {steps} inputs in row {row}, and CTC needs {needed} to say its "
                    f"{len(tokens_S)} targets, a blank between equal ones; give it longer inputs or shorter targets"
                )
        return Rows(inputs, targets, batch_size, references=references(self.task, split), seed=seed)
