import hashlib

import numpy as np
import pytest
from rnnbench.tasks.forecasting.chaos import lorenz, mackey_glass
from scipy.integrate import solve_ivp


def test_lorenz_is_the_system():
    def slope(_: float, point: np.ndarray) -> list[float]:
        x, y, z = point
        return [10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z]

    times = np.arange(60) * 0.05  # chaos parts any two solvers in the end
    expected = solve_ivp(slope, (0, 3), [1.0, 1.0, 1.0], t_eval=times, rtol=1e-11, atol=1e-11).y.T
    np.testing.assert_allclose(lorenz(60, discard=0), expected, atol=2e-3)
    np.testing.assert_array_equal(lorenz(10, discard=100), lorenz(30, discard=0)[20:])


def test_mackey_glass_is_the_equation_solved_delay_by_delay():
    def known(t: float) -> float:
        return 1.2 if t <= 0 else float(pieces[int(min(t, 17 * len(pieces) - 1e-9) // 17)](t)[0])

    def slope(t: float, x: np.ndarray) -> np.ndarray:
        old = known(t - 17)
        return 0.2 * old / (1 + old**10) - 0.1 * x

    pieces: list = []
    x = np.array([1.2])
    for piece in range(4):  # within 17 units the delayed values are all known: an ordinary equation
        span = (17.0 * piece, 17.0 * (piece + 1))
        solved = solve_ivp(slope, span, x, dense_output=True, rtol=1e-9, atol=1e-9)
        pieces.append(solved.sol)
        x = solved.y[:, -1]
    expected = [known(float(t)) for t in range(60)]
    np.testing.assert_allclose(mackey_glass(60, discard=0)[:, 0], expected, atol=1e-4)


@pytest.mark.parametrize("make, digest", [(mackey_glass, "5cfa85de38d30ef9"), (lorenz, "623db975fc1048a5")])
def test_the_series_are_the_same_to_the_last_bit_everywhere(make, digest: str):
    assert hashlib.sha256(make(300).tobytes()).hexdigest()[:16] == digest


def test_they_neither_settle_nor_repeat():
    values = mackey_glass(2000)[:, 0]
    assert 0.2 < values.min() < 0.6 < 1.2 < values.max() < 1.5
    assert values[1000:].std() == pytest.approx(values[:1000].std(), rel=0.2)
    assert len(np.unique(values)) == 2000
