"""Why do gradients vanish and explode, and what helps?"""

import math

import initial
from frame import Answer, Claim, Numbers, Values, Work, apart, listing, say, table

from rnnbench.diagnostics.charts import Chart, Series

TITLE = "Why do gradients vanish and explode, and what helps?"
ASKED = (
    "The norm of dL(T)/dh(T-k) against the lag k, at initialisation, 128 units, driven by normal noise: simple "
    "networks of several initialisations and activations beside what theory says, gates, normalisation, residuals over "
    "four layers; and a relu network whose recurrence is 1.2 times the identity, trained on the adding problem with "
    "and without clipping, three seeds."
)
EXPECTED = (
    "A step multiplies the gradient by diag(phi') U. Where U keeps lengths, as a rotation does and Glorot's numbers do "
    "in the mean, the mean-field rate is half the logarithm of the mean of phi' squared: tanh loses what it saturates, "
    "relu a half each step. Gates that stay open, linear recurrences near the unit circle and oscillators lose little. "
    "Residuals between layers reach over depth and leave time alone. Clipping bounds an update; it brings no gradient "
    "back."
)
ROUNDING = 2.0**-24  # of float32


def collect(work: Work) -> Numbers:
    """Rates and curves at initialisation; scores with and without clipping."""
    found: Numbers = {"simple": initial.simple(), "others": initial.others(), "stacks": initial.stacks()}
    clipped: dict[str, Values] = {"none": [], "1": []}
    for trial in work.sweep("2_clipping"):
        found["chance"] = trial.record.facts["chance"]
        limit = trial.setting("trainer.gradient_clip")
        clipped["none" if limit is None else "1"].append(trial.score)
    names = ",".join(dict.fromkeys(name for name, _ in initial.OTHERS.values()))
    work.commands[:0] = [
        "rnnbench diagnose backbone=elman backbone.recurrence=orthogonal,glorot,identity backbone.activation=tanh,relu",
        f"rnnbench diagnose backbone={names} backbone.hidden_size={initial.UNITS}",
        f"rnnbench diagnose backbone=lstm backbone.forget_bias=0,1,4 backbone.hidden_size={initial.UNITS}",
    ]
    return {**found, "clipping": clipped}


def answer(numbers: Numbers) -> Answer:
    """The page."""
    seen = [_vanishing(numbers["simple"]), _theory_holds(numbers["simple"]), *_helps(numbers)]
    figures = [_theory(numbers["simple"]), _others(numbers)]
    return Answer(seen, _surprises(numbers), [_rates(numbers), _clips(numbers["clipping"])], figures)


def _vanishing(simple: Numbers) -> Claim:
    glorot = simple["glorot tanh"]
    return Claim(
        f"They vanish by multiplication: elman with tanh and Glorot's initialisation multiplies the gradient by "
        f"{math.exp(glorot['rate']):.2f} a step, and over 99 steps by {glorot['left_at_100']:.0e}. Float32 can add up "
        f"nothing below {ROUNDING:.0e} of a sum.",
        glorot["left_at_100"] < ROUNDING,
    )


def _theory_holds(simple: Numbers) -> Claim:
    worst = max(abs(row["rate"] / row["theory"] - 1) for name, row in simple.items() if "identity" not in name)
    return Claim(
        f"Where the recurrence is a rotation or Glorot's, the measured rate is within {worst:.1%} of the theory's.",
        worst < 0.05,
    )


def _helps(numbers: Numbers) -> list[Claim]:
    simple, others, clipping = numbers["simple"], numbers["others"], numbers["clipping"]
    ranked = sorted(others, key=lambda name: others[name]["rate"])
    bias = {bias: others[f"lstm (forget bias {bias})"]["rate"] for bias in "014"}
    return [
        Claim(
            "What helps, in the order of the rate a step (nats): "
            + listing({name: f"{others[name]['rate']:+.4f}" for name in ranked})
            + f"; without gates, {simple['glorot tanh']['rate']:+.3f}.",
            all(others[name]["rate"] > simple["glorot tanh"]["rate"] for name in others),
        ),
        Claim(
            f"A gate helps as far as it is open: a forget bias of 0, 1 and 4 gives an lstm rates of {bias['0']:+.3f}, "
            f"{bias['1']:+.3f} and {bias['4']:+.3f}.",
            bias["0"] < bias["1"] - 0.05 and bias["1"] < bias["4"] - 0.05,
        ),
        Claim(
            f"Clipping keeps training from going wrong: with a recurrence of 1.2 times the identity the test error is "
            f"{_span(clipping['1'])} with it and {_span(clipping['none'])} without (who always says the mean has "
            f"{say(numbers['chance'])}).",
            apart(clipping["1"], clipping["none"]),
        ),
        Claim(
            f"Nor does it do more: the best clipped seed is still at {min(clipping['1']) / numbers['chance']:.0%} of "
            "that error.",
            min(clipping["1"]) > 0.5 * numbers["chance"],
        ),
    ]


