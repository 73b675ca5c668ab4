import io
import zipfile
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from PIL import Image
from rnnbench.tasks.captioning.flickr8k import CAPTIONS, LISTS, REPOSITORY, flickr8k, token_lines
from rnnbench.tasks.captioning.folder import folder

from rnnbench import Sources, UserError

COLOURS = {"a.jpg": (250, 0, 0), "b.jpg": (0, 250, 0), "c.jpg": (0, 0, 250)}
TOKENS = [
    "a.jpg#0\tA red wall .",
    "a.jpg#1\tRed !",
    "b.jpg#0\tA green wall .",
    "c.jpg#0\tA blue wall .",
    "c.jpg.1#0\tA bogus wall .",
]


def picture(colour: tuple[int, int, int], size: tuple[int, int] = (20, 10), kind: str = "png") -> bytes:
    content = io.BytesIO()
    Image.new("RGB", size, colour).save(content, kind)
    return content.getvalue()


def stored(home: Path, *, tokens: list[str] = TOKENS, packed: bool = True, **pictures: bytes) -> Sources:
    """Flickr8k in small, as its authors give it out."""
    (home / "flickr8k" / "text").mkdir(parents=True)
    (home / "flickr8k" / CAPTIONS).write_text("\n".join(tokens) + "\n")
    for name, listed in zip(LISTS.values(), COLOURS, strict=True):
        (home / "flickr8k" / name).write_text(f"{listed}\n")
    contents = {name: pictures.get(name[0], picture(colour)) for name, colour in COLOURS.items()}
    if packed:
        with zipfile.ZipFile(home / "flickr8k" / "images.zip", "w") as archive:
            for name, content in contents.items():
                archive.writestr(f"Flicker8k_Dataset/{name}", content)
    else:
        for name, content in contents.items():
            (home / "flickr8k" / name).write_bytes(content)
    return Sources(home)


@pytest.mark.parametrize("packed", [True, False])
def test_flickr8k_as_its_authors_give_it_out(workplace: Path, packed: bool):
    found = flickr8k(stored(workplace, packed=packed), 8, skip_corrupt=False)
    assert {name: split.captions for name, split in found.items()} == {
        "train": [["A red wall .", "Red !"]],
        "validation": [["A green wall ."]],
        "test": [["A blue wall ."]],
    }
    for split, colour in zip(found.values(), COLOURS.values(), strict=True):
        assert split.pixels.shape == (1, 3, 8, 8)
        assert split.pixels.dtype == np.uint8
        np.testing.assert_array_equal(split.pixels[0].reshape(3, -1).mean(1), colour)


def test_flickr8k_is_the_same_from_the_hub(workplace: Path, monkeypatch: pytest.MonkeyPatch):
    features = datasets.Features({"image": datasets.Image(), "caption_0": datasets.Value("string")})
    folder = workplace / "hub" / "data"
    folder.mkdir(parents=True)
    for name, file in zip(LISTS, COLOURS, strict=True):
        rows = {"image": [Image.new("RGB", (20, 10), COLOURS[file])], "caption_0": [f"{file} ."]}
        datasets.Dataset.from_dict(rows, features).to_parquet(str(folder / f"{name}-00000-of-00001.parquet"))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", workplace / "cache")
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)

    class Hub(Sources):
        def hub(self, folder: str, repository: str, **where: Any) -> datasets.DatasetDict:
            assert repository == REPOSITORY
            return super().hub(folder, str(workplace / "hub"), **where)

    found = flickr8k(Hub(), 8, skip_corrupt=False)
    assert [split.captions for split in found.values()] == [[["a.jpg ."]], [["b.jpg ."]], [["c.jpg ."]]]
    ours = flickr8k(stored(workplace), 8, skip_corrupt=False)
    for name, split in found.items():
        np.testing.assert_array_equal(split.pixels, ours[name].pixels)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.jpg A red wall", "line 2: expected NAME.jpg#0, a tab and a caption, found 'a.jpg A red wall'"),
        ("a.jpg#x\tA wall", "line 2: expected NAME.jpg#0"),
        ("a.jpg#1\t .", "line 2: the caption of 'a.jpg' is empty"),
    ],
)
def test_lines_that_are_no_captions_are_said(line: str, message: str):
    Path("captions").write_text(f"{TOKENS[0]}\n{line}\n")
    with pytest.raises(UserError, match=f"'captions', {message}"):
        token_lines(Path("captions"))


def test_what_a_list_names_and_nobody_has_is_said(workplace: Path):
    sources = stored(workplace, tokens=TOKENS[:3])
    with pytest.raises(UserError, match=r"testImages.txt', line 1: there is no caption of 'c.jpg'"):
        flickr8k(sources, 8, skip_corrupt=False)
    (workplace / "flickr8k" / LISTS["train"]).write_text("a.jpg\n\nz.jpg\n")
    (workplace / "flickr8k" / CAPTIONS).write_text("\n".join([*TOKENS, "z.jpg#0\tA wall"]))
    with pytest.raises(UserError, match=r"trainImages.txt', line 3: there is no picture of 'z.jpg'"):
        flickr8k(sources, 8, skip_corrupt=False)


