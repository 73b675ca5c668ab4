"""What the answers share: sweeps and diagnoses as commands, claims that are checked, pages of Markdown.

A question is a module with `TITLE`, `EXPECTED`, `collect(work)`, which runs what is to be run and returns numbers for
JSON, and `answer(numbers)`, which makes the page out of those numbers and of nothing else.
"""

import contextlib
import hashlib
import io
import json
import math
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnnbench import settings
from rnnbench.cli.main import main
from rnnbench.diagnostics.charts import Figure
from rnnbench.storage.record import Record
from rnnbench.sweep.ledger import read

Numbers = dict[str, Any]
Values = list[float | None]
"""Of each seed; None where it diverged."""
EXPERIMENTS = Path(__file__).resolve().parent.parent.parent / "conf/experiment/questions"


@dataclass(frozen=True)
class Trial:
    """A finished trial of a question's sweep."""

    record: Record

    def setting(self, path: str) -> Any:
        """A value of its config, such as "backbone.name"."""
        value: Any = self.record.config
        for part in path.split("."):
            value = value[part]
        return value

    @property
    def score(self) -> float | None:
        """The task's own metric on the test split; None where it diverged."""
        return self.record.result["test"].get(self.record.facts["metric"])

    def result(self, name: str) -> Any:
        """A number of its result, such as "train_seconds"."""
        return self.record.result.get(name)

    def curve(self, name: str) -> list[float]:
        """A column of its curves."""
        return [line[name] for line in self.record.metrics if name in line]


@dataclass
class Work:
    """Runs what a question asks for, and remembers the commands.

    Attributes:
        more: overrides for every trial, with which answers are tried at a tiny size.
    """

    more: Sequence[str] = ()
    commands: list[str] = field(default_factory=list)

    def sweep(self, name: str) -> list[Trial]:
        """The trials of ``experiment=questions/NAME``; those that are finished are not run again."""
        typed = ["-m", f"experiment=questions/{name}"]
        self.commands.append(" ".join(["rnnbench", *typed]))
        content = hashlib.sha256((EXPERIMENTS / f"{name}.yaml").read_bytes() + repr(self.more).encode()).hexdigest()
        named = f"question-{name}-{content[:6]}"
        subprocess.run([sys.executable, "-m", "rnnbench", *typed, f"sweep.name={named}", *self.more], check=True)
        ledger = read(settings.outputs_dir(None), named)
        return [Trial(ledger.record(entry)) for entry in ledger.points]

    def diagnose(self, *typed: str) -> Numbers:
        """What ``rnnbench diagnose`` finds."""
        shown = [part if "=" in part or part.startswith("-") or part.isdigit() else "RUN" for part in typed]
        command = " ".join(["rnnbench", "diagnose", *shown])
        if command not in self.commands:
            self.commands.append(command)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            code = main(["diagnose", *typed])
        assert code == 0, said.getvalue()
        folder = said.getvalue().rsplit(" in ", 1)[1].strip()
        return json.loads(Path(folder, "diagnosis.json").read_text("utf-8"))


@dataclass(frozen=True)
class Claim:
    """A sentence made of numbers, and whether they bear it out."""

    text: str
    holds: bool


@dataclass(frozen=True)
class Answer:
    """What a page says.

    Attributes:
        seen: what came out, each sentence checked.
        surprises: where it was not as expected; checked as well.
        tables: in Markdown.
    """

    seen: Sequence[Claim]
    surprises: Sequence[Claim]
    tables: Sequence[str]
    figures: Sequence[Figure]


def score_of(trial: Trial) -> float | None:
    """A trial's score."""
    return trial.score


def by_setting(
    trials: Sequence[Trial], key: Callable[[Trial], Any], value: Callable[[Trial], float | None] = score_of
) -> dict[str, Values]:
    """A value of each seed, by setting."""
    groups: dict[str, Values] = {}
    for trial in trials:
        groups.setdefault(str(key(trial)), []).append(value(trial))
    return groups


def mean(values: Values) -> float:
    """The mean; infinite where a seed diverged."""
    return statistics.fmean(math.inf if value is None else value for value in values)


def apart(lower: Values, higher: Values) -> bool:
    """Whether each seed of one is below each seed of the other; what diverged is above all."""
    below = [math.inf if value is None else value for value in lower]
    return max(below) < min(math.inf if value is None else value for value in higher)


def spread(values: Values) -> str:
    """The mean of the seeds and half of what lies between the least and the largest."""
    if None in values:
        return "diverged"
    there = [value for value in values if value is not None]
    half, middle = (max(there) - min(there)) / 2, say(mean(values))
    decimals = len(middle.partition(".")[2])
    return f"{middle} ± {half:.{decimals}f}" if len(there) > 1 else middle


def listing(values: Mapping[str, Any]) -> str:
    """Names with their values, in their order."""
    return ", ".join(f"{name} {say(value)}" for name, value in values.items())


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as a table of Markdown."""
    names = list(rows[0])
    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    return "\n".join([*lines, *(f"| {' | '.join(say(row[name]) for name in names)} |" for row in rows)])


def say(value: Any) -> str:
    """A number as a person writes it: three digits."""
    if value is None:
        return "–"
    if isinstance(value, float):
        if abs(value) >= 999.5:
            return f"{value:,.0f}"
        return f"{value:.2g}" if abs(value) < 0.001 else f"{value:#.3g}".removesuffix(".")
    return f"{value:,}" if isinstance(value, int) else str(value)
