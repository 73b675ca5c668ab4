import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rnnbench.tasks.dialogue import Dialogues
from rnnbench.tasks.dialogue.restaurants import ASKS, OFFER, SLOTS, generate

from rnnbench import Prediction, Sources, UserError

TURNS = [("1", "Hello there!"), ("1", "Hi, Ann."), ("1", "Bye."), ("2", "Who is it?"), ("2", "Hi, Ann.")]


def table(name: str, rows: list[tuple[str, str]]) -> str:
    Path(name).write_text("dialogue,text\n" + "".join(f'{number},"{text}"\n' for number, text in rows))
    return name


def task(train: Any = TURNS, test: Any = TURNS, **options: Any) -> Dialogues:
    paths = [table("train.csv", train), table("validation.csv", train), table("test.csv", test)]
    return Dialogues(Sources(), dataset="table", path=paths, **options)


@pytest.fixture(scope="module")
def default() -> Dialogues:
    return Dialogues(Sources())


def test_what_the_house_says_follows_from_what_was_said():
    splits = generate()
    assert [len(split) for split in splits] == [1500, 150, 300]
    spoken = [{tuple(dialogue) for dialogue in split} for split in splits]
    assert len(set.union(*spoken)) == 1950
    offers = [{turn for dialogue in split for turn in dialogue if turn.startswith("there are")} for split in splits]
    assert not (offers[0] | offers[1]) & offers[2]
    assert len(offers[2]) == 24
    for dialogue in splits[2][:50]:
        (offer,) = [turn for turn in dialogue if turn.startswith("there are")]
        words = offer.split()
        wanted = {"price": words[3], "food": words[4], "area": words[8]}
        assert offer == OFFER.format(**wanted)
        before = " ".join(dialogue[: dialogue.index(offer) : 2])
        assert all(value in before for value in wanted.values())
        asked = [turn for turn in dialogue if turn in ASKS.values()]
        assert asked == [ASKS[slot] for slot in SLOTS if ASKS[slot] in asked]


def test_every_turn_but_the_first_is_a_reply_to_those_before_it():
    built = task(turns=2)
    rows = built.data["test"]
    wording, end = built.wording, len(built.wording)
    assert rows["references"] == [["Hi, Ann."], ["Bye."], ["Hi, Ann."]]
    first, second, _ = rows["inputs"]
    assert first == [*wording.encode("Hello there!").tolist(), end]
    assert second == [*first, *wording.encode("Hi, Ann.").tolist(), end]
    assert [built.text(row) for row in rows["targets"]] == ["Hi, Ann.", "Bye.", "Hi, Ann."]
    assert built.spec.inputs.size == built.spec.targets.size + 1
    assert [len(row) for row in task(turns=2, context_tokens=3).data["test"]["inputs"]] == [3, 3, 3]


def test_what_train_holds_is_counted_and_left_out_of_the_split_unseen():
    strangers = [("1", "Hello  there!"), ("1", "hi, Ann."), ("1", "Bye."), ("3", "Who is it?"), ("3", "Hi, Ann."),
                 ("3", "Who are you?")]  # fmt: skip
    built = task(test=strangers)
    assert built.facts()["test_dialogues_in_train"] == 1
    assert built.data["unseen"]["references"] == [["Who are you?"]]
    assert "unseen" not in task(test=[("9", "x"), ("9", "y")]).data


def test_baselines_are_those_of_test():
    built = task()
    facts = built.facts()
    assert facts["most_frequent_reply_bleu"] > 0  # "Hi, Ann." is two of three
    assert built.spec.chance == facts["unigram_perplexity"]
    assert facts["trigram_perplexity"] < facts["unigram_perplexity"]


