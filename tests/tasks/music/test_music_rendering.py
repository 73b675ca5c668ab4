"""What is written parses back as what was meant."""

import io
import wave
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from rnnbench.tasks.music.pieces import read_midi
from rnnbench.tasks.music.rendering import RATE, midi, picture, sound
from rnnbench.tasks.music.roll import KEYS


def roll(*chords: list[int]) -> np.ndarray:
    rolled = np.zeros((len(chords), KEYS), np.uint8)
    for step, keys in enumerate(chords):
        rolled[step, keys] = 1
    return rolled


@pytest.mark.parametrize("steps_per_beat", [1, 2, 4])
def test_a_written_midi_file_reads_back_as_the_same_roll(workplace: Path, steps_per_beat: int):
    random = (np.random.default_rng(1).random((40, KEYS)) < 0.08).astype(np.uint8)
    random[0, 3] = random[-1, 4] = 1
    (workplace / "a.mid").write_bytes(midi(random, steps_per_beat))
    assert np.array_equal(read_midi(workplace / "a.mid", steps_per_beat), random)


def samples(content: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)


def test_sound_has_the_pitch_the_place_and_the_loudness():
    heard = samples(sound(roll([48], [48], [], [27]), 1))  # A4 for a second, half a second of rest, C3
    assert np.abs(heard).max() == pytest.approx(0.9 * 32767, abs=1)
    assert len(heard) == pytest.approx(2.08 * RATE, abs=2)
    for start, end, hertz in ((0.1, 0.9, 440.0), (1.55, 1.95, 440 * 2 ** (-21 / 12))):
        part = heard[int(start * RATE) : int(end * RATE)]
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 8 * len(part)))
        assert spectrum.argmax() * RATE / (8 * len(part)) == pytest.approx(hertz, rel=0.005)
    assert np.abs(heard[int(1.1 * RATE) : int(1.49 * RATE)]).max() == 0


def test_silence_is_silent():
    assert not samples(sound(roll([], []), 2)).any()


def test_the_picture_shows_each_note_in_its_colour():
    pixels = imread(io.BytesIO(picture(roll([40], [40], [52]), 2, "title")))[..., :3]
    blue, red = (np.argwhere(np.abs(pixels - np.array(colour)).max(-1) < 0.02) for colour in
                 ((0x4C / 255, 0x72 / 255, 0xB0 / 255), (0xC4 / 255, 0x4E / 255, 0x52 / 255)))  # fmt: skip
    assert len(blue) and len(red)
    assert blue[:, 1].max() < red[:, 1].min() and blue[:, 0].min() > red[:, 0].max()  # earlier and lower
    assert picture(roll([]), 1, "nothing")
