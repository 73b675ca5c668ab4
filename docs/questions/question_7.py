"""The five shapes by tasks that exist."""

from frame import Answer, Claim, Numbers, Trial, Work, table

from rnnbench.config import from_dict
from rnnbench.diagnostics.charts import Chart, Series
from rnnbench.trial import Preparation

TITLE = "One to one, one to many, many to one, many to many: the five shapes"
ASKED = (
    "One and the same GRU of 64 units on a task of each shape, each with data that needs no file: what goes in, what "
    "comes out, who asks the recurrence for an answer and when, and what a minute or two of training make of it."
)
EXPECTED = (
    "The shape changes what stands before and behind the recurrence and when it is asked; the recurrence in the middle "
    "stays the same, and learns in each."
)
SHAPES = {
    "one_to_one": "one to one",
    "one_to_many": "one to many",
    "many_to_one": "many to one",
    "many_to_many_aligned": "many to many, aligned",
    "many_to_many_unaligned": "many to many, of unequal length",
}
WAYS = {
    "pixels": ("a picture of a digit, whole", "which digit", "once, after its only step"),
    "captioning": ("a picture of two digits", "a sentence", "at every word, each word said being the next input"),
    "sentiment": ("a sentence", "positive or negative", "once, after the last word"),
    "language_modeling": (
        "a text without end",
        "the next word",
        "at every word; the state is carried from chunk to chunk",
    ),
    "music": ("chords", "the next chord", "at every step; each piece begins anew"),
    "translation": ("an English number", "the French one", "a second network speaks, and looks back (attention)"),
    "speech": ("sound", "its letters", "at every step, for a letter or nothing (CTC)"),
}
SHOWN = 60  # letters of an example


def collect(work: Work) -> Numbers:
    """Shape, score, chance, losses and an example by task."""
    trials = [*work.sweep("7_one_to_one"), *work.sweep("7_shapes")]
    return {"tasks": {trial.record.facts["task"]: _numbers(trial) for trial in trials}}


def _numbers(trial: Trial) -> Numbers:
    facts, sample = trial.record.facts, trial.record.samples[0]
    task = Preparation().prepare(from_dict(trial.record.config)).task
    return {
        "shape": task.shape,
        "metric": facts["metric"],
        "direction": facts["direction"],
        "score": trial.score,
        "chance": facts["chance"],
        "given": sample["title"],
        "said": sample["text"].splitlines()[0],
        "validation_loss": trial.curve("validation/loss"),
        "train_seconds": trial.result("train_seconds"),
    }


def answer(numbers: Numbers) -> Answer:
    """The page."""
    tasks = numbers["tasks"]
    seen = [_all_learn(tasks), _all_shapes(tasks)]
    return Answer(seen, [_harder(tasks)], [_table(tasks), _examples(tasks)], [_figure(tasks)])


def _all_learn(tasks: Numbers) -> Claim:
    better = [name for name, row in tasks.items() if (row["score"] < row["chance"]) == (row["direction"] == "min")]
    falls = [name for name, row in tasks.items() if min(row["validation_loss"]) < 0.9 * row["validation_loss"][0]]
    return Claim(
        f"The same recurrence learns in every shape: on {len(better)} of {len(tasks)} tasks it is better than who "
        f"guesses blindly, and on {len(falls)} its loss on validation falls by more than a tenth after the first "
        "epoch.",
        len(better) == len(falls) == len(tasks),
    )


def _all_shapes(tasks: Numbers) -> Claim:
    by_shape = {shape: ", ".join(name for name, row in tasks.items() if row["shape"] == shape) for shape in SHAPES}
    return Claim(
        "The five shapes are there: "
        + "; ".join(f"{SHAPES[shape]}: {names}" for shape, names in by_shape.items())
        + ".",
        all(by_shape.values()),
    )


def _harder(tasks: Numbers) -> Claim:
    """Which of those that say a sentence is right less often."""
    right = {name: row["score"] for name, row in tasks.items() if row["metric"] == "exact_match"}
    return Claim(
        "Of the two that say a sentence of their own accord, the translator, whom attention tells where to look, is "
        f"right word for word in {right['translation']:.1%} of cases; the captioner, who has to find in the picture "
        f"first what is to be said, by a convolution that starts from nothing, in {right['captioning']:.1%}.",
        right["translation"] > 0.9 and right["translation"] > right["captioning"] + 0.1,
    )


def _table(tasks: Numbers) -> str:
    return table(
        [
            {
                "shape": SHAPES[tasks[name]["shape"]],
                "task": name,
                "in": ways[0],
                "out": ways[1],
                "the recurrence is asked": ways[2],
            }
            for name, ways in WAYS.items()
        ]
    )


def _examples(tasks: Numbers) -> str:
    return table(
        [
            {
                "task": name,
                "metric": tasks[name]["metric"].replace("_", " "),
                "test": tasks[name]["score"],
                "blind guess": tasks[name]["chance"],
                "given": _short(tasks[name]["given"]),
                "said": _short(tasks[name]["said"]),
            }
            for name in WAYS
        ]
    )


def _short(text: str) -> str:
    text = text.split(", its probability")[0].replace("|", "/")
    return text if len(text) <= SHOWN else text[:SHOWN].rsplit(" ", 1)[0] + " …"


def _figure(tasks: Numbers) -> Chart:
    series = []
    for name in WAYS:
        losses = tasks[name]["validation_loss"]
        shares = [place / (len(losses) - 1) for place in range(len(losses))]
        series.append(Series(name, shares, [loss / losses[0] for loss in losses]))
    title = "Loss on validation, of that after the first epoch"
    return Chart("losses", title, "share of training", "loss, relative", series)
