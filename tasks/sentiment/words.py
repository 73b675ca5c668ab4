"""Cuts a text into words, the same way whether or not somebody has cut it before."""

import re

# n't and 's stand apart as in the Penn Treebank; words keep inner hyphens, points and commas; a run of one mark is one.
_WORD = re.compile(r"\w+(?=n't\b)|n't\b|'(?:s|m|d|re|ve|ll)\b|\w+(?:[-.,/]\w+)*|(?P<mark>[^\w\s])(?P=mark)*")


def words(text: str) -> list[str]:
    """Lower-case words and marks: "It isn't bad..." is it, is, n't, bad, ..."""
    return [found[0] for found in _WORD.finditer(text.lower().replace("’", "'"))]
