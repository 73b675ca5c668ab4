"""Sentences whose sentiment follows from their structure: negation turns a judgement round, contrast weighs two.

    sentence   clause | clause and clause | clause but clause | although clause clause
    clause     subject verb (modifier) judgement

    the acting is hardly dull                         positive: negation
    the plot seemed clever but the ending felt stale  negative: what stands after "but" counts
    although it is bland , the music was not bad      positive: what does not stand after "although" counts

Two clauses joined by "and" agree. One pair of negation and judgement in five is held out: train and validation never
show it, and the clause that decides a test sentence holds one (with "and", at least one of both), so that counting
words or remembering pairs does not do. Every word of test stands in train.
"""

import random
from collections.abc import Iterator

SUBJECTS = ("the plot", "the acting", "the music", "the dialogue", "the ending", "this film", "the camera work", "it")
VERBS = ("is", "was", "seemed", "felt")
GOOD = ("good", "clever", "moving", "funny", "warm", "brilliant", "fresh", "gripping", "honest", "elegant")
BAD = ("bad", "dull", "clumsy", "bland", "cold", "silly", "stale", "tedious", "fake", "ugly")
PLAIN = ("", "really", "quite", "very", "truly")
NEGATIONS = ("not", "never", "hardly", "far from", "anything but")
SIZES = (4000, 500, 1000)  # train, validation, test

Clause = tuple[str, bool, bool]
"""Its words, whether it is positive, and whether it holds a pair that train never shows."""


def generate() -> tuple[list[tuple[str, str]], ...]:
    """Train, validation and test: different sentences with "negative" or "positive"; always the same."""
    drawn = _sentences(random.Random("rnnbench sentiment"))
    splits: tuple[list[tuple[str, str]], ...] = ([], [], [])
    seen = set()
    while any(len(split) < size for split, size in zip(splits, SIZES, strict=True)):
        text, positive, decides, shown = next(drawn)
        split = 2 if decides else int(len(splits[0]) >= SIZES[0])
        if (decides or shown) and text not in seen and len(splits[split]) < SIZES[split]:
            splits[split].append((text, "positive" if positive else "negative"))
            seen.add(text)
    return splits


def _sentences(draw: random.Random) -> Iterator[tuple[str, bool, bool, bool]]:
    """Words, whether positive, whether a held-out pair decides, whether all pairs are shown in train."""
    while True:
        (first, positive, held), (second, verdict, decides) = _clause(draw), _clause(draw)
        form = draw.choice(("one", "and", "but", "although"))
        if form == "one":
            yield second, verdict, decides, not decides
        elif form == "but":
            yield f"{first} but {second}", verdict, decides, not (held or decides)
        elif form == "although":
            yield f"although {first} , {second}", verdict, decides, not (held or decides)
        elif positive == verdict:
            yield f"{first} and {second}", verdict, held or decides, not (held or decides)


def _clause(draw: random.Random) -> Clause:
    good = draw.random() < 0.5
    judgement = draw.randrange(len(GOOD))
    negation = draw.randrange(len(NEGATIONS)) if draw.random() < 0.5 else None
    modifier = draw.choice(PLAIN) if negation is None else NEGATIONS[negation]
    words = (draw.choice(SUBJECTS), draw.choice(VERBS), modifier, (GOOD if good else BAD)[judgement])
    held_out = negation is not None and (negation + judgement + good) % 5 == 0
    return " ".join(filter(None, words)), good != (negation is not None), held_out
