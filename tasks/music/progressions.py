"""Four-part chord progressions made by rule, in all twelve major and twelve minor keys. Nobody composed them.

A piece is three to six phrases of eight chords. A phrase begins on the tonic, walks along the customary successions
of functional harmony, and ends on the dominant (half cadence) or on dominant and tonic (full cadence), the last one
always in full; its last chord is held for a second step. A network must hence know key, chord and place in the phrase.

Four voices sing each chord complete, the bass its root. Of all voicings within the voices' ranges the next is that
with the least movement, where parallel fifths and octaves count as far: the rules of voice leading taught everywhere.
"""

import functools
import itertools
from collections.abc import Sequence

import numpy as np

from .roll import KEYS, LOWEST

ROWS = {"train": 480, "validation": 96, "test": 96}  # a multiple of the 24 keys each
PHRASES = (3, 4, 5, 6)
PHRASE = 8  # chords
SEED = 12

# Pitch classes above the tonic, root first, of the chords on each degree; in minor with raised leading note.
CHORDS = {
    "major": ((0, 4, 7), (2, 5, 9), (4, 7, 11), (5, 9, 0), (7, 11, 2), (9, 0, 4), (11, 2, 5)),
    "minor": ((0, 3, 7), (2, 5, 8), (3, 7, 10), (5, 8, 0), (7, 11, 2), (8, 0, 3), (11, 2, 5)),
}
TONIC, DOMINANT = 0, 4
FOLLOWING = ((1, 2, 3, 4, 5, 6), (4, 6), (3, 5), (0, 1, 4, 6), (0, 5), (1, 3, 4), (0, 4))  # degrees after each degree
RANGES = ((40, 60), (48, 67), (55, 74), (60, 79))  # MIDI pitches of bass, tenor, alto, soprano
FAR = 40  # semitones that a parallel counts for


def progressions() -> dict[str, list[np.ndarray]]:
    """Rolls [T, 88] by split. No two pieces share their degrees: none of test stands in train, in whatever key."""
    generator = np.random.default_rng(SEED)
    known: set[tuple[int, ...]] = set()
    return {split: [_piece(generator, number, known) for number in range(rows)] for split, rows in ROWS.items()}


def _piece(generator: np.random.Generator, number: int, known: set[tuple[int, ...]]) -> np.ndarray:
    """A new piece in the key of that number."""
    mode, tonic = ("major", "minor")[number // 12 % 2], number % 12
    degrees = _degrees(generator)
    while degrees in known:
        degrees = _degrees(generator)
    known.add(degrees)
    voicings = lead([voicings_of(mode, degree, tonic) for degree in degrees], generator)
    held = [voicing for n, voicing in enumerate(voicings) for _ in range(2 if n % PHRASE == PHRASE - 1 else 1)]
    roll_TK = np.zeros((len(held), KEYS), np.uint8)
    np.put_along_axis(roll_TK, np.array(held) - LOWEST, 1, axis=1)
    return roll_TK


def _degrees(generator: np.random.Generator) -> tuple[int, ...]:
    phrases = int(generator.choice(PHRASES))
    return tuple(degree for n in range(phrases) for degree in _phrase(generator, last=n == phrases - 1))


def _phrase(generator: np.random.Generator, last: bool) -> list[int]:
    while True:
        degrees = [TONIC]
        while len(degrees) < PHRASE:
            following = FOLLOWING[degrees[-1]]
            degrees.append(following[generator.integers(len(following))])
        if degrees[-2:] == [DOMINANT, TONIC] or (degrees[-1] == DOMINANT and not last):
            return degrees


@functools.cache
def voicings_of(mode: str, degree: int, tonic: int) -> np.ndarray:
    """All voicings of a chord within the ranges, [n, 4] MIDI pitches from bass to soprano.

    No voices cross or meet, the upper three lie within an octave of their neighbours, and every note of the chord is
    sung.
    """
    root, *others = ((tonic + note) % 12 for note in CHORDS[mode][degree])
    allowed = ({root}, *[{root, *others}] * 3)
    voices = [
        [pitch for pitch in range(low, high + 1) if pitch % 12 in classes]
        for (low, high), classes in zip(RANGES, allowed, strict=True)
    ]
    return np.array([
        pitches
        for pitches in itertools.product(*voices)
        if pitches[0] < pitches[1] < pitches[2] < pitches[3]
        and max(pitches[2] - pitches[1], pitches[3] - pitches[2]) <= 12
        and len({pitch % 12 for pitch in pitches}) == 3
    ])  # fmt: skip


def lead(chords: Sequence[np.ndarray], generator: np.random.Generator) -> list[np.ndarray]:
    """A voicing a chord, [4] each: any of the first chord, then the nearest of each next one."""
    voicings = [chords[0][generator.integers(len(chords[0]))]]
    for options in chords[1:]:
        voicings.append(options[np.argmin(_distance(voicings[-1], options))])
    return voicings


def _distance(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """How far voicings [n, 4] lie from the one before, in semitones and what counts as such."""
    moved = after - before
    far = np.abs(moved).sum(1)
    for low, high in itertools.combinations(range(4), 2):
        interval = (before[high] - before[low]) % 12
        if interval in (0, 7):
            parallel = (moved[:, low] != 0) & ((after[:, high] - after[:, low]) % 12 == interval)
            far = far + FAR * parallel
    return far
