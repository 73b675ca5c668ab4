"""Small trials of every kind of learner, to be cut short and gone on with."""

TOYS = """
import datasets
import numpy as np
import torch
from rnnbench import Pictures, Sample, Spec, Task, Tokens
from rnnbench.metrics import TextMetric

PICTURE = Pictures(1, 10)


class Toy(Task):
    '''Parity of random bits: of all so far at every step, said of its own accord, or of a whole row.'''

    shape = "many_to_many_aligned"

    def __init__(self, sources, *, shape: str = "many_to_many_aligned", monotonic: bool = False):
        super().__init__(sources)
        self.shape, self.monotonic = shape, monotonic

    def describe(self):
        return Spec(
            inputs=PICTURE if self.shape == "one_to_many" else Tokens(2),
            targets=Tokens(2),
            metric="loss",
            direction="min",
            chance=0.7,
            dataset="toy",
            setting="-",
        )

    def splits(self):
        dice = np.random.default_rng(0)
        return {name: self.rows(dice, number) for name, number in (("train", 30), ("validation", 8), ("test", 8))}

    def rows(self, dice, number):
        inputs = [dice.integers(0, 2, dice.integers(2, 9)) for _ in range(number)]
        targets = [np.cumsum(row)[: 1 if self.monotonic else None] % 2 for row in inputs]
        if self.shape == "one_to_many":  # two answers to a picture of noise
            pictures = dice.integers(0, 256, (number, PICTURE.size), np.uint8)
            return datasets.Dataset.from_dict({"inputs": pictures, "targets": [[row, row[::-1]] for row in targets]})
        return datasets.Dataset.from_dict(
            {"inputs": inputs, "targets": [int(row[-1]) for row in targets] if self.shape == "many_to_one" else targets}
        )

    def augment(self, row, inputs, random):
        if not self.monotonic:
            return inputs
        return torch.cat([inputs, torch.from_numpy(random.integers(0, 2, random.integers(0, 4)))])

    def metrics(self):
        if self.shape not in ("one_to_many", "many_to_many_unaligned"):
            return {}
        return {"letters": TextMetric(lambda said, right: sum(map(len, said)) / len(right))}

    def decode(self, prediction, batch):
        return [Sample("toy", str(row.tolist())) for row in prediction.outputs]
"""
ALL = ("stack.num_layers=2", "stack.dropout=0.3", "learner.dropout=0.2", "trainer.max_epochs=3")  # masks at every step
STREAM = (*ALL, "task=language_modeling", "task.dataset=text", "task.path=book.txt", "learner.bptt=64")
OTHERWISE = (
    "schedule=plateau", "schedule.patience=0", "optimizer=sgd", "optimizer.momentum=0.9",
    "trainer.averaging=asgd", "trainer.averaging_after=1", "trainer.patience=1",
)  # fmt: skip
TRIALS = {
    "a stream": (*STREAM, "backbone=gru"),
    "a stream, otherwise trained": (*STREAM, *OTHERWISE, "learner.bptt_deviation=9", "backbone=mingru"),
    "rows": (*ALL, "task=toy", "backbone=gru"),
    "spoken": (
        *ALL,
        "task=toy",
        "task.shape=many_to_many_unaligned",
        "backbone=gru",
        "stack.bidirectional=true",
        "learner.scheduled_sampling=0.5",
        "learner.input_feeding=true",
        "learner.beam_width=2",
    ),
    "heard, and augmented": (
        *ALL,
        "task=toy",
        "task.shape=many_to_many_unaligned",
        "task.monotonic=true",
        "backbone=gru",
        "stack.bidirectional=true",
        "learner.beam_width=2",
    ),
    "described": (
        *ALL,
        "task=toy",
        "task.shape=one_to_many",
        "backbone=gru",
        "learner.condition=state",
        "learner.flip=true",
        "learner.shift=1",
    ),
    "one answer a row": (*ALL, *OTHERWISE, "task=toy", "task.shape=many_to_one", "backbone=mingru"),
}
"""By name: trials of eight steps an epoch, three epochs."""
