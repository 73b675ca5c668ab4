"""Reads recordings, from folders in the audiofolder layout or from the hub.

    my_words/train/metadata.csv     file_name,transcription,speaker
    my_words/train/001.flac         001.flac,nine two zero,anna
    my_words/test/metadata.csv      …

`transcription` or `label` says what is spoken; `speaker` may be missing. soundfile reads WAV, FLAC, OGG, MP3, AIFF and
NIST SPHERE; several channels become their mean.
"""

import io
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import datasets
import numpy as np

from rnnbench import UserError
from rnnbench.data.tables import read_table

from .recordings import Corpus, Recording, corpus_of, quantized

# What libsndfile notes of a WAV, AIFF or AU file whose header promises more samples than follow, then passing over it.
_TORN = re.compile(r"^\s*(?:data|SSND|Data Size)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)
_STREAMED = str(2**32 - 1)  # bytes that are promised where the writer could not know how many would come


def read_folder(folder: Path, column: str, skip_unreadable: bool) -> Corpus:
    """The recordings of a folder that holds ``train``, ``test`` and perhaps ``validation``.

    Args:
        column: of the metadata that says what is spoken.
        skip_unreadable: leave out what is no sound file, and count it, instead of ending at the first.

    Raises:
        UserError: a folder, file or column is missing, or a sound file can not be read; says file and line.
    """
    splits, skipped = {}, 0
    for name in ("train", "validation", "test"):
        metadata = folder / name / "metadata.csv"
        if metadata.is_file():
            splits[name], left_out = _read_split(metadata, column, skip_unreadable)
            skipped += left_out
        elif name != "validation":
            raise UserError(f"'{metadata}' is missing; it names the recordings: a line file_name,{column},speaker each")
    return corpus_of(splits, skipped)


def from_hub(loaded: datasets.DatasetDict, column: str, name: str) -> Corpus:
    """The recordings of a data set of the hub, whose sounds are files in a column ``audio``.

    Raises:
        UserError: one can not be read.
    """
    splits = {}
    rows: Any
    for split, rows in loaded.cast_column("audio", datasets.Audio(decode=False)).items():
        splits[str(split)] = [
            read_sound(io.BytesIO(row["audio"]["bytes"]), f"{name}, {split}, row {number}", str(row[column]))
            for number, row in enumerate(rows)
        ]
    return corpus_of(splits)


def read_sound(file: Path | io.BytesIO, where: str, text: str = "", speaker: str = "") -> Recording:
    """A recording.

    Raises:
        UserError: it is no whole sound file.
    """
    soundfile = _soundfile()
    what = f"'{file.name}'" if isinstance(file, Path) else "it"
    try:
        with soundfile.SoundFile(file) as opened:
            expected, rate, notes = opened.frames, opened.samplerate, opened.extra_info
            channels = opened.read(dtype="float64", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        there = not isinstance(file, Path) or file.is_file()
        reason = str(error).split(": ")[-1] if there else "there is no such file"
        raise UserError(f"{where}: {what} can not be read: {reason}") from error
    if not len(channels) or len(channels) < expected:
        raise UserError(f"{where}: {what} is no whole sound file: it holds {len(channels)} of {expected} samples")
    for promised, there in _TORN.findall(notes):
        if promised != _STREAMED and int(there) < int(promised):
            raise UserError(f"{where}: {what} is no whole sound file: it holds {there} of {promised} bytes")
    if not np.isfinite(channels).all():
        raise UserError(f"{where}: {what} holds samples that are no numbers")
    return Recording(quantized(channels.mean(1)), rate, text, speaker, where)


def _read_split(metadata: Path, column: str, skip_unreadable: bool) -> tuple[list[Recording], int]:
    table = read_table(metadata, ["file_name", column])
    speakers = table.columns.get("speaker", [""] * len(table))
    recordings = []
    for row, (name, text) in enumerate(zip(table.column("file_name"), table.column(column), strict=True)):
        text = " ".join(text.split())
        if not text:
            raise table.wrong(row, column, "what is said")
        try:
            where = f"'{metadata}', line {table.lines[row]}"
            recordings.append(read_sound(metadata.parent / name, where, text, speakers[row]))
        except UserError as error:
            if not skip_unreadable:
                raise UserError(f"{error}; mend or remove it, or set task.skip_unreadable=true") from error
    if not recordings:
        raise UserError(f"'{metadata}' names no sound file that can be read")
    return recordings, len(table) - len(recordings)


def _soundfile() -> ModuleType:
    try:
        import soundfile
    except (ImportError, OSError) as error:  # OSError: the library is there and libsndfile is not
        raise UserError("reading sound files needs soundfile; pip install 'rnnbench[speech]'") from error
    return soundfile
