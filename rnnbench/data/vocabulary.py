"""A vocabulary: the tokens a network knows, by number."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

UNKNOWN = "<unk>"


class Vocabulary:
    """Numbers tokens from 0. Tokens outside it become `UNKNOWN`, which is always in it.

    Args:
        tokens: distinct tokens, in the order of their numbers.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = list(tokens)
        if UNKNOWN not in self.tokens:
            self.tokens.append(UNKNOWN)
        self._numbers = {token: number for number, token in enumerate(self.tokens)}
        assert len(self._numbers) == len(self.tokens), "tokens must be distinct"

    @classmethod
    def of(cls, text: Iterable[str], *, size: int | None = None, minimum_count: int = 1) -> "Vocabulary":
        """The vocabulary of a text: most frequent first, ties by spelling.

        Args:
            size: keep this many tokens at most, `UNKNOWN` included.
            minimum_count: leave out tokens that are rarer.
        """
        counts = Counter(text)
        ordered = sorted((token for token in counts if counts[token] >= minimum_count), key=lambda t: (-counts[t], t))
        if size is not None and len(ordered) + (UNKNOWN not in ordered) > size:
            ordered = [token for token in ordered if token != UNKNOWN][: size - 1]
        return cls(ordered)

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self._numbers

    def number(self, token: str) -> int:
        """The number of a token, or that of `UNKNOWN`."""
        return self._numbers.get(token, self._numbers[UNKNOWN])

    def encode(self, text: Iterable[str]) -> np.ndarray:
        """Numbers of a text, int32."""
        unknown = self._numbers[UNKNOWN]
        return np.fromiter((self._numbers.get(token, unknown) for token in text), np.int32)

    def decode(self, numbers: Iterable[int]) -> list[str]:
        """Tokens of numbers."""
        return [self.tokens[number] for number in numbers]
