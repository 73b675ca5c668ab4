"""What is hard in training them, and what does tuning buy?"""

from collections.abc import Iterator

from frame import Answer, Claim, Numbers, Values, Work, mean, say, table

from rnnbench.diagnostics.charts import Heat

TITLE = "What is hard in training them, and what does tuning buy?"
ASKED = (
    "A simple relu network of 32 units on the adding problem of 20 steps, four epochs: six learning rates, three ways "
    "of clipping and three sizes of the recurrent weights, two seeds, 108 trainings. Where does training work?"
)
EXPECTED = (
    "A valley: too low a rate learns nothing in the time, too high a rate diverges; recurrent weights of the identity "
    "work over the widest range, larger ones explode unless clipped; clipping moves the edge to higher rates."
)
DEFAULT = ("1.0", "1.0", "0.001")


def collect(work: Work) -> Numbers:
    """Test errors of each seed by clip, gain and learning rate; None where training diverged."""
    found: Numbers = {}
    for trial in work.sweep("10_map"):
        clip, gain = str(trial.setting("trainer.gradient_clip")), str(trial.setting("backbone.gain"))
        rates = found.setdefault("error", {}).setdefault(clip, {}).setdefault(gain, {})
        rates.setdefault(str(trial.setting("optimizer.learning_rate")), []).append(trial.score)
        found["chance"] = trial.record.facts["chance"]
    return found


def answer(numbers: Numbers) -> Answer:
    """The page."""
    errors, chance = numbers["error"], numbers["chance"]
    works = {cell: _works(seeds, chance) for cell, seeds in _cells(errors)}
    seen = [_share(works, chance), _clips(works), _gains(works), _tuning(errors, chance)]
    return Answer(seen, _surprises(errors, works), [_table(errors)], [_figure(errors, chance)])


def _cells(errors: Numbers) -> Iterator[tuple[tuple[str, str, str], Values]]:
    """Clip, gain and rate, with the errors of their seeds."""
    for clip, gains in errors.items():
        for gain, rates in gains.items():
            for rate, seeds in rates.items():
                yield (clip, gain, rate), seeds


def _works(seeds: Values, chance: float) -> bool:
    """Whether every seed ends below half of the error of who remembers nothing."""
    return all(error is not None and error < chance / 2 for error in seeds)


def _share(works: dict[tuple[str, str, str], bool], chance: float) -> Claim:
    return Claim(
        f"{sum(works.values())} of {len(works)} settings work: every seed ends below half of the error of who "
        f"remembers nothing ({say(chance)}).",
        0 < sum(works.values()) < len(works) / 2,
    )


def _counted(works: dict[tuple[str, str, str], bool], axis: int) -> dict[str, int]:
    """How many settings work, by their value on an axis."""
    names = dict.fromkeys(cell[axis] for cell in works)
    return {name: sum(good for cell, good in works.items() if cell[axis] == name) for name in names}


def _clips(works: dict[tuple[str, str, str], bool]) -> Claim:
    by_clip = _counted(works, 0)
    return Claim(
        f"Clipping widens the valley: of {len(works) // len(by_clip)} settings each, {by_clip['None']} work without, "
        f"{by_clip['1.0']} with gradients clipped at a norm of 1, {by_clip['0.1']} at 0.1.",
        min(by_clip["1.0"], by_clip["0.1"]) > by_clip["None"],
    )


def _gains(works: dict[tuple[str, str, str], bool]) -> Claim:
    by_gain = _counted(works, 1)
    return Claim(
        f"Recurrent weights larger than the identity narrow it: {by_gain['1.4']} of {len(works) // len(by_gain)} "
        f"settings work with 1.4 times the identity, {by_gain['1.0']} with the identity, {by_gain['0.6']} with 0.6 "
        "times.",
        by_gain["1.4"] < 0.7 * min(by_gain["1.0"], by_gain["0.6"]),
    )


def _tuning(errors: Numbers, chance: float) -> Claim:
    best = min(_cells(errors), key=lambda cell: mean(cell[1]))
    (clip, gain, rate), error = best[0], mean(best[1])
    default = mean(errors[DEFAULT[0]][DEFAULT[1]][DEFAULT[2]])
    return Claim(
        f"Tuning buys a factor of {default / error:.0f}: an error of {say(error)} with a rate of {rate}, clip {clip} "
        f"and gain {gain}, against {say(default)} at the defaults (0.001, 1 and 1).",
        default / error > 3 and error < chance / 10,
    )


def _surprises(errors: Numbers, works: dict[tuple[str, str, str], bool]) -> list[Claim]:
    lost = sum(error is None for _, seeds in _cells(errors) for error in seeds)
    count = sum(len(seeds) for _, seeds in _cells(errors))
    by_rate = _counted(works, 2)
    by_gain = _counted(works, 1)
    return [
        Claim(
            f"{lost} of {count} trainings left the finite numbers: with adaptive rates training seldom diverges, it "
            "ends in a bad place and says nothing.",
            lost < count / 10,
        ),
        Claim(
            f"No rate works everywhere: the best of them does in {max(by_rate.values())} of "
            f"{len(works) // len(by_rate)} settings, 0.1 in {by_rate['0.1'] or 'none'}.",
            max(by_rate.values()) < 0.9 * len(works) / len(by_rate) and not by_rate["0.1"],
        ),
        Claim(
            f"Weights below the identity forget by design and do as well over 20 steps: {by_gain['0.6']} settings work "
            f"with 0.6 times the identity, {by_gain['1.0']} with the identity itself.",
            by_gain["0.6"] > 0.7 * by_gain["1.0"],
        ),
    ]


def _table(errors: Numbers) -> str:
    rows = []
    for clip, gains in errors.items():
        for gain, rates in gains.items():
            cells = {f"rate {rate}": "diverged" if None in seeds else say(mean(seeds)) for rate, seeds in rates.items()}
            rows.append({"clip": clip.replace("None", "none"), "gain": gain, **cells})
    return table(rows)


def _figure(errors: Numbers, chance: float) -> Heat:
    first = next(iter(errors.values()))
    rates = list(next(iter(first.values())))
    frames = {
        f"clip {clip}".replace("None", "none"): [
            [_gained(gains[gain][rate], chance) for gain in gains] for rate in rates
        ]
        for clip, gains in errors.items()
    }
    return Heat(
        "map",
        "Where training works",
        "learning rate",
        "gain of the recurrent weights",
        frames,
        (0.5, len(rates) + 0.5),
        (0.5, len(first) + 0.5),
        x_names=rates,
        y_names=list(first),
        shade="gained over no memory",
    )


def _gained(seeds: Values, chance: float) -> float:
    return max(0.0, 1 - mean(seeds) / chance)
