from pathlib import Path

import datasets
import pytest

from rnnbench.data.sources import Sources
from rnnbench.errors import UserError


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def test_files_are_found_in_the_persons_folder(workplace: Path):
    (workplace / "ptb").mkdir()
    (workplace / "ptb" / "a.txt").write_text("x")
    sources = Sources(workplace)
    assert sources.files("ptb", ["a.txt"]) == [workplace / "ptb" / "a.txt"]
    assert sources.files("wikitext2", ["a.txt"]) is None
    assert Sources(None).files("ptb", ["a.txt"]) is None


def test_a_folder_that_lacks_a_file_names_it(workplace: Path):
    (workplace / "ptb").mkdir()
    with pytest.raises(UserError, match=r"ptb/b.txt' is missing; ptb needs b.txt"):
        Sources(workplace).files("ptb", ["b.txt"])


def test_a_data_dir_that_is_none_is_said(workplace: Path):
    with pytest.raises(UserError, match="is not a folder; check RNNBENCH_DATA"):
        Sources(workplace / "nowhere").files("ptb", ["a"])


def test_missing_everywhere_says_where_it_looked_and_both_ways_out(workplace: Path):
    with pytest.raises(UserError) as error:
        Sources(workplace).hub("wikitext2", "Salesforce/wikitext", name="wikitext-2-v1")
    message = str(error.value)
    assert str(workplace / "wikitext2") in message
    assert "Salesforce/wikitext" in message
    assert "set RNNBENCH_DATA" in message
    assert "run once with a network" in message
    assert "\n" not in message


def test_a_data_set_in_the_hubs_layout_is_loaded(workplace: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", workplace / "cache")
    for split in ("train", "validation", "test"):
        (workplace / "repository" / "penn_treebank" / split).mkdir(parents=True)
        path = workplace / "repository" / "penn_treebank" / split / "0000.parquet"
        datasets.Dataset.from_dict({"sentence": [split, "b"]}).to_parquet(str(path))
    loaded = Sources().hub("ptb", str(workplace / "repository"))
    assert {name: list(split["sentence"]) for name, split in loaded.items()} == {
        "train": ["train", "b"],
        "validation": ["validation", "b"],
        "test": ["test", "b"],
    }
