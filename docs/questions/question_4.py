"""Which architecture, with what advantages and drawbacks?"""

from frame import Answer, Claim, Numbers, Trial, Work, apart, by_setting, mean, spread, table
from speeds import speeds

from rnnbench.diagnostics.charts import Chart, Series

TITLE = "Which architecture, with what advantages and drawbacks?"
ASKED = (
    "One or two networks of each family at equal parameters (300,000, embedding included), one layer between a norm "
    "and a residual, eight epochs of the words of Python's documentation, two seeds: quality, speed of training and "
    "of streaming, size of the state, and how far back the trained network remembers. The transformer is a "
    "reference that is not recurrent."
)
EXPECTED = (
    "Gates first in quality at this size; linear recurrences close behind and with longer memory; matrix states and "
    "attention pay for recall with a large state, which a small text does not reward."
)
FAMILIES = {
    "elman": "simple", "gru": "gated", "lstm": "gated", "mingru": "gated linear", "lru": "linear",
    "mamba": "selective linear", "gla": "matrix state", "gated_deltanet": "matrix state", "transformer": "attention",
}  # fmt: skip
LOOKED_BACK = 60  # steps


def collect(work: Work) -> Numbers:
    """Quality, cost, gradients and horizon by backbone."""
    trials = work.sweep("4_families")
    found = {"perplexity": by_setting(trials, _name)}
    for key in ("state_bytes", "parameters"):
        found[key] = by_setting(trials, _name, lambda trial, key=key: trial.result(key))
    first = {_name(trial): trial for trial in trials if trial.setting("seed") == 0}
    timed = speeds(first)
    nets = {
        name: {key: found[key][name] for key in found} | timed[name] | _look(work, first[name]) for name in FAMILIES
    }
    return {"nets": nets}


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
    return Answer(
        seen, _surprises(nets, ranked), [_table(nets, ranked)], [_quality_chart(nets, ranked), _cost_chart(nets)]
    )


def _quality(nets: Numbers, ranked: list[str]) -> Claim:
    recurrent = [name for name in ranked if name != "transformer"]
    counts = [mean(row["parameters"]) for row in nets.values()]
    return Claim(
        "By perplexity the gated come first, then the linear, the matrix states last of what is recurrent: "
        + ", ".join(f"{name} {spread(nets[name]['perplexity'])}" for name in ranked)
        + f", at {min(counts):,.0f} to {max(counts):,.0f} parameters.",
        max(counts) < 1.05 * min(counts)
        and FAMILIES[ranked[0]] == FAMILIES[ranked[1]] == "gated"
        and {FAMILIES[name] for name in recurrent[2:4]} == {"linear", "selective linear"}
        and recurrent[-1] == "gla",
    )


def _costs(nets: Numbers) -> list[Claim]:
    trained, streamed = (sorted(nets, key=lambda name: nets[name][kind]) for kind in ("training", "streaming"))
    states = sorted(nets, key=lambda name: mean(nets[name]["state_bytes"]))
    ratios = [
        nets[ranked[-1]][kind] / nets[ranked[0]][kind]
        for ranked, kind in ((trained, "training"), (streamed, "streaming"))
    ]
    small, large = (mean(nets[name]["state_bytes"]) for name in (states[0], states[-1]))
    return [
        Claim(
            f"In training on one core they lie within a factor of {ratios[0]:.1f}, from {trained[0]} to {trained[-1]}; "
            f"a word at a time within {ratios[1]:.1f}, from {streamed[0]} to {streamed[-1]}.",
            ratios[1] > 2 and ratios[0] < ratios[1],
        ),
        Claim(
            f"What is carried from word to word differs most: {small:,.0f} bytes in {states[0]}, {large:,.0f} in "
            f"{states[-1]}, {large / small:.0f} times as many.",
            large > 50 * small,
        ),
    ]


def _memory(nets: Numbers) -> Claim:
    recurrent = {name: row["horizon"] or 0 for name, row in nets.items() if name != "transformer"}
    furthest = max(recurrent, key=lambda name: recurrent[name])
    gated = max(recurrent[name] for name in ("gru", "lstm", "mingru"))
    kept = nets["transformer"]["horizon"]
    return Claim(
        f"After training on text a linear readout of the state finds the input {recurrent[furthest]} steps back in "
        f"{furthest}, the furthest of what is recurrent, and at most {gated} back in the gated ones; the transformer, "
        f"which keeps its inputs, goes {kept} back of the {LOOKED_BACK - 1} looked at.",
        recurrent[furthest] >= gated + 3 and kept > 2 * recurrent[furthest],
    )


def _surprises(nets: Numbers, ranked: list[str]) -> list[Claim]:
    gated = max(mean(nets[name]["state_bytes"]) for name in ranked[:2])
    others = min(mean(nets[name]["state_bytes"]) for name in ("gla", "gated_deltanet", "transformer"))
    return [
        Claim(
            f"What remembers most is worst here, and what remembers least is first: the transformer, with "
            f"{mean(nets['transformer']['state_bytes']):,.0f} bytes, is number {ranked.index('transformer') + 1} of "
            f"{len(ranked)}, {ranked[0]} and {ranked[1]}, with at most {gated:,.0f}, are the first two. Next words of "
            "a small text ask for little memory and for a network that learns in few updates.",
            ranked[-1] == "transformer" and others > 5 * gated,
        ),
        Claim(
            f"A simple network still does: elman comes to {spread(nets['elman']['perplexity'])}, no worse than mingru "
            f"({spread(nets['mingru']['perplexity'])}), though its gradient vanishes at {nets['elman']['rate']:+.2f} "
            "nats a step.",
            not apart(nets["mingru"]["perplexity"], nets["elman"]["perplexity"]) and nets["elman"]["rate"] < -0.5,
        ),
    ]


def _table(nets: Numbers, ranked: list[str]) -> str:
    return table(
        [
            {
                "backbone": name,
                "family": FAMILIES[name],
                "test perplexity": spread(nets[name]["perplexity"]),
                "words/s, training": nets[name]["training"],
                "words/s, streaming": nets[name]["streaming"],
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
    return Chart("state", title, "state (bytes a row)", "test perplexity", series, log_x=True)


def _cost_chart(nets: Numbers) -> Chart:
    series = [Series(name, [row["training"]], [row["streaming"]], joined=False) for name, row in nets.items()]
    title = "Speed on one core: whole texts in training, word by word in use"
    x_label, y_label = "training (words/s)", "streaming (words/s)"
    return Chart("speed", title, x_label, y_label, series)
