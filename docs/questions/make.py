"""Answers the questions: runs what is missing, writes numbers, figures and pages, and checks that the text holds.

    python docs/questions/make.py                 what `make answers` does
    python docs/questions/make.py --only 1,3      some of them
    python docs/questions/make.py --check         the pages against the numbers that lie beside them; runs nothing
    python docs/questions/make.py --pages         the pages anew from those numbers, where their text has changed
    python docs/questions/make.py --only 8 --tried FOLDER trainer.max_epochs=1    try at a tiny size; pages into FOLDER

Ends with 1, and names the sentences, where numbers no longer bear out what a page says; such a page is not written.
"""

import argparse
import importlib
import io
import json
import sys
import textwrap
from pathlib import Path
from typing import Any

from frame import Answer, Claim, Numbers, Work
from PIL import Image

from rnnbench.diagnostics.drawing import draw
from rnnbench.storage import files

HERE = Path(__file__).resolve().parent
QUESTIONS = {
    1: "recurrence", 2: "gradients", 3: "truncation", 4: "architectures", 5: "depth",
    6: "overfitting", 7: "shapes", 8: "memory", 9: "language", 10: "tuning",
}  # fmt: skip
WIDTH = 120
COLORS = 128
INDEX = """# Questions about recurrent networks, answered by experiments

`make answers` trains what is asked for (`conf/experiment/questions/`), measures, draws, and writes these pages: what
was expected, what was seen, where it surprised. Every number in a sentence stands in the JSON file beside its page,
and every sentence has a condition on those numbers: one that no longer holds is named, and its page is not written. ±
is half of what lies between the least and the largest of the seeds. All data is generated or comes with Python; the
text is Python's own documentation, which differs a little from one version of Python to the next."""


def main() -> int:
    """Makes or checks the answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(map(str, QUESTIONS)), help="numbers of questions")
    parser.add_argument("--check", action="store_true", help="run nothing, write nothing")
    parser.add_argument("--pages", action="store_true", help="run nothing, write pages and figures")
    parser.add_argument("--tried", type=Path, metavar="FOLDER", help="pages and numbers of a try; claims are not held")
    parser.add_argument("overrides", nargs="*")
    arguments = parser.parse_args()
    folder = arguments.tried or HERE
    wrong = []
    for number in map(int, arguments.only.split(",")):
        name = f"{number}-{QUESTIONS[number]}"
        module = importlib.import_module(f"question_{number}")
        if arguments.check:
            wrong += check(HERE, name, module)
        elif arguments.pages:
            wrong += write(HERE, name, module, numbers_of(HERE, name), held=True)
        else:
            wrong += make(folder, name, module, arguments.overrides)
    if not arguments.check:
        files.write_text(folder / "README.md", index(folder), durable=False)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong and not arguments.tried else 0


def make(folder: Path, name: str, module: Any, overrides: list[str]) -> list[str]:
    """Runs what a question needs and writes its numbers, figures and page; returns what does not hold."""
    print(f"question {name}: {module.TITLE}", flush=True)
    work = Work(overrides)
    numbers = {**module.collect(work), "commands": work.commands}
    files.write_json(folder / f"{name}.json", numbers, durable=False)
    return write(folder, name, module, numbers, held=not overrides)


def write(folder: Path, name: str, module: Any, numbers: Numbers, held: bool) -> list[str]:
    """Writes figures and page; not where the text does not hold."""
    found = module.answer(numbers)
    wrong = not_borne_out(name, found)
    if not wrong or not held:
        for figure in found.figures:
            files.write_bytes(folder / f"images/{name}-{figure.name}.png", small(draw(figure)), durable=False)
        files.write_text(folder / f"{name}.md", page(name, module, numbers, found), durable=False)
    return wrong


def check(folder: Path, name: str, module: Any) -> list[str]:
    """What a page says that its numbers do not."""
    numbers = numbers_of(folder, name)
    found = module.answer(numbers)
    wrong = not_borne_out(name, found)
    if (folder / f"{name}.md").read_text("utf-8") != page(name, module, numbers, found):
        wrong.append(f"{name}.md is not what its numbers make; run docs/questions/make.py --only {name.split('-')[0]}")
    wrong += [
        f"{name}: no figure {figure.name}"
        for figure in found.figures
        if not (folder / f"images/{name}-{figure.name}.png").is_file()
    ]
    return wrong


def small(picture: bytes) -> bytes:
    """A PNG in few colours, since these lie in the repository."""
    written = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLORS).save(written, "PNG", optimize=True)
    return written.getvalue()


def numbers_of(folder: Path, name: str) -> Numbers:
    """The numbers that lie there."""
    return json.loads((folder / f"{name}.json").read_text("utf-8"))


def index(folder: Path) -> str:
    """The page that leads to the others: each question and the first sentence of its answer."""
    lines = []
    for number, word in QUESTIONS.items():
        name = f"{number}-{word}"
        if (folder / f"{name}.md").is_file():
            module = importlib.import_module(f"question_{number}")
            first = module.answer(numbers_of(folder, name)).seen[0].text
            lines.append(wrapped(f"{number}. [{module.TITLE}]({name}.md) {first}", "", "   "))
    return "\n\n".join([INDEX, "\n".join(lines)]) + "\n"


def not_borne_out(name: str, found: Answer) -> list[str]:
    """The sentences that the numbers do not bear out."""
    return [f"{name}: no longer so: {claim.text}" for claim in (*found.seen, *found.surprises) if not claim.holds]


def page(name: str, module: Any, numbers: Numbers, found: Answer) -> str:
    """The page, a function of the numbers."""
    number = name.split("-")[0]
    parts = [f"# {number}. {module.TITLE}", wrapped(module.ASKED), f"**Expected.** {module.EXPECTED}"]
    parts = [parts[0], parts[1], wrapped(parts[2]), "**Seen.**", listed(found.seen)]
    parts += found.tables
    parts += [f"![{figure.title}](images/{name}-{figure.name}.png)" for figure in found.figures]
    parts += ["**Where it surprised.**", listed(found.surprises)]
    commands = "\n".join(f"$ {command}" for command in numbers["commands"])
    again = f"Numbers: [{name}.json]({name}.json). To repeat, `make answers`, or by hand:"
    parts += [again, f"```console\n{commands}\n```"]
    return "\n\n".join(part for part in parts if part) + "\n"


def listed(claims: "list[Claim] | Any") -> str:
    """Claims as a list."""
    return "\n".join(wrapped(claim.text, "- ", "  ") for claim in claims)


def wrapped(text: str, first: str = "", other: str = "") -> str:
    """Text no wider than the rest of the documents."""
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=other, break_on_hyphens=False)


if __name__ == "__main__":
    sys.exit(main())
