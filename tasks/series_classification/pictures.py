"""A classified series as a picture: the series, and beneath it what was believed at each of its steps."""

from collections.abc import Sequence

from torch import Tensor

from rnnbench import Batch, Prediction, Sample
from rnnbench.pictures import png


def pictured(classes: Sequence[str], prediction: Prediction, batch: Batch, row: int) -> Sample:
    """What a network says of a row of a batch, in words and as PNG."""
    length = int(batch.lengths[row])
    belief = prediction.outputs[row].float().softmax(-1).tolist()
    choices = dict(sorted(zip(classes, belief, strict=True), key=lambda choice: -choice[1]))
    title = f"a series of {length} steps"
    text = f"class {next(iter(choices))}, and it is {classes[int(batch.targets[row])]}"
    if prediction.trace is None:
        return Sample(title, text, choices)
    picture = _picture(f"{title}: {text}", classes, batch.inputs[row, :length], prediction.trace[row, :length])
    return Sample(title, text, choices, files={"belief.png": picture})


def _picture(title: str, classes: Sequence[str], inputs_TC: Tensor, trace_TV: Tensor) -> bytes:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    above, beneath = figure.subplots(2, sharex=True)
    above.plot(inputs_TC.numpy(), linewidth=1)
    above.set_ylabel("scaled")
    beneath.plot(trace_TV.float().softmax(-1).numpy(), label=list(classes))
    beneath.set_ylabel("belief")
    beneath.set_xlabel("steps")
    beneath.set_ylim(0, 1)
    beneath.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), title="class")
    for frame in (above, beneath):
        frame.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title, fontsize=10)
    return png(figure)
