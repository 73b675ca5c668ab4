"""What a network makes of a text: its class, how sure it is, and how the belief moves as it reads."""

from collections.abc import Sequence

from torch import Tensor

from rnnbench import Sample

WIDTH = 20  # characters of a full bar
LINES = 50  # at most; a longer text shows several words a line
TEXT = 28  # characters of words a line


def text_sample(
    words: Sequence[str], logits_C: Tensor, trace_TC: Tensor | None, classes: Sequence[str], truth: int | None
) -> Sample:
    """The probabilities of the classes, and where there is a trace, how they came about.

    Args:
        words: T of them, those the network knows.
        logits_C: its outputs for the whole text.
        trace_TC: its outputs had the text ended after each word, where known.
        classes: names of the C classes.
        truth: the true class, where known.
    """
    belief_C = logits_C.float().softmax(-1)
    choice = int(belief_C.argmax())
    text = classes[choice] if truth is None else f"{classes[choice]} (truly {classes[truth]})"
    if trace_TC is not None:
        trace = trace_lines(words, trace_TC.float().softmax(-1), classes, choice)
        text += f", its probability after each word, and what was likeliest then:\n{trace}"
    odds = sorted(zip(classes, belief_C.tolist(), strict=True), key=lambda pair: -pair[1])
    return Sample(" ".join(words), text, dict(odds))


def trace_lines(words: Sequence[str], belief_TC: Tensor, classes: Sequence[str], choice: int) -> str:
    """A line for each word: the word, a bar of the probability of `choice` had the text ended there, and the class
    then most probable.

    Args:
        words: T of them.
        belief_TC: probabilities of C classes after each word.
        classes: their names.
        choice: the class whose probability is drawn.
    """
    step = -(-len(words) // LINES)
    groups = [(" ".join(words[start : start + step]), start + step) for start in range(0, len(words), step)]
    width = min(TEXT, max(len(text) for text, _ in groups))
    return "\n".join(
        f"{_shortened(text, width):<{width}} {_bar(float(belief_T[choice]))} {float(belief_T[choice]):4.0%} "
        f"{classes[int(belief_T.argmax())]}"
        for text, end in groups
        for belief_T in [belief_TC[min(end, len(words)) - 1]]
    )


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _bar(share: float) -> str:
    full = round(WIDTH * share)
    return "█" * full + "·" * (WIDTH - full)
