"""How fast trained networks are beside one another, in turn, so that a busy machine slows all of them alike."""

from collections.abc import Callable, Mapping
from statistics import median

import torch
from frame import Trial

from rnnbench.data.batch import Batch
from rnnbench.diagnostics.timing import interleave, stopwatch
from rnnbench.learners.base import Learner
from rnnbench.loading import load_trained

ROUNDS, WARM_UP = 15, 2
STREAMED = 20  # steps a round
Job = Callable[[], object]


def speeds(trials: Mapping[str, Trial]) -> dict[str, dict[str, float]]:
    """Words a second of one core by name, in training (forward and backward) and streaming (one row, step by step)."""
    torch.set_num_threads(1)
    jobs: dict[tuple[str, str], Job] = {}
    words: dict[tuple[str, str], int] = {}
    for name, trial in trials.items():
        learner = load_trained(trial.record)
        size = trial.setting("trainer.batch_size")
        batch = learner.training_batches(learner.task.data["train"], size, 0).first()
        jobs |= {(name, "training"): _training(learner, batch), (name, "streaming"): _streaming(learner, batch)}
        words |= {(name, "training"): batch.targets.numel(), (name, "streaming"): STREAMED}
    seconds, problems = interleave(jobs, ROUNDS, WARM_UP, stopwatch(torch.device("cpu"), 1), lambda: None)
    assert not problems, problems
    found: dict[str, dict[str, float]] = {name: {} for name in trials}
    for (name, kind), rounds in seconds.items():
        found[name][kind] = words[name, kind] / median(rounds)
    return found


def _training(learner: Learner, batch: Batch) -> Job:
    def job() -> None:
        learner.train()
        learner.training_step(batch, 0).backward()

    return job


def _streaming(learner: Learner, batch: Batch) -> Job:
    stepper, inputs_B = learner.stepper(batch)

    @torch.inference_mode()
    def job() -> None:
        learner.eval()
        state = stepper.stack.initial_state(1)
        for _ in range(STREAMED):
            y_BO, state = stepper.stack.step(stepper.embedding(inputs_B), state)
            stepper.head(y_BO)

    return job
