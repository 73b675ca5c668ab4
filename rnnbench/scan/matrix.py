"""Recurrences whose state is a matrix a head: linear attention with decay, with and without the delta rule.

Computed in chunks: matrix products within a chunk, a carried state between chunks.

B rows, T time steps, n heads, K key size, V value size; G = B n, C steps of a chunk, N = T / C chunks.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from rnnbench.scan.chunks import ChunkedScan

CHUNK = 32
"""Steps of a chunk, a power of two; 16 and 64 are slower at heads of 64 x 64."""


def matrix_scan(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor | None = None, state: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """S_t = Diag(a_t) S_{t-1} + k_t' v_t, o_t = q_t S_t, with a = exp(log_decay).

    The chunked form of linear attention (Yang et al. 2023, arXiv 2312.06635, section 4). Half precision is computed in
    float32. No decay is too strong: no exponent is above 0.

    Args:
        q: queries [B, T, n, K], T >= 1.
        k: keys [B, T, n, K].
        v: values [B, T, n, V].
        log_decay: at most 0, [B, T, n] or, a key dimension, [B, T, n, K], or what broadcasts to either; None: no decay.
        state: S before the first step, [B, n, K, V]; None means zeros.

    Returns:
        Outputs [B, T, n, V] of v's type, and the last state [B, n, K, V] of the type that `state` has.
    """
    return _scan(q, k, v, log_decay, state, None, None)


def delta_scan(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    erase: Tensor,
    log_decay: Tensor | None = None,
    state: Tensor | None = None,
    write: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """S' = Diag(a_t) S_{t-1}, S_t = S' - w_t' (e_t S') + k_t' v_t, o_t = q_t S_t: what e reads is taken off first.

    The delta rule with rate b is v = b v, e = b k, w = k. Within a chunk, what each step takes off is the solution of
    a triangular system (the UT transform; Yang et al. 2024, arXiv 2406.06484, section 3).

    Args:
        q: queries [B, T, n, K], T >= 1.
        k: keys [B, T, n, K].
        v: values [B, T, n, V].
        erase: keys that read what is to be taken off the decayed state, [B, T, n, K].
        log_decay: as in `matrix_scan`.
        state: S before the first step, [B, n, K, V]; None means zeros.
        write: keys from which it is taken, [B, T, n, K]; None means `k`, which costs half as much.

    Returns:
        Outputs [B, T, n, V] of v's type, and the last state [B, n, K, V] of the type that `state` has.
    """
    return _scan(q, k, v, log_decay, state, erase, write)


def outer(k: Tensor, v: Tensor) -> Tensor:
    """What one step writes, k' v [..., K, V]."""
    return k[..., :, None] * v[..., None, :]


def read(q: Tensor, state: Tensor) -> Tensor:
    """What one step reads, q S [..., V], of q's type; the state may be of a wider one."""
    return (q[..., None, :].to(state.dtype) @ state)[..., 0, :].to(q.dtype)


def _scan(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_decay: Tensor | None,
    state: Tensor | None,
    erase: Tensor | None,
    write: Tensor | None,
) -> tuple[Tensor, Tensor]:
    (rows, steps, heads, keys), kind = k.shape, v.dtype
    working = torch.float32 if kind in (torch.float16, torch.bfloat16) else kind
    size = min(CHUNK, 1 << (steps - 1).bit_length())
    decay = v.new_zeros(rows, steps, heads, 1) if log_decay is None else log_decay
    decay = decay[..., None] if decay.dim() == 3 else decay
    decay = decay.expand(rows, steps, heads, decay.shape[-1])
    state = v.new_zeros(rows, heads, keys, v.shape[-1]) if state is None else state
    inputs = (None if x is None else _chunked(x, size, working) for x in (q, k, v, decay, erase, write))
    result = ChunkedScan.apply(state.to(working).flatten(0, 1), *inputs)
    assert isinstance(result, tuple)
    o_NGCV, state_GKV = result
    o_BTnV = o_NGCV.unflatten(1, (rows, heads)).permute(1, 0, 3, 2, 4).flatten(1, 2)[:, :steps]
    return o_BTnV.to(kind), state_GKV.unflatten(0, (rows, heads)).to(state.dtype)


def _chunked(x_BTnK: Tensor, size: int, kind: torch.dtype) -> Tensor:
    """[N, G, C, K], filled up with zeros, which neither write nor decay."""
    missing = -x_BTnK.shape[1] % size
    x_BTnK = pad(x_BTnK, (0, 0, 0, 0, 0, missing)) if missing else x_BTnK
    return x_BTnK.to(kind).unflatten(1, (-1, size)).permute(1, 0, 3, 2, 4).flatten(1, 2)
