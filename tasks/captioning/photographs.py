"""Reads and scales photographs, each once, and names the one that can not be read."""

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.errors import UserError, first_line

from .captioned import Captioned

ADVICE = "mend it, or leave such pictures out with task.skip_corrupt=true"


@dataclass(frozen=True)
class Photograph:
    """A picture that was not read yet, and its captions.

    Attributes:
        name: what it is called in an error.
        read: gives the content of its file, or a picture of Pillow's.
        captions: what may be said of it.
        where: file and line that name it, for messages; empty where none does.
    """

    name: str
    read: Callable[[], Any]
    captions: list[str]
    where: str = ""


def decoded(photographs: Iterable[Photograph], side: int, *, skip_corrupt: bool) -> Captioned:
    """Scales each to `side` x `side` in three colours, whatever its shape was.

    Raises:
        UserError: one is torn or no picture, and is not to be skipped; or none is left.
    """
    kept: list[NDArray[np.uint8]] = []
    captions: list[list[str]] = []
    skipped = 0
    name = ""
    for photograph in photographs:
        name = photograph.name
        try:
            kept.append(_pixels(photograph.read(), side))
        # What Pillow and zipfile raise depends on the format: OSError, SyntaxError, ValueError, BadZipFile …
        except Exception as error:
            if not skip_corrupt:
                raise UserError(f"{_unreadable(photograph, error)}; {ADVICE}") from error
            skipped += 1
        else:
            captions.append(photograph.captions)
    if not kept:
        raise UserError(f"no picture is left of those up to '{name}': {skipped} can not be read")
    return Captioned(np.stack(kept), captions, skipped)


def _unreadable(photograph: Photograph, error: Exception) -> str:
    from PIL import UnidentifiedImageError

    torn = isinstance(error, UnidentifiedImageError)  # whose text names an object of Python's
    reason = "it is torn, or of no kind that Pillow knows" if torn else first_line(error)
    where = f"{photograph.where}: " if photograph.where else ""
    return f"{where}'{photograph.name}' can not be read as a picture: {reason}"


def _pixels(source: Any, side: int) -> NDArray[np.uint8]:
    """[3, side, side] of a file's content or of a picture of Pillow's."""
    from PIL import Image

    with Image.open(io.BytesIO(source)) if isinstance(source, bytes) else source as picture:
        scaled = picture.convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(scaled).transpose(2, 0, 1)
