"""What do they do in language?"""

import itertools

import torch
from frame import Answer, Claim, Numbers, Trial, Work, table

from rnnbench.diagnostics.charts import Chart, Heat, Series
from rnnbench.learners.base import Sampling
from rnnbench.loading import load_trained

TITLE = "What do they do in language?"
ASKED = (
    "The next words that the best network of question 1 expects after some beginnings, as its odds; what an LSTM that "
    "classifies generated sentences thinks of one after each of its words; and where the GRU of question 7 that "
    "translates numbers looks when it says a word."
)
EXPECTED = (
    "Articles are followed by nouns, and what was said at the beginning of a phrase still counts at its end. A "
    "negation turns the verdict round when the judgement comes, and a contrast when its clause comes. Attention goes "
    "along with the words, and crosses over where the languages order them differently."
)
PROMPTS = ("The value of the", "A class is a", "If the expression is", "Python is")
NOUNLESS = ("the", "a", "an", "is", "of", "and", "to")  # no such word follows an article
SENTENCES = {
    "the acting is dull": False,
    "the acting is hardly dull": True,
    "i doubt that the acting is hardly dull": False,
    "the plot seemed clever but the ending felt stale": False,
    "although the plot seemed clever , the ending felt stale": False,
    "the plot seemed clever , although the ending felt stale": True,
}
"""And whether the grammar that they are made by says positive."""
TRANSLATED = "seventy-six thousand, four hundred and ninety-one"
RIGHT = "soixante-seize mille quatre cent quatre-vingt-onze"
TOP = 5


def collect(work: Work) -> Numbers:
    """Odds after prompts; the odds of `positive` after each word; attention."""
    trials = [trial for trial in work.sweep("1_recurrent") if trial.score is not None]
    best = min(trials, key=lambda trial: trial.score or float("inf"))
    (judge,) = work.sweep("9_sentiment")
    (translator,) = [trial for trial in work.sweep("7_shapes") if trial.record.facts["task"] == "translation"]
    work.commands += [f'rnnbench sample RUN --prompt "{prompt}"' for prompt in PROMPTS]
    return {
        "network": best.setting("backbone.name"),
        "perplexity": best.score,
        "odds": _odds(best),
        "accuracy": judge.score,
        "traces": _traces(judge),
        "translation": _attention(translator),
    }


@torch.no_grad()
def _odds(trial: Trial) -> Numbers:
    learner = load_trained(trial.record)
    found = {}
    for prompt in PROMPTS:
        outputs, _ = learner(learner.task.encode(prompt).inputs)
        probability, number = outputs[0, -1].softmax(-1).topk(TOP)
        words = learner.task.vocabulary.decode(number.tolist())  # pyright: ignore[reportAttributeAccessIssue]
        found[prompt] = dict(zip(words, probability.tolist(), strict=True))
    return found


def _traces(trial: Trial) -> Numbers:
    learner = load_trained(trial.record)
    found = {}
    for sentence in SENTENCES:
        trace = learner.predict(learner.task.encode(sentence), Sampling()).trace
        assert trace is not None
        found[sentence] = trace[0].softmax(-1)[:, 1].tolist()
    return found


def _attention(trial: Trial) -> Numbers:
    learner = load_trained(trial.record)
    batch = learner.task.encode(TRANSLATED)
    prediction = learner.predict(batch, Sampling())
    assert prediction.attention is not None
    source, target = learner.task.sides  # pyright: ignore[reportAttributeAccessIssue]
    read, said = source.names(batch.inputs[0].tolist()), target.names(prediction.hypotheses[0])
    return {
        "text": target.decode(prediction.hypotheses[0]),
        "read": list(read),
        "said": [*said, "(end)"],
        "attention_ST": prediction.attention[0].tolist(),
    }


def answer(numbers: Numbers) -> Answer:
    """The page."""
    seen = [_turned(numbers), _expected(numbers), *_looks(numbers["translation"])]
    figures = [_trace_chart(numbers["traces"]), _attention_chart(numbers["translation"])]
    tables = ["Odds of the next word:", _odds_table(numbers["odds"]), "Odds of *positive* after each word:"]
    return Answer(seen, _surprises(numbers["traces"]), [*tables, _trace_table(numbers["traces"])], figures)


