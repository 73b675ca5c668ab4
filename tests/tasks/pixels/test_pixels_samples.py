import io

import numpy as np
from matplotlib.image import imread
from rnnbench.tasks.pixels.samples import characters, confusion_png, digit_png


def test_characters_are_darker_where_ink_is():
    pixels = np.array([[0.0, 0.2, 0.4], [0.6, 0.99, 1.0]])
    assert characters(pixels) == "  ··░░\n▒▒████"


def test_a_digit_is_drawn_in_black_on_white():
    pixels = np.zeros((4, 4), np.float32)
    pixels[1, 2] = 1.0
    drawn = imread(io.BytesIO(digit_png(pixels, "")))[..., 0]
    dark = np.argwhere(drawn < 0.5) / drawn.shape
    assert (drawn < 0.5).mean() > 0.01
    assert dark.mean(0)[0] < 0.5 < dark.mean(0)[1]  # above the middle, right of it


def test_a_confusion_matrix_is_shaded_by_the_share_of_its_row():
    counts = np.array([[1_000, 0, 0], [0, 1, 0], [0, 0, 0]])
    drawn = imread(io.BytesIO(confusion_png(counts, ["a", "b", "c"], "title")))[..., :3]
    blue = (drawn[..., 2] - drawn[..., 0] > 0.3).mean()
    assert blue > 0.08  # two full cells of nine, whatever their counts
    assert (drawn == 1).mean() > 0.3
