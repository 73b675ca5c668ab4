"""Which architecture, with what advantages and drawbacks?"""

from frame import Answer, Claim, Numbers, Trial, Work, apart, by_setting, mean, say, spread, table

from rnnbench.diagnostics.charts import Chart, Series

TITLE = "Which architecture, with what advantages and drawbacks?"
ASKED = (
    "One or two networks of each family at equal parameters (300,000, embedding included), one layer between a norm "
    "and a residual, eight epochs of the words of Python's documentation, two seeds: quality, speed of training and "
    "of streaming, size of the state, and how far back the trained network remembers. tcn and transformer are "
    "references that are not recurrent."
)
EXPECTED = (
    "Gates first in quality at this size; linear recurrences close behind and with longer memory; matrix states and "
    "attention pay for recall with a large state, which a small text does not reward."
)
FAMILIES = {
    "elman": "simple", "gru": "gated", "lstm": "gated", "mingru": "gated linear", "lru": "linear",
    "mamba": "selective linear", "gla": "matrix state", "gated_deltanet": "matrix state", "tcn": "convolution",
    "transformer": "attention",
}  # fmt: skip
VALUES = {
    "train_speed": "words_per_second",
    "streaming": "streaming_words_per_second",
    "state_bytes": "state_bytes",
    "parameters": "parameters",
}
LOOKED_BACK = 60  # steps


def collect(work: Work) -> Numbers:
    """Quality, cost, gradients and horizon by backbone."""
    trials = work.sweep("4_families")
    found = {"perplexity": by_setting(trials, _name)}
    for key, result in VALUES.items():
        found[key] = by_setting(trials, _name, lambda trial, result=result: trial.result(result))
    looked = [trial for trial in trials if trial.setting("seed") == 0 and trial.score is not None]
    dynamics = {_name(trial): _look(work, trial) for trial in looked}
    return {"nets": {name: {key: found[key][name] for key in found} | dynamics.get(name, {}) for name in FAMILIES}}


def _name(trial: Trial) -> str:
    return trial.setting("backbone.name")


def _look(work: Work, trial: Trial) -> Numbers:
    numbers = work.diagnose(str(trial.record.folder), "--steps", str(LOOKED_BACK), "--rows", "8")["trained"]
    flow = numbers["gradient_through_time"]
    return {"rate": flow and flow["log_rate_a_step"], "horizon": numbers["memory_horizon"]["horizon"]}


def answer(numbers: Numbers) -> Answer:
    """The page."""
    nets = numbers["nets"]
    ranked = sorted(nets, key=lambda name: mean(nets[name]["perplexity"]))
    seen = [_quality(nets, ranked), *_costs(nets), _memory(nets)]
    return Answer(seen, _surprises(ranked), [_table(nets, ranked)], [_quality_chart(nets, ranked), _cost_chart(nets)])


def _quality(nets: Numbers, ranked: list[str]) -> Claim:
    best, recurrent = ranked[0], [name for name in ranked if name not in ("tcn", "transformer")]
    counts = [mean(row["parameters"]) for row in nets.values()]
    return Claim(
        f"{best} ({FAMILIES[best]}) has the lowest perplexity, {spread(nets[best]['perplexity'])}, then "
        + ", ".join(f"{name} {spread(nets[name]['perplexity'])}" for name in ranked[1:])
        + f"; at {min(counts):,.0f} to {max(counts):,.0f} parameters all {len(recurrent)} recurrent networks beat the "
        "transformer.",
        max(counts) < 1.05 * min(counts)
        and all(apart(nets[name]["perplexity"], nets["transformer"]["perplexity"]) for name in recurrent),
    )


def _costs(nets: Numbers) -> list[Claim]:
    def ordered(value: str) -> list[str]:
        return sorted(nets, key=lambda name: mean(nets[name][value]))

    def times(value: str, more: str, less: str) -> float:
        return mean(nets[more][value]) / mean(nets[less][value])

    trained, streamed, states = ordered("train_speed"), ordered("streaming"), ordered("state_bytes")
    ratios = times("train_speed", trained[-1], trained[0]), times("streaming", streamed[-1], streamed[0])
    larger = times("state_bytes", states[-1], states[0])
    return [
        Claim(
            f"On one core {trained[-1]} trains fastest, {ratios[0]:.1f} times as fast as {trained[0]}; a word at a "
            f"time {streamed[-1]} is {ratios[1]:.0f} times as fast as {streamed[0]}.",
            ratios[0] > 1.5 and ratios[1] > 4,
        ),
        Claim(
            f"What is carried from word to word differs most: {say(mean(nets[states[0]]['state_bytes']))} bytes in "
            f"{states[0]}, {say(mean(nets[states[-1]]['state_bytes']))} in {states[-1]}, {larger:.0f} times as many.",
            larger > 50,
        ),
    ]


def _memory(nets: Numbers) -> Claim:
    recurrent = {name: row["horizon"] or 0 for name, row in nets.items() if name not in ("tcn", "transformer")}
    furthest = max(recurrent, key=lambda name: recurrent[name])
    gated = max(recurrent[name] for name in ("gru", "lstm", "mingru"))
    return Claim(
        f"After training on text a linear readout of the state finds the input {recurrent[furthest]} steps back in "
        f"{furthest}, the furthest of what is recurrent, and at most {gated} back in the gated ones; transformer and "
        f"tcn, which keep the inputs, go {nets['transformer']['horizon']} and {nets['tcn']['horizon']} steps back of "
        f"the {LOOKED_BACK - 1} looked at.",
        recurrent[furthest] > gated
        and min(nets["transformer"]["horizon"], nets["tcn"]["horizon"]) > recurrent[furthest],
    )


def _surprises(ranked: list[str]) -> list[Claim]:
    return [
        Claim(
            f"What remembers most is worst here: transformer and tcn are numbers {ranked.index('transformer') + 1} and "
            f"{ranked.index('tcn') + 1} of {len(ranked)}. Next words of a small text ask for little memory and many "
            "updates.",
            {"transformer", "tcn"} <= set(ranked[-3:]),
        ),
    ]


def _table(nets: Numbers, ranked: list[str]) -> str:
    return table(
        [
            {
                "backbone": name,
                "family": FAMILIES[name],
                "test perplexity": spread(nets[name]["perplexity"]),
                "words/s, training": mean(nets[name]["train_speed"]),
                "words/s, streaming": mean(nets[name]["streaming"]),
                "state (bytes)": int(mean(nets[name]["state_bytes"])),
                "gradient (nats a step)": nets[name].get("rate"),
                "horizon (steps)": nets[name].get("horizon"),
            }
            for name in ranked
        ]
    )


def _quality_chart(nets: Numbers, ranked: list[str]) -> Chart:
    series = [
        Series(name, [mean(nets[name]["state_bytes"])], [mean(nets[name]["perplexity"])], joined=False)
        for name in ranked
    ]
    title = "Quality against the size of the state, at 300,000 parameters"
    return Chart("state", title, "state (bytes a row)", "test perplexity", series, log_x=True, log_y=True)


def _cost_chart(nets: Numbers) -> Chart:
    series = [
        Series(name, [mean(row["train_speed"])], [mean(row["streaming"])], joined=False) for name, row in nets.items()
    ]
    title = "Speed on one core: whole texts in training, word by word in use"
    x_label, y_label = "training (words/s)", "streaming (words/s)"
    return Chart("speed", title, x_label, y_label, series, log_x=True, log_y=True)
