"""What does recurrence add over a feed-forward network?"""

from frame import Answer, Claim, Numbers, Work, apart, by_setting, listing, mean, say, spread, table

from rnnbench.diagnostics.charts import Chart, Series

TITLE = "What does recurrence add over a feed-forward network?"
ASKED = (
    "Next words of Python's own documentation: feed-forward networks that see the last 1, 2, 4 or 8 words side by side,"
    " against recurrent ones that see one word at a time and carry a state. 128 units each, two seeds, eight epochs."
)
EXPECTED = (
    "Each word more helps less, and a window's matrix grows with it; a recurrent network sees all the past at a "
    "constant size and beats every window."
)


def collect(work: Work) -> Numbers:
    """Test perplexities and parameters."""
    windows, recurrent = work.sweep("1_windows"), work.sweep("1_recurrent")
    keys = {"windows": lambda t: t.setting("backbone.window"), "recurrent": lambda t: t.setting("backbone.name")}
    return {
        name: {
            "perplexity": by_setting(trials, keys[name]),
            "parameters": by_setting(trials, keys[name], lambda t: t.result("parameters")),
        }
        for name, trials in (("windows", windows), ("recurrent", recurrent))
    }


def answer(numbers: Numbers) -> Answer:
    """The page."""
    windows, nets = numbers["windows"]["perplexity"], numbers["recurrent"]["perplexity"]
    best_window = min(windows, key=lambda window: mean(windows[window]))
    best_net = min(nets, key=lambda net: mean(nets[net]))
    seen = [
        Claim(
            f"A state: the best recurrent network, {best_net}, has a perplexity of {spread(nets[best_net])}, the best "
            f"window, {best_window} words, {spread(windows[best_window])}.",
            apart(nets[best_net], windows[best_window]),
        ),
        *_windows(windows, best_window),
        _sizes(numbers, best_net),
    ]
    return Answer(seen, _surprises(windows, nets, best_window), [_table(numbers)], [_figure(windows, nets)])


def _windows(windows: Numbers, best: str) -> list[Claim]:
    return [
        Claim(
            f"A second word brings the perplexity from {spread(windows['1'])} to {spread(windows['2'])}, two more to "
            f"{spread(windows['4'])}.",
            apart(windows["2"], windows["1"])
            and mean(windows["1"]) - mean(windows["2"]) > 2 * abs(mean(windows["2"]) - mean(windows["4"])),
        ),
        Claim(
            f"After {best} words more do harm: with 8 the perplexity is {spread(windows['8'])}; a wider matrix is more "
            "to learn than this text teaches.",
            apart(windows[best], windows["8"]),
        ),
    ]


def _sizes(numbers: Numbers, best: str) -> Claim:
    sizes, own = numbers["windows"]["parameters"], mean(numbers["recurrent"]["parameters"][best])
    wide, narrow = mean(sizes["8"]), mean(sizes["1"])
    return Claim(
        f"A window of 8 words has {say(wide / narrow)} times the parameters of one of 1, most of which are the "
        f"vocabulary's; {best}, for a past of any length, has {say(own / narrow)} times as many.",
        own < wide,
    )


def _surprises(windows: Numbers, nets: Numbers, best_window: str) -> list[Claim]:
    return [
        Claim(
            f"A state alone does not do: elman, which has one, comes to {spread(nets['elman'])}, no better than a "
            f"window of {best_window} words ({spread(windows[best_window])}). It is gates that make the state worth "
            f"having: {listing({name: spread(nets[name]) for name in ('lstm', 'gru')})}.",
            not apart(nets["elman"], windows[best_window])
            and apart(nets["gru"], nets["elman"])
            and apart(nets["lstm"], nets["elman"]),
        )
    ]


def _table(numbers: Numbers) -> str:
    rows = []
    for group, name in (("windows", "feed-forward, window of {}"), ("recurrent", "{}")):
        found = numbers[group]
        for key, values in found["perplexity"].items():
            size = int(mean(found["parameters"][key]))
            rows.append({"network": name.format(key), "test perplexity": spread(values), "parameters": size})
    return table(rows)


def _figure(windows: Numbers, nets: Numbers) -> Chart:
    steps = [int(window) for window in windows]
    series = [Series("feed-forward, a window of words", steps, [mean(values) for values in windows.values()])]
    series += [
        Series(f"{net}, all words so far", [steps[0], steps[-1]], [mean(values)] * 2) for net, values in nets.items()
    ]
    return Chart(
        "windows", "Test perplexity against the window", "window (words)", "test perplexity", series, log_x=True
    )
