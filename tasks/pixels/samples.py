"""What a person looks at: a digit as characters and as PNG, and a confusion matrix as a table and as PNG."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rnnbench import Sample
from rnnbench.pictures import png

from .pictures import CLASSES

SHADES = " ·░▒▓█"
DIGITS = [str(digit) for digit in range(CLASSES)]


def digit_sample(pixels: NDArray[np.floating], logits_V: Tensor, truth: int) -> Sample:
    """A picture [side, side] of values from 0 to 1, what it shows, and what a network says of it."""
    odds = sorted(zip(DIGITS, logits_V.float().softmax(-1).tolist(), strict=True), key=lambda pair: -pair[1])
    said, probability = odds[0]
    title, verdict = f"a {truth}", f"{said} ({probability:.0%})"
    text = f"{verdict}\n{characters(pixels)}"
    return Sample(title, text, dict(odds), {"picture.png": digit_png(pixels, f"{title}, said {verdict}")})


def confusion_sample(counts_CC: NDArray[np.integer], dataset: str) -> Sample:
    """How often each true digit, a row, was taken for each digit, a column, in the test pictures of `dataset`."""
    right, shown = int(counts_CC.trace()), int(counts_CC.sum())
    title = f"{shown:,} test pictures of {dataset}, {right / shown:.2%} right"
    rows = [["true", *DIGITS], *([name, *counts] for name, counts in zip(DIGITS, counts_CC.tolist(), strict=True))]
    table = "\n".join(" ".join(f"{cell:>5}" for cell in row) for row in rows)
    return Sample(title, table, files={"confusion.png": confusion_png(counts_CC, DIGITS, title)})


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
    return png(figure)


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
    return png(figure)
