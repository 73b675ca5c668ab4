import math
from pathlib import Path
from typing import Any

import pytest
import torch
from rnnbench.tasks.language_modeling import END, LanguageModeling

from rnnbench import Prediction, Sources, UserError


def task(**options: Any) -> LanguageModeling:
    return LanguageModeling(Sources(), dataset="text", path="book.txt", **options)


@pytest.fixture(autouse=True)
def short_book(workplace: Path) -> None:
    lines = ["The cat sat on the mat.", "", "The dog, too, sat on the mat!"] * 20
    (workplace / "book.txt").write_text("\n".join(lines))


def test_words_of_a_raw_text_are_lower_cased_and_lines_closed():
    assert task().tokens("The cat's 2 mats.\n\nSee?\n") == ["the", "cat's", "2", "mats", ".", END, "see", "?", END]


def test_words_of_a_tokenised_text_are_left_alone(workplace: Path):
    (workplace / "ptb").mkdir()
    for name in ("ptb.train.txt", "ptb.valid.txt", "ptb.test.txt"):
        (workplace / "ptb" / name).write_text(" Mr. <unk> is N \n he 's \n")
    ptb = LanguageModeling(Sources(workplace), dataset="ptb")
    assert ptb.tokens(ptb.corpus.test) == ["Mr.", "<unk>", "is", "N", END, "he", "'s", END]
    assert ptb.vocabulary.tokens == [END, "'s", "<unk>", "Mr.", "N", "he", "is"]


def test_the_vocabulary_is_of_train_only_and_learns_what_unknown_is():
    vocabulary = task().vocabulary
    assert {"the", "cat", END, "<unk>"} <= set(vocabulary.tokens)
    text = Path("book.txt").read_text()
    Path("book.txt").write_text("once " + text + " never seen before in train")
    changed = task()
    assert "once" not in changed.vocabulary
    assert "never" not in changed.vocabulary
    assert changed.facts()["test_unknown"] == 5


def test_the_spec_follows_the_level():
    words, characters = task().spec, task(level="character").spec
    assert (words.metric, words.unit, words.setting) == ("perplexity", "words", "word")
    assert words.chance == words.inputs.size == len(task().vocabulary)
    assert (characters.metric, characters.unit) == ("bits_per_character", "characters")
    assert characters.chance == math.log2(characters.targets.size)
    assert task(level="character").vocabulary.decode([characters.start or 0]) == ["\n"]


def test_the_data_is_what_decides_the_fingerprint_and_not_where_it_lies():
    first = task().fingerprint()
    Path("book.txt").rename("other.txt")
    assert LanguageModeling(Sources(), dataset="text", path=["other.txt"]).fingerprint() == first
    Path("book.txt").write_text(Path("other.txt").read_text() + " more")
    assert task().fingerprint() != first
    assert task(level="character").fingerprint() != task().fingerprint()


def test_vocabulary_size_is_kept():
    assert len(task(vocabulary_size=5).vocabulary) == 5
    with pytest.raises(ValueError, match="vocabulary_size must be at least 2"):
        task(vocabulary_size=1)


def test_a_path_goes_with_text_and_text_with_a_path():
    with pytest.raises(ValueError, match="task.path=FILE goes with task.dataset=text"):
        LanguageModeling(Sources(), path="book.txt")
    with pytest.raises(ValueError, match="task.path=FILE goes with task.dataset=text"):
        LanguageModeling(Sources(), dataset="text")


def test_a_text_too_short_to_split_is_said(workplace: Path):
    (workplace / "book.txt").write_text("two words")
    with pytest.raises(UserError, match="split of text is too short"):
        task().splits()


def test_a_prompt_becomes_a_batch_and_unknown_words_are_named():
    built = task()
    batch = built.encode("The CAT flew")
    assert built.vocabulary.decode(batch.inputs[0].tolist()) == [END, "the", "cat", "<unk>"]
    assert built.unknown("The CAT flew") == ["flew"]
    characters = task(level="character")
    assert characters.vocabulary.decode(characters.encode("The").inputs[0].tolist()) == ["\n", "T", "h", "e"]
    with pytest.raises(UserError, match="prompt is empty"):
        built.encode("  ")


def test_samples_show_the_odds_of_the_next_word_and_the_continuation():
    built = task()
    batch = built.encode("the cat")
    outputs = torch.zeros(1, 3, len(built.vocabulary))
    outputs[0, -1, built.vocabulary.number("sat")] = 5.0
    drawn = torch.from_numpy(built.vocabulary.encode(["sat", ",", "too", ".", END, "the", "dog"]))[None].long()
    (sample,) = built.decode(Prediction(outputs, drawn), batch)
    assert (sample.title, sample.text) == ("the cat", "sat, too.\nthe dog")
    names, odds = list(sample.choices), list(sample.choices.values())
    assert names[0] == "sat"
    assert odds[0] == pytest.approx(math.exp(5) / (math.exp(5) + len(built.vocabulary) - 1), rel=1e-5)
    assert odds == sorted(odds, reverse=True)


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize(
    ("dataset", "level", "counts", "size"),
    [
        ("ptb", "word", (929_589, 73_760, 82_430), 10_000),
        ("ptb", "character", (5_059_550, 396_412, 446_184), 50 + 1),
        ("wikitext2", "word", (2_088_628, 217_646, 245_569), 33_278),
        ("tinyshakespeare", "character", (1_003_854, 55_770, 55_770), 65 + 1),
    ],
)
def test_published_counts(real_data: Path, dataset: Any, level: Any, counts: tuple[int, int, int], size: int):
    built = LanguageModeling(Sources(real_data), dataset=dataset, level=level)
    facts = built.facts()
    assert tuple(facts[f"{split}_{built.spec.unit}"] for split in ("train", "validation", "test")) == counts
    assert len(built.vocabulary) == size  # characters: and the unknown one
