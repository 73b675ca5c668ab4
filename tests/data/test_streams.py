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


@given(steps=st.integers(1, 3000), chunk=st.integers(8, 40), share=st.floats(0.01, 0.25), seed=st.integers(0, 9))
def test_unequal_chunks_are_all_of_the_stream_and_as_many_in_each_pass(steps: int, chunk: int, share: float, seed: int):
    numbers = torch.arange(steps)
    streams, again = (Streams(numbers, numbers, 1, chunk, deviation=chunk * share, seed=seed) for _ in range(2))
    first, second = list(streams), list(streams)
    for batches in (first, second):
        assert len(batches) == len(streams)
        assert torch.equal(torch.cat([batch.inputs[0] for batch in batches]), numbers)
        assert min(batch.inputs.shape[1] for batch in batches) > 0
    again.load_state_dict({"epoch": 1, "position": len(streams) // 2})
    assert [batch.inputs.tolist() for batch in again] == [
        batch.inputs.tolist() for batch in second[len(streams) // 2 :]
    ]
    assert streams.first().inputs.shape[1] == min(chunk, steps)


def test_unequal_chunks_are_as_long_as_the_paper_has_them():
    numbers = torch.arange(70 * 4000)
    streams = Streams(numbers, numbers, 1, 70, deviation=5, seed=1)
    plans = [streams.plan(epoch) for epoch in (0, 1)]
    assert plans[0] != plans[1]
    assert plans[0] != Streams(numbers, numbers, 1, 70, deviation=5, seed=2).plan(0)
    lengths = torch.tensor([end - start for start, end in plans[0]]).double()
    halved = lengths < 52
    assert halved.double().mean() == pytest.approx(0.05, abs=0.015)
    for part, mean in ((halved, 35), (~halved, 70)):
        assert lengths[part].mean() == pytest.approx(mean, abs=1.5)
        assert lengths[part].std() == pytest.approx(5, abs=0.7)


def test_vectors_are_cut_like_tokens():
    vectors = torch.arange(12.0).reshape(6, 2)
    (batch,) = Streams(vectors, vectors, batch_size=2, chunk=3)
    assert batch.inputs.shape == (2, 3, 2)
    assert torch.equal(batch.inputs.flatten(0, 1), vectors)


def test_too_little_data_for_the_batch_is_said():
    with pytest.raises(UserError, match="3 steps of data are too few for trainer.batch_size=4"):
        Streams(torch.arange(3), torch.arange(3), 4, 10)