def _span(values: Values) -> str:
    there = sorted(value for value in values if value is not None)
    return f"{say(there[0])} to {say(there[-1])}"


def _surprises(numbers: Numbers) -> list[Claim]:
    simple, stacks = numbers["simple"], numbers["stacks"]
    still, relu, norm = simple["identity tanh"], simple["identity relu"], numbers["others"]["layernorm_lstm"]["rate"]
    bare, residual, both = (stacks[name]["rate"] for name in initial.STACKS)
    tanh, glorot = simple["orthogonal tanh"], simple["glorot tanh"]
    return [
        Claim(
            f"Residuals around four layers make the gradient through time vanish faster, {residual:+.3f} instead of "
            f"{bare:+.3f} a step, and norms do not mend it ({both:+.3f}): the upper layers read larger sums, and tanh "
            "saturates.",
            residual < bare - 0.05 and both < bare - 0.05,
        ),
        Claim(
            f"A rotation does no better than Glorot's numbers once tanh saturates: {tanh['rate']:+.3f} and "
            f"{glorot['rate']:+.3f} a step.",
            abs(tanh["rate"] - glorot["rate"]) < 0.05,
        ),
        Claim(
            f"The identity with tanh loses {still['rate']:+.3f} a step where the theory, which lets units mix, says "
            f"{still['theory']:+.3f}: what a saturated unit has lost no other unit brings back. With relu it loses "
            f"{relu['rate']:+.3f}: noise of mean zero shuts a unit at times.",
            still["rate"] < 1.3 * still["theory"] and -0.05 < relu["rate"] < -0.005,
        ),
        Claim(
            f"Norms within the recurrence can overshoot: layernorm_lstm has {norm:+.4f} a step, a gradient that grows.",
            norm > 0.01,
        ),
    ]


def _rates(numbers: Numbers) -> str:
    groups = [numbers["simple"], numbers["others"], {f"elman, 4 layers, {k}": v for k, v in numbers["stacks"].items()}]
    return table(
        [
            {
                "network": name,
                "rate (nats a step)": f"{row['rate']:+.4f}",
                "theory": f"{row['theory']:+.4f}" if "theory" in row else None,
                "left after 99 steps": f"{row['left_at_100']:.1e}",
            }
            for group in groups
            for name, row in group.items()
        ]
    )


def _clips(clipping: Numbers) -> str:
    rows = [
        {"clip": key, "test mean squared error of each seed": ", ".join(map(say, clipping[key]))} for key in clipping
    ]
    return table(rows)


def _theory(simple: Numbers) -> Chart:
    lags = list(range(1, initial.LOOK.steps + 1))
    series = []
    for name, row in simple.items():
        series.append(Series(f"{name}, measured", lags, row["relative_norm"]))
        series.append(Series("", lags, [math.exp(row["theory"] * (lag - 1)) for lag in lags], dashed=True))
    return _chart("theory", "Simple networks: measured, and mean-field theory (dashed)", series)


def _others(numbers: Numbers) -> Chart:
    lags = list(range(1, initial.LOOK.steps + 1))
    shown = {"elman (glorot tanh)": numbers["simple"]["glorot tanh"], **numbers["others"]}
    series = [Series(name, lags, row["relative_norm"]) for name, row in shown.items()]
    return _chart("helps", "What helps: gates, norms, oscillators, linear recurrences", series)


def _chart(name: str, title: str, series: list[Series]) -> Chart:
    y_label = "norm of dL(T)/dh(T-k), of that at lag 1"
    return Chart(name, title, "lag k (steps before the output)", y_label, series, log_y=True)
