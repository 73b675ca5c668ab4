from typing import Any

import numpy as np
import pytest
import torch
from learners.toys import BOTH_WAYS, STACK, Toy, evaluate, make, ragged

from rnnbench import plugins
from rnnbench.config import StackConfig
from rnnbench.data.batch import Batch
from rnnbench.learners.base import Sampling
from rnnbench.learners.sequence_to_sequence import SequenceToSequenceLearner
from rnnbench.metrics import TextMetric
from rnnbench.stack import stack_maker
from rnnbench.values import Reals, Tokens

SIZE = 5
TWO = StackConfig(num_layers=2, dropout=0.0, norm="none", residual=False, bidirectional=False)


class Answers(Toy):
    """Says a row backwards; scores by the share of texts that are right."""

    def metrics(self) -> Any:
        def exact(hypotheses: list[str], references: list[Any]) -> float:
            return sum(said in right for said, right in zip(hypotheses, references, strict=True)) / len(hypotheses)

        return {**super().metrics(), "exact": TextMetric(exact)}


def backwards(seed: int = 0, rows: int = 11) -> Answers:
    inputs = ragged((), seed, rows=rows, size=SIZE)
    kinds = (Tokens(SIZE), Tokens(SIZE + 1))  # the end is token 5
    return Answers("many_to_many_unaligned", *kinds, {"inputs": inputs, "targets": [row[::-1] for row in inputs]})


ATTENTIONS = ["none", "additive", "multiplicative"]


@pytest.mark.parametrize("config", [STACK, BOTH_WAYS], ids=["ahead", "both ways"])
@pytest.mark.parametrize("options", [{"attention": name} for name in ATTENTIONS] + [{"input_feeding": True}], ids=str)
def test_neither_scores_nor_hypotheses_depend_on_batch_size(options: dict[str, Any], config: Any):
    built = make(SequenceToSequenceLearner, backwards(), config, **options)
    expected = evaluate(built, 100)
    for width in (1, 3):
        built.beam_width = width
        whole = built.evaluation_batches(built.task.data["test"], 100).first()
        together = built.hypotheses(whole, searching=True)
        alone = [
            built.hypotheses(row, searching=True)[0] for row in built.evaluation_batches(built.task.data["test"], 1)
        ]
        assert together == alone
    built.beam_width = 1
    for batch_size in (1, 4):
        assert evaluate(built, batch_size) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("options", [{"attention": name} for name in ATTENTIONS] + [{"input_feeding": True}], ids=str)
def test_going_step_by_step_is_going_all_at_once(options: dict[str, Any]):
    built = make(SequenceToSequenceLearner, backwards(), TWO, **options).eval()
    batch = built.evaluation_batches(built.task.data["test"], 4).first()
    reading = built.reader(batch)
    at_once = built.decoder(reading, batch.targets)
    memory = built.decoder.memory(reading)
    said = built.decoder.begin(reading, memory)
    for step in range(batch.targets.shape[1]):
        torch.testing.assert_close(said.outputs, at_once.outputs[:, step])
        if said.weights is not None:
            torch.testing.assert_close(said.weights, at_once.weights[:, step])
        said = built.decoder.step(batch.targets[:, step], said.state, memory)


def test_the_end_is_a_target_and_the_loss_is_the_mean_over_all():
    built = make(SequenceToSequenceLearner, backwards(), STACK)
    task, nats = built.task, []
    with torch.no_grad():
        for row in task.rows["inputs"]:
            one = torch.from_numpy(row)[None]
            target = torch.tensor([*row[::-1], SIZE + 1])
            batch = Batch(one, target[None], torch.ones(1, len(target), dtype=torch.bool), torch.tensor([len(row)]))
            log_p = built.eval().outputs(batch, 0)[0].log_softmax(-1)
            nats += (-log_p[torch.arange(len(target)), target]).tolist()
    assert evaluate(built, 3)["test/loss"] == pytest.approx(float(np.mean(nats)), abs=1e-5)
    assert evaluate(built, 3)["test/score"] == pytest.approx(float(np.mean(nats)), abs=1e-5)


def test_padding_changes_no_gradient():
    built = make(SequenceToSequenceLearner, backwards(), BOTH_WAYS)
    batch = built.evaluation_batches(built.task.data["test"], 100).first()
    built.training_step(batch, 0).backward()
    got = {name: parameter.grad.clone() for name, parameter in built.named_parameters()}
    built.zero_grad()
    count = int(batch.mask.sum())
    for row in built.evaluation_batches(built.task.data["test"], 1):
        (built.training_step(row, 0) * row.mask.sum() / count).backward()
    for name, parameter in built.named_parameters():
        torch.testing.assert_close(got[name], parameter.grad, rtol=0, atol=1e-6)


