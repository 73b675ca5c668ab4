import gzip
from pathlib import Path

import pytest

from rnnbench.data.text import read_text
from rnnbench.errors import UserError


def test_files_from_elsewhere_are_read_as_they_were_meant(workplace: Path):
    (workplace / "windows.txt").write_bytes("\ufeffone\r\ntwo é\r\n".encode())
    assert read_text(workplace / "windows.txt") == "one\ntwo é\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "text file 'a.txt' can not be read: No such file or directory"),
        (b"", "text file 'a.txt' is empty"),
        (b" \n\n", "text file 'a.txt' is empty"),
        (b"good\nbad \xff here", "'a.txt' is no UTF-8 text: line 2 holds the byte 0xff"),
        (b"zip\x00\x01", "'a.txt' is no text: it holds zero bytes"),
    ],
)
def test_what_is_no_text_is_said(content: bytes | None, message: str):
    if content is not None:
        Path("a.txt").write_bytes(content)
    with pytest.raises(UserError) as error:
        read_text(Path("a.txt"))
    assert str(error.value) == message


def test_a_folder_is_no_text(workplace: Path):
    with pytest.raises(UserError, match="can not be read: Is a directory"):
        read_text(workplace)


def test_a_packed_file_is_read_as_the_plain_one(workplace: Path):
    (workplace / "a.txt.gz").write_bytes(gzip.compress(b"one\r\ntwo\n"))
    assert read_text(workplace / "a.txt.gz") == "one\ntwo\n"


@pytest.mark.parametrize(
    "content",
    [b"plain", gzip.compress(b"a" * 999)[:20], gzip.compress(b"a")[:-9] + b"012345678"],
    ids=["not packed", "cut off", "altered"],
)
def test_a_torn_packed_file_is_said(content: bytes):
    Path("a.gz").write_bytes(content)
    with pytest.raises(UserError, match="'a.gz' is no whole gzip file: .*; fetch it again"):
        read_text(Path("a.gz"))


def test_other_encodings_are_read_when_asked_for():
    Path("a.txt").write_bytes("crème".encode("latin-1"))
    assert read_text(Path("a.txt"), "latin-1") == "crème"
