from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.data.columns import Ragged
from rnnbench.data.rows import BUCKET, Rows

LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=60)


def ragged(lengths: list[int]) -> Ragged:
    """Rows whose steps are 1, 2, 3 … through all of them."""
    lengths_R = torch.tensor(lengths)
    return Ragged(torch.arange(1, sum(lengths) + 1), lengths_R.cumsum(0) - lengths_R, lengths_R)


def rows_of(batches: Rows) -> list[list[int]]:
    """The rows that a pass hands out, without their padding."""
    return [
        row[:length].tolist()
        for batch in batches
        for row, length in zip(batch.inputs, batch.lengths.tolist(), strict=True)
    ]


@given(lengths=LENGTHS, batch_size=st.integers(1, 7), seed=st.none() | st.integers(0, 3))
def test_every_row_stands_exactly_once_in_a_pass_and_padding_is_masked(lengths, batch_size, seed):
    whole = ragged(lengths)
    batches = Rows(whole, whole, batch_size, seed=seed)
    expected = [part.tolist() for part in whole.values.split(lengths)]
    for _ in range(2):
        assert sorted(rows_of(batches)) == expected
    for batch in batches:
        assert torch.equal(batch.inputs, batch.targets)
        assert torch.equal(batch.mask, batch.inputs > 0)
        assert torch.equal(batch.mask, batch.valid)
        assert batch.inputs.shape[1] == batch.lengths.max()
        assert len(batch.inputs) <= batch_size
    assert len(list(batches)) == len(batches)


def test_the_order_follows_from_seed_and_epoch_and_evaluation_goes_by_length():
    whole = ragged([1 + i * 7 % 11 for i in range(40)])
    first, again = Rows(whole, whole, 4, seed=1), Rows(whole, whole, 4, seed=1)
    epochs = [rows_of(first) for _ in range(2)]
    assert epochs == [rows_of(again) for _ in range(2)]
    assert epochs[0] != epochs[1]
    assert rows_of(Rows(whole, whole, 4, seed=2)) != epochs[0]
    lengths = [len(row) for row in rows_of(Rows(whole, whole, 4))]
    assert lengths == sorted(lengths)


def test_rows_of_a_training_batch_are_nearly_equally_long():
    whole = ragged([1 + i % 50 for i in range(50 * BUCKET)])
    spans = [int(batch.lengths.max() - batch.lengths.min()) for batch in Rows(whole, whole, 50, seed=0)]
    assert max(spans) <= 1


@given(lengths=LENGTHS, batch_size=st.integers(1, 7), left_at=st.integers(0, 40))
def test_a_pass_that_is_left_is_taken_up_at_the_same_batch(lengths, batch_size, left_at):
    whole = ragged(lengths)
    through, left = (Rows(whole, whole, batch_size, seed=3) for _ in range(2))
    expected = [batch.inputs.tolist() for _ in range(3) for batch in through]
    seen: list[list[list[int]]] = []
    while len(seen) < min(left_at, 2 * len(left)):
        batches = iter(left)
        seen += [next(batches).inputs.tolist() for _ in range(min(len(left), left_at - len(seen)))]
    taken_up = Rows(whole, whole, batch_size, seed=3)
    taken_up.load_state_dict(left.state_dict())
    while taken_up.epoch < 3:
        seen += [batch.inputs.tolist() for batch in taken_up]
    assert seen == expected


def test_one_value_a_row_and_masks_of_steps_go_with_their_rows():
    whole = ragged([3, 1, 2])
    answers = torch.tensor([30, 10, 20])
    (batch,) = Rows(whole, answers, 3)
    assert batch.targets.tolist() == [10, 20, 30]
    assert batch.mask.tolist() == [True] * 3
    counted = torch.tensor([False, True, True, True, False, True])
    (batch,) = Rows(whole, whole, 3, mask=counted)
    assert batch.mask.tolist() == [[True, False, False], [False, True, False], [False, True, True]]


def test_a_row_that_predicts_itself_sees_what_stood_before():
    whole = ragged([3, 1, 2])
    assert whole.shifted(9).values.tolist() == [9, 1, 2, 9, 9, 5]
    vectors = Ragged(torch.ones(6, 2), whole.starts_R, whole.lengths_R).shifted(0)
    assert vectors.values[:, 0].tolist() == [0, 1, 1, 0, 0, 1]
    assert all(a <= b for a, b in pairwise(whole.starts_R.tolist()))
