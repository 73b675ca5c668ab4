"""Both plugins keep their contracts, every check a test of its own; and the one solves the other."""

from functools import partial

import numpy as np
import pytest
from rnnbench_parity.parity import Parity
from rnnbench_parity.rotor import Rotor

from rnnbench import Sources
from rnnbench.testing import BACKBONE_CHECKS, TASK_CHECKS


@pytest.mark.parametrize("check", TASK_CHECKS)
def test_task(check):
    check(Parity)


@pytest.mark.parametrize("check", BACKBONE_CHECKS)
def test_backbone(check):
    check(partial(Rotor, hidden_size=8))


def test_targets_are_the_parity_of_the_ones_so_far():
    for split in Parity(Sources(), length=14).splits().values():
        row = split.with_format("numpy")[7]
        assert [row["inputs"][: end + 1].sum() % 2 for end in range(len(row["inputs"]))] == row["targets"].tolist()


@pytest.mark.parametrize("length", [13, 32])
def test_lengths_that_can_not_be_are_refused(length):
    with pytest.raises(ValueError, match=f"length must be from 14 to 31, got {length}"):
        Parity(Sources(), length=length)


def test_twice_as_long_is_twice_as_long():
    assert np.shape(Parity(Sources()).splits()["twice_as_long"]["inputs"]) == (1000, 32)
