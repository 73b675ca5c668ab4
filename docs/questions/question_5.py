"""How deep, how wide, one direction or two?"""

from itertools import pairwise

from frame import Answer, Claim, Numbers, Trial, Work, apart, by_setting, mean, spread, table
from speeds import speeds

from rnnbench.diagnostics.charts import Chart, Series

TITLE = "How deep, how wide, one direction or two?"
ASKED = (
    "LSTMs of 1, 2 and 4 layers at equal parameters on text, with and without residual connections, two seeds; one "
    "direction against two at equal parameters on spoken digits, four seeds: which one was said, answered at the end "
    "of a recording, and the letters of several, written down along it (CTC)."
)
EXPECTED = (
    "On little text one or two layers are enough, whatever connects them; four are harder to train in the same time. "
    "Two directions help little where the answer is read at the end, and much where each step has to be named."
)
LAYERS = ("1", "2", "4")
WAYS = {False: "one", True: "two"}


def collect(work: Work) -> Numbers:
    """Scores, widths and speeds."""
    depth, ways = work.sweep("5_depth"), work.sweep("5_directions")
    first = {_shape(trial): trial for trial in depth if trial.setting("seed") == 0}
    return {
        "depth": {
            "perplexity": by_setting(depth, _shape),
            "width": by_setting(depth, _shape, lambda t: t.setting("backbone.hidden_size")),
            "parameters": by_setting(depth, _shape, lambda t: t.result("parameters")),
            "words_per_second": speeds(first),
        },
        "directions": {
            task: by_setting([trial for trial in ways if trial.setting("task.name") == task], _ways)
            for task in ("keywords", "speech")
        },
        "width": by_setting(ways, _ways, lambda t: t.setting("backbone.hidden_size")),
    }


def _shape(trial: Trial) -> str:
    return f"{trial.setting('stack.num_layers')}{' residual' if trial.setting('stack.residual') else ''}"


def _ways(trial: Trial) -> str:
    return WAYS[trial.setting("stack.bidirectional")]


def answer(numbers: Numbers) -> Answer:
    """The page."""
    depth = numbers["depth"]
    seen = [*_deep(depth), *_both_ways(numbers["directions"])]
    tables = [_layers(depth), _directions(numbers)]
    return Answer(seen, _surprises(depth), tables, [_figure(depth["perplexity"])])


def _deep(depth: Numbers) -> list[Claim]:
    scores, widths, sizes = depth["perplexity"], depth["width"], [*map(mean, depth["parameters"].values())]
    deep, flat = depth["words_per_second"]["4"], depth["words_per_second"]["1"]
    training, streaming = (deep[kind] / flat[kind] for kind in ("training", "streaming"))
    wide = _listed([f"{mean(widths[layers]):.0f}" for layers in LAYERS])
    bare, residual = ([scores[f"{layers}{end}"] for layers in LAYERS] for end in ("", " residual"))
    return [
        Claim(
            f"Deep beats wide where residuals carry it: at {min(sizes):,.0f} to {max(sizes):,.0f} parameters 1, 2 and "
            f"4 layers, {wide} units wide, have perplexities of "
            f"{_listed([*map(spread, residual)])}.",
            max(sizes) < 1.05 * min(sizes) and all(apart(more, less) for less, more in pairwise(residual)),
        ),
        Claim(
            f"Without residuals it is the other way round: {_listed([*map(spread, bare)])}.",
            all(apart(less, more) for less, more in pairwise(bare)),
        ),
        Claim(
            f"At equal parameters depth costs little in training, {training:.2f} times the speed of one layer with "
            f"four, and more where words come one at a time, {streaming:.2f} times: steps of layers wait for one "
            "another.",
            0.6 < training < 1.4 and streaming < 0.8 * training,
        ),
    ]


def _listed(values: list[str]) -> str:
    *first, last = values
    return f"{', '.join(first)} and {last}"


def _both_ways(directions: Numbers) -> list[Claim]:
    word, letters = directions["keywords"], directions["speech"]
    return [
        Claim(
            f"Where the answer is read at the end, two directions bring nothing: accuracies of {spread(word['one'])} "
            f"with one and {spread(word['two'])} with two at the same size.",
            abs(mean(word["one"]) - mean(word["two"])) < 0.02,
        ),
        Claim(
            "Where letters are written down along the recording they do: character error rates of "
            f"{spread(letters['one'])} with one and {spread(letters['two'])} with two.",
            mean(letters["two"]) < 0.75 * mean(letters["one"]),
        ),
    ]


def _surprises(depth: Numbers) -> list[Claim]:
    scores = depth["perplexity"]
    return [
        Claim(
            "A residual costs no parameter and decides all: four layers come to "
            f"{spread(scores['4'])} without and {spread(scores['4 residual'])} with it; on one layer it does nothing "
            f"({spread(scores['1'])} and {spread(scores['1 residual'])}).",
            mean(scores["4"]) > 1.3 * mean(scores["4 residual"])
            and abs(mean(scores["1"]) - mean(scores["1 residual"])) < 0.03 * mean(scores["1"]),
        )
    ]


def _layers(depth: Numbers) -> str:
    return table(
        [
            {
                "layers": shape.split()[0],
                "residual": "yes" if "residual" in shape else "no",
                "units": int(mean(depth["width"][shape])),
                "test perplexity": spread(values),
                "words/s, training": depth["words_per_second"][shape]["training"],
                "words/s, streaming": depth["words_per_second"][shape]["streaming"],
            }
            for shape, values in depth["perplexity"].items()
        ]
    )


def _directions(numbers: Numbers) -> str:
    return table(
        [
            {
                "directions": ways,
                "units in each": int(mean(numbers["width"][ways])),
                "test accuracy, which digit": spread(numbers["directions"]["keywords"][ways]),
                "character error rate, writing": spread(numbers["directions"]["speech"][ways]),
            }
            for ways in WAYS.values()
        ]
    )


def _figure(scores: Numbers) -> Chart:
    def line(label: str, end: str) -> Series:
        shapes = [shape for shape in scores if shape.removesuffix(" residual") + end == shape]
        return Series(label, [int(shape.split()[0]) for shape in shapes], [mean(scores[shape]) for shape in shapes])

    series = [line("lstm", ""), line("lstm, residual", " residual")]
    return Chart(
        "depth", "Perplexity against depth at equal parameters", "layers", "test perplexity", series, log_x=True
    )
