"""How do recurrent nets overfit and what helps?"""

import math

from frame import Answer, Claim, Numbers, Trial, Work, apart, listing, mean, spread, table

from rnnbench.diagnostics.charts import Chart, Series

TITLE = "How do recurrent nets overfit and what helps?"
ASKED = (
    "An LSTM of 128 units on the 46,000 words of Python's documentation, twelve epochs at a constant rate: training "
    "and validation loss with nothing, with one regulariser at a time, with several together, two seeds; and where "
    "early stopping ends. And the same number of updates on 250, 1,000 and 4,000 rows of selective copying."
)
EXPECTED = (
    "Without anything validation turns round after a few epochs while the training loss falls on. Dropout of what is "
    "read upwards helps most; weight decay little. More data beats them all."
)
KINDS = {
    "learner.dropout": "dropout",
    "learner.locked_dropout": "locked dropout",
    "learner.embedding_dropout": "embedding dropout",
    "stack.weight_drop": "weight drop",
    "optimizer.weight_decay": "weight decay",
}
PLAIN = 0.01  # weight decay of the default optimiser


def collect(work: Work) -> Numbers:
    """Curves and scores of each seed, by regulariser and by rows."""
    kinds: dict[str, list[Numbers]] = {}
    rows: dict[str, list[Numbers]] = {}
    for trial in work.sweep("6_regularisers"):
        kinds.setdefault(_kind(trial), []).append(_curves(trial))
    for trial in work.sweep("6_data"):
        rows.setdefault(str(trial.setting("task.train_rows")), []).append(_ends(trial))
    return {"regularisers": kinds, "data": rows}


def _kind(trial: Trial) -> str:
    """What is switched on."""
    used = [
        name for path, name in KINDS.items() if trial.setting(path) > (PLAIN if path.startswith("optimizer") else 0)
    ]
    return used[0] if len(used) == 1 else "all but weight decay" if used else "nothing"


def _curves(trial: Trial) -> Numbers:
    epochs: dict[int, list[float]] = {}
    for line in trial.record.metrics:
        if "train/loss" in line:
            epochs.setdefault(line["epoch"], []).append(line["train/loss"])
    return {
        "test": trial.score,
        "best_epoch": trial.result("best_epoch"),
        "train_loss": [mean(list(losses)) for losses in epochs.values()],
        "validation_loss": trial.curve("validation/loss"),
    }


def _ends(trial: Trial) -> Numbers:
    curves = _curves(trial)
    return {"test": curves["test"], "train_loss": curves["train_loss"][-1]}


def answer(numbers: Numbers) -> Answer:
    """The page."""
    kinds, data = numbers["regularisers"], numbers["data"]
    ranked = sorted(kinds, key=lambda name: mean(_tests(kinds[name])))
    seen = [_turning(kinds), _ranking(kinds, ranked), _gaps(kinds), _more_data(data)]
    return Answer(seen, _surprises(kinds), [_table(kinds, ranked), _amounts(data)], [_figure(kinds, ranked)])


def _tests(seeds: list[Numbers]) -> list[float | None]:
    return [seed["test"] for seed in seeds]


def _lost(seeds: list[Numbers]) -> float:
    """Nats between the best epoch on validation and the last."""
    return mean([seed["validation_loss"][-1] - min(seed["validation_loss"]) for seed in seeds])


def _gap(seeds: list[Numbers]) -> float:
    """Nats between training and validation at the end."""
    return mean([seed["validation_loss"][-1] - seed["train_loss"][-1] for seed in seeds])


def _turning(kinds: Numbers) -> Claim:
    bare = kinds["nothing"]
    turned = [seed["best_epoch"] for seed in bare]
    last = len(bare[0]["validation_loss"])
    return Claim(
        f"With nothing, validation turns round after epoch {min(turned)}"
        + (f" to {max(turned)}" if max(turned) > min(turned) else "")
        + f" of {last}; by the end it has lost {_lost(bare):.2f} nats, {math.exp(_lost(bare)):.1f} times the "
        "perplexity, which early stopping saves.",
        max(turned) <= last / 2 and _lost(bare) > 0.2,
    )


