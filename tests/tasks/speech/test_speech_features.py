"""Features against the formula written out in float64, perturbations against what they say of themselves."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rnnbench.tasks.speech.features import LogMel, stacked, standardized
from rnnbench.tasks.speech.perturbation import Perturbation, faster, noisy
from rnnbench.tasks.speech.recordings import quantized, resampled
from scipy.signal import resample_poly


def hiss(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3000, samples).astype(np.int16)


def tone(frequency: float, rate: int, seconds: float = 0.5) -> np.ndarray:
    return quantized(0.5 * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate))


def mel(frequency: float) -> float:
    return float(1127.01048 * np.log1p(frequency / 700))  # the same scale by the natural logarithm


def hertz(mels: float) -> float:
    return float(700 * np.expm1(mels / 1127.01048))


def triangle(frequency: float, low: float, middle: float, high: float) -> float:
    if low < frequency <= middle:
        return (frequency - low) / (middle - low)
    return (high - frequency) / (high - middle) if middle < frequency < high else 0.0


@pytest.mark.parametrize(("rate", "bands"), [(8000, 40), (16000, 23)])
def test_log_mel_is_the_formula(rate, bands):
    samples, window, hop = hiss(rate // 10), rate // 40, rate // 100
    size = 2 ** int(np.ceil(np.log2(window)))
    corners = [hertz(place * mel(rate / 2) / (bands + 1)) for place in range(bands + 2)]
    frequencies = [place * rate / size for place in range(size // 2 + 1)]
    weights = np.array([[triangle(f, *corners[band : band + 3]) for f in frequencies] for band in range(bands)])
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(size // 2 + 1), np.arange(window)) / size)
    starts = range(0, len(samples) - window + 1, hop)
    energies = [np.abs(waves @ (samples[start : start + window] / 32768 * hann)) ** 2 for start in starts]
    expected = np.log(weights @ np.array(energies).T + 1e-6).T
    np.testing.assert_allclose(LogMel(rate, bands)(samples).numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_log_mel_is_librosas(rate):
    """Whose frames are as long as the transform, the window in their middle."""
    librosa = pytest.importorskip("librosa", reason="pip install librosa to compare with it")
    samples, window, hop = hiss(rate), rate // 40, rate // 100
    size = 2 ** int(np.ceil(np.log2(window)))
    aside = (size - window) // 2
    wave = np.pad(samples.astype(np.float32) / 32768, (aside, size - window - aside))
    options = {"n_fft": size, "win_length": window, "hop_length": hop, "center": False, "htk": True, "norm": None}
    energy = librosa.feature.melspectrogram(y=wave, sr=rate, n_mels=40, **options)
    np.testing.assert_allclose(LogMel(rate, 40)(samples), np.log(energy.T + 1e-6), atol=1e-4)


def test_a_tone_is_loudest_in_the_band_around_it():
    for frequency in (300, 1000, 3000):
        band = int(LogMel(16000, 40)(tone(frequency, 16000)).mean(0).argmax())
        assert abs(mel(frequency) / mel(8000) * 41 - (band + 1)) < 1


@given(st.integers(1, 2000))
def test_every_sound_has_a_frame_and_none_beyond_its_end(samples):
    assert len(LogMel(8000, 8)(hiss(samples))) == max(1, 1 + (samples - 200) // 80)


def test_standardised_bands_have_no_mean_and_silence_stays_finite():
    scaled_TM = standardized(LogMel(8000, 40)(hiss(4000)))
    torch.testing.assert_close(scaled_TM.mean(0), torch.zeros(40), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled_TM.std(0, correction=0), torch.ones(40))
    assert standardized(LogMel(8000, 40)(np.zeros(4000, np.int16))).abs().max() < 1e-3


def test_stacking_keeps_every_frame_in_order():
    frames_TM = torch.arange(14.0).reshape(7, 2)
    assert stacked(frames_TM, 3).tolist() == [
        [0, 1, 2, 3, 4, 5],
        [6, 7, 8, 9, 10, 11],
        [12, 13, 12, 13, 12, 13],
    ]
    assert torch.equal(stacked(frames_TM, 1), frames_TM)


@pytest.mark.parametrize(("up", "down"), [(10, 9), (160, 441), (20, 18)])
def test_resampling_is_scipys(up, down):
    sound = hiss(3000)
    assert np.array_equal(resampled(sound, up, down), quantized(resample_poly(sound / 32768, up, down)))


def test_what_is_faster_is_shorter_and_higher():
    quick = faster(tone(500, 8000), 1.1)
    assert len(quick) == pytest.approx(4000 / 1.1, abs=1)
    assert np.abs(np.fft.rfft(quick)).argmax() * 8000 / len(quick) == pytest.approx(550, abs=3)


@pytest.mark.parametrize("decibels", [6, 10, 30])
def test_noise_is_as_much_weaker_as_it_says(decibels):
    sound = tone(500, 8000, 4.0) // 4  # far from clipping
    noise = noisy(sound, decibels, np.random.default_rng(0)).astype(float) - sound
    ratio = 10 * np.log10(np.mean(np.square(sound.astype(float))) / np.mean(np.square(noise)))
    assert ratio == pytest.approx(decibels, abs=0.3)


@settings(max_examples=50)
@given(st.integers(1, 60), st.integers(0, 3), st.integers(0, 3), st.integers(0, 10**6))
def test_masks_hide_no_more_than_they_say(frames, of_bands, of_time, seed):
    masked = Perturbation((), (), of_bands, 4, of_time, 10).of_features(
        torch.ones(frames, 20), np.random.default_rng(seed)
    )
    assert int((masked == 0).all(0).sum()) <= 4 * of_bands or frames <= 10 * of_time
    assert int((masked == 0).all(1).sum()) <= min(10, frames // 5) * of_time or 4 * of_bands >= 20
    assert set(masked.unique().tolist()) <= {0.0, 1.0}


def test_masks_do_hide():
    masked = Perturbation((), (), 1, 8, 1, 10).of_features(torch.ones(60, 20), np.random.default_rng(1))
    assert (masked == 0).all(0).any()
    assert (masked == 0).all(1).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"speeds": [3.0]}, "between 0.5 and 2"),
        ({"noise": [20, 10]}, "the least and the largest"),
        ({"time_masks": -1}, "least 0"),
    ],
)
def test_perturbations_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Perturbation(**options)
