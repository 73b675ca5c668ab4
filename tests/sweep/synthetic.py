"""A small synthetic problem that stands in for the trials of a search; records are real files."""

import functools
import hashlib
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from rnnbench.storage import files
from rnnbench.storage.record import Record, Status
from rnnbench.sweep.executors.base import Outcome
from rnnbench.sweep.points import Space, space
from rnnbench.sweep.search import Search
from rnnbench.sweep.searched import Searched

FACTS = {"metric": "perplexity", "direction": "min", "unit": "words", "task": "t", "dataset": "d", "setting": "s"}
RATE = "optimizer.learning_rate=tag(log,interval(1e-4,1))"
WIDTH = "backbone.hidden_size=int(interval(8,64))"


def point(overrides: Sequence[str]) -> Any:
    relevant = sorted(line for line in overrides if not line.startswith(("search.", "sweep.")) and line != "seed=0")
    digest = hashlib.sha256(json.dumps(relevant).encode()).hexdigest()[:12]
    record = Record(Path("outputs") / digest)
    return SimpleNamespace(
        id=digest, overrides=tuple(overrides), trial=SimpleNamespace(record=record, facts={**FACTS, "id": digest})
    )


def values(point: Any) -> dict[str, float]:
    pairs = (override.split("=") for override in point.overrides)
    return {key: float(value) for key, value in pairs if value.replace(".", "").replace("e-", "").isdigit()}


def score(point: Any) -> float:
    """Best at a rate of 0.01 and a width of 40."""
    of = values(point)
    rate = of.get("optimizer.learning_rate", 0.01)
    return (math.log10(rate) + 2) ** 2 + ((of.get("backbone.hidden_size", 40) - 40) / 32) ** 2


def finish(point: Any, status: Status = Status.DONE) -> Outcome:
    """What running a trial leaves behind."""
    record, validation = point.trial.record, score(point)
    files.append_json(record.folder / "metrics.jsonl", {"epoch": 1, "step": 5, "validation/perplexity": validation})
    files.write_json(
        record.folder / "result.json",
        {"validation": {"perplexity": validation}, "parameters": values(point).get("backbone.hidden_size", 1)},
    )
    files.write_json(record.folder / "status.json", {"status": status})
    return Outcome(str(status))


def search(*overrides: str, trials: int = 12) -> Search:
    found = spanned(f"search.trials={trials}", *overrides)
    return Search(Searched(found), Path("sweep"), point, point(found.corner()))


@functools.cache
def spanned(*overrides: str) -> Space:
    """Composed once, for a tenth of a second each time is most of what a search takes."""
    return space(overrides)


def drain(searching: Search, run: Callable[[Any], Outcome] = finish, at_once: int = 1, most: int = 10**6) -> list[Any]:
    """Runs all there is, `at_once` at a time, those first begun first over."""
    given: list[Any] = []
    under_way: list[Any] = []
    while len(given) < most:
        while len(under_way) < at_once and len(given) < most and (found := searching.next()) is not None:
            given.append(found)
            under_way.append(found)
        if not under_way:
            break
        ended = under_way.pop(0)
        record = ended.trial.record
        searching.told(ended, Outcome(str(record.status)) if record.finished else run(ended))
    for ended in under_way:
        searching.told(ended, run(ended))
    return given


def typed(points: Sequence[Any]) -> list[tuple[str, ...]]:
    return [found.overrides for found in points]
