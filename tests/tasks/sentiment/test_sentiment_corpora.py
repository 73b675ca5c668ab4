import gzip
import json
from pathlib import Path
from typing import Any

import datasets
import pytest
from rnnbench.tasks.sentiment.corpora import read_corpus
from rnnbench.tasks.sentiment.words import words

from rnnbench import Sources, UserError

REVIEWS = [
    (f"review {number} is {grade} bad 's <br />end", number % 2) for number, grade in enumerate("abcdefghij" * 6)
]


class Hub(Sources):
    """The hub, its repositories lying in folders of the same layout."""

    def __init__(self, folder: Path) -> None:
        super().__init__(None)
        self.folder = folder

    def hub(self, folder: str, repository: str, **where: Any) -> datasets.DatasetDict:
        return super().hub(folder, str(self.folder / repository), **where)


@pytest.fixture
def hub(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", workplace / "cache")
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return Hub(workplace / "hub")


def stored(path: Path, text: str, encoding: str = "utf-8") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = text.encode(encoding)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    stored(path, "".join(f"{json.dumps(row)}\n" for row in rows))


def parquet(path: Path, texts: list[str], labels: list[int], names: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=names)})
    datasets.Dataset.from_dict({"text": texts, "label": labels}, features).to_parquet(str(path))


def test_sst_is_the_same_from_files_and_from_the_hub(workplace: Path, hub: Hub):
    grades = ["very negative", "negative", "neutral", "positive", "very positive"]
    for name, file in (("train", "train"), ("dev", "dev"), ("test", "test")):
        rows = [(f"{name} crème number {grade} .", grade) for grade in range(5)]
        stored(workplace / "sentiment" / f"stsa.fine.{name}", "".join(f"{grade} {text}\n" for text, grade in rows))
        jsonl(
            hub.folder / "SetFit" / "sst5" / f"{file}.jsonl",
            [{"text": text, "label": grade, "label_text": grades[grade]} for text, grade in rows],
        )
    five = read_corpus("sst5", hub, [])
    assert five == read_corpus("sst5", Sources(workplace), [])
    assert dict(five.validation)["dev crème number 4 ."] == "very positive"
    three = read_corpus("sst3", hub, [])
    assert three.classes == ("negative", "neutral", "positive")
    assert dict(three.test) == {
        f"test crème number {grade} .": name
        for grade, name in enumerate(("negative", "negative", "neutral", "positive", "positive"))
    }


def test_mr_is_the_same_from_files_and_from_the_hub(workplace: Path, hub: Hub):
    texts, labels = [text for text, _ in REVIEWS], [label for _, label in REVIEWS]
    lines = "".join(f"{label} {text} \n" for text, label in REVIEWS)
    stored(workplace / "sentiment" / "rt-polarity.all", lines, "latin-1")
    for part, name in enumerate(("train", "validation", "test")):
        path = hub.folder / "cornell-movie-review-data" / "rotten_tomatoes" / f"{name}.parquet"
        parquet(path, texts[20 * part : 20 * part + 20], labels[20 * part : 20 * part + 20], ["neg", "pos"])
    corpus = read_corpus("mr", Sources(workplace), [])
    assert corpus == read_corpus("mr", hub, [])
    assert [len(rows) for rows in (corpus.train, corpus.validation, corpus.test)] == [48, 6, 6]


def test_imdb_is_the_same_from_files_and_from_the_hub(workplace: Path, hub: Hub):
    for name in ("train", "test"):
        lines = [f"{label}\t{9 * label + 1}\t{n}\t{text}\n" for n, (text, label) in enumerate(REVIEWS)]
        stored(workplace / "imdb" / f"{name}.tsv.gz", "".join(lines))
        path = hub.folder / "stanfordnlp" / "imdb" / "plain_text" / f"{name}-00000-of-00001.parquet"
        parquet(path, [text for text, _ in REVIEWS], [label for _, label in REVIEWS], ["neg", "pos"])
    corpus = read_corpus("imdb", Sources(workplace), [])
    assert corpus == read_corpus("imdb", hub, [])
    assert len(corpus.train), len(corpus.validation) == (54, 6)
    assert all(words(text)[-3:] == ["bad", "'s", "end"] for text, _ in corpus.test)


def test_trec_is_the_same_from_files_and_from_the_hub(workplace: Path, hub: Hub):
    names = ["DESC", "ENTY", "ABBR", "HUM", "LOC", "NUM"]
    for name in ("train", "test"):
        rows = [(f"What is {name} {number} ?", number % 6) for number in range(30)]
        lines = "".join(f"{label} {text}\n" for text, label in rows)
        stored(workplace / "sentiment" / f"TREC.{name}.all", lines, "latin-1")
        jsonl(
            hub.folder / "SetFit" / "TREC-QC" / f"{name}.jsonl",
            [{"text": text, "label": 0, "label_coarse_original": names[label]} for text, label in rows],
        )
    corpus = read_corpus("trec", Sources(workplace), [])
    assert corpus == read_corpus("trec", hub, [])
    assert dict(corpus.test)["What is test 5 ?"] == "NUM"


