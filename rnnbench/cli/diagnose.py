"""What a recurrent network does: gradients through time, memory horizon, Jacobian, state and gates.

Of a trained run, beside the network that it began with, or of backbones at initialisation, one or several:

  rnnbench diagnose RUN
  rnnbench diagnose backbone=lstm backbone.hidden_size=128
  rnnbench diagnose backbone=elman,gru,lstm stack.num_layers=2 --steps 200

RUN is a run's id, the beginning of one, or its folder. Writes figures as PNG, all of them as one page of HTML, and
their numbers as JSON: into diagnostics/ of the run's folder, or of the outputs folder for backbones.
"""

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnbench.errors import UserError

if TYPE_CHECKING:
    from rnnbench.config import Config
    from rnnbench.diagnostics.charts import Figure
    from rnnbench.diagnostics.diagnosis import Diagnosis
    from rnnbench.diagnostics.seen import Network
    from rnnbench.diagnostics.subjects import Look
    from rnnbench.storage.record import Record
    from rnnbench.trial import Trial


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "subject", nargs="+", metavar="RUN | key=value", help="a run, or backbone=a,b backbone.OPTION=1"
    )
    parser.add_argument("--steps", type=int, default=100, metavar="K", help="lags to look back (100)")
    parser.add_argument("--rows", type=int, default=16, metavar="B", help="sequences to look at (16)")
    parser.add_argument("--inputs", type=int, metavar="I", help="of a backbone (as many as the hidden size)")
    parser.add_argument("--lengths", metavar="T,…", help="score a run at these lengths (½, 1, 2, 4 of the trained one)")
    parser.add_argument("--seed", type=int, default=0, help="of fresh weights and of noise (0)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write")
    parser.add_argument("--outputs-dir", metavar="DIR", help="where runs were written")


def main(arguments: argparse.Namespace) -> int:
    from rnnbench import settings
    from rnnbench.diagnostics.writing import write
    from rnnbench.storage.record import find_record

    look = _look(arguments)
    outputs = settings.outputs_dir(arguments.outputs_dir)
    overrides = [word for word in arguments.subject if "=" in word]
    if overrides and len(overrides) < len(arguments.subject):
        raise UserError("give a run, or settings of backbones (backbone=NAME …), not both")
    if overrides:
        diagnosis, facts = _of_backbones(overrides, look, arguments.inputs)
        folder = outputs / "diagnostics" / _name(overrides, look)
        write(arguments.out or folder, f"Diagnosis at initialisation: {', '.join(diagnosis.numbers)}", facts, diagnosis)
        return 0
    if len(arguments.subject) > 1:
        raise UserError("give one run at a time")
    record = find_record(outputs, arguments.subject[0])
    diagnosis, facts = _of_run(record, look, _lengths(arguments.lengths))
    folder = arguments.out or record.folder / "diagnostics"
    write(folder, f"Diagnosis of run {record.id}", facts, diagnosis)
    _mirror(record, folder, diagnosis.figures)
    return 0


def _look(arguments: argparse.Namespace) -> "Look":
    from rnnbench.diagnostics.subjects import Look

    try:
        return Look(arguments.steps, arguments.rows, arguments.seed)
    except ValueError as error:
        raise UserError(f"--{error}") from error


def _lengths(given: str | None) -> list[int] | None:
    try:
        lengths = None if given is None else [int(part) for part in given.split(",")]
    except ValueError:
        raise UserError(f"--lengths '{given}' is no list of whole numbers, such as 20,40") from None
    if lengths and min(lengths) < 1:
        raise UserError(f"--lengths must be at least 1, got {min(lengths)}")
    return lengths


def _of_backbones(overrides: Sequence[str], look: "Look", inputs: int | None) -> "tuple[Diagnosis, dict[str, str]]":
    from rnnbench.diagnostics.diagnosis import diagnose
    from rnnbench.sweep.points import points

    for override in overrides:
        if not override.startswith(("backbone=", "backbone.", "stack.")):
            raise UserError(f"'{override}' is no setting of a backbone or a stack; diagnose takes those, or a run")
    found = [list(point) for point in points(list(overrides))]
    common = {word for word in found[0] if all(word in point for point in found)}
    networks = [_network(point, common, look, inputs) for point in found]
    facts = {"settings": " ".join(overrides), "input": "normal noise", "lags": f"{look.steps}", "rows": f"{look.rows}"}
    return diagnose(networks), facts


def _network(point: list[str], common: set[str], look: "Look", inputs: int | None) -> "Network":
    """The network of one point of a sweep; its label says the backbone and what differs between points."""
    from rnnbench import plugins
    from rnnbench.compose import compose, resolve
    from rnnbench.diagnostics.subjects import at_initialisation

    config = resolve(compose(point))
    name = config.backbone["name"]
    owner = plugins.get("backbone", name).load()
    size = inputs or config.backbone.get("hidden_size") or 128
    differ = [word.split(".", 1)[-1] for word in point if word not in common and not word.startswith("backbone=")]
    network = at_initialisation(" ".join([name, *differ]), lambda width: _stack(config, owner, width, None), size, look)
    if "hidden_size" not in config.backbone:
        return network
    return _replaced(network, build=lambda width: _stack(config, owner, width, width))


