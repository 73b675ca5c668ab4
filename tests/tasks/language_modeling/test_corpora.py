from pathlib import Path
from typing import Any

import datasets
import pytest
from rnnbench.tasks.language_modeling.corpora import cut, own_text, ptb, pydoc, tinyshakespeare, wikitext2

from rnnbench import Sources


class Hub(Sources):
    """A hub of data sets in memory, which notes what it was asked for."""

    def __init__(self, columns: dict[str, list[str]]) -> None:
        super().__init__(None)
        self.columns = columns
        self.asked: list[Any] = []

    def hub(self, folder: str, repository: str, **where: Any) -> datasets.DatasetDict:
        self.asked.append((repository, where))
        return datasets.DatasetDict(
            {split: datasets.Dataset.from_dict(self.columns) for split in ("train", "validation", "test")}
        )


def folder(workplace: Path, name: str, files: dict[str, str]) -> Sources:
    (workplace / name).mkdir()
    for file, text in files.items():
        (workplace / name / file).write_text(text)
    return Sources(workplace)


def test_ptb_is_the_same_from_files_and_from_the_hub(workplace: Path):
    text = " no it was n't \n but while <unk> \n"
    files = folder(workplace, "ptb", dict.fromkeys(("ptb.train.txt", "ptb.valid.txt", "ptb.test.txt"), text))
    hub = Hub({"sentence": ["no it was n't", "but while <unk>"]})
    assert ptb(files) == ptb(hub)
    assert ptb(hub).test == "no it was n't \nbut while <unk> \n"
    assert hub.asked[0] == ("ptb-text-only/ptb_text_only", {"revision": "refs/convert/parquet"})


def test_wikitext2_is_the_same_from_files_and_from_the_hub(workplace: Path):
    text = " \n = Title = \n \n It was . \n"
    names = ("train.shuffled_articles.txt", "valid.txt", "test.txt")
    files = folder(workplace, "wikitext2", dict.fromkeys(names, text))
    hub = Hub({"text": ["", " = Title = \n", "", " It was . \n"]})
    assert wikitext2(files) == wikitext2(hub)
    assert hub.asked[0] == ("Salesforce/wikitext", {"name": "wikitext-2-v1"})


def test_tinyshakespeare_is_cut_where_the_hub_cuts_it(workplace: Path):
    text = "".join(f"line {number}\n" for number in range(200))
    corpus = tinyshakespeare(folder(workplace, "tinyshakespeare", {"input.txt": text}))
    first, rest = text[: int(len(text) * 0.9)], text[int(len(text) * 0.9) :]
    assert (corpus.train, corpus.validation) == (first, rest[: int(len(rest) * 0.5)])
    assert corpus.train + corpus.validation + corpus.test == text
    assert tinyshakespeare(Hub({"text": ["whole"]})).test == "whole"


def test_pydoc_is_prose_and_no_paragraph_stands_in_two_splits():
    corpus = pydoc()
    lines = [set(text.splitlines()) for text in (corpus.train, corpus.validation, corpus.test)]
    assert not (lines[0] & lines[1] or lines[0] & lines[2] or lines[1] & lines[2])
    sizes = [len(text) for text in (corpus.train, corpus.validation, corpus.test)]
    assert sum(sizes) > 200_000
    assert [size / sum(sizes) for size in sizes] == pytest.approx([0.8, 0.1, 0.1], abs=0.02)
    assert "::=" not in corpus.train
    assert ">>>" not in corpus.train
    assert pydoc() == corpus


def test_own_files_are_read_in_the_given_order(workplace: Path):
    (workplace / "a.txt").write_text("a" * 50)
    (workplace / "b.txt").write_text("b" * 49)
    corpus = own_text(["a.txt", "b.txt"])
    assert corpus.train == "a" * 50 + "\n" + "b" * 39
    assert cut("x" * 100) == ("x" * 90, "x" * 5, "x" * 5)
