"""Records as trials leave them, made in an instant."""

from pathlib import Path
from typing import Any

from rnnbench.leaderboard.costs import COSTS, Effort
from rnnbench.leaderboard.rows import Board, Row
from rnnbench.storage.record import Record, Status, folder_of

FACTS = {
    "task": "text", "task_version": 1, "backbone_version": 1, "dataset": "ptb", "setting": "word",
    "fingerprint": "f00d",
    "metric": "perplexity", "direction": "min", "chance": 100.0, "unit": "words",
}  # fmt: skip


def record(
    backbone: str,
    seed: int,
    validation: float | None,
    test: float | None,
    *,
    setting: str = "a",
    status: Status = Status.DONE,
    further: dict[str, float] | None = None,
    **facts: Any,
) -> Record:
    """Writes a finished trial below ./outputs and returns it."""
    name = f"{backbone}{setting}{seed}{facts.get('dataset', '')}{facts.get('task_version', '')}"
    written = Record(folder_of(Path("outputs"), "text", backbone, name))
    trial = {**FACTS, "id": name, "setting_id": f"{backbone}{setting}", "backbone": backbone, "seed": seed, **facts}
    written.begin({"seed": seed}, trial, {})
    if status in (Status.DONE, Status.DIVERGED):
        result = {
            "validation": {} if validation is None else {trial["metric"]: validation},
            "test": {} if test is None else {trial["metric"]: test, **(further or {})},
            "parameters": 1000,
            "state_bytes": 64,
            "words_per_second": 500.0 + seed,
            "wall_seconds": 360.0,
            "steps": 100,
        }
        written.write_result(result)
        written.finish(status)
    else:
        written.end(status, "for some reason")
    return written


def board_of(points: list[tuple[float, dict[str, float]]], direction: str = "min") -> Board:
    """A board of rows called 0, 1, 2 … with those scores and costs."""
    rows = tuple(
        Row(
            name=str(number), backbone=str(number), version=1, setting_id=str(number), score=score, interval=None,
            scores={0: score}, group="", further={}, validation=score, seeds=1, diverged=0, effort=Effort(1, 1, 0.0, 0),
            costs={**dict.fromkeys(COSTS), **costs}, trials=(str(number),),
        )
        for number, (score, costs) in enumerate(points)
    )  # fmt: skip
    described = {name: FACTS[name] for name in ("task", "dataset", "setting", "metric", "task_version", "fingerprint")}
    return Board(**described, direction=direction, chance=100.0, unit="words", rows=rows)
