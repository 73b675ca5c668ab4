"""A roll to hear and to see: MIDI, a picture, and sound from a small additive synthesiser."""

import functools
import io
import wave

import numpy as np

from rnnbench.pictures import png

from .roll import KEYS, LOWEST, name, notes_of

BEATS_PER_MINUTE = 120
RATE = 22_050  # samples a second
PARTIALS = (1.0, 0.5, 0.3, 0.2, 0.12, 0.08)  # strengths of a string's harmonics
DECAY = 1.5  # seconds in which the first harmonic falls to 1 / e; the n-th falls n times as fast
RELEASE = 0.08  # seconds that a note rings after its end


def midi(roll_TK: np.ndarray, steps_per_beat: int) -> bytes:
    """A Standard MIDI File at 120 beats a minute, on a piano.

    Raises:
        ModuleNotFoundError: pretty_midi is not installed.
    """
    import pretty_midi

    seconds = _seconds(steps_per_beat)
    piano = pretty_midi.Instrument(program=0)
    piano.notes = [
        pretty_midi.Note(velocity=80, pitch=note.pitch, start=note.start * seconds, end=note.end * seconds)
        for note in notes_of(roll_TK)
    ]
    file = pretty_midi.PrettyMIDI(initial_tempo=BEATS_PER_MINUTE)
    file.instruments.append(piano)
    content = io.BytesIO()
    file.write(content)
    return content.getvalue()


def sound(roll_TK: np.ndarray, steps_per_beat: int) -> bytes:
    """A WAV file, 22,050 samples a second, 16 bit, mono: decaying harmonics of every note, the loudest at 90 %."""
    seconds = _seconds(steps_per_beat)
    samples = np.zeros(int((len(roll_TK) * seconds + RELEASE) * RATE) + 1)
    for note in notes_of(roll_TK):
        tone = _tone(note.pitch, (note.end - note.start) * seconds)
        first = round(note.start * seconds * RATE)
        samples[first : first + len(tone)] += tone[: len(samples) - first]
    loudest = np.abs(samples).max()
    scaled = np.rint(samples * (0.9 * 32767 / loudest if loudest else 0)).astype("<i2")
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(scaled.tobytes())
    return content.getvalue()


@functools.lru_cache(maxsize=128)  # a roll has a thousand notes, few of them different
def _tone(pitch: int, seconds: float) -> np.ndarray:
    """A note, equally tempered to A4 = 440 Hz."""
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    time = np.arange(int((seconds + RELEASE) * RATE)) / RATE
    tone = np.zeros_like(time)
    for n, strength in enumerate(PARTIALS, 1):
        if n * frequency < RATE / 2:
            tone += strength * np.exp(-n * time / DECAY) * np.sin(2 * np.pi * n * frequency * time)
    return tone * np.clip(time / 0.005, 0, 1) * np.clip((seconds + RELEASE - time) / RELEASE, 0, 1)


def picture(roll_TK: np.ndarray, opening: int, title: str) -> bytes:
    """A piano roll as PNG: what was given, `opening` steps, and what the network went on with."""
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

    shade_KT = roll_TK.T * np.where(np.arange(len(roll_TK)) < opening, 1, 2)
    sounding = np.flatnonzero(roll_TK.any(0))
    low, high = (max(0, sounding[0] - 3), min(KEYS, sounding[-1] + 4)) if len(sounding) else (0, KEYS)
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shade_KT, aspect="auto", origin="lower", interpolation="none", vmin=0, vmax=2,
                cmap=ListedColormap(["white", "#4c72b0", "#c44e52"]))  # fmt: skip
    axes.axvline(opening - 0.5, color="black", linewidth=0.8, linestyle="--")
    octaves = [key for key in range(KEYS) if (key + LOWEST) % 12 == 0]
    axes.set_yticks(octaves, [name(key + LOWEST) for key in octaves])
    axes.set_ylim(low - 0.5, high - 0.5)
    axes.grid(axis="y", linewidth=0.4)
    axes.set(xlabel="step", title=title)
    return png(figure)


def _seconds(steps_per_beat: int) -> float:
    """How long a step lasts."""
    return 60 / BEATS_PER_MINUTE / steps_per_beat