def test_a_torn_picture_is_named(workplace: Path):
    sources = stored(workplace, b=picture((0, 0, 0), kind="jpeg")[:200])
    with pytest.raises(UserError) as error:
        flickr8k(sources, 8, skip_corrupt=False)
    assert str(error.value).startswith("'b.jpg' can not be read as a picture: OSError: ")
    assert str(error.value).endswith("; mend it, or leave such pictures out with task.skip_corrupt=true")
    with pytest.raises(UserError, match=r"no picture is left of those up to 'b.jpg': 1 can not be read"):
        flickr8k(sources, 8, skip_corrupt=True)


def test_a_torn_archive_is_said(workplace: Path):
    sources = stored(workplace)
    (workplace / "flickr8k" / "images.zip").write_bytes(b"PK\3\4 and no more")
    with pytest.raises(UserError, match=r"images.zip' is no whole zip file: .*; fetch it again"):
        flickr8k(sources, 8, skip_corrupt=False)


def written(home: Path, lines: list[str]) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    for number in range(20):
        (home / f"{number}.png").write_bytes(picture((number, 0, 0)))
    (home / "metadata.csv").write_text("\n".join(["file_name,text", *lines]))
    return home


def test_a_folder_is_cut_by_the_names_of_its_files(workplace: Path):
    lines = [f"{number}.png,picture {number}" for number in range(20)]
    found = folder(written(workplace / "mine", [*lines, '3.png,"number three, again"']), 8, skip_corrupt=False)
    assert {name: len(split.captions) for name, split in found.items()} == {"train": 16, "validation": 2, "test": 2}
    seen = {}
    for split in found.values():
        for pixels, captions in zip(split.pixels, split.captions, strict=True):
            seen[int(pixels[0, 0, 0])] = captions
    assert seen == {n: [f"picture {n}", *(["number three, again"] if n == 3 else [])] for n in range(20)}
    elsewhere = folder(written(workplace / "moved", lines[::-1]), 8, skip_corrupt=False)
    assert sorted(elsewhere["test"].captions) == sorted(found["test"].captions)


def test_folders_may_be_cut_already(workplace: Path):
    for number, name in enumerate(("train", "validation", "test")):
        written(workplace / "mine" / name, [f"{number}.png,{name}"])
    found = folder(workplace / "mine", 8, skip_corrupt=False)
    assert {name: split.captions for name, split in found.items()} == {name: [[name]] for name in found}
    assert [int(split.pixels.max()) for split in found.values()] == [0, 1, 2]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("lost.png,a boat", "line 3, column 'file_name': expected a picture in '.*mine', found 'lost.png'"),
        ("0.png,", "line 3, column 'text': expected a caption, found an empty cell"),
        ("0.png,...", "line 3, column 'text': expected a caption, found '...'"),
        ("0.png,a boat,and more", "line 3: expected 2 cells"),
    ],
)
def test_wrong_rows_of_a_table_are_said(workplace: Path, line: str, message: str):
    home = written(workplace / "mine", ["1.png,a wall", line])
    with pytest.raises(UserError, match=f"metadata.csv', {message}"):
        folder(home, 8, skip_corrupt=False)


def test_skipped_pictures_are_counted(workplace: Path):
    home = written(workplace / "mine", [f"{number}.png,picture {number}" for number in range(20)])
    for number in (2, 5, 7):
        (home / f"{number}.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"metadata.csv', line (4|7|9): '.*mine/[257].png' can not be .*: it is torn"):
        folder(home, 8, skip_corrupt=False)
    found = folder(home, 8, skip_corrupt=True)
    assert sum(split.skipped for split in found.values()) == 3
    assert sum(len(split.captions) for split in found.values()) == 17


def test_a_folder_without_a_table_or_with_too_few_pictures_is_said(workplace: Path):
    with pytest.raises(UserError, match=r"metadata.csv' is missing, and so is one of train/metadata.csv, "):
        folder(workplace, 8, skip_corrupt=False)
    with pytest.raises(UserError, match="few/metadata.csv' has 1 different rows; to hold some out takes 10 at least"):
        folder(written(workplace / "few", ["0.png,a wall"]), 8, skip_corrupt=False)


@pytest.mark.slow
@pytest.mark.real_data
def test_flickr8k_as_published(real_data: Path):
    found = flickr8k(Sources(real_data), 16, skip_corrupt=False)
    assert [len(split.pixels) for split in found.values()] == [6_000, 1_000, 1_000]
    assert {len(captions) for split in found.values() for captions in split.captions} == {5}
    assert found["test"].captions[0][0] == "The dogs are in the snow in front of a fence ."
