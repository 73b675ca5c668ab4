"""What does back-propagation through time cost, and what does truncation lose?"""

import random
from pathlib import Path

from frame import Answer, Claim, Numbers, Trial, Work, apart, by_setting, mean, say, spread, table

from rnnbench.diagnostics.charts import Chart, Series
from rnnbench.storage import files

TITLE = "What does back-propagation through time cost, and what does truncation lose?"
ASKED = (
    "An LSTM on text in chunks of 5 to 200 steps, through which gradients flow while the state is carried on: time, "
    "memory, score. And a text in which every letter comes back 10 steps later, so that who learns it has seen 10 steps"
    " at once. Two seeds."
)
EXPECTED = (
    "Memory grows in proportion to the chunk, time for the same text falls as products grow; on real text short chunks "
    "lose little, since most of what helps is near. What lies further back than the chunk is not learnt."
)
LAG = 10
CYCLES = 6_000
LETTERS = "abcdefgh"
WITH_MEMORY, WITHOUT = 3 / (LAG + 2), 6 / (LAG + 2)  # bits a character: of 8 letters, said once or twice a word


def write_letters(path: Path) -> None:
    """A random letter, dots, the same letter again, a space; all over again."""
    generator = random.Random(0)
    words = (letter + "." * (LAG - 1) + letter + " " for letter in generator.choices(LETTERS, k=CYCLES))
    files.write_text(path, "".join(words) + "\n", durable=False)


def collect(work: Work) -> Numbers:
    """Costs and scores by the length of a chunk."""
    write_letters(Path("outputs/questions/letters.txt"))
    text, letters = work.sweep("3_bptt"), work.sweep("3_lag")
    return {
        "text": {name: by_setting(text, _chunk, lambda t, name=name: t.result(name)) for name in COSTS}
        | {"score": by_setting(text, _chunk)},
        "letters": by_setting(letters, _chunk),
    }


COSTS = ("activation_bytes", "train_seconds", "steps")


def _chunk(trial: Trial) -> int:
    return trial.setting("learner.bptt")


def answer(numbers: Numbers) -> Answer:
    """The page."""
    seen = [_lost(numbers["letters"]), *_paid(numbers["text"])]
    figures = [_costs(numbers["text"]), _lag(numbers["letters"])]
    return Answer(seen, _surprises(numbers["text"]), [_table(numbers["text"]), _letters(numbers["letters"])], figures)


def _lost(letters: Numbers) -> Claim:
    short = {chunk: values for chunk, values in letters.items() if int(chunk) < LAG}
    long = {chunk: values for chunk, values in letters.items() if int(chunk) > LAG}
    worst, best = max(map(mean, long.values())), min(map(mean, short.values()))
    return Claim(
        f"Truncation loses what lies further back than the chunk: letters {LAG} steps apart cost at most {say(worst)} "
        f"bits a character in chunks of more than {LAG} steps and at least {say(best)} in shorter ones (with memory "
        f"{say(WITH_MEMORY)}, without {say(WITHOUT)}, and more for who loses count of the dots), though the state is "
        "carried on in all.",
        all(apart(seen, unseen) for seen in long.values() for unseen in short.values())
        and best > (WITH_MEMORY + WITHOUT) / 2 > worst,
    )


def _paid(text: Numbers) -> list[Claim]:
    chunks = sorted(text["score"], key=int)
    short, long = chunks[0], chunks[-1]
    memory = mean(text["activation_bytes"][long]) / mean(text["activation_bytes"][short])
    faster = mean(text["train_seconds"][short]) / mean(text["train_seconds"][long])
    return [
        Claim(
            f"The memory that backward passes need grows {memory:.0f} times from chunks of {short} to {long} steps, for"
            f" {int(long) / int(short):.0f} times the steps.",
            0.5 < memory / (int(long) / int(short)) < 1.2,
        ),
        Claim(
            f"The same text in chunks of {long} steps is read {faster:.1f} times as fast as in chunks of {short}.",
            faster > 1.3,
        ),
    ]


def _surprises(text: Numbers) -> list[Claim]:
    scores, updates = text["score"], text["steps"]
    best = min(scores, key=lambda chunk: mean(scores[chunk]))
    long = max(scores, key=int)
    return [
        Claim(
            f"On text the shortest chunks, of {best} steps, are best after the same number of epochs "
            f"({spread(scores[best])}), those of {long} worst ({spread(scores[long])}): they make "
            f"{mean(updates[best]):,.0f} updates against {mean(updates[long]):,.0f}, and at this size of text the "
            "number of updates counts for more than what truncation loses.",
            best == min(scores, key=int)
            and all(apart(scores[best], scores[other]) for other in scores if other != best),
        )
    ]


def _table(text: Numbers) -> str:
    return table(
        [
            {
                "chunk of text (steps)": int(chunk),
                "test perplexity": spread(text["score"][chunk]),
                "activations (MiB)": mean(text["activation_bytes"][chunk]) / 2**20,
                "training (s)": mean(text["train_seconds"][chunk]),
                "updates": int(mean(text["steps"][chunk])),
            }
            for chunk in sorted(text["score"], key=int)
        ]
    )


def _letters(letters: Numbers) -> str:
    return table(
        [{"chunk of letters (steps)": int(chunk), "test bits a character": spread(letters[chunk])} for chunk in letters]
    )


def _costs(text: Numbers) -> Chart:
    chunks = sorted(text["score"], key=int)
    mebibytes = [mean(text["activation_bytes"][chunk]) / 2**20 for chunk in chunks]
    series = [Series("lstm, 128 units, 16 rows", [int(chunk) for chunk in chunks], mebibytes)]
    title = "Memory of a backward pass"
    return Chart("costs", title, "chunk (steps)", "activations (MiB)", series, log_x=True, log_y=True)


def _lag(letters: Numbers) -> Chart:
    steps = [int(chunk) for chunk in letters]
    ends = [steps[0], steps[-1]]
    series = [
        Series("lstm", steps, [mean(values) for values in letters.values()]),
        Series("who remembers the letter", ends, [WITH_MEMORY] * 2, dashed=True),
        Series("who does not", ends, [WITHOUT] * 2),
    ]
    title = f"A dependency of {LAG} steps"
    return Chart("lag", title, "chunk (steps)", "test bits a character", series, log_x=True)
