"""Pictures for people: a digit as characters and as PNG, and a confusion matrix."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SHADES = " ·░▒▓█"


def characters(pixels: NDArray[np.floating]) -> str:
    """A picture [side, side] of values from 0 to 1 as lines of text, two characters a pixel."""
    levels = np.clip((np.asarray(pixels) * len(SHADES)).astype(int), 0, len(SHADES) - 1)
    return "\n".join("".join(2 * SHADES[level] for level in row).rstrip() for row in levels)


def digit_png(pixels: NDArray[np.floating], title: str) -> bytes:
    """A picture [side, side] of values from 0 to 1 as PNG, ink black, under a title."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.4, 2.7), layout="constrained")
    frame = figure.subplots()
    frame.imshow(pixels, cmap="gray_r", vmin=0, vmax=1)
    frame.set_title(title, fontsize=10)
    frame.set_axis_off()
    return _png(figure)


def confusion_png(counts_CC: NDArray[np.integer], classes: Sequence[str], title: str) -> bytes:
    """How often each true class, a row, was taken for each class, a column, as PNG.

    The shade is a count's share of its row, so that rare classes show as well as frequent ones.
    """
    from matplotlib.figure import Figure

    counts_CC = np.asarray(counts_CC)
    share_CC = counts_CC / np.maximum(counts_CC.sum(1, keepdims=True), 1)
    size = 1.8 + 0.48 * len(classes)
    figure = Figure(figsize=(size, size), layout="constrained")
    frame = figure.subplots()
    frame.imshow(share_CC, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts_CC):
        if count:
            ink = "white" if share_CC[row, column] > 0.5 else "black"
            frame.text(column, row, f"{count}", ha="center", va="center", fontsize=8, color=ink)
    frame.set(xlabel="said", ylabel="true", title=title, xticks=range(len(classes)), yticks=range(len(classes)))
    frame.set_xticklabels(classes)
    frame.set_yticklabels(classes)
    return _png(figure)


def _png(figure: object) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110)  # type: ignore[attr-defined]
    return out.getvalue()
