"""The Triton kernels against the reference: in Triton's interpreter, where Triton is installed, and on a device."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
import torch

from rnnbench.scan.linear import linear_path, linear_scan

needs_triton = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")

INTERPRETED = """
import torch
from rnnbench.scan.linear import linear_scan
from rnnbench.scan.linear_cuda import triton_scan

def draw(*shape, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).requires_grad_()

# steps, channels, chunk: one step, one chunk, whole chunks, a short last chunk, more than a block of channels
for steps, shape, chunk in [(1, (3,), 32), (7, (3, 5), 7), (6, (4,), 2), (7, (3, 5), 3), (5, (2, 70), 2)]:
    for varying in (True, False):
        a, b, h = draw(*[steps] * varying, *shape, seed=1), draw(steps, *shape, seed=2), draw(*shape, seed=3)
        got, expected, outer = triton_scan(a, b, h, chunk), linear_scan(a, b, h), draw(steps, *shape, seed=4)
        torch.testing.assert_close(got, expected)
        for mine, plain in zip(
            torch.autograd.grad(got, (a, b, h), outer), torch.autograd.grad(expected, (a, b, h), outer)
        ):
            torch.testing.assert_close(mine, plain)

ones = torch.ones(300, 1, dtype=torch.bfloat16, requires_grad=True)
total = triton_scan(ones, ones, torch.zeros(1, dtype=torch.bfloat16), 100)
assert total.dtype == torch.bfloat16 and total[-1].item() == 300, total[-1]  # summed in bfloat16: 256
assert torch.autograd.grad(total[-1].sum(), ones)[0].dtype == torch.bfloat16
print("agreed")
"""


@needs_triton
@pytest.mark.slow  # half a minute on a busy machine: the interpreter goes through every program and step in Python
def test_the_kernels_agree_with_the_reference_in_the_interpreter():
    result = subprocess.run(
        [sys.executable, "-c", INTERPRETED], capture_output=True, text=True, env=os.environ | {"TRITON_INTERPRET": "1"}
    )
    assert result.stdout == "agreed\n", result.stderr


@needs_triton
@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("steps", "batch", "hidden"), [(1, 1, 1), (100, 2, 65), (1000, 3, 7), (64, 512, 256)])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float16])
def test_the_kernels_agree_with_the_reference_on_a_device(steps: int, batch: int, hidden: int, kind: torch.dtype):
    generator = torch.Generator().manual_seed(1)
    cpu = [
        torch.rand(steps, batch, hidden, generator=generator),
        torch.randn(steps, batch, hidden, generator=generator),
    ]
    cpu = [value.to(kind).requires_grad_() for value in cpu]
    cuda = [value.detach().cuda().requires_grad_() for value in cpu]
    assert linear_path(cuda[1]) == "triton"
    got, expected = linear_scan(*cuda), linear_scan(*cpu)
    torch.testing.assert_close(got.cpu(), expected)
    outer = torch.randn(expected.shape, generator=generator).to(kind)
    for mine, plain in zip(
        torch.autograd.grad(got, cuda, outer.cuda()), torch.autograd.grad(expected, cpu, outer), strict=True
    ):
        torch.testing.assert_close(mine.cpu(), plain)
