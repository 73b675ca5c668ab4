"""The adding problem (Hochreiter & Schmidhuber 1997): what a network must remember over two hundred steps.

Each step brings a number in [0, 1] and a mark; the answer is the sum of the two marked numbers, one in each half. Who
always says 1 has a mean square error of 1/6.
"""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rnnbench import plugins
from rnnbench.config import StackConfig
from rnnbench.stack import build_stack

STEPS, ROWS = 200, 50
SOLVED = 0.01


def batch(generator: torch.Generator, rows: int) -> tuple[Tensor, Tensor]:
    values_BT = torch.rand(rows, STEPS, generator=generator)
    marks_BT = torch.zeros(rows, STEPS)
    for start in (0, STEPS // 2):
        place_B1 = torch.randint(start, start + STEPS // 2, (rows, 1), generator=generator)
        marks_BT.scatter_(1, place_B1, 1.0)
    return torch.stack([values_BT, marks_BT], -1), (values_BT * marks_BT).sum(1)


def error_after(name: str, updates: int, learning_rate: float, **options: Any) -> float:
    """Mean square error on 1,000 new rows after training, or as soon as it is solved on fifty batches in a row."""
    torch.manual_seed(0)
    cell: Any = plugins.get("backbone", name).load()
    stack = build_stack(
        lambda size: cell(size, **options),
        2,
        StackConfig(num_layers=2, dropout=0.0, norm="none", residual=False, bidirectional=False),
    )
    head = nn.Linear(stack.output_size, 1)
    parameters = [*stack.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=learning_rate)
    generator = torch.Generator().manual_seed(1)
    recent = 1.0
    for _ in range(updates):
        x_BTI, y_B = batch(generator, ROWS)
        loss = nn.functional.mse_loss(head(stack(x_BTI)[0][:, -1])[:, 0], y_B)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        recent += (float(loss.detach()) - recent) / 50
        if recent < SOLVED / 2:
            break
    with torch.no_grad():
        x_BTI, y_B = batch(torch.Generator().manual_seed(2), 1000)
        return float(nn.functional.mse_loss(head(stack(x_BTI)[0][:, -1])[:, 0], y_B))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "updates", "learning_rate", "options"),
    [
        ("lstm", 1000, 0.005, {"chrono": STEPS}),
        ("gru", 1500, 0.005, {}),
        ("rglru", 800, 0.003, {}),
        ("s5", 800, 0.003, {}),
        ("mingru", 1000, 0.01, {}),
        ("minlstm", 1000, 0.01, {}),
    ],
)
def test_gated_and_linear_networks_solve_it(name: str, updates: int, learning_rate: float, options: dict[str, int]):
    assert error_after(name, updates, learning_rate, hidden_size=64, **options) < SOLVED


@pytest.mark.slow
def test_elmans_does_not():
    assert error_after("elman", 1500, 0.002, hidden_size=64) > 10 * SOLVED
