"""A forecast as a picture."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rnnbench.pictures import png

ROOM = 8  # channels shown; the text beneath a picture says what is left out


def forecast_picture(
    title: str,
    channels: Sequence[str],
    context: NDArray[np.float64],
    truth: NDArray[np.float64],
    forecast: NDArray[np.float64],
    unit: str,
) -> bytes:
    """Context [L, C], then truth and forecast [H, C] of the first `ROOM` channels, as PNG."""
    from matplotlib.figure import Figure

    shown = list(channels)[:ROOM]
    columns = 1 if len(shown) == 1 else 2
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(1 + 5 * columns, 1.2 + 1.9 * rows), layout="constrained")
    frames = figure.subplots(rows, columns, squeeze=False, sharex=True).flatten()
    before, after = np.arange(-len(context) + 1, 1), np.arange(len(truth) + 1)
    for place, (frame, name) in enumerate(zip(frames, shown, strict=False)):
        last = context[-1:, place]
        frame.plot(before, context[:, place], color="0.6", linewidth=1.2, label="context")
        frame.plot(after, [*last, *truth[:, place]], color="black", linewidth=1.2, label="truth", marker=_mark(truth))
        frame.plot(after, [*last, *forecast[:, place]], color="C3", label="forecast", marker=_mark(truth))
        frame.axvline(0, color="0.85", linewidth=0.8)
        frame.set_title(name, fontsize=9)
        frame.spines[["top", "right"]].set_visible(False)
    for frame in frames[len(shown) :]:
        frame.remove()
    frames[0].legend(fontsize=8, frameon=False)
    figure.suptitle(title, fontsize=10)
    figure.supxlabel("steps from the last one that was seen", fontsize=9)
    figure.supylabel(unit, fontsize=9)
    return png(figure)


def _mark(steps: NDArray[np.float64]) -> str:
    return "." if len(steps) < 4 else ""
