"""The product before a scan against torch's own, in both of its ways."""

import pytest
import torch
from torch import Tensor, nn

from rnnbench.scan import affine as module
from rnnbench.scan.affine import affine


def both(linear: nn.Linear, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    results = []
    for function in (lambda: affine(linear, x), lambda: linear(x)):
        y = function()
        outer = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view(y.shape)
        inputs = [value for value in (x, *linear.parameters()) if value.requires_grad]
        results.append([y, *torch.autograd.grad(y, inputs, outer)])
    return results[0], results[1]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(64, 5), (9, 20, 5), (1, 1, 5), (70, 1, 1)])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.bfloat16])
def test_equals_torchs_linear_with_its_gradients(shape: tuple[int, ...], bias: bool, kind: torch.dtype):
    torch.manual_seed(0)
    linear = nn.Linear(shape[-1], 7, bias=bias, dtype=kind)
    mine, theirs = both(linear, torch.randn(*shape, dtype=kind, requires_grad=True))
    torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)
    assert all(value.dtype == kind for value in mine)


def test_time_first_views_and_inputs_without_gradient_pass():
    linear = nn.Linear(5, 7)
    torch.testing.assert_close(*both(linear, torch.randn(9, 20, 5).transpose(0, 1)), rtol=1e-4, atol=1e-4)
    linear.weight.requires_grad_(False)
    torch.testing.assert_close(*both(linear, torch.randn(9, 20, 5, requires_grad=True)), rtol=1e-4, atol=1e-4)


def test_without_onednn_it_is_torchs_linear(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_has_onednn", lambda: False)
    linear, x = nn.Linear(5, 7), torch.randn(9, 20, 5)
    assert torch.equal(affine(linear, x), linear(x))


def test_autocast_is_kept():
    with torch.autocast("cpu", torch.bfloat16):
        assert affine(nn.Linear(5, 7), torch.randn(9, 20, 5)).dtype == torch.bfloat16
