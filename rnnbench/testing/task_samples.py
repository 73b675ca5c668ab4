"""Checks of what a person is shown: samples, their files, a gallery, and answers to a prompt."""

import re
from collections.abc import Sequence

from torch import Tensor

from rnnbench.data.batch import Batch
from rnnbench.errors import UserError
from rnnbench.learners.base import Sampling
from rnnbench.task import Sample
from rnnbench.testing.check import ContractError, MakeTask, after, hidden
from rnnbench.testing.prepared import FEW, Prepared, prepared
from rnnbench.testing.task_form import FORM
from rnnbench.testing.task_scores import loss_is_finite_and_differentiable
from rnnbench.values import Bits

__tracebackhide__ = hidden

PROMPTS = ("The cat sat on the mat.", "1 2 3", "0", "")
DRAWN = Sampling(length=5)
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*\.\w+")

# What files of some kinds begin with.
BEGINNINGS = {".png": b"\x89PNG\r\n\x1a\n", ".wav": b"RIFF", ".mid": b"MThd", ".jpg": b"\xff\xd8\xff", ".pdf": b"%PDF"}


@after(*FORM)
def decode_gives_readable_samples(make: MakeTask) -> None:
    """`decode` gives a sample a row, with a title, a text, sound odds and whole files."""
    ready = prepared(make)
    batch = ready.learner.examples(ready.task.data["test"])
    samples = ready.task.decode(ready.learner.predict(batch, DRAWN), batch)
    if len(samples) != len(batch.inputs):
        raise ContractError(f"decode gives {len(samples)} samples for {len(batch.inputs)} rows, expected one a row")
    _check_samples(ready, samples)


@after(*FORM, loss_is_finite_and_differentiable, decode_gives_readable_samples)
def gallery_can_be_looked_at(make: MakeTask) -> None:
    """`gallery` gives samples as sound as those of `decode`, or none."""
    ready = prepared(make)
    outputs = type(ready.learner).outputs
    ready.scores(lambda batch, index: outputs(ready.learner, batch, index), ready.batches(ready.few, FEW))
    _check_samples(ready, ready.task.gallery(ready.learner.scorers()))


@after(*FORM, decode_gives_readable_samples)
def prompt_is_taken_or_refused(make: MakeTask) -> str:
    """Any prompt is either answered with a sample or refused in one line with a `UserError`."""
    ready = prepared(make)
    batch = ready.learner.examples(ready.task.data["test"])
    titles = [sample.title for sample in ready.task.decode(ready.learner.predict(batch, DRAWN), batch)]
    taken = []
    for prompt in (*PROMPTS, *titles[:1]):
        try:
            batch = ready.task.encode(prompt)
        except UserError as error:
            if "\n" in str(error):
                raise ContractError(f"prompt {prompt!r} is refused in several lines: {error}") from error
            continue
        _check_prompt(prompt, batch, ready.task.spec.inputs.misfit(batch.inputs))
        _check_samples(ready, ready.task.decode(ready.learner.predict(batch, DRAWN), batch))
        if not all(isinstance(word, str) for word in ready.task.unknown(prompt)):
            raise ContractError(f"unknown({prompt!r}) holds something else than words")
        taken.append(repr(prompt if len(prompt) < 40 else f"{prompt[:36]} …"))
    return f"takes {', '.join(taken)}" if taken else "takes no prompt"


def _check_prompt(prompt: str, batch: Batch, misfit: str) -> None:
    if len(batch.inputs) != 1 or not batch.inputs.shape[1]:
        raise ContractError(f"encode({prompt!r}) gives {list(batch.inputs.shape)}, expected one row of steps")
    if misfit:
        raise ContractError(f"encode({prompt!r}): {misfit}: refuse such a prompt with a UserError")


def _check_samples(ready: Prepared, samples: Sequence[Sample]) -> None:
    apart = isinstance(ready.task.spec.targets, Bits)  # coins of their own, whose odds need not make one
    for sample in samples:
        if not isinstance(sample, Sample):
            raise ContractError(f"there is a {type(sample).__name__} among the samples, expected Sample")
        for name in ("title", "text"):
            _check_text(name, getattr(sample, name))
        _check_choices(list(sample.choices.values()), apart)
        for name, content in sample.files.items():
            _check_file(name, content)


def _check_text(name: str, text: str) -> None:
    if not isinstance(text, str) or not text.strip():
        raise ContractError(f"a sample's {name} is {text!r}, expected something to read")
    if "tensor(" in text or "array(" in text:
        raise ContractError(f"a sample's {name} reads {text[:60]!r}: is .tolist() or .item() missing?")


def _check_choices(odds: Sequence[float], apart: bool) -> None:
    if any(isinstance(value, Tensor) for value in odds):
        raise ContractError("a sample's choices hold tensors: is .tolist() missing?")
    if any(not 0 <= value <= 1 for value in odds) or (sum(odds) > 1.001 and not apart):
        raise ContractError(
            f"a sample's choices are {[round(value, 3) for value in odds[:4]]} …: is a softmax missing?"
        )
    if sorted(odds, reverse=True) != list(odds):
        raise ContractError("a sample's choices are not the best first: is .topk or a sort missing?")


def _check_file(name: str, content: bytes) -> None:
    if not _NAME.fullmatch(name):
        raise ContractError(f"a sample's file is called {name!r}; give a plain name, such as 'picture.png'")
    if not isinstance(content, bytes) or not content:
        what = "empty" if isinstance(content, bytes) else f"{type(content).__name__}, expected bytes"
        raise ContractError(f"a sample's file {name} is {what}: is a .getvalue() missing?")
    beginning = BEGINNINGS.get(name[name.rindex(".") :].lower(), b"")
    if not content.startswith(beginning):
        raise ContractError(f"a sample's file {name} begins with {content[:8]!r}, expected {beginning!r}: which kind?")
