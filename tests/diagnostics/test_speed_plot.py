from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rnnbench.diagnostics.speed_results import Report, Row, Setup

PRIMITIVES = ["torch.nn.LSTM", "dense loop", "linear scan", "matrix state", "delta rule", "matrix product"]


def report(backbones: int, sizes: tuple[int, ...] = (64, 128), steps: tuple[int, ...] = (64, 512)) -> Report:
    """Made-up speeds of many backbones, one of which could not be measured."""
    rows = [
        Row(
            f"backbone_{number}",
            {"hidden_size": size},
            length,
            32,
            hidden_size=size,
            primitive=PRIMITIVES[number % len(PRIMITIVES)],
            tokens_per_second=1e8 / size / (number + 1),
            lstm_tokens_per_second=1e7 / size,
        )
        for number in range(backbones)
        for size in sizes
        for length in steps
    ]
    rows.append(replace(rows[0], backbone="broken", tokens_per_second=None, problem="no luck"))
    machine = {"cpu": "a processor", "gpu": None, "torch": "2", "clock": "a clock"}
    return Report(Setup(steps), machine, rows)


@pytest.mark.parametrize(("form", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_picture_is_of_the_form_asked_for(form: str, begins: bytes):
    from rnnbench.diagnostics.speed_plot import draw

    assert draw(report(3), form).startswith(begins)


@pytest.mark.parametrize(
    ("sizes", "steps", "titles"),
    [
        ((64, 128), (64, 512), ["64 steps", "hidden size 64"]),
        ((64, 128), (64,), ["64 steps"]),
        ((64,), (64, 512), ["hidden size 64"]),
        ((64,), (64,), ["64 steps"]),
    ],
)
def test_there_is_a_column_for_what_varies(sizes: Any, steps: Any, titles: list[str]):
    from rnnbench.diagnostics.speed_plot import columns

    assert [column.title for column in columns(report(3, sizes, steps))] == titles


def test_every_one_of_forty_is_named_once_with_titles_and_units():
    from rnnbench.diagnostics.speed_plot import figure

    drawn = figure(report(40))
    legends = [legend for legend in (frame.get_legend() for frame in drawn.axes) if legend]
    named = [text.get_text() for legend in legends for text in legend.get_texts()]
    assert sorted(set(named) - {"torch.nn.LSTM"}) == sorted(f"backbone_{number}" for number in range(40))
    assert len(named) == 40 + len(legends)
    assert [text.get_text() for text in legends[0].get_texts()][:3] == ["backbone_0", "backbone_6", "backbone_12"]
    bottom = [frame for frame in drawn.axes if frame.get_xlabel()]
    assert [frame.get_xlabel() for frame in bottom] == ["hidden size (units)", "length (steps)"]
    assert {frame.get_ylabel() for frame in drawn.axes} == {"", "speed (tokens/s)"}


def test_lines_pass_through_what_was_measured():
    from rnnbench.diagnostics.speed_plot import figure

    frame = figure(report(1)).axes[0]
    (line,) = [line for line in frame.lines if line.get_label() == "backbone_0"]
    assert np.array_equal(line.get_xydata(), [[64, 1e8 / 64], [128, 1e8 / 128]])
