"""Piano rolls: which of a piano's 88 keys sound at each step.

T steps, K keys; key 0 is A0, MIDI pitch 21.
"""

from dataclasses import dataclass

import numpy as np

KEYS = 88
LOWEST = 21  # MIDI pitch of key 0
_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


@dataclass(frozen=True)
class Note:
    """A key held from step `start` until before step `end`."""

    pitch: int
    start: int
    end: int


def notes_of(roll_TK: np.ndarray) -> list[Note]:
    """The notes of a roll, by start and pitch. A key that sounds in neighbouring steps is held: a roll can not say."""
    silent = np.zeros((1, KEYS), np.int8)
    change_TK = np.diff(np.concatenate([silent, roll_TK.astype(np.int8), silent]), axis=0)
    starts, ends = np.argwhere(change_TK.T == 1), np.argwhere(change_TK.T == -1)  # by key: they pair up
    notes = [Note(LOWEST + int(key), int(start), int(end)) for (key, start), (_, end) in zip(starts, ends, strict=True)]
    return sorted(notes, key=lambda note: (note.start, note.pitch))


def roll_of(notes: list[Note]) -> np.ndarray:
    """The roll of notes, [T, K] (uint8), from the first one's start; pitches beyond a piano's are left out."""
    played = [note for note in notes if 0 <= note.pitch - LOWEST < KEYS]
    first, last = min((note.start for note in played), default=0), max((note.end for note in played), default=0)
    roll_TK = np.zeros((last - first, KEYS), np.uint8)
    for note in played:
        roll_TK[note.start - first : note.end - first, note.pitch - LOWEST] = 1
    return roll_TK


def name(pitch: int) -> str:
    """A pitch as C4 (60, the middle one)."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


def chord(keys_K: np.ndarray) -> str:
    """The keys of a step, lowest first, as C3-G3-E4; a dash where none sounds."""
    return "-".join(name(LOWEST + int(key)) for key in np.flatnonzero(keys_K)) or "-"
