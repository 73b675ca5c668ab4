"""Recordings in folders as people have them, and what is said of those that are not as they should be."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rnnbench.tasks.speech.keywords import Keywords
from rnnbench.tasks.speech.reading import read_folder, read_sound
from rnnbench.tasks.speech.recognition import Speech
from rnnbench.tasks.speech.recordings import Corpus, Recording, corpus_of, held_out

from rnnbench import Sources, UserError

RATE = 8000


def waves(seconds: float, channels: int = 1, rate: int = RATE) -> np.ndarray:
    steps = np.arange(int(seconds * rate)) / rate
    return 0.3 * np.sin(2 * np.pi * np.outer(steps, 440 * np.arange(1, channels + 1)))


@pytest.fixture
def home(workplace: Path) -> Path:
    """Six recordings to train on, by three speakers, and two by a fourth to test."""
    for split, rows in {"train": 6, "test": 2}.items():
        folder = workplace / "words" / split
        folder.mkdir(parents=True)
        lines = ["file_name,transcription,label,speaker"]
        for row in range(rows):
            soundfile.write(folder / f"{row}.flac", waves(0.5 + 0.1 * row), RATE)
            lines.append(
                f"{row}.flac,{'yes' if row % 2 else 'no'} {row},{'yes' if row % 2 else 'no'},{split} {row % 3}"
            )
        (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    return workplace / "words"


def read(home: Path, skip: bool = False) -> Corpus:
    return read_folder(home, "transcription", skip)


def spoil(home: Path, row: int, content: bytes) -> None:
    (home / "train" / f"{row}.flac").write_bytes(content)


def test_a_folder_is_read_and_a_speaker_held_out(home: Path):
    corpus = read(home)
    assert {name: len(part) for name, part in corpus.splits.items()} == {"train": 4, "validation": 2, "test": 2}
    assert len({one.speaker for one in corpus.splits["validation"]}) == 1
    assert not {one.speaker for one in corpus.splits["validation"]} & {one.speaker for one in corpus.splits["train"]}
    (recording,) = [one for part in corpus.splits.values() for one in part if one.text == "yes 3"]
    assert recording.seconds == pytest.approx(0.8)
    np.testing.assert_allclose(recording.sound / 32768, waves(0.8)[:, 0], atol=2e-4)


def test_a_validation_folder_is_taken_as_it_is(home: Path):
    (home / "test").rename(home / "validation")
    (home / "test").mkdir()
    (home / "test" / "metadata.csv").write_text("file_name,transcription\n../train/0.flac,no\n")
    assert {name: len(part) for name, part in read(home).splits.items()} == {"train": 6, "validation": 2, "test": 1}


def test_channels_are_averaged_and_other_formats_and_rates_brought_to_the_commonest(home: Path):
    soundfile.write(home / "train" / "0.flac", waves(1.0, 2, 16000), 16000)
    soundfile.write(home / "train" / "1.wav", waves(0.6).astype(np.float32), RATE, subtype="FLOAT")
    metadata = home / "train" / "metadata.csv"
    metadata.write_text(metadata.read_text().replace("1.flac", "1.wav"))
    corpus = read(home)
    found = {one.text: one for name in ("train", "validation") for one in corpus.splits[name]}
    assert (corpus.rate, corpus.resampled) == (RATE, 1)
    assert found["no 0"].seconds == pytest.approx(1.0, abs=1e-3)
    inner = slice(200, 7800)  # the filter rings at the ends
    np.testing.assert_allclose(found["no 0"].sound[inner] / 32768, waves(1.0, 2).mean(1)[inner], atol=5e-3)
    np.testing.assert_allclose(found["yes 1"].sound / 32768, waves(0.6)[:, 0], atol=1e-4)


WRONG = {
    "no sound": b"this is no sound at all",
    "empty": b"",
    "cut": None,
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_corrupt_file_is_named_with_its_line_or_skipped_and_counted(home: Path, kind: str):
    content = WRONG[kind]
    spoil(home, 2, (home / "train" / "2.flac").read_bytes()[:900] if content is None else content)
    with pytest.raises(UserError, match=r"train/metadata.csv', line 4: .*2.flac.*skip_unreadable=true") as raised:
        read(home)
    assert "\n" not in str(raised.value)
    corpus = read(home, skip=True)
    assert corpus.skipped == 1
    assert sum(map(len, corpus.splits.values())) == 7


@pytest.mark.parametrize("kind", ["WAV", "AIFF", "AU"])
def test_a_file_that_ends_before_its_header_says_is_torn(kind: str):
    file = io.BytesIO()
    soundfile.write(file, waves(0.5), RATE, format=kind, subtype="PCM_16")
    assert read_sound(io.BytesIO(file.getvalue()), "here").seconds == 0.5
    with pytest.raises(UserError, match=r"here: it is no whole sound file: it holds \d+ of \d+ bytes"):
        read_sound(io.BytesIO(file.getvalue()[:-1000]), "here")


def test_a_wav_file_whose_header_is_off_is_no_torn_one():
    file = io.BytesIO()
    soundfile.write(file, waves(0.5)[:, 0], RATE, format="WAV", subtype="PCM_16")
    content = bytearray(file.getvalue())
    content[4:8] = (len(content) + 8).to_bytes(4, "little")  # a few more than there are, as some programs write
    assert read_sound(io.BytesIO(bytes(content)), "here").seconds == 0.5
    for place in (4, content.find(b"data") + 4):
        content[place : place + 4] = b"\xff" * 4
    assert read_sound(io.BytesIO(bytes(content)), "here").seconds == 0.5


def test_missing_files_columns_folders_and_texts_are_said(home: Path):
    metadata = home / "train" / "metadata.csv"
    whole = metadata.read_text()
    metadata.write_text(whole.replace("5.flac", "6.flac"))
    with pytest.raises(UserError, match=r"line 7: .*6.flac' can not be read: there is no such file"):
        read(home)
    metadata.write_text(whole.replace("yes 3", " "))
    with pytest.raises(UserError, match="line 5, column 'transcription': expected what is said, found an empty cell"):
        read(home)
    metadata.write_text(whole.replace("transcription", "transcript"))
    with pytest.raises(UserError, match="did you mean 'transcript'"):
        read(home)
    metadata.unlink()
    with pytest.raises(UserError, match=r"train/metadata.csv' is missing; it names the recordings"):
        read(home)


def test_speech_says_which_line_is_too_long_for_its_sound(home: Path):
    metadata = home / "test" / "metadata.csv"
    metadata.write_text(metadata.read_text().replace("no 0", "yes no yes no yes"))
    task = Speech(Sources(), dataset="folder", path=str(home))
    with pytest.raises(UserError, match=r"test/metadata.csv', line 2: 'yes no yes no yes' needs 17 steps .* have 16"):
        task.splits()


def test_facts_say_what_was_resampled_and_skipped_and_who_speaks(home: Path):
    spoil(home, 2, b"nothing")
    soundfile.write(home / "test" / "0.flac", waves(0.5, rate=16000), 16000)
    facts = Speech(Sources(), dataset="folder", path=str(home), skip_unreadable=True).facts()
    assert (facts["resampled"], facts["skipped"], facts["test_speakers_in_train"]) == (1, 1, 0)
    assert (facts["test_recordings"], facts["test_speakers"], facts["sample_rate"]) == (2, 2, RATE)
    assert facts["test_unknown_words"] == 0


def test_keywords_of_test_must_stand_in_train(home: Path):
    metadata = home / "test" / "metadata.csv"
    metadata.write_text(metadata.read_text().replace(",yes,", ",maybe,"))
    with pytest.raises(UserError, match=r"test/metadata.csv', line 3: label 'maybe' does not exist"):
        Keywords(Sources(), dataset="folder", path=str(home)).splits()


def test_the_same_sounds_give_the_same_fingerprint_wherever_they_lie(home: Path):
    first = Speech(Sources(), dataset="folder", path=str(home)).fingerprint()
    home.rename(home.parent / "elsewhere")
    moved = str(home.parent / "elsewhere")
    assert Speech(Sources(), dataset="folder", path=moved).fingerprint() == first
    soundfile.write(Path(moved) / "train" / "0.flac", waves(0.51), RATE)
    assert Speech(Sources(), dataset="folder", path=moved).fingerprint() != first


def recordings(speakers: str, texts: str = "a") -> list[Recording]:
    return [Recording(np.zeros(9, np.int16), RATE, text, speaker) for speaker in speakers for text in texts]


def test_what_is_held_out_is_to_train_as_test_is():
    train = recordings("abcdefghijklmnopqrst", "12")
    kept, held = held_out(train, recordings("xyz"))
    assert len({one.speaker for one in held}) == 2
    assert not {one.speaker for one in held} & {one.speaker for one in kept}
    kept, held = held_out(train, recordings("abc"))
    assert sorted(one.text for one in held) == ["1", "1", "2", "2"]
    assert {id(one) for one in kept} | {id(one) for one in held} == {id(one) for one in train}


def test_most_of_train_decides_the_rate():
    splits = {"train": [*recordings("abc")], "test": [Recording(np.zeros(18, np.int16), 16000, "a", "z")]}
    corpus = corpus_of(splits)
    assert (corpus.rate, corpus.resampled, len(corpus.splits["test"][0].sound)) == (RATE, 1, 9)


@pytest.mark.slow
@pytest.mark.real_data
def test_an4_has_speakers_of_its_own_in_each_split(real_data: Path):
    facts = Speech(Sources(real_data), dataset="an4").facts()
    assert facts["train_recordings"] + facts["validation_recordings"] == 948
    assert facts["train_speakers"] + facts["validation_speakers"] == 74
    assert (facts["test_recordings"], facts["test_speakers"], facts["test_speakers_in_train"]) == (130, 10, 0)
    assert (facts["sample_rate"], facts["resampled"], facts["test_unknown_characters"]) == (16000, 0, 0)


@pytest.mark.real_data
def test_fsdd_has_its_official_split(real_data: Path):
    task = Keywords(Sources(real_data), dataset="fsdd")
    facts = task.facts()
    assert facts["train_recordings"] + facts["validation_recordings"] == 2700
    assert (facts["test_recordings"], facts["words"], facts["test_speakers_in_train"]) == (300, 10, 6)
    assert task.spec.chance == pytest.approx(0.1)
