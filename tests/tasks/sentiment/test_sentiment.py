import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rnnbench.tasks.sentiment import Sentiment

from rnnbench import Batch, Prediction, Sources, UserError

ROWS = [
    ("It isn't good at all", "negative"),
    ("A good film, good indeed", "positive"),
    ("a bad film", "negative"),
    ("not a bad film", "positive"),
    ("the film is so-so", "neutral"),
    ("a film", "neutral"),
]


def written(name: str, rows: list[tuple[str, str]]) -> str:
    Path(name).write_text("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in rows))
    return name


def task(**options: Any) -> Sentiment:
    paths = [written("train.csv", ROWS * 2), written("validation.csv", ROWS[:3]), written("test.csv", ROWS[2:])]
    return Sentiment(Sources(), dataset="csv", path=paths, **options)


def test_rows_become_words_and_classes():
    built = task()
    spec, test = built.spec, built.data["test"].with_format("numpy")
    assert built.corpus.classes == ["negative", "neutral", "positive"]
    found = dict(zip((" ".join(built.vocabulary.decode(row)) for row in test["inputs"]), test["targets"], strict=True))
    assert {text: built.corpus.classes[label] for text, label in found.items()} == {
        "a bad film": "negative",
        "not a bad film": "positive",
        "the film is so-so": "neutral",
        "a film": "neutral",
    }
    assert (spec.metric, spec.direction, spec.chance, spec.setting) == ("accuracy", "max", 1 / 3, "whole text")


def test_words_that_stand_in_train_once_are_unknown():
    paths = [written("train.csv", [*ROWS, ("once", "neutral")]), written("test.csv", ROWS)]
    with pytest.raises(UserError, match="'train.csv' has 7 different rows"):
        Sentiment(Sources(), dataset="csv", path=paths).splits()
    built = Sentiment(Sources(), dataset="csv", path=[paths[0], paths[1], paths[1]])
    assert built.unknown("Once, a film was good") == ["once", ",", "was"]
    assert task(vocabulary_size=3).vocabulary.tokens == ["film", "a", "<unk>"]


def test_only_the_last_words_are_kept_when_asked():
    built = task(last_words=2)
    assert built.vocabulary.decode(built.encode("not a bad film").inputs[0].tolist()) == ["bad", "film"]
    assert {len(row) for row in built.data["train"]["inputs"]} == {2}
    assert built.spec.setting == "last 2 words"
    with pytest.raises(ValueError, match="last_words must be at least 1"):
        task(last_words=0)


def test_facts_report_overlap_unknown_words_and_what_the_commonest_class_reaches():
    rows = [("A bad  FILM", "negative"), ("quite new", "positive"), ("a good new film", "positive")]
    paths = [written("train.csv", [*ROWS * 2, ("film a", "negative")]), written("test.csv", rows)]
    facts = Sentiment(Sources(), dataset="csv", path=[paths[0], paths[1], paths[1]]).facts()
    assert facts["test_in_train"] == 1
    assert (facts["test_words"], facts["test_unknown"]) == (9, 3)
    assert facts["accuracy_of_commonest"] == pytest.approx(1 / 3)
    assert (facts["train_rows"], facts["validation_rows"], facts["test_rows"]) == (13, 3, 3)


def test_accuracy_and_macro_f1_are_exact_however_the_rows_are_cut():
    generator = np.random.default_rng(0)
    said, true = generator.integers(0, 3, 101), generator.integers(0, 3, 101)
    said[true == 1] = 0  # a class that is never right
    f1 = []
    for name in range(3):
        right = ((said == name) & (true == name)).sum()
        f1.append(2 * right / ((said == name).sum() + (true == name).sum()))
    for size in (1, 7, 101):
        metrics = task().metrics()
        for start in range(0, 101, size):
            part = slice(start, start + size)
            outputs = torch.nn.functional.one_hot(torch.from_numpy(said[part]), 3) * 2.5 - 1
            for metric in metrics.values():
                metric.update(outputs, torch.from_numpy(true[part]))
        assert float(metrics["accuracy"].compute()) == pytest.approx((said == true).mean())
        assert float(metrics["macro_f1"].compute()) == pytest.approx(np.mean(f1))


def test_a_sample_shows_probabilities_and_how_the_belief_moves():
    built = task()
    batch = built.encode("not a bad film")
    beliefs = torch.tensor([[0.2, 0.3, 0.5], [0.25, 0.25, 0.5], [0.7, 0.2, 0.1], [0.05, 0.05, 0.9]]).log()
    (sample,) = built.decode(Prediction(beliefs[-1:], trace=beliefs[None]), batch)
    assert sample.title == "not a bad film"
    assert list(sample.choices) == ["positive", "negative", "neutral"]
    assert sample.choices["positive"] == pytest.approx(0.9)
    first, *trace = sample.text.split("\n")
    assert first == "positive, its probability after each word, and what was likeliest then:"
    assert [line.split()[0] for line in trace] == ["not", "a", "bad", "film"]
    assert [line.split()[-1] for line in trace] == ["positive", "positive", "negative", "positive"]
    assert trace[2].count("█") == 2  # 10 % of 20, of the class it says at last


def test_a_row_of_the_test_split_says_the_truth_and_padding_is_not_shown():
    built = task()
    numbers = torch.from_numpy(built.vocabulary.encode(["a", "film", "a"])).long()[None]
    batch = Batch(numbers, torch.tensor([1]), torch.tensor([True]), torch.tensor([2]))
    (sample,) = built.decode(Prediction(torch.eye(3)[:1]), batch)
    assert (sample.title, sample.text) == ("a film", "negative (truly neutral)")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataset": "csv"}, "task.path=FILE, or two or three files, goes with task.dataset=csv"),
        ({"dataset": "csv", "path": ["a", "b", "c", "d"]}, "task.path=FILE, or two or three files"),
        ({"path": "a.csv"}, "task.path=FILE, or two or three files, goes with task.dataset=csv, and csv with a path"),
        ({"vocabulary_size": 1}, "vocabulary_size must be at least 2"),
    ],
)
def test_options_that_make_no_sense_are_said(options: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        Sentiment(Sources(), **options)


def test_a_prompt_without_words_is_said():
    with pytest.raises(UserError, match='holds no words; give a sentence, such as --prompt "not bad at all"'):
        task().encode(" \n")


def test_a_table_is_trained_on_and_the_network_speaks_of_any_sentence(rnnbench: Callable[..., Any]):
    path = written("own.csv", [(f"{grade} film {number}", grade) for number in range(20) for grade in ("good", "bad")])
    options = (
        "task=sentiment", "task.dataset=csv", f"task.path={path}", "backbone=gru", "backbone.hidden_size=8",
        "optimizer.learning_rate=0.03", "trainer.max_epochs=4", "logger.mode=disabled",
    )  # fmt: skip
    said = rnnbench(*options)
    assert said.code == 0, said.err
    (result,) = Path("outputs").rglob("result.json")
    assert {"accuracy", "macro_f1"} <= json.loads(result.read_text())["test"].keys()
    said = rnnbench("sample", "best", "--prompt", "A good film, no?")
    assert said.code == 0, said.err
    assert "unknown to this network: a, ,, no, ?" in said.out
    assert "probability after each word" in said.out
    assert said.out.count("█") > 3
    Path("other.csv").write_text("text,label\ngood film,fine\n")
    said = rnnbench(*options[:2], f"task.path=[{path},other.csv]", *options[3:])
    assert said.code == 2
    assert "'other.csv', line 2, column 'label': expected a label of 'own.csv' (bad, good), found 'fine'" in said.err
