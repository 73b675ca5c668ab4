"""The scores, against the docstring's worked example and against loops in float64, whatever the batching."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rnnbench.tasks.music.scores import FrameAccuracy, StepNLL

CUSTOMS = {
    "nll": ("steps", False),
    "nll_piece_average": ("pieces", False),
    "nll_every_step": ("steps", True),
}


def metrics() -> dict[str, StepNLL]:
    return {name: StepNLL(average, first=first) for name, (average, first) in CUSTOMS.items()}


def pieces(lengths: list[int], seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(seed)
    return [(generator.normal(size=(n, 5)) * 3, generator.integers(0, 2, (n, 5))) for n in lengths]


def padded(rows: list[tuple[np.ndarray, np.ndarray]], longest: int) -> tuple[torch.Tensor, ...]:
    """Outputs, targets and mask of a batch; padding holds what no score may see."""
    outputs, targets = torch.full((len(rows), longest, 5), 9.0), torch.zeros(len(rows), longest, 5)
    mask = torch.zeros(len(rows), longest, dtype=torch.bool)
    for number, (logits, roll) in enumerate(rows):
        outputs[number, : len(logits)], targets[number, : len(roll)] = torch.tensor(logits), torch.tensor(roll)
        mask[number, : len(logits)] = True
    return outputs, targets, mask


def nats(logits: np.ndarray, roll: np.ndarray) -> list[float]:
    """Of each step, from the probabilities."""
    probability = 1 / (1 + np.exp(-logits))
    return [-sum(math.log(p if sounds else 1 - p) for p, sounds in zip(*step, strict=True))
            for step in zip(probability, roll, strict=True)]  # fmt: skip


def by_hand(rows: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    costs = [nats(*row) for row in rows]
    predicted = [cost[1:] for cost in costs if len(cost) > 1]
    return {
        "nll": float(np.mean(np.concatenate(predicted))),
        "nll_piece_average": float(np.mean([np.mean(cost) for cost in predicted])),
        "nll_every_step": float(np.mean(np.concatenate(costs))),
    }


def test_the_worked_example_of_the_docstring():
    """Steps that cost 30, 2, 4 and 28, 9 nats: one key each, said silent with those odds though it sounds."""
    cost = torch.tensor([[30.0, 2, 4], [28, 9, 0]])[..., None]
    outputs = -torch.log(torch.expm1(cost.double().clamp(min=1e-9))).float()  # softplus(-outputs) = cost
    mask = torch.tensor([[True, True, True], [True, True, False]])
    scores = metrics()
    for metric in scores.values():
        metric.update(outputs, torch.ones(2, 3, 1), mask)
    expected = {"nll": 5.0, "nll_piece_average": 6.0, "nll_every_step": 14.6}
    assert {name: float(metric.compute()) for name, metric in scores.items()} == pytest.approx(expected, rel=1e-5)


LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=7).filter(lambda lengths: max(lengths) > 1)


@settings(max_examples=20)
@given(LENGTHS, st.integers(1, 4), st.integers(0, 9))
def test_scores_are_those_by_hand_however_pieces_are_batched(lengths: list[int], batch: int, seed: int):
    rows, scores, accuracy = pieces(lengths, seed), metrics(), FrameAccuracy()
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        outputs, targets, mask = padded(part, max(len(logits) for logits, _ in part) + 2)
        for metric in scores.values():
            metric.update(outputs, targets, mask)
        accuracy.update(outputs[mask], targets[mask])
    found = {name: float(metric.compute()) for name, metric in scores.items()}
    assert found == pytest.approx(by_hand(rows), rel=1e-5)
    assert float(accuracy.compute()) == pytest.approx(accuracy_by_hand(rows), rel=1e-6)


def accuracy_by_hand(rows: list[tuple[np.ndarray, np.ndarray]]) -> float:
    ratios = []
    for logits, roll in rows:
        for said, sounds in zip(logits > 0, roll == 1, strict=True):
            right, extra, missed = sum(said & sounds), sum(said & ~sounds), sum(~said & sounds)
            ratios.append(right / (right + extra + missed) if right + extra + missed else 1.0)
    return float(np.mean(ratios))


def test_frame_accuracy_of_one_note_wrong_and_of_silence():
    accuracy = FrameAccuracy()
    said, sounds = torch.full((2, 88), -1.0), torch.zeros(2, 88)
    said[0, [27, 34, 43]] = 1.0
    sounds[0, [27, 34, 44]] = 1.0  # two of four
    accuracy.update(said, sounds)
    assert float(accuracy.compute()) == pytest.approx((0.5 + 1) / 2)