def test_a_sample_shows_what_was_said_and_both_replies(default: Dialogues):
    batch = default.encode("i would like some thai food\nwhich part of town do you want to eat in ?\nin the north")
    said = default.wording.encode("cheap please").tolist()
    (sample,) = default.decode(Prediction(torch.zeros(1, 3, 2), hypotheses=[said]), batch)
    assert sample.title.endswith("| which part of town do you want to eat in ? | in the north")
    assert sample.text == "cheap please"
    assert default.unknown("thai zebras") == ["zebras"]
    with pytest.raises(UserError, match="the prompt holds no words"):
        default.encode(" \n ")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("1", "a"), ("1", "  ")], "'train.csv', line 3, column 'text': expected what was said, found an empty cell"),
        ([("1", "a"), ("2", "b"), ("2", "c")], "'train.csv', line 2, column 'dialogue': expected a turn and its reply"),
        ([*TURNS, ("1", "a"), ("1", "b")], "'train.csv', line 7, column 'dialogue': expected all turns of a dialogue"),
    ],
)
def test_tables_that_are_none_are_refused(rows: Any, message: str):
    with pytest.raises(UserError, match=message):
        task(train=rows).splits()


def test_options_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="task.path=FILE"):
        Dialogues(Sources(), dataset="table")
    with pytest.raises(ValueError, match="turns must be at least 1"):
        Dialogues(Sources(), turns=0)


def zipped(name: str, lines: list[str]) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(f"{name}/dialogues_{name}.txt", "\n".join(lines) + "\n")
    Path(f"data/dailydialog/{name}.zip").write_bytes(content.getvalue())


def test_dailydialog_reads_as_people_write():
    Path("data/dailydialog").mkdir(parents=True)
    for name in ("train", "validation", "test"):
        zipped(name, ["Say , Jim , isn ’ t it late ? __eou__ It ’ s ten . __eou__"])
    built = Dialogues(Sources(Path("data")), dataset="dailydialog")
    assert built.corpus["train"] == [["Say, Jim, isn’t it late?", "It’s ten."]]
    Path("data/dailydialog/test.zip").write_bytes(b"PK")
    with pytest.raises(UserError, match="test.zip' is no zip file that holds dialogues_test.txt"):
        Dialogues(Sources(Path("data")), dataset="dailydialog").splits()


def test_camrest676_is_cut_in_its_order():
    turn = {"usr": {"transcript": "Hi"}, "sys": {"sent": "Hello ."}}
    Path("data/camrest676").mkdir(parents=True)
    Path("data/camrest676/CamRest676.json").write_text(json.dumps([{"dial": [turn] * (1 + n)} for n in range(10)]))
    built = Dialogues(Sources(Path("data")), dataset="camrest676")
    assert [len(dialogue) for dialogue in built.corpus["test"]] == [18, 20]
    assert [len(built.corpus[name]) for name in ("train", "validation", "test")] == [6, 2, 2]


@pytest.mark.slow
@pytest.mark.real_data
def test_the_real_dailydialog(real_data: Path):
    built = Dialogues(Sources(real_data), dataset="dailydialog", minimum_count=5, turns=2)
    counts = [len(built.corpus[name]) for name in ("train", "validation", "test")]
    assert counts == [11118, 1000, 1000]
    assert (len(built.data["test"]), built.facts()["test_dialogues_in_train"]) == (6740, 127)
    assert 0 < len(built.data["unseen"]) < 6740
    assert float(np.mean([len(row) for row in built.data["train"]["targets"]])) > 10


def test_a_conversation_in_the_terminal(rnnbench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch):
    table("all.csv", [(str(n), text) for n in range(24) for text in (f"what is {n} ?", "it is a number")])
    trial = (
        "task=dialogue", "task.dataset=table", "task.path=all.csv", "backbone=gru", "backbone.hidden_size=12",
        "optimizer.learning_rate=0.03", "trainer.max_epochs=8", "trainer.batch_size=4", "trainer.progress=false",
        "logger.mode=disabled",
    )  # fmt: skip
    assert rnnbench(*trial).code == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("what is 3 ?\n\nfrobnicate\nwhat is 7 ?"))
    said = rnnbench("chat")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[0] == "it is a number"
    assert said.out.splitlines()[1] == "(unknown to this network: frobnicate)"
    assert said.out.splitlines()[-1] == "it is a number"
    assert len(said.out.splitlines()) == 4


def test_only_conversations_are_chatted_with(rnnbench: Callable[..., Any], book: Path):
    from conftest import TINY

    assert rnnbench(*TINY).code == 0
    said = rnnbench("chat")
    assert said.code == 2
    assert said.err.startswith("rnnbench: task language_modeling holds no conversations; type: rnnbench sample ")
