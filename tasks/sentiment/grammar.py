"""Sentences whose sentiment follows from their structure: negation turns a judgement round, contrast says which counts.

    sentence   one to three clauses in one of six forms, each of which says which clause decides
    clause     (opening) subject verb (modifier) judgement

    the acting is hardly dull                              positive: negation
    i doubt that the acting is hardly dull                 negative: negation of a negation
    the plot seemed clever but the ending felt stale       negative: what stands after "but" counts
    the music was not bad , although the plot is ugly      positive: what stands after "although" does not

One pair of negation and judgement in five is held out: train and validation never show it, and the clause that decides
a test sentence holds one, so that counting words or remembering pairs does not do. Every word of test stands in train.
"""

import random

OPENINGS = ("nobody can say that", "it is not true that", "i doubt that")
SUBJECTS = ("the plot", "the acting", "the music", "the dialogue", "the ending", "this film", "the camera work", "it")
VERBS = ("is", "was", "seemed", "felt")
GOOD = ("good", "clever", "moving", "funny", "warm", "brilliant", "fresh", "gripping", "honest", "elegant")
BAD = ("bad", "dull", "clumsy", "bland", "cold", "silly", "stale", "tedious", "fake", "ugly")
PLAIN = ("", "really", "quite", "very", "truly")
NEGATIONS = ("not", "never", "hardly", "far from", "anything but")
FORMS = (
    ("{0}", 0),
    ("{0} but {1}", 1),
    ("although {0} , {1}", 1),
    ("{0} , although {1}", 0),
    ("although {0} , {1} but {2}", 2),
    ("{0} but {1} , although {2}", 1),
)
"""Where the clauses stand, and which decides."""
SIZES = (4000, 500, 1000)  # train, validation, test

Clause = tuple[str, bool, bool]
"""Its words, whether it is positive, and whether it holds a pair that train never shows."""


def generate() -> tuple[list[tuple[str, str]], ...]:
    """Train, validation and test: different sentences with "negative" or "positive"; always the same."""
    draw = random.Random("rnnbench sentiment")
    splits: tuple[list[tuple[str, str]], ...] = ([], [], [])
    seen = set()
    while any(len(split) < size for split, size in zip(splits, SIZES, strict=True)):
        form, deciding = draw.choice(FORMS)
        clauses = [_clause(draw) for _ in range(form.count("{"))]
        text = form.format(*(words for words, _, _ in clauses))
        _, positive, decides = clauses[deciding]
        split = 2 if decides else int(len(splits[0]) >= SIZES[0])
        shown = not any(held_out for _, _, held_out in clauses)
        if (decides or shown) and text not in seen and len(splits[split]) < SIZES[split]:
            splits[split].append((text, "positive" if positive else "negative"))
            seen.add(text)
    return splits


def _clause(draw: random.Random) -> Clause:
    opening = draw.choice(OPENINGS) if draw.random() < 0.15 else ""
    negation = draw.randrange(len(NEGATIONS)) if draw.random() < 0.5 else None
    modifier = draw.choice(PLAIN) if negation is None else NEGATIONS[negation]
    good, judgement = draw.random() < 0.5, draw.randrange(len(GOOD))
    words = (opening, draw.choice(SUBJECTS), draw.choice(VERBS), modifier, (GOOD if good else BAD)[judgement])
    positive = good ^ bool(opening) ^ (negation is not None)
    held_out = negation is not None and (negation + judgement + good) % 5 == 0
    return " ".join(filter(None, words)), positive, held_out
