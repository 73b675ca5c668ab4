"""A person's own pictures, in the imagefolder layout of the Hugging Face libraries.

    my_pictures/metadata.csv    file_name,text
                                beach.jpg,"a dog runs along a beach"
                                beach.jpg,"a brown dog in the sand"
                                old/boat.png,"a boat without oars"

Lines of one picture are so many captions of it. Either one such folder, cut 80 / 10 / 10 % by the hash of the file
names, or folders train/, validation/ and test/ in it that each have a table of their own.
"""

from pathlib import Path

from rnnbench.data.cutting import cut
from rnnbench.data.tables import read_table
from rnnbench.errors import UserError

from .captioned import Captioned
from .photographs import Photograph, decoded
from .words import words

TABLE = "metadata.csv"
SPLITS = ("train", "validation", "test")


def folder(home: Path, side: int, *, skip_corrupt: bool) -> dict[str, Captioned]:
    """Train, validation and test.

    Raises:
        UserError: a table or a picture is missing, or not what it should be.
    """
    if (home / TABLE).is_file():
        parts = cut(captioned_files(home), lambda picture: str(Path(picture.name).relative_to(home)), str(home / TABLE))
        splits = dict(zip(SPLITS, parts, strict=True))
    elif all((home / name / TABLE).is_file() for name in SPLITS):
        splits = {name: captioned_files(home / name) for name in SPLITS}
    else:
        raise UserError(f"'{home / TABLE}' is missing, and so is one of {', '.join(f'{s}/{TABLE}' for s in SPLITS)}")
    return {name: decoded(split, side, skip_corrupt=skip_corrupt) for name, split in splits.items()}


def captioned_files(home: Path) -> list[Photograph]:
    """The pictures that a folder's table names, in the order in which it names them.

    Raises:
        UserError: a picture is not there, or a caption is empty.
    """
    table = read_table(home / TABLE, ["file_name", "text"])
    captions: dict[str, list[str]] = {}
    lines: dict[str, int] = {}  # that name a picture first
    for row, (name, text) in enumerate(zip(table.column("file_name"), table.column("text"), strict=True)):
        if not (home / name).is_file():
            raise table.wrong(row, "file_name", f"a picture in '{home}'")
        if not words(text):
            raise table.wrong(row, "text", "a caption")
        captions.setdefault(name, []).append(text.strip())
        lines.setdefault(name, table.lines[row])
    return [
        Photograph(str(home / name), (home / name).read_bytes, texts, f"'{home / TABLE}', line {lines[name]}")
        for name, texts in captions.items()
    ]