@pytest.mark.parametrize("input_feeding", [False, True])
def test_what_training_sees_is_what_stands_at_the_steps_that_count(input_feeding: bool):
    built = make(SequenceToSequenceLearner, backwards(), STACK, label_smoothing=0.3, input_feeding=input_feeding).eval()
    batch = built.evaluation_batches(built.task.data["test"], 100).first()
    assert not batch.mask.all()
    log_p_BSV = built.outputs(batch, 0).log_softmax(-1)
    likely_BS = log_p_BSV.gather(-1, batch.targets.clamp(max=SIZE + 1)[..., None]).squeeze(-1)
    expected = -(0.7 * likely_BS + 0.3 * log_p_BSV.mean(-1))[batch.mask].mean()
    torch.testing.assert_close(built.training_step(batch, 0), expected)


BUILT_IN = [name for name, plugin in plugins.find("backbone").items() if plugin.source.startswith("rnnbench ")]
DIFFERENT = ("esn", "lru", "lstm", "mlstm", "phased_lstm", "tcn", "transformer")  # in what their states are


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in DIFFERENT else pytest.mark.slow) for name in BUILT_IN]
)
def test_every_backbone_reads_and_speaks(name: str):
    backbone = plugins.get("backbone", name).load()
    torch.manual_seed(0)
    maker = stack_maker(lambda width: backbone(width, hidden_size=8), BOTH_WAYS)
    built: Any = SequenceToSequenceLearner(backwards(rows=5), maker, beam_width=2)
    batch = built.evaluation_batches(built.task.data["test"], 5).first()
    built.training_step(batch, 0).backward()
    if name != "esn":  # whose reservoir lets no gradient through
        unreached = [n for n, p in built.named_parameters() if p.requires_grad and p.grad is None]
        assert not [n for n in unreached if not n.startswith("reader.stack")]
    together = built.eval().hypotheses(batch, searching=True)
    alone = [built.hypotheses(row, searching=True)[0] for row in built.evaluation_batches(built.task.data["test"], 1)]
    assert together == alone


def test_what_is_predicted_holds_hypotheses_and_where_attention_looked():
    built = make(SequenceToSequenceLearner, backwards(), STACK, beam_width=2)
    batch = built.examples(built.task.data["test"])
    said = built.predict(batch, Sampling())
    assert [len(row) for row in said.hypotheses] == [len(row) for row in built.hypotheses(batch, searching=True)]
    longest = max(map(len, said.hypotheses)) + 1
    assert said.outputs.shape == (3, longest, SIZE + 2)
    assert said.attention.shape == (3, longest, batch.inputs.shape[1])
    torch.testing.assert_close(said.attention.sum(-1), torch.ones(3, longest))
    assert not said.attention.masked_select(~batch.valid[:, None].expand_as(said.attention)).any()


@pytest.mark.slow
def test_it_learns_to_say_a_row_backwards():
    built = make(SequenceToSequenceLearner, backwards(rows=40), BOTH_WAYS)
    optimizer = torch.optim.Adam(built.parameters(), 0.03)
    batch = built.evaluation_batches(built.task.data["test"], 100).first()
    for _ in range(120):
        optimizer.zero_grad()
        built.training_step(batch, 0).backward()
        optimizer.step()
    assert evaluate(built, 7)["test/exact"] > 0.9


def test_scheduled_sampling_follows_what_it_says_itself():
    built = make(SequenceToSequenceLearner, backwards(), STACK)
    batch = built.evaluation_batches(built.task.data["test"], 100).first()
    taught = built.training_step(batch, 0)
    built.decoder.head.bias.data[2] = 100.0  # it would always say 2
    twos = Batch(batch.inputs, torch.full_like(batch.targets, 2), batch.mask, batch.lengths)
    built.scheduled_sampling = 0.999999
    built.decoder.head.bias.data[2] = 100.0
    own = built._follow(batch, built.scheduled_sampling).outputs
    torch.testing.assert_close(own, built._follow(twos, 0.0).outputs)
    assert taught.isfinite()


def test_vectors_are_read_as_they_are():
    inputs = ragged((3,), 0)
    targets = [np.arange(1 + len(row) // 2) % SIZE for row in inputs]
    task = Answers("many_to_many_unaligned", Reals(3), Tokens(SIZE), {"inputs": inputs, "targets": targets})
    built = make(SequenceToSequenceLearner, task, BOTH_WAYS)
    assert evaluate(built, 4) == pytest.approx(evaluate(built, 100), abs=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attention": "none", "input_feeding": True}, "input_feeding"),
        ({"attention": "none", "coverage_penalty": 0.1}, "coverage_penalty"),
        ({"attention": "none", "tied": True, "embedding_size": 5}, "embedding_size=8"),
        ({"scheduled_sampling": 1.0}, "scheduled_sampling"),
        ({"beam_width": 0}, "beam_width"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        make(SequenceToSequenceLearner, backwards(), STACK, **options)
