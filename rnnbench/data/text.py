"""Reads a person's text file, plain or gzip, and says on which line it is none."""

import gzip
import zlib
from pathlib import Path

from rnnbench.errors import UserError


def read_text(path: Path, encoding: str = "utf-8-sig") -> str:
    """The content of a text file; one that ends in ``.gz`` is unpacked. Lines end in a single newline.

    Raises:
        UserError: it is missing, empty, or no text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"text file '{path}' can not be read: {error.strerror}") from error
    if path.suffix == ".gz":
        content = _unpacked(content, path)
    if not content.strip():
        raise UserError(f"text file '{path}' is empty")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        name = encoding.removesuffix("-sig").upper()
        raise UserError(
            f"'{path}' is no {name} text: line {line} holds the byte 0x{content[error.start]:02x}"
        ) from error
    if "\0" in text:
        raise UserError(f"'{path}' is no text: it holds zero bytes")
    return text.replace("\r\n", "\n")


def _unpacked(content: bytes, path: Path) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"'{path}' is no whole gzip file: {error}; fetch it again") from error