def _ranking(kinds: Numbers, ranked: list[str]) -> Claim:
    helped = [name for name in ranked if apart(_tests(kinds[name]), _tests(kinds["nothing"]))]
    return Claim(
        f"Stopped at the best epoch, the test perplexity is {spread(_tests(kinds['nothing']))} with nothing. "
        f"{len(helped)} of {len(kinds) - 1} regularisers do better in every seed: "
        + listing({name: spread(_tests(kinds[name])) for name in helped})
        + ".",
        len(helped) > 0 and ranked[0] in helped,
    )


def _gaps(kinds: Numbers) -> Claim:
    gaps = {name: _gap(kinds[name]) for name in sorted(kinds, key=lambda name: _gap(kinds[name]))}
    return Claim(
        "Between training and validation lie, at the end, "
        + listing({name: f"{value:.2f}" for name, value in gaps.items()})
        + " nats.",
        max(gaps, key=lambda name: gaps[name]) in ("nothing", "weight drop")
        and all(gaps[name] < gaps["nothing"] for name in ("dropout", "locked dropout", "embedding dropout")),
    )


def _more_data(data: Numbers) -> Claim:
    few, many = min(data, key=int), max(data, key=int)
    few_tests, many_tests = _tests(data[few]), _tests(data[many])
    return Claim(
        f"More data: with the same number of updates {int(many):,} rows of selective copying give a test accuracy of "
        f"{spread(many_tests)}, {int(few):,} rows {spread(few_tests)}, though the training loss ends near 0 with both.",
        apart(few_tests, many_tests)
        and mean(many_tests) - mean(few_tests) > 0.1
        and all(seed["train_loss"] < 0.1 for seed in (*data[few], *data[many])),
    )


def _surprises(kinds: Numbers) -> list[Claim]:
    bare, decay, dropout = (mean(_tests(kinds[name])) for name in ("nothing", "weight decay", "dropout"))
    gaps = {name: _gap(kinds[name]) for name in kinds}
    return [
        Claim(
            f"A small gap is no good score: weight decay closes it from {gaps['nothing']:.2f} to "
            f"{gaps['weight decay']:.2f} nats, as far as dropout ({gaps['dropout']:.2f}), and wins {bare - decay:.1f} "
            f"in perplexity where dropout wins {bare - dropout:.1f}: it keeps the network from learning what is true "
            "as well.",
            gaps["weight decay"] < gaps["dropout"] + 0.1 and bare - decay < 0.5 * (bare - dropout),
        ),
        Claim(
            f"Weight drop, which is made for recurrence, leaves the largest gap of all, {gaps['weight drop']:.2f} "
            "nats: it hinders learning by heart far less than what drops words or outputs.",
            gaps["weight drop"] == max(gap for name, gap in gaps.items() if name != "nothing")
            and gaps["weight drop"] > 2 * gaps["dropout"],
        ),
    ]


def _table(kinds: Numbers, ranked: list[str]) -> str:
    return table(
        [
            {
                "regulariser": name,
                "test perplexity": spread(_tests(kinds[name])),
                "best epoch": " and ".join(str(seed["best_epoch"]) for seed in kinds[name]),
                "gap at the end (nats)": _gap(kinds[name]),
                "lost after the best epoch (nats)": _lost(kinds[name]),
            }
            for name in ranked
        ]
    )


def _amounts(data: Numbers) -> str:
    return table([{"rows": int(rows), "test accuracy": spread(_tests(data[rows]))} for rows in data])


def _figure(kinds: Numbers, ranked: list[str]) -> Chart:
    epochs = list(range(1, len(kinds["nothing"][0]["validation_loss"]) + 1))
    series = [Series(name, epochs, kinds[name][0]["validation_loss"]) for name in ranked]
    series.append(Series("nothing, in training", epochs, kinds["nothing"][0]["train_loss"], dashed=True))
    return Chart("validation", "Validation loss by regulariser, seed 0", "epoch", "loss (nats a word)", series)
