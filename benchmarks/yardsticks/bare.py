"""The limit: trials as bare PyTorch loops that do the same arithmetic, in two processes of one thread each.

    python benchmarks/yardsticks/bare.py WORKERS OVERRIDE... ::: OVERRIDE... ::: ...

Prints the seconds from the moment all processes are ready to the end of the last trial.
"""

import itertools
import multiprocessing
import sys
import time
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from rnnbench.sweep.planning import Planner
from rnnbench.trial import Trial


def main() -> None:
    """Hands the trials to the processes."""
    count, *words = sys.argv[1:]
    points = [list(group) for last, group in itertools.groupby(words, lambda word: word == ":::") if not last]
    context = multiprocessing.get_context("fork")
    planner = Planner()
    trials = [planner.point(point).trial for point in points]
    queue, ready = context.Queue(), context.Barrier(int(count) + 1)
    workers = [context.Process(target=work, args=(trials, queue, ready)) for _ in range(int(count))]
    for worker in workers:
        worker.start()
    ready.wait()
    began = time.perf_counter()
    for number in [*range(len(trials)), *[None] * len(workers)]:
        queue.put(number)
    for worker in workers:
        worker.join()
    print(time.perf_counter() - began)


def work(trials: list[Trial], queue: Any, ready: Any) -> None:
    """Runs trials until there are no more."""
    torch.set_num_threads(1)
    ready.wait()
    while (number := queue.get()) is not None:
        train(trials[number])


def train(trial: Trial) -> None:
    """Training, validation after each epoch, test: the harness's batches and arithmetic, and nothing else."""
    torch.manual_seed(trial.config.seed)
    learner: Any = trial.build_learner()
    network = nn.ModuleList([learner.embedding, learner.stack.layers[0].layer, learner.head])
    settings, data = trial.config.trainer, trial.task.data
    train = list(learner.training_batches(data["train"], settings.batch_size, trial.config.seed))
    held_out = {name: list(learner.evaluation_batches(data[name], 1)) for name in ("validation", "test")}
    rate, decay = trial.config.optimizer.learning_rate, trial.config.optimizer.weight_decay
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.max_epochs * len(train))
    for _ in range(settings.max_epochs):
        for loss in losses(network, train):
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        evaluate(network, held_out["validation"])
    evaluate(network, held_out["test"])


def losses(network: nn.ModuleList, batches: list[Any]) -> Any:
    """The loss of each batch, the state carried from one to the next."""
    embedding, lstm, head = network
    state = None
    for batch in batches:
        hidden, state = lstm(embedding(batch.inputs), state)
        state = tuple(part.detach() for part in state)
        yield cross_entropy(head(hidden).flatten(0, 1), batch.targets.flatten())


@torch.no_grad()
def evaluate(network: nn.ModuleList, batches: list[Any]) -> float:
    """The mean loss of a split."""
    values = [float(loss) for loss in losses(network, batches)]
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