def test_too_few_texts_to_hold_some_out_are_said():
    few = table("own.csv", *(f'"text {number % 3}",{"ab"[number % 2]}' for number in range(100)))
    with pytest.raises(UserError, match="'own.csv' has 3 different rows; to hold some out takes 10 at least"):
        read_corpus("csv", Sources(), [few])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2 good", "line 3: expected a class from 0 to 1, a space and a text, found '2 good'"),
        ("good", "line 3: expected a class from 0 to 1, a space and a text, found 'good'"),
        ("1 ", "line 3: expected a class from 0 to 1, a space and a text, found '1 '"),
        ("", "line 3: expected a class from 0 to 1, a space and a text, found ''"),
    ],
)
def test_a_line_that_is_no_example_is_said(workplace: Path, line: str, message: str):
    stored(workplace / "sentiment" / "rt-polarity.all", f"0 bad\n1 good\n{line}\n1 fine\n")
    with pytest.raises(UserError) as error:
        read_corpus("mr", Sources(workplace), [])
    assert str(error.value) == f"'{workplace}/sentiment/rt-polarity.all', {message}"


def test_a_line_of_reviews_that_lacks_a_column_is_said(workplace: Path):
    stored(workplace / "imdb" / "train.tsv.gz", "0\t1\t0\ttext\n1\ttext\n")
    stored(workplace / "imdb" / "test.tsv.gz", "0\t1\t0\ttext\n")
    with pytest.raises(UserError, match="train.tsv.gz', line 2: expected class 0 or 1, stars, number and text"):
        read_corpus("imdb", Sources(workplace), [])


def table(name: str, *rows: str) -> Path:
    Path(name).write_text("\n".join(["text,label", *rows]) + "\n")
    return Path(name)


def test_own_tables_are_one_two_or_three():
    train, validation, test = (
        table(f"{name}.csv", *(f'"{name}, {number}",{"ab"[number % 2]}' for number in range(20)))
        for name in ("train", "validation", "test")
    )
    three = read_corpus("csv", Sources(), [train, validation, test])
    assert [len(rows) for rows in (three.train, three.validation, three.test)] == [20, 20, 20]
    two = read_corpus("csv", Sources(), [train, test])
    assert [len(rows) for rows in (two.train, two.validation, two.test)] == [18, 2, 20]
    one = read_corpus("csv", Sources(), [train])
    assert [len(rows) for rows in (one.train, one.validation, one.test)] == [16, 2, 2]
    assert one.classes == ["a", "b"]
    assert dict(three.train)["train, 3"] == "b"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["good,b", "fine,c"], "'test.csv', line 3, column 'label': expected a label of 'train.csv' (a, b), found 'c'"),
        ([" ,b"], "'test.csv', line 2, column 'text': expected some words, found an empty cell"),
        (["good,"], "'test.csv', line 2, column 'label': expected a label of 'train.csv' (a, b), found an empty cell"),
    ],
)
def test_rows_of_own_tables_that_do_not_fit_are_said(rows: list[str], message: str):
    train = table("train.csv", *(f'"text {number}",{"ab"[number % 2]}' for number in range(40)))
    with pytest.raises(UserError) as error:
        read_corpus("csv", Sources(), [train, table("test.csv", *rows)])
    assert str(error.value) == message


def test_labels_that_are_missing_or_all_the_same_are_said():
    with pytest.raises(
        UserError, match="'a.csv', line 3, column 'label': expected the name of a class, found an empty"
    ):
        read_corpus("csv", Sources(), [table("a.csv", "x,good", "y,")])
    with pytest.raises(UserError, match="'a.csv' has the label 'good' only; there must be two classes"):
        read_corpus("csv", Sources(), [table("a.csv", "x,good", "y,good")])


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize(
    ("dataset", "counts"),
    [
        ("sst2", (6_920, 872, 1_821)),
        ("sst5", (8_544, 1_101, 2_210)),
        ("sst3", (8_544, 1_101, 2_210)),
        ("imdb", (22_500, 2_500, 25_000)),
        ("trec", (4_907, 545, 500)),
    ],
)
def test_published_counts(real_data: Path, dataset: str, counts: tuple[int, int, int]):
    corpus = read_corpus(dataset, Sources(real_data), [])
    found = [len(rows) for rows in (corpus.train, corpus.validation, corpus.test)]
    assert found[2] == counts[2]
    assert found[0] + found[1] == counts[0] + counts[1]
    # Equal texts stay together, so that a tenth of the texts is nearly a tenth of the rows.
    assert found[1] == pytest.approx(counts[1], rel=0.02)


@pytest.mark.real_data
def test_published_count_of_mr(real_data: Path):
    corpus = read_corpus("mr", Sources(real_data), [])
    assert sum(len(rows) for rows in (corpus.train, corpus.validation, corpus.test)) == 10_662
