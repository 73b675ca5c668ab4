"""How a network's belief moves as it reads, as lines of text."""

from collections.abc import Sequence

from torch import Tensor

WIDTH = 20  # characters of a full bar
LINES = 50  # at most; a longer text shows several words a line
TEXT = 28  # characters of words a line


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
