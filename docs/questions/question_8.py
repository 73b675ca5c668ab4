"""How long is long-term memory?"""

from frame import Answer, Claim, Numbers, Trial, Values, Work, listing, mean, spread, table

from rnnbench.diagnostics.charts import Chart, Series

TITLE = "How long is long-term memory?"
ASKED = (
    "Copying two symbols after a lag, adding the two marked of many numbers, recalling the value that stood beside a "
    "key: the same training for each length, 64 units, two seeds (of recall one), scored as the share of what can be "
    "gained over a network without memory. Beside it the horizon and the gradient that the diagnostics find at "
    "initialisation and after training."
)
EXPECTED = (
    "elman ends after some ten steps, gates after some tens, lru, whose eigenvalues begin near the unit circle, last; "
    "in the order in which the horizon at initialisation puts them. Recall asks for a matrix state (deltanet)."
)
PROBLEMS = {"copy": "8_copy", "adding": "8_adding", "recall": "8_recall"}
LEARNT = 0.5  # of what can be gained, by every seed
LOOKED_AT = 100  # steps of the adding problem whose networks are diagnosed


def collect(work: Work) -> Numbers:
    """Gained shares of each seed by problem, backbone and length; horizons by backbone."""
    found: Numbers = {"gained": {}, "horizon": {}}
    for problem, name in PROBLEMS.items():
        trials = work.sweep(name)
        gained = found["gained"][problem] = {}
        for trial in trials:
            by_length = gained.setdefault(trial.setting("backbone.name"), {})
            by_length.setdefault(str(trial.setting("task.length")), []).append(_gained(trial))
        if problem == "adding":
            looked = [t for t in trials if (t.setting("task.length"), t.setting("seed")) == (LOOKED_AT, 0)]
            found["horizon"] = {trial.setting("backbone.name"): _look(work, trial) for trial in looked if trial.score}
    return found


def _gained(trial: Trial) -> float:
    """1 for a perfect score, 0 for that of a network without memory; a diverged one has gained nothing."""
    chance, score = trial.record.facts["chance"], trial.score
    perfect = 0.0 if trial.record.facts["direction"] == "min" else 1.0
    return 0.0 if score is None else max(0.0, (chance - score) / (chance - perfect))


def _look(work: Work, trial: Trial) -> Numbers:
    folder = str(trial.record.folder)
    numbers = work.diagnose(folder, "--steps", str(LOOKED_AT), "--rows", "8", "--lengths", str(LOOKED_AT))
    return {
        when: {
            "horizon": numbers[when]["memory_horizon"]["horizon"] or 0,
            "rate": numbers[when]["gradient_through_time"]["log_rate_a_step"],
            "fallen_at": numbers[when]["gradient_through_time"]["fallen_100_times_at_lag"],
        }
        for when in ("at initialisation", "trained")
    }


def longest_learnt(by_length: dict[str, Values]) -> int:
    """The largest length at which every seed gained more than half; 0 where none is."""
    return max((int(length) for length, seeds in by_length.items() if min(map(_share, seeds)) > LEARNT), default=0)


def _share(value: float | None) -> float:
    return value or 0.0


def answer(numbers: Numbers) -> Answer:
    """The page."""
    gained, horizon = numbers["gained"], numbers["horizon"]
    reach = {
        problem: {name: longest_learnt(lengths) for name, lengths in nets.items()} for problem, nets in gained.items()
    }
    seen = [_copy(reach["copy"]), _adding(reach["adding"]), _recall(gained["recall"]), _before(horizon)]
    tables = [*(_table(problem, nets) for problem, nets in gained.items()), _horizons(horizon)]
    figures = [_figure(problem, nets) for problem, nets in gained.items()]
    return Answer(seen, _surprises(reach, horizon), tables, figures)


def _copy(reach: dict[str, int]) -> Claim:
    return Claim(
        "It depends on what is to be remembered. Two symbols were copied, in every seed, over up to "
        f"{_steps(reach, 'by')} (0: none).",
        reach["elman"] < reach["lstm"] < reach["gru"] <= reach["lru"],
    )


