"""Where labelled series come from: train and test as the archives cut them, whether found in files or on the hub."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rnnbench import Sources, UserError
from rnnbench.errors import not_among

from .ts_files import Cases, parse_ts, read_ts

ARCHIVES = {"gunpoint": "GunPoint", "italy_power": "ItalyPowerDemand", "japanese_vowels": "JapaneseVowels"}
SHAPES = ("cylinder", "bell", "funnel")
_HUB = "hf://datasets/AutonLab/Timeseries-PILE/classification/UCR"


def read_cases(dataset: str, sources: Sources, paths: Sequence[str]) -> tuple[Cases, Cases]:
    """Train and test cases of that name.

    Raises:
        UserError: they are not to be had, malformed, or test has channels or classes that train has not.
    """
    if dataset == "cylinder_bell_funnel":
        return cylinder_bell_funnel(600, seed=0), cylinder_bell_funnel(600, seed=1)
    train, test = own_files(paths) if dataset == "ts" else archive(ARCHIVES[dataset], sources)
    _check(train, test, paths[1] if paths else f"{ARCHIVES[dataset]}_TEST.ts")
    return train, test


def archive(name: str, sources: Sources) -> tuple[Cases, Cases]:
    """A set of the UEA and UCR archives (Bagnall et al. 2017; Dau et al. 2019)."""
    files = [f"{name}_TRAIN.ts", f"{name}_TEST.ts"]
    found = sources.files(f"uea_ucr/{name}", files)
    if found:
        return read_ts(found[0]), read_ts(found[1])
    data_files = {split: f"{_HUB}/{name}/{file}" for split, file in zip(("train", "test"), files, strict=True)}
    hub = sources.hub(f"uea_ucr/{name}", "text", data_files=data_files)
    train, test = (parse_ts(hub[split]["text"], file) for split, file in zip(data_files, files, strict=True))
    return train, test


def own_files(paths: Sequence[str]) -> tuple[Cases, Cases]:
    """A person's own train and test files."""
    train, test = (read_ts(Path(path).expanduser()) for path in paths)
    return train, test


def cylinder_bell_funnel(count: int, seed: int) -> Cases:
    """The three shapes of Saito (1994), `count` series of 128 steps, a third of each.

    Between the steps a and b, a from 16 to 32 and b - a from 32 to 96, all uniform, a cylinder is 6 + h high, a bell
    climbs to that height and a funnel falls from it; h and the noise on every step are drawn from N(0, 1).
    """
    random = np.random.RandomState(seed)  # its numbers are promised never to change
    values, labels = [], [SHAPES[case % 3] for case in range(count)]
    for label in labels:
        start = random.randint(16, 33)
        width = random.randint(32, 97)
        height = 6 + random.randn()
        along = (np.arange(128) - start) / width
        shape = {"cylinder": np.ones(128), "bell": along, "funnel": 1 - along}[label]
        series = height * shape * ((along >= 0) & (along <= 1)) + random.randn(128)
        values.append(series.astype(np.float32)[:, None])
    return Cases(values, labels, list(SHAPES))


def _check(train: Cases, test: Cases, name: str) -> None:
    for label in set(test.labels) - set(train.labels):
        raise UserError(f"'{name}': {not_among('class', label, sorted(set(train.labels)))} in train")
    widths = [cases.values[0].shape[1] for cases in (train, test)]
    if widths[0] != widths[1]:
        raise UserError(f"'{name}' has {widths[1]} channels, but train has {widths[0]}")
