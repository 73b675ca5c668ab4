"""Mamba's recurrence over all steps (Gu & Dao 2023, arXiv 2312.00752, algorithm 2), with its own backward.

The state is N times as large as the inputs. Through `linear_scan` factors, drives, states and all their gradients would
stand in memory for every step, and moving them costs more than computing them: a loop over `step` was faster. Here each
step stays in cache, as in the paper's kernel (section 3.3.2): factors and states are computed anew on the way back,
from a state kept every `CHUNK` steps.

T time steps, B rows, N state size, E inner size.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK = 16
"""Steps between two states that are kept for the way back."""

BITS = 1 / math.log(2)
"""exp(x) as exp2(x BITS): on a CPU exp2 takes a quarter of the time."""


def selective_scan(
    drive_TBE: Tensor, s_TBE: Tensor, a_NE: Tensor, b_TBN: Tensor, c_TBN: Tensor, h_BNE: Tensor
) -> tuple[Tensor, Tensor]:
    """y_t = c_t h_t of h_t = exp(s_t A) h_{t-1} + b_t drive_t, T >= 1, all of one type; and the last h.

    Args:
        drive_TBE: s_t u_t.
        s_TBE: step sizes.
        a_NE: eigenvalues.
        b_TBN: where the drive goes in the state.
        c_TBN: how the state is read.
        h_BNE: the state before the first step.
    """
    both = _SelectiveScan.apply(drive_TBE, s_TBE, a_NE, b_TBN, c_TBN, h_BNE)
    assert isinstance(both, tuple)
    return both


class _SelectiveScan(torch.autograd.Function):
    """With g = dL/dh, f = exp(s A): g_{t-1} = f_t g_t + c_{t-1} dL/dy_{t-1}, dL/d(s_t A) = g_t f_t h_{t-1}."""

    @staticmethod
    def forward(
        ctx: Any, drive_TBE: Tensor, s_TBE: Tensor, a_NE: Tensor, b_TBN: Tensor, c_TBN: Tensor, h_BNE: Tensor
    ) -> tuple[Tensor, Tensor]:
        y_TBE, kept = torch.empty_like(drive_TBE, memory_format=torch.contiguous_format), []
        f_BNE, h_BNE, bits_NE = torch.empty_like(h_BNE), h_BNE.clone(), a_NE * BITS
        for step in range(len(drive_TBE)):
            if step % CHUNK == 0:
                kept.append(h_BNE.clone())
            _advance(drive_TBE[step], s_TBE[step], bits_NE, b_TBN[step], h_BNE, f_BNE, h_BNE)
            torch.bmm(c_TBN[step, :, None], h_BNE, out=y_TBE[step, :, None])
        ctx.save_for_backward(drive_TBE, s_TBE, a_NE, b_TBN, c_TBN, *kept)
        return y_TBE, h_BNE

    @staticmethod
    @once_differentiable  # which hides the names of the arguments
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor, ...]:
        drive_TBE, s_TBE, a_NE, b_TBN, c_TBN, *kept = ctx.saved_tensors
        outer_TBE, g_BNE = gradients[0], gradients[1].clone()
        grads = [torch.empty_like(x) for x in (drive_TBE, s_TBE, b_TBN, c_TBN)]
        grad_a_BNE = torch.zeros_like(g_BNE)
        for chunk in reversed(range(len(kept))):
            steps = slice(chunk * CHUNK, (chunk + 1) * CHUNK)
            parts = [x[steps] for x in (drive_TBE, s_TBE, b_TBN, c_TBN, outer_TBE)]
            _back(parts, [grad[steps] for grad in grads], a_NE, kept[chunk], g_BNE, grad_a_BNE)
        grad_drive_TBE, grad_s_TBE, grad_b_TBN, grad_c_TBN = grads
        return grad_drive_TBE, grad_s_TBE, grad_a_BNE.sum(0), grad_b_TBN, grad_c_TBN, g_BNE


def _advance(
    drive_BE: Tensor, s_BE: Tensor, bits_NE: Tensor, b_BN: Tensor, h_BNE: Tensor, f_BNE: Tensor, after_BNE: Tensor
) -> None:
    """One step: the factors into `f_BNE`, the next state into `after_BNE`, which may be `h_BNE`."""
    torch.mul(s_BE[:, None], bits_NE, out=f_BNE).exp2_()
    torch.mul(f_BNE, h_BNE, out=after_BNE).addcmul_(b_BN[:, :, None], drive_BE[:, None])


def _back(
    parts: list[Tensor], grads: list[Tensor], a_NE: Tensor, h_BNE: Tensor, g_BNE: Tensor, grad_a_BNE: Tensor
) -> None:
    """Back through one chunk: fills `grads`, adds to `grad_a_BNE`, and brings `g_BNE` from its end to its beginning."""
    drive_LBE, s_LBE, b_LBN, c_LBN, outer_LBE = parts
    grad_drive_LBE, grad_s_LBE, grad_b_LBN, grad_c_LBN = grads
    steps = len(drive_LBE)
    f_LBNE, h_LBNE = h_BNE.new_empty(steps, *h_BNE.shape), h_BNE.new_empty(steps + 1, *h_BNE.shape)
    h_LBNE[0], bits_NE = h_BNE, a_NE * BITS
    for step in range(steps):
        _advance(drive_LBE[step], s_LBE[step], bits_NE, b_LBN[step], h_LBNE[step], f_LBNE[step], h_LBNE[step + 1])
    scratch_BNE = torch.empty_like(h_BNE)
    for step in reversed(range(steps)):
        g_BNE.addcmul_(c_LBN[step, :, :, None], outer_LBE[step, :, None])
        torch.bmm(outer_LBE[step, :, None], h_LBNE[step + 1].mT, out=grad_c_LBN[step, :, None])
        torch.bmm(drive_LBE[step, :, None], g_BNE.mT, out=grad_b_LBN[step, :, None])
        torch.bmm(b_LBN[step, :, None], g_BNE, out=grad_drive_LBE[step, :, None])
        g_BNE.mul_(f_LBNE[step])
        torch.mul(g_BNE, h_LBNE[step], out=scratch_BNE)
        grad_a_BNE.addcmul_(scratch_BNE, s_LBE[step, :, None])
        torch.sum(scratch_BNE.mul_(a_NE), 1, out=grad_s_LBE[step])