def _turned(numbers: Numbers) -> Claim:
    traces = numbers["traces"]
    right = [sentence for sentence, positive in SENTENCES.items() if (traces[sentence][-1] > 0.5) == positive]
    plain, negated, twice = (traces[sentence][-1] for sentence in list(SENTENCES)[:3])
    return Claim(
        f"They follow structure where the task asks for it: 'the acting is dull' is positive with {plain:.0%}, 'hardly "
        f"dull' with {negated:.0%}, and 'i doubt that the acting is hardly dull' with {twice:.0%}. Of "
        f"{len(SENTENCES)} such sentences, half of them with a contrast, {len(right)} end as the grammar says "
        f"(accuracy on test {numbers['accuracy']:.3f}).",
        plain < 0.1 and negated > 0.9 and twice < 0.1 and len(right) == len(SENTENCES),
    )


def _expected(numbers: Numbers) -> Claim:
    after = [words for prompt, words in numbers["odds"].items() if prompt.split()[-1] in ("the", "a")]
    firsts = [max(words, key=lambda word: words[word]) for words in after]
    surest = max(share for words in numbers["odds"].values() for share in words.values())
    return Claim(
        "Of free text they know what kind of word comes, seldom which: after an article the best network of question "
        f"1 ({numbers['network']}, test perplexity {numbers['perplexity']:.1f}) expects a noun first ("
        + ", ".join(f"'{word}'" for word in firsts)
        + f"), and in none of {len(numbers['odds'])} places is it surer of a word than {surest:.0%}.",
        not any(word in NOUNLESS for words in after for word in words) and surest < 0.5,
    )


def _looks(found: Numbers) -> list[Claim]:
    weights_ST, said, read = found["attention_ST"][:-1], found["said"], found["read"]
    furthest = [max(range(len(read)), key=lambda place: row[place]) for row in weights_ST]
    onward = sum(b >= a for a, b in itertools.pairwise(furthest))
    twice = [place for place, word in enumerate(said[:-1]) if word == "quatre"]
    places = [(read[furthest[place]], weights_ST[place][furthest[place]]) for place in twice]
    return [
        Claim(
            f"'{TRANSLATED}' becomes '{found['text']}', word for word: in {onward} of {len(furthest) - 1} steps "
            "attention stays or goes on.",
            found["text"] == RIGHT and onward >= 0.7 * (len(furthest) - 1),
        ),
        Claim(
            "It looks at meaning: 'quatre' is said twice, "
            + " and ".join(f"for '{word}' ({share:.0%})" for word, share in places)
            + ".",
            [word for word, _ in places] == ["four", "ninety"] and all(share > 0.5 for _, share in places),
        ),
    ]


def _surprises(traces: Numbers) -> list[Claim]:
    first = traces["the acting is dull"]
    swing = max(first[:-1]) - min(first[:-1])
    return [
        Claim(
            f"The verdict moves before there is anything to judge: along 'the acting is' it runs from "
            f"{min(first[:-1]):.0%} to {max(first[:-1]):.0%} positive. No loss was ever asked there: only the end of a "
            "sentence counts in training.",
            swing > 0.1,
        )
    ]


def _odds_table(odds: Numbers) -> str:
    rows = [
        {"after": prompt, "next words": ", ".join(f"{word} {share:.0%}" for word, share in words.items())}
        for prompt, words in odds.items()
    ]
    return table(rows)


def _trace_table(traces: Numbers) -> str:
    rows = [
        {
            "sentence": " ".join(f"{word} ({share:.0%})" for word, share in zip(sentence.split(), shares, strict=True)),
            "the grammar says": "positive" if SENTENCES[sentence] else "negative",
        }
        for sentence, shares in traces.items()
    ]
    return table(rows)


def _trace_chart(traces: Numbers) -> Chart:
    series = [Series(name, list(range(1, len(shares) + 1)), shares) for name, shares in traces.items()]
    return Chart("traces", "What a sentence sounds like after each of its words", "word", "odds of positive", series)


def _attention_chart(found: Numbers) -> Heat:
    read, said = found["read"], found["said"]
    columns = [[row[place] for row in reversed(found["attention_ST"])] for place in range(len(read))]
    return Heat(
        "attention",
        "Where a translator looks when it says a word",
        "read",
        "said, from top to bottom",
        {"": columns},
        (0.5, len(read) + 0.5),
        (0.5, len(said) + 0.5),
        x_names=read,
        y_names=said[::-1],
        shade="share of attention",
    )
