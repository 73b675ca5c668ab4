"""Where labelled pictures come from: scikit-learn's digits, idx files, the hub."""

import gzip
import importlib.util
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rnnbench.data.sources import Sources
from rnnbench.errors import UserError

CLASSES = 10
HELD_OUT = {"digits": (200, 297), "mnist": (5_000, 0)}
"""Last rows held out for validation, and after them for test, where the data has no test of its own."""
MNIST_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
IMAGES, LABELS = 2051, 2049  # an idx file's first four bytes: uint8 in three dimensions, in one


@dataclass(frozen=True)
class Pictures:
    """Grey pictures and what they show.

    Attributes:
        pixels: [N, side, side] float32 from 0, paper, to 1, ink.
        labels: [N] int64 from 0 to 9.
    """

    pixels: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __getitem__(self, rows: slice) -> "Pictures":
        return Pictures(self.pixels[rows], self.labels[rows])


def read_pictures(dataset: str, sources: Sources) -> dict[str, Pictures]:
    """Train, validation and test.

    digits: 1,797 of 8 x 8, in the order in which scikit-learn has them: 1,300 / 200 / 297.
    mnist: 70,000 of 28 x 28 (LeCun et al. 1998): 55,000 / 5,000, the last of the official train / 10,000.

    Raises:
        UserError: they are not to be had, or are not what they should be.
    """
    train, test = digits() if dataset == "digits" else mnist(sources)
    validation = HELD_OUT[dataset][0]
    return {"train": train[:-validation], "validation": train[-validation:], "test": test}


def digits() -> tuple[Pictures, Pictures]:
    """Handwritten digits that scikit-learn carries (Alpaydin and Kaynak 1998), train and test."""
    from sklearn.datasets import load_digits

    pixels, labels = map(np.asarray, load_digits(return_X_y=True))
    pictures = _pictures(pixels.reshape(-1, 8, 8), labels, 16)
    test = HELD_OUT["digits"][1]
    return pictures[:-test], pictures[-test:]


def mnist(sources: Sources) -> tuple[Pictures, Pictures]:
    """The official train and test, from the four idx files, packed or not, or from the hub."""
    home = sources.data_dir / "mnist" if sources.data_dir else None
    packed = "" if home and (home / MNIST_FILES[0]).is_file() else ".gz"
    found = sources.files("mnist", [name + packed for name in MNIST_FILES])
    if found:
        return _idx_pictures(*found[:2]), _idx_pictures(*found[2:])
    if importlib.util.find_spec("PIL") is None:
        raise UserError(
            "mnist from the hub needs Pillow: pip install pillow; or put its idx files into a folder mnist/"
        )
    hub = sources.hub("mnist", "ylecun/mnist")
    train, test = (
        _pictures(np.stack([np.asarray(picture) for picture in hub[name]["image"]]), np.array(hub[name]["label"]), 255)
        for name in ("train", "test")
    )
    return train, test


def read_idx(path: Path, magic: int) -> NDArray[np.uint8]:
    """The array of an idx file, packed or not.

    Raises:
        UserError: it can not be read, is of another kind than `magic` says, or is torn.
    """
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"'{path}' can not be read: {error}; fetch it again") from error
    dimensions = magic % 256
    begin = 4 * (1 + dimensions)
    head = struct.unpack_from(f">{1 + dimensions}I", content.ljust(begin, b"\0"))
    if head[0] != magic:
        raise UserError(f"'{path}' is no idx file of uint8 in {dimensions} dimensions: it begins with {head[0]}")
    expected = begin + int(np.prod(head[1:], dtype=object))
    if len(content) != expected:
        raise UserError(f"'{path}' is torn: expected {expected:,} bytes, found {len(content):,}; fetch it again")
    return np.frombuffer(content, np.uint8, offset=begin).reshape(head[1:])


def _idx_pictures(images: Path, labels: Path) -> Pictures:
    pixels, shown = read_idx(images, IMAGES), read_idx(labels, LABELS)
    if len(pixels) != len(shown):
        raise UserError(f"'{images}' holds {len(pixels):,} pictures and '{labels}' {len(shown):,} labels")
    if pixels.shape[1:] != (28, 28) or shown.max(initial=0) >= CLASSES:
        raise UserError(f"'{images}' and '{labels}' are not MNIST: expected 28 x 28 pixels and labels from 0 to 9")
    return _pictures(pixels, shown, 255)


def _pictures(pixels: NDArray, labels: NDArray, ink: int) -> Pictures:
    return Pictures((pixels / np.float32(ink)).astype(np.float32), labels.astype(np.int64))
