from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.backbones.gru import GRU
from rnnbench.backbones.lstm import LSTM
from rnnbench.config import StackConfig
from rnnbench.stack import Stack, build_stack
from rnnbench.wrappers import reverse

PLAIN = {"num_layers": 1, "dropout": 0.0, "norm": "none", "residual": False, "bidirectional": False}


def stack(input_size: int = 5, **changes: Any) -> Stack:
    torch.manual_seed(0)
    return build_stack(lambda size: GRU(size, hidden_size=6), input_size, StackConfig(**{**PLAIN, **changes}))


def test_the_last_layer_may_be_of_another_size():
    config = StackConfig(**{**PLAIN, "num_layers": 3, "last_size": 4, "residual": True})
    built = build_stack(lambda size, hidden=6: GRU(size, hidden_size=hidden), 5, config)
    assert built.output_size == 4
    assert [tuple(h.shape) for h in built.initial_state(2)] == [(2, 6), (2, 6), (2, 4)]
    torch.testing.assert_close(built(inputs())[0], Backbone.forward(built, inputs())[0], rtol=0, atol=1e-6)


def test_a_single_layer_is_no_last_one():
    with pytest.raises(ValueError, match="last_size is for the last of several layers; set backbone.hidden_size"):
        StackConfig(**{**PLAIN, "last_size": 4})


def inputs() -> Tensor:
    return torch.randn(4, 7, 5, generator=torch.Generator().manual_seed(1))


def test_a_plain_stack_is_torchs_stack():
    torch.manual_seed(0)
    ours = build_stack(lambda size: LSTM(size, hidden_size=6), 5, StackConfig(**{**PLAIN, "num_layers": 3}))
    theirs = nn.LSTM(5, 6, num_layers=3, batch_first=True)
    theirs.load_state_dict(
        {f"{name}_l{depth}": getattr(layer.layer, f"{name}_l0")
         for depth, layer in enumerate(ours.layers)
         for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    )  # fmt: skip
    torch.testing.assert_close(ours(inputs())[0], theirs(inputs())[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"num_layers": 3},
        {"num_layers": 2, "dropout": 0.5},
        {"num_layers": 2, "norm": "layer"},
        {"num_layers": 2, "norm": "rms", "residual": True, "dropout": 0.2},
    ],
)
def test_forward_equals_step_when_not_training(changes: dict[str, Any]):
    built = stack(**changes).eval()
    fast, last_fast = built(inputs())
    slow, last_slow = Backbone.forward(built, inputs())
    assert fast.shape == (4, 7, built.output_size)
    torch.testing.assert_close(fast, slow, rtol=0, atol=1e-6)
    torch.testing.assert_close(last_fast, last_slow, rtol=0, atol=1e-6)


def test_dropout_stands_between_layers_only_and_only_in_training():
    one = stack(dropout=0.9).train()
    torch.testing.assert_close(one(inputs())[0], one(inputs())[0])
    two = stack(num_layers=2, dropout=0.9).train()
    assert not torch.equal(two(inputs())[0], two(inputs())[0])
    two.eval()
    torch.testing.assert_close(two(inputs())[0], two(inputs())[0])


def test_a_residual_adds_the_input_and_brings_it_to_size():
    built = stack(input_size=6, residual=True)
    x = torch.randn(2, 3, 6)
    bare = stack(input_size=6)
    torch.testing.assert_close(built(x)[0], x + bare(x)[0])
    assert stack(input_size=5, residual=True)(inputs())[0].shape == (4, 7, 6)


def test_a_norm_leaves_outputs_of_unit_variance():
    y, _ = stack(norm="layer")(inputs())
    torch.testing.assert_close(y.mean(-1), torch.zeros(4, 7), rtol=0, atol=1e-5)
    torch.testing.assert_close(y.var(-1, unbiased=False), torch.ones(4, 7), rtol=0, atol=1e-2)


def test_bidirectional_is_torchs_on_padded_rows():
    ours = stack(bidirectional=True)
    theirs = nn.GRU(5, 6, batch_first=True, bidirectional=True)
    layer: Any = ours.layers[0]
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    theirs.load_state_dict(
        {f"{name}_l0{end}": getattr(half.layer, f"{name}_l0")
         for end, half in (("", layer.ahead), ("_reverse", layer.back)) for name in names}
    )  # fmt: skip
    lengths = torch.tensor([7, 4, 1, 6])
    packed = nn.utils.rnn.pack_padded_sequence(inputs(), lengths, batch_first=True, enforce_sorted=False)
    expected, _ = nn.utils.rnn.pad_packed_sequence(theirs(packed)[0], batch_first=True)
    got, _ = ours(inputs(), None, lengths)
    valid = torch.arange(7) < lengths[:, None]
    torch.testing.assert_close(got[valid], expected[valid], rtol=0, atol=1e-6)
    assert ours.output_size == 12


def test_bidirectional_layers_see_lengths_at_every_depth():
    built = stack(num_layers=2, bidirectional=True, norm="layer", residual=True).eval()
    lengths = torch.tensor([7, 4, 1, 6])
    noisy = inputs()
    noisy[torch.arange(7) >= lengths[:, None]] = 99.0
    valid = torch.arange(7) < lengths[:, None]
    torch.testing.assert_close(built(inputs(), None, lengths)[0][valid], built(noisy, None, lengths)[0][valid])


def test_bidirectional_has_no_step():
    built = stack(bidirectional=True)
    with pytest.raises(ValueError, match="no single step"):
        built.step(inputs()[:, 0], built.initial_state(4))


def test_reverse_is_its_own_inverse():
    lengths = torch.tensor([7, 4, 1, 6])
    turned = reverse(inputs(), lengths)
    assert torch.equal(turned[1, :4], inputs()[1, :4].flip(0))
    assert torch.equal(turned[1, 4:], inputs()[1, 4:])
    assert torch.equal(reverse(turned, lengths), inputs())
    assert torch.equal(reverse(inputs(), None), inputs().flip(1))
