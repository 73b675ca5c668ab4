"""Chaotic series, defined to the last bit.

Only sums, differences, products and quotients of IEEE doubles are taken, so that the series are the same on every
machine: chaos would let a power that is off by one rounding grow into another series.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float, float]


def mackey_glass(length: int, *, delay: int = 17, steps: int = 10, discard: int = 1000) -> NDArray[np.float64]:
    """The Mackey-Glass series (Mackey & Glass 1977), one value a unit of time, [length, 1].

    x'(t) = 0.2 x(t - delay) / (1 + x(t - delay)^10) - 0.1 x(t), and x(t) = 1.2 for t <= 0.

    Classical Runge-Kutta steps, `steps` a unit, in which x(t - delay) halfway through a step is the mean of both its
    ends. The first `discard` units are left out.
    """
    size, back = 1.0 / steps, delay * steps
    x = [1.2] * (back + 1)  # x[-1] is now
    for _ in range((discard + length - 1) * steps):
        now, old, new = x[-1], x[-1 - back], x[-back]
        middle = (old + new) / 2
        first = _mackey_glass(now, old)
        second = _mackey_glass(now + size / 2 * first, middle)
        third = _mackey_glass(now + size / 2 * second, middle)
        fourth = _mackey_glass(now + size * third, new)
        x.append(now + size / 6 * (first + 2 * second + 2 * third + fourth))
    return np.array(x[back + discard * steps :: steps])[:, None]


def lorenz(length: int, *, size: float = 0.01, every: int = 5, discard: int = 1000) -> NDArray[np.float64]:
    """The Lorenz system (Lorenz 1963) in three channels, [length, 3].

    x' = 10 (y - x), y' = x (28 - z) - y, z' = x y - 8/3 z, from (1, 1, 1).

    Classical Runge-Kutta of order 4 in steps of `size`, of which each `every`-th is kept after the first `discard`.
    """
    point = (1.0, 1.0, 1.0)
    points = [point]
    for _ in range(discard + (length - 1) * every):
        point = _runge_kutta(_lorenz, point, size)
        points.append(point)
    return np.array(points[discard::every])


def _mackey_glass(x: float, delayed: float) -> float:
    square = delayed * delayed
    fourth = square * square
    return 0.2 * delayed / (1.0 + fourth * fourth * square) - 0.1 * x


def _lorenz(point: Point) -> Point:
    x, y, z = point
    return 10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z


def _runge_kutta(slope: Callable[[Point], Point], point: Point, size: float) -> Point:
    first = slope(point)
    second = slope(_moved(point, size / 2, first))
    third = slope(_moved(point, size / 2, second))
    fourth = slope(_moved(point, size, third))
    total = [a + 2 * b + 2 * c + d for a, b, c, d in zip(first, second, third, fourth, strict=True)]
    return _moved(point, size / 6, (total[0], total[1], total[2]))


def _moved(point: Point, by: float, slope: Point) -> Point:
    return point[0] + by * slope[0], point[1] + by * slope[1], point[2] + by * slope[2]