def _adding(reach: dict[str, int]) -> Claim:
    return Claim(
        f"Two marked numbers were added among up to {_steps(reach, 'by')}.",
        reach["gru"] > reach["lstm"] >= reach["elman"] and reach["gru"] > reach["lru"],
    )


def _steps(reach: dict[str, int], word: str) -> str:
    first, *others = reach.items()
    return ", ".join([f"{first[1]} steps {word} {first[0]}", *(f"{steps} {word} {name}" for name, steps in others)])


def _recall(nets: Numbers) -> Claim:
    worst = min(mean(seeds) for seeds in nets["deltanet"].values())
    vectors = {name: max(mean(seeds) for seeds in lengths.values()) for name, lengths in nets.items()}
    del vectors["deltanet"]
    return Claim(
        f"Recall is another thing: deltanet, which stores a value under its key in a matrix, gains {worst:.2f} at "
        f"every length; of those with a vector as state the best of any length is "
        + listing({name: f"{share:.2f}" for name, share in vectors.items()})
        + ".",
        worst > 0.99 > max(vectors.values()),
    )


def _before(horizon: Numbers) -> Claim:
    when = "at initialisation"
    steps = {name: row[when]["horizon"] for name, row in horizon.items()}
    return Claim(
        f"Before any training, a linear readout of the state reaches back {_steps(steps, 'in')}.",
        steps["lru"] > 2 * max(steps["gru"], steps["lstm"]),
    )


def _surprises(reach: dict[str, dict[str, int]], horizon: Numbers) -> list[Claim]:
    gru, lru, elman = (horizon[name]["at initialisation"] for name in ("gru", "lru", "elman"))
    after = horizon["gru"]["trained"]
    return [
        Claim(
            f"The horizon at initialisation does not foretell what is learnt. elman has one of {elman['horizon']} "
            f"steps and learns neither to copy nor to add, gru one of {gru['horizon']}, with a gradient that has "
            f"fallen 100 times by lag {gru['fallen_at']}, and learns to copy over {reach['copy']['gru']} steps and to "
            f"add over {reach['adding']['gru']}: training opens its gates (the gradient's rate goes from "
            f"{gru['rate']:+.3f} to {after['rate']:+.3f} a step).",
            elman["horizon"] > gru["horizon"]
            and max(reach["copy"]["elman"], reach["adding"]["elman"]) == 0
            and min(reach["copy"]["gru"], reach["adding"]["gru"]) > 2 * gru["fallen_at"]
            and after["rate"] > gru["rate"] + 0.1,
        ),
        Claim(
            f"Nor is holding enough: lru, with {lru['horizon']} steps, copies as far as any ({reach['copy']['lru']}) "
            f"and adds over {reach['adding']['lru'] or 'no'} steps. It keeps what it is given and has no gate to "
            "choose by the mark what that should be.",
            reach["copy"]["lru"] >= max(reach["copy"].values()) and reach["adding"]["lru"] < reach["adding"]["gru"],
        ),
    ]


def _table(problem: str, nets: Numbers) -> str:
    return table(
        [
            {f"{problem}, gained": name, **{f"{length} steps": spread(seeds) for length, seeds in lengths.items()}}
            for name, lengths in nets.items()
        ]
    )


def _horizons(horizon: Numbers) -> str:
    return table(
        [
            {
                f"adding over {LOOKED_AT} steps": name,
                "horizon at initialisation": row["at initialisation"]["horizon"],
                "trained": row["trained"]["horizon"],
                "gradient at initialisation (nats a step)": f"{row['at initialisation']['rate']:+.4f}",
                "trained (nats a step)": f"{row['trained']['rate']:+.4f}",
            }
            for name, row in horizon.items()
        ]
    )


def _figure(problem: str, nets: Numbers) -> Chart:
    series = [
        Series(name, [int(length) for length in lengths], [mean(seeds) for seeds in lengths.values()])
        for name, lengths in nets.items()
    ]
    title = f"{problem}: what was gained over no memory"
    return Chart(problem, title, "length (steps)", "share of what can be gained", series, log_x=True)
