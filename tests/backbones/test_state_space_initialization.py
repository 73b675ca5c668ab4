"""How state spaces and gated linear recurrences begin: ring, HiPPO, step sizes, discretisation, as published."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import linalg, stats
from torch.nn.functional import gelu, softplus

from rnnbench import plugins
from rnnbench.backbones import lru, s4d, state_space

INPUTS, HIDDEN = 5, 6


def make(name: str, inputs: int = INPUTS, hidden: int = HIDDEN, **options: Any) -> Any:
    torch.manual_seed(0)
    return plugins.get("backbone", name).load()(inputs, hidden_size=hidden, **options).double()


def test_lru_begins_uniform_on_the_ring():
    torch.manual_seed(0)
    nu, theta, gamma = (part.double().numpy() for part in lru.ring(4000, 0.4, 0.9, 1.5))
    radius, phase = np.exp(-np.exp(nu)), np.exp(theta)
    assert 0.4 <= radius.min() < 0.42 < 0.88 < radius.max() <= 0.9
    assert stats.kstest((radius**2 - 0.16) / 0.65, "uniform").pvalue > 0.01  # area on the ring, not radius
    assert stats.kstest(phase / 1.5, "uniform").pvalue > 0.01
    np.testing.assert_allclose(np.exp(gamma) ** 2 + radius**2, 1, atol=1e-6)


def hippo_normal(size: int) -> np.ndarray:
    """HiPPO-LegS made normal by its low-rank part (2206.11893)."""
    legs = np.zeros((size, size))
    for n in range(size):
        for k in range(n + 1):
            legs[n, k] = -(n + 1) if n == k else -math.sqrt((2 * n + 1) * (2 * k + 1))
    low_rank = np.sqrt(np.arange(size) + 0.5)
    return legs + np.outer(low_rank, low_rank)


@pytest.mark.parametrize("size", [2, 8, 64])
def test_hippo_is_the_published_matrix_and_unitary(size: int):
    eigenvalues, vectors = (np.asarray(part) for part in state_space.hippo(size))
    np.testing.assert_allclose(np.real(eigenvalues), -0.5, atol=1e-12)
    assert (np.imag(eigenvalues) > 0).all()
    both = np.concatenate([vectors, vectors.conj()], axis=1)
    np.testing.assert_allclose(both.conj().T @ both, np.eye(size), atol=1e-10)
    whole = both @ np.diag(np.concatenate([eigenvalues, eigenvalues.conj()])) @ both.conj().T
    np.testing.assert_allclose(whole, hippo_normal(size), atol=1e-9 * size)


def test_the_published_beginnings_of_s4d():
    n, size = np.arange(32), 64
    lin, inv = s4d.BEGINNINGS["lin"](size).numpy(), s4d.BEGINNINGS["inv"](size).numpy()
    np.testing.assert_allclose(lin, -0.5 + 1j * np.pi * n)
    np.testing.assert_allclose(inv, -0.5 + 1j * size / np.pi * (size / (2 * n + 1) - 1))
    legs = np.sort(s4d.BEGINNINGS["legs"](256).imag.numpy())[::-1]
    # S4D-Inv is the law that HiPPO's eigenvalues were found to tend to (2206.11893).
    np.testing.assert_allclose(s4d.BEGINNINGS["inv"](256).imag[:4], legs[:4], rtol=0.03)
    assert make("s4d", state_size=4, begin="legs").frequency.shape == (HIDDEN, 2)


def test_s4d_answers_an_impulse_with_its_vandermonde_kernel():
    backbone = make("s4d", HIDDEN, state_size=8, begin="inv")
    backbone.mix = torch.nn.Identity()
    impulse = torch.zeros(1, 150, HIDDEN, dtype=torch.float64)
    impulse[:, 0] = 1
    eigenvalues = -0.5 + 1j * backbone.frequency.detach().numpy()
    z = eigenvalues * np.exp(backbone.log_step.detach().numpy())[:, None]
    c = backbone.c.detach().numpy()
    kernel = (
        2
        * ((c[..., 0] + 1j * c[..., 1]) * np.expm1(z) / eigenvalues)[:, None]
        * np.exp(z[:, None] * np.arange(150)[:, None])
    )
    expected = kernel.real.sum(-1).T
    expected[0] += backbone.d.detach().numpy()
    np.testing.assert_allclose(backbone(impulse)[0][0].detach(), expected, rtol=0, atol=1e-8)


def test_s5_begins_as_the_real_hippo_system_under_zero_order_hold():
    backbone, step, size = make("s5", state_size=8), 0.05, 8
    backbone.log_step.data.fill_(math.log(step))
    vectors = state_space.hippo(size)[1]
    basis = torch.cat([vectors, vectors.conj()], dim=1)
    b = torch.complex(backbone.b[0::2], backbone.b[1::2])
    c = torch.complex(backbone.c[:, 0::2], -backbone.c[:, 1::2])
    real_b, real_c = basis @ torch.cat([b, b.conj()]), torch.cat([c, c.conj()], dim=1) @ basis.mH
    for weight, inputs in ((real_b, INPUTS), (real_c, size)):
        assert weight.imag.abs().max() < 1e-6
        assert abs(weight.real.std() - inputs**-0.5) < 0.1
    system = np.zeros((size + INPUTS, size + INPUTS))
    system[:size] = np.concatenate([hippo_normal(size), real_b.real.detach()], axis=1)
    discrete = torch.as_tensor(linalg.expm(step * system)[:size])
    x_TI, h, driven = torch.randn(20, INPUTS, dtype=torch.float64), torch.zeros(size).double(), []
    for x_I in x_TI:
        h = discrete @ torch.cat([h, x_I])
        driven.append(real_c.real @ h + backbone.d.weight @ x_I)
    g_TH = gelu(torch.stack(driven))
    expected = g_TH * torch.sigmoid(backbone.mix(g_TH))
    # The weights are kept in float32.
    torch.testing.assert_close(backbone(x_TI[None])[0][0], expected, rtol=0, atol=1e-5)


def test_zero_order_hold_keeps_the_digits_of_small_steps():
    eigenvalues = torch.complex(torch.full((9,), -0.5), torch.linspace(0, 100, 9))
    factor, gain = state_space.zero_order_hold(eigenvalues, torch.logspace(-5, -1, 9))
    z = eigenvalues.numpy().astype(complex) * np.logspace(-5, -1, 9)
    np.testing.assert_allclose(factor, np.exp(z), rtol=2e-6)
    np.testing.assert_allclose(gain, np.expm1(z) / eigenvalues.numpy(), rtol=2e-6)


@pytest.mark.parametrize("name", ["s4d", "s5", "mamba"])
def test_step_sizes_begin_log_uniform(name: str):
    backbone = make(name, 4, 1000, **{"s5": {"state_size": 2000, "blocks": 500}}.get(name, {"state_size": 4}))
    steps = backbone.log_step if name != "mamba" else softplus(backbone.step_size.bias).log()
    share = (steps.detach().numpy() - math.log(0.001)) / (math.log(0.1) - math.log(0.001))
    assert stats.kstest(share, "uniform").pvalue > 0.01


def test_mamba_begins_as_s4d_real():
    backbone = make("mamba", state_size=4)
    np.testing.assert_allclose(backbone.log_decay.exp().detach(), np.tile([[1], [2], [3], [4]], (1, 12)), rtol=1e-6)
    assert backbone.d.tolist() == [1.0] * 12


def test_rglru_begins_with_decays_uniform_in_the_published_range():
    decay = make("rglru", 2, 2000, heads=2000).decay.detach().numpy()
    assert stats.kstest(((1 + np.exp(decay)) ** -8.0 - 0.9) / 0.099, "uniform").pvalue > 0.01
