import math

import pytest
import torch
from torch.nn.functional import log_softmax

from rnnbench.values import Bits, Reals, Tokens


def test_loss_is_the_mean_over_unmasked_targets():
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(3, 5, 7, generator=generator, dtype=torch.float64)
    targets = torch.randint(7, (3, 5), generator=generator)
    mask = torch.rand(3, 5, generator=generator) < 0.6
    expected = -log_softmax(outputs, -1).gather(-1, targets[..., None])[..., 0][mask].mean()
    assert Tokens(7).loss(outputs, targets, mask).item() == pytest.approx(expected.item(), abs=1e-12)


def test_masked_targets_change_nothing():
    outputs, targets = torch.randn(2, 4, 5), torch.randint(5, (2, 4))
    mask = torch.tensor([[True, True, False, False], [True, False, True, False]])
    other = torch.where(mask, targets, (targets + 1) % 5)
    assert torch.equal(Tokens(5).loss(outputs, targets, mask), Tokens(5).loss(outputs, other, mask))


def test_temperature_zero_takes_the_most_probable():
    outputs = torch.tensor([[0.0, 3.0, 1.0], [2.0, -1.0, 0.0]])
    assert Tokens(3).draw(outputs, 0, torch.Generator()).tolist() == [1, 0]


def test_draws_follow_the_probabilities():
    outputs = torch.tensor([0.5, 0.3, 0.2]).log().expand(20_000, 3)
    drawn = Tokens(3).draw(outputs, 1.0, torch.Generator().manual_seed(1))
    shares = torch.bincount(drawn, minlength=3) / len(drawn)
    assert shares.tolist() == pytest.approx([0.5, 0.3, 0.2], abs=4 * math.sqrt(0.25 / 20_000))


def test_draws_are_repeated_by_their_seed():
    outputs = torch.randn(50, 9)
    first, second = (Tokens(9).draw(outputs, 0.7, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("shape", [(3, 5), (8,)], ids=["a target a step", "a target a row"])
def test_losses_of_vectors_are_means_over_what_is_not_masked(shape: tuple[int, ...]):
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(*shape, 4, generator=generator, dtype=torch.float64)
    targets = (torch.rand(*shape, 4, generator=generator) < 0.4).double()
    mask = torch.rand(shape, generator=generator) < 0.6
    error = (outputs - targets)[mask].pow(2).mean()
    assert Reals(4).loss(outputs, targets, mask).item() == pytest.approx(error.item(), abs=1e-12)
    likelihood = torch.where(targets > 0, outputs.sigmoid(), 1 - outputs.sigmoid())[mask]
    nats = -likelihood.log().sum(-1).mean()
    assert Bits(4).loss(outputs, targets, mask).item() == pytest.approx(nats.item(), abs=1e-12)


def test_bits_are_drawn_by_their_odds_and_reals_are_what_was_predicted():
    odds = torch.tensor([0.9, 0.2]).logit().expand(20_000, 2)
    drawn = Bits(2).draw(odds, 1.0, torch.Generator().manual_seed(1))
    assert drawn.mean(0).tolist() == pytest.approx([0.9, 0.2], abs=4 * math.sqrt(0.25 / 20_000))
    assert Bits(2).draw(odds[:1], 0, torch.Generator()).tolist() == [[1, 0]]
    assert torch.equal(Reals(2).draw(odds, 1.0, torch.Generator()), odds)
