"""What tests share: an empty working folder, a small text, and the command line called from within.

Torch and the harness are imported by fixtures and not here: the process that hands out tests wants neither.
"""

import contextlib
import gc
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("suite", deadline=None)  # a busy machine is no mistake
settings.load_profile("suite")

SENTENCES = (
    "the cat sat on the mat and looked at the dog .",
    "the dog ran to the cat , and the cat ran away !",
    "a bird sang in the tree while the cat slept on the mat .",
    "who saw the bird ? the dog saw the bird in the old tree .",
)


def pytest_configure() -> None:
    """Nothing that is imported or collected becomes garbage: at the usual rate the search takes a tenth of the time."""
    gc.disable()


def pytest_collection_finish() -> None:
    """From here on garbage is looked for, less often, and not among the half million objects that are there by now."""
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    gc.enable()


REAL_DATA = os.environ.get("RNNBENCH_DATA")


@pytest.fixture
def real_data() -> Path:
    """The folder of real data sets; tests that use it carry the marker `real_data`."""
    if not REAL_DATA:
        pytest.skip("RNNBENCH_DATA is not set")
    return Path(REAL_DATA)


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test works in an empty folder, on one thread, untouched by the settings of the person who runs it."""
    import torch

    for name in ("RNNBENCH_DATA", "RNNBENCH_OUTPUTS", "WANDB_MODE", "WANDB_API_KEY", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)
    return tmp_path


@pytest.fixture
def book(workplace: Path) -> Path:
    """A text of about two thousand words in thirty-odd different ones."""
    path = workplace / "book.txt"
    path.write_text("\n".join(SENTENCES[i * i % 4] for i in range(160)) + "\n")
    return path


@dataclass(frozen=True)
class Said:
    """What a command printed and its exit code."""

    code: int
    out: str
    err: str


@contextlib.contextmanager
def _logging_as_before() -> Iterator[None]:
    """Hydra's --cfg sets up logging to the streams of the moment, which a test replaces and closes."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


@pytest.fixture
def rnnbench(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Calls the command line within this process."""
    from rnnbench.cli.main import main

    def call(*arguments: str) -> Said:
        capsys.readouterr()
        with _logging_as_before():
            code = main(arguments)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return call


TINY = (
    "task.dataset=text",
    "task.path=book.txt",
    "backbone.hidden_size=8",
    "trainer.max_epochs=1",
    "trainer.batch_size=4",
    "logger.mode=disabled",
)
"""Overrides of a trial on `book` that takes a fraction of a second."""