def _replaced(network: "Network", **changes: Any) -> "Network":
    import dataclasses

    return dataclasses.replace(network, **changes)


def _stack(config: "Config", owner: Any, inputs: int, width: int | None) -> Any:
    """A stack of backbones for so many inputs, of another width where one is given."""
    from rnnbench import options
    from rnnbench.stack import build_stack

    what = f"backbone {config.backbone['name']}"

    def make(size: int, hidden_size: int | None = width) -> Any:
        settings = config.backbone if hidden_size is None else {**config.backbone, "hidden_size": hidden_size}
        return options.build(owner, what, settings, size)

    stack = build_stack(make, inputs, config.stack)
    if stack.bidirectional:
        raise UserError("a bidirectional stack reads whole sequences; it has no single step to look at")
    return stack


def _of_run(record: "Record", look: "Look", lengths: list[int] | None) -> "tuple[Diagnosis, dict[str, str]]":
    from rnnbench.diagnostics.diagnosis import diagnose
    from rnnbench.diagnostics.trained import of_learner
    from rnnbench.loading import as_it_began, trial_of, with_best_weights

    trial = trial_of(record)
    trained = with_best_weights(trial)
    test = trial.task.data["test"]
    networks = [
        of_learner("at initialisation", as_it_began(trial), test, look),
        of_learner("trained", trained, test, look),
    ]
    diagnosis = diagnose([networks[0], _replaced(networks[1], build=_widths(trial))])
    _add_lengths(diagnosis, trial, lengths)
    _add_training(diagnosis, record)
    facts, (rows, steps, _) = record.facts, networks[1].x_BTI.shape
    said = {name: str(facts[name]) for name in ("task", "dataset", "setting", "backbone", "seed")}
    return diagnosis, {**said, "input": "of the test split", "lags": f"{steps - 1}", "rows": f"{rows}"}


def _widths(trial: "Trial") -> Any:
    if "hidden_size" not in trial.config.backbone:
        return None
    return lambda width: _stack(trial.config, trial.backbone_class, width, width)


def _add_lengths(diagnosis: "Diagnosis", trial: "Trial", lengths: list[int] | None) -> None:
    """The score at other lengths, of a task that can be drawn at any."""
    from rnnbench.diagnostics.lengths import MULTIPLES, chart

    name, task = trial.facts["task"], trial.config.task
    if lengths and "length" not in task:
        raise UserError(f"--lengths: task {name} has no option length to draw others by")
    trained = task.get("length")
    if not lengths and not trained:
        why = "is left at its default; give --lengths" if "length" in task else "does not exist"
        diagnosis.remarks.append(f"no score against length: option length of task {name} {why}")
        return
    wanted = sorted(set(lengths or [max(1, round(trained * times)) for times in MULTIPLES]))
    found = [_score_at(trial, length) for length in wanted]
    metric = trial.task.spec.metric
    diagnosis.numbers["score_against_length"] = {"trained_length": trained, "metric": metric, "scores": found}
    diagnosis.figures.append(chart(metric, trained, found))


def _score_at(trial: "Trial", length: int) -> dict[str, Any]:
    """All metrics on the test split of the task at another length."""
    import dataclasses

    from rnnbench.diagnostics.lengths import check_length, score
    from rnnbench.loading import with_best_weights
    from rnnbench.trial import build_task

    check_length(trial.task, length)
    config = dataclasses.replace(trial.config, task={**trial.config.task, "length": length})
    at_length = dataclasses.replace(trial, config=config, task=build_task(config))
    scores = score(with_best_weights(at_length), config.trainer.batch_size)
    return {"length": length, "chance": at_length.task.spec.chance, **scores}


def _add_training(diagnosis: "Diagnosis", record: "Record") -> None:
    """What the callback saw along training, where it ran."""
    from rnnbench.diagnostics.along import along_training

    figures = along_training(record.metrics)
    diagnosis.figures.extend(figures)
    if not figures:
        diagnosis.remarks.append("no gradient flow along training: train with diagnostics.gradient_flow=true")


def _name(overrides: Sequence[str], look: "Look") -> str:
    """A folder's name: the backbones, and a hash of all that was asked for."""
    chosen = next((word.split("=", 1)[1] for word in overrides if word.startswith("backbone=")), "default")
    readable = "".join(letter if letter.isalnum() or letter == "_" else "-" for letter in chosen)[:60]
    return f"{readable}-{hashlib.sha256(repr((sorted(overrides), look)).encode()).hexdigest()[:6]}"


def _mirror(record: "Record", folder: Path, figures: "Sequence[Figure]") -> None:
    from rnnbench.tracking import send_pictures

    send_pictures(record, {f"diagnostics/{figure.name}": folder / f"{figure.name}.png" for figure in figures})
