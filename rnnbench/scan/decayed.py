"""Products of queries and keys with the decay that lies between them, within chunks of time.

A_ts = sum_d x_td y_sd exp(l_{s+1,d} + ... + l_td) for s <= t, with log decays l. Exponentials of a running sum and of
its negative overflow where decay is strong, and differences of running sums lose digits. Here neither occurs: a chunk
is halved again and again; a later half's queries and the earlier half's keys meet in the middle between them, and what
is multiplied is only ever the decay from there to here. That takes log2 C products an element, and one exponential.

All functions take several x and y, since the decay is the same for all. [..., C, K] throughout: C steps of a chunk (a
power of two), K key size; log decays are [..., C, 1], one a head, or [..., C, K], one a key dimension.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Span(NamedTuple):
    """Decay to and from the middles of all blocks of 2 `half` steps, as factors [..., blocks, half, K or 1].

    Attributes:
        early: from after each step of the earlier half to the middle.
        late: from the middle to each step of the later half, its own included.
    """

    half: int
    early: Tensor
    late: Tensor


def spans(log_decay: Tensor) -> tuple[list[Span], Tensor, Tensor]:
    """Spans of all sizes, small ones first; decay from the chunk's start to each step; from each step to its end."""
    since = log_decay.exp()
    until = torch.ones_like(since)
    found = []
    for level in range(log_decay.shape[-2].bit_length() - 1):
        half = 1 << level
        (since_earlier, since_later), (until_earlier, _) = _halves(since, half), _halves(until, half)
        found.append(Span(half, until_earlier.clone(), since_later.clone()))
        until_earlier *= since_later[..., -1:, :]
        since_later *= since_earlier[..., -1:, :]
    return found, since, until


def decayed_products(xs: Sequence[Tensor], ys: Sequence[Tensor], found: Sequence[Span]) -> list[list[Tensor]]:
    """The lower triangular products [..., C, C] of each x with each y, over the spans of all sizes."""
    if _one_a_head(found):
        ratios = _ratios(found)
        return [[(x @ y.mT).mul_(ratios) for y in ys] for x in xs]
    products = [[torch.diag_embed((x * y).sum(-1)) for y in ys] for x in xs]
    for half, early, late in found:
        lefts = [(_halves(y, half)[0] * early).mT for y in ys]
        for row, x in zip(products, xs, strict=True):
            right = _halves(x, half)[1] * late
            for product, left in zip(row, lefts, strict=True):
                _quadrants(product, half).copy_(right @ left)
    return products


def decayed_products_backward(
    outers: Sequence[Sequence[Tensor]], xs: Sequence[Tensor], ys: Sequence[Tensor], found: Sequence[Span]
) -> tuple[list[Tensor], list[Tensor]]:
    """Gradients of each x and y from those of the products.

    Above the diagonal `outers` may hold anything finite.
    """
    if _one_a_head(found):
        ratios = _ratios(found)
        return _gradients([[outer * ratios for outer in row] for row in outers], xs, ys)
    diagonals = [[torch.diagonal(outer, dim1=-2, dim2=-1)[..., None] for outer in row] for row in outers]
    grad_x = [_total([d * y for d, y in zip(row, ys, strict=True)]) for row in diagonals]
    grad_y = [_total([d * x for d, x in zip(row, xs, strict=True)]) for row in zip(*diagonals, strict=True)]
    for half, early, late in found:
        lefts, rights = [_halves(y, half)[0] * early for y in ys], [_halves(x, half)[1] * late for x in xs]
        to_right, to_left = _gradients([[_quadrants(outer, half) for outer in row] for row in outers], rights, lefts)
        for whole, part in zip(grad_x, to_right, strict=True):
            _halves(whole, half)[1].addcmul_(part, late)
        for whole, part in zip(grad_y, to_left, strict=True):
            _halves(whole, half)[0].addcmul_(part, early)
    return grad_x, grad_y


def _gradients(
    outers: Sequence[Sequence[Tensor]], xs: Sequence[Tensor], ys: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """Those of the plain products x y'."""
    times = torch.mul if outers[0][0].shape[-1] == 1 else torch.matmul  # a matrix of one number is a number
    grad_x = [_total([times(outer, y) for outer, y in zip(row, ys, strict=True)]) for row in outers]
    grad_y = [_total([times(o.mT, x) for o, x in zip(row, xs, strict=True)]) for row in zip(*outers, strict=True)]
    return grad_x, grad_y


def _total(terms: Sequence[Tensor]) -> Tensor:
    first, *rest = terms
    for term in rest:
        first += term
    return first


def _one_a_head(found: Sequence[Span]) -> bool:
    return bool(found) and found[0].early.shape[-1] == 1


def _ratios(found: Sequence[Span]) -> Tensor:
    """Decay from each step to each later one, [..., C, C], zero above the diagonal."""
    early = found[-1].early
    size = 2 * early.shape[-2]
    ratios = torch.eye(size, dtype=early.dtype, device=early.device).repeat(*early.shape[:-3], 1, 1)
    for half, early, late in found:
        torch.mul(late, early.mT, out=_quadrants(ratios, half))
    return ratios


def _halves(x: Tensor, half: int) -> tuple[Tensor, Tensor]:
    """The earlier and the later halves of all blocks of 2 `half` steps, views [..., blocks, half, K]."""
    earlier, later = x.unflatten(-2, (-1, 2, half)).unbind(-3)
    return earlier, later


def _quadrants(product: Tensor, half: int) -> Tensor:
    """Where later halves meet the earlier ones of their block, a view [..., blocks, half, half]."""
    blocks = (-1, 2 * half)
    square = product.unflatten(-2, blocks).unflatten(-1, blocks).diagonal(dim1=-4, dim2=-2).movedim(-1, -3)
    return square[..., half:, :half]
