"""What Lightning and the harness cost over a bare PyTorch loop: the same trial both ways, in turn, in one process.

    python benchmarks/overhead.py [--hidden 256] [--batch 32] [--steps 64] [--repetitions 9]

Prints the median time of a training step each way, and the median ratio of neighbours, which a machine that slows down
for a while does not spoil. Promise: at most 1.05 at the sizes above.
"""

import argparse
import random
import statistics
import string
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from rnnbench.compose import compose, resolve
from rnnbench.training import run_trial
from rnnbench.trial import Preparation, Trial

CHUNKS = 60  # training steps of an epoch
EPOCHS = 3


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--repetitions", type=int, default=9)
    sizes = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder, "text.txt")
        text.write_text(random_text(int(sizes.batch * sizes.steps * CHUNKS / 0.9)))
        times: dict[str, list[float]] = {"bare": [], "harness": []}
        for repetition in range(sizes.repetitions + 1):
            trial = prepare(sizes, text, repetition)
            bare, harness = time_bare(trial), time_harness(trial)
            if repetition:  # the first warms up
                times["bare"].append(bare)
                times["harness"].append(harness)
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"one thread, LSTM {sizes.hidden}, batch {sizes.batch}, {sizes.steps} steps, {sizes.repetitions} repetitions")
    for name, values in times.items():
        low, median, high = (1000 * value for value in (min(values), medians[name], max(values)))
        print(f"{name:8} {median:7.2f} ms a step (from {low:.2f} to {high:.2f})")
    pairs = sorted(harness / bare for bare, harness in zip(times["bare"], times["harness"], strict=True))
    print(f"ratio    {statistics.median(pairs):7.3f} of neighbours (from {pairs[0]:.3f} to {pairs[-1]:.3f})")


def random_text(length: int) -> str:
    """Characters of an alphabet of 50, lines of 80."""
    symbols = random.Random(0).choices(string.ascii_letters[:49], k=length)
    return "".join("\n" if place % 80 == 79 else symbol for place, symbol in enumerate(symbols))


def prepare(sizes: argparse.Namespace, text: Path, seed: int) -> Trial:
    """A trial of the given sizes, W&B offline as by default."""
    overrides = [
        "task.dataset=text", f"task.path={text}", "task.level=character", f"backbone.hidden_size={sizes.hidden}",
        f"learner.bptt={sizes.steps}", f"trainer.batch_size={sizes.batch}", f"trainer.max_epochs={EPOCHS}",
        "trainer.threads=1", "trainer.progress=false", f"seed={seed}", f"outputs_dir={text.parent / 'outputs'}",
    ]  # fmt: skip
    return Preparation().prepare(resolve(compose(overrides)))


def time_harness(trial: Trial) -> float:
    """Seconds a training step takes in a whole trial."""
    result = run_trial(trial).result
    return result["train_seconds"] / result["steps"]


def time_bare(trial: Trial) -> float:
    """Seconds a training step takes in a loop that does the same arithmetic and nothing else."""
    learner: Any = trial.build_learner()
    embedding, lstm, head = learner.embedding, learner.stack.layers[0].layer, learner.head
    modules = nn.ModuleList([embedding, lstm, head])
    optimizer = torch.optim.AdamW(modules.parameters(), 0.001, weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * CHUNKS)
    batches = list(learner.training_batches(trial.task.data["train"], trial.config.trainer.batch_size, 0))
    began = time.perf_counter()
    for _ in range(EPOCHS):
        state = None
        for batch in batches:
            hidden, state = lstm(embedding(batch.inputs), state)
            state = tuple(part.detach() for part in state)
            loss = cross_entropy(head(hidden).flatten(0, 1), batch.targets.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(modules.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return (time.perf_counter() - began) / (EPOCHS * len(batches))


if __name__ == "__main__":
    main()
