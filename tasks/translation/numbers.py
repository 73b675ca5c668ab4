"""Numbers in words, in two languages: "two hundred and eighty-one" is "deux cent quatre-vingt-un".

Above zero and below a million; each length from one digit to six is as likely as another as long as there are any. No
number stands in two splits.
"""

import functools
import itertools
import random
from typing import Any

SIZES = (5000, 500, 1000)  # train, validation, test
LANGUAGES = ("de", "en", "es", "fr", "it", "nl", "pt", "sv")
DIGITS = 6

Pair = tuple[str, str]
"""A text and its translation."""


def generate(source: str, target: str) -> tuple[list[Pair], ...]:
    """Train, validation and test, always the same."""
    dice = random.Random("rnnbench translation")
    numbers: dict[int, None] = {}
    while len(numbers) < sum(SIZES):
        digits = dice.randint(1, DIGITS)
        numbers[dice.randrange(10 ** (digits - 1), 10**digits)] = None
    order = list(numbers)
    dice.shuffle(order)
    pairs = [(_in_words(number, source), _in_words(number, target)) for number in order]
    borders = [sum(SIZES[:split]) for split in range(4)]
    return tuple(pairs[start:end] for start, end in itertools.pairwise(borders))


@functools.cache
def _in_words(number: int, language: str) -> str:
    """A number in words. All of them take a second, and the trials of a sweep ask for the same ones."""
    from num2words import num2words as library

    num2words: Any = library
    return num2words(number, lang=language)
