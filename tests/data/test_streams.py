import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.data.streams import Streams
from rnnbench.errors import UserError


@given(steps=st.integers(1, 200), batch_size=st.integers(1, 12), chunk=st.integers(1, 50))
def test_every_step_stands_exactly_once_in_reading_order(steps: int, batch_size: int, chunk: int):
    if steps < batch_size:
        return
    numbers = torch.arange(1, steps + 1)
    streams = Streams(numbers, numbers + 1000, batch_size, chunk)
    batches = list(streams)
    assert len(batches) == len(streams)
    assert all(batch.inputs.shape[1] <= chunk for batch in batches)
    rows = [torch.cat([batch.inputs[row][batch.mask[row]] for batch in batches]) for row in range(batch_size)]
    assert torch.equal(torch.cat(rows), numbers)
    for batch in batches:
        assert torch.equal(batch.targets[batch.mask], batch.inputs[batch.mask] + 1000)
        assert torch.equal(batch.lengths, batch.mask.sum(1))
        # Padding is at the end of a row, where it can not disturb what comes before.
        assert torch.equal(batch.mask, torch.arange(batch.mask.shape[1]) < batch.lengths[:, None])


def test_vectors_are_cut_like_tokens():
    vectors = torch.arange(12.0).reshape(6, 2)
    (batch,) = Streams(vectors, vectors, batch_size=2, chunk=3)
    assert batch.inputs.shape == (2, 3, 2)
    assert torch.equal(batch.inputs.flatten(0, 1), vectors)


def test_too_little_data_for_the_batch_is_said():
    with pytest.raises(UserError, match="3 steps of data are too few for trainer.batch_size=4"):
        Streams(torch.arange(3), torch.arange(3), 4, 10)
