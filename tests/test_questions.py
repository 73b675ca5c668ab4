"""The answers of docs/questions: their text follows from the numbers beside them, and is refused where it does not."""

import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import rnnbench

FOLDER = Path(rnnbench.__file__).resolve().parent.parent / "docs/questions"
ANSWERED = sorted(FOLDER.glob("*.json"))


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module("make")
    for name in [name for name in sys.modules if name in ("make", "frame") or name.startswith("question_")]:
        del sys.modules[name]


@pytest.mark.parametrize("path", ANSWERED, ids=lambda path: path.stem)
def test_each_page_is_what_its_numbers_say(make: Any, path: Path):
    module = importlib.import_module(f"question_{path.stem.split('-')[0]}")
    assert make.check(FOLDER, path.stem, module) == []


def test_the_index_leads_to_every_page(make: Any):
    text = (FOLDER / "README.md").read_text()
    assert text == make.index(FOLDER)
    assert [path.stem for path in ANSWERED if f"({path.stem}.md)" not in text] == []


def test_seeds_lie_apart_where_no_value_of_one_reaches_the_other(make: Any):
    from frame import apart, spread  # pyright: ignore[reportMissingImports]

    assert apart([1.0, 2.0], [2.1, 3.0]) and not apart([1.0, 2.0], [2.0, 3.0]) and not apart([1.0, 2.2], [2.1, 3.0])
    assert apart([1.0], [None]) and not apart([None], [1.0]) and not apart([None], [None])
    assert spread([46.83, 47.22]) == "47.0 ± 0.2" and spread([0.5]) == "0.500" and spread([1.0, None]) == "diverged"


def question(holds_above: float) -> Any:
    from frame import Answer, Claim, table  # pyright: ignore[reportMissingImports]

    def answer(numbers: dict[str, Any]) -> Any:
        score = numbers["score"]
        return Answer([Claim(f"The score is {score}.", score > holds_above)], [], [table([{"score": score}])], [])

    return SimpleNamespace(
        TITLE="Why?", ASKED="This.", EXPECTED="That.", collect=lambda work: {"score": 0.5}, answer=answer
    )


def test_a_page_is_written_from_numbers_and_checked_against_them(make: Any, workplace: Path):
    module = question(holds_above=0.4)
    assert make.make(workplace, "1-why", module, []) == []
    page = (workplace / "1-why.md").read_text()
    assert "- The score is 0.5." in page and "| 0.500 |" in page
    assert make.check(workplace, "1-why", module) == []
    numbers = json.loads((workplace / "1-why.json").read_text())
    (workplace / "1-why.json").write_text(json.dumps({**numbers, "score": 0.45}))
    assert make.check(workplace, "1-why", module) == [
        "1-why.md is not what its numbers make; run docs/questions/make.py --only 1"
    ]


def test_a_page_whose_text_does_not_hold_is_not_written(make: Any, workplace: Path):
    assert make.make(workplace, "1-why", question(holds_above=0.6), []) == ["1-why: no longer so: The score is 0.5."]
    assert not (workplace / "1-why.md").exists() and (workplace / "1-why.json").exists()


def test_every_question_has_its_experiments_and_every_experiment_its_question():
    experiments = {path.stem for path in (FOLDER.parent.parent / "conf/experiment/questions").glob("*.yaml")}
    text = "\n".join(path.read_text() for path in FOLDER.glob("question_*.py"))
    assert {name for name in experiments if f'"{name}"' not in text} == set()
    assert len(list(FOLDER.glob("question_*.py"))) == 10
