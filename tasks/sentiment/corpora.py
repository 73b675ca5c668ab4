"""Where labelled texts come from. Every reader gives the same rows whether it finds files or asks the hub."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import datasets

from rnnbench.data.cutting import cut, hold_out
from rnnbench.data.sources import Sources
from rnnbench.data.tables import Table, read_table
from rnnbench.data.text import read_text
from rnnbench.errors import UserError

from .grammar import generate
from .words import words

Examples = list[tuple[str, str]]
"""Texts and the names of their classes."""

POLARITY: Sequence[str] = ("negative", "positive")
GRADES: Sequence[str] = ("very negative", "negative", "neutral", "positive", "very positive")
QUESTIONS: Sequence[str] = ("DESC", "ENTY", "ABBR", "HUM", "LOC", "NUM")
THREE: Mapping[str, str] = dict(zip(GRADES, ("negative", "negative", "neutral", "positive", "positive"), strict=True))


@dataclass(frozen=True)
class Corpus:
    """Labelled texts of three splits, and all classes in the order of their numbers."""

    classes: Sequence[str]
    train: Examples
    validation: Examples
    test: Examples


def read_corpus(dataset: str, sources: Sources, paths: Sequence[Path]) -> Corpus:
    """The corpus of that name, its rows in the order of their hash: files come sorted by class.

    Raises:
        UserError: it is not to be had, or is not what it should be.
    """
    corpus = own(paths) if dataset == "csv" else READERS[dataset](sources)
    return Corpus(
        corpus.classes, *(sorted(rows, key=_digest) for rows in (corpus.train, corpus.validation, corpus.test))
    )


def generated(sources: Sources) -> Corpus:  # noqa: ARG001 - as every reader
    """Sentences of our own grammar; test holds combinations of words that train never shows (`grammar`)."""
    return Corpus(POLARITY, *generate())


def sst2(sources: Sources) -> Corpus:
    """Stanford Sentiment Treebank (Socher et al. 2013), two classes, whole sentences: 6,920 / 872 / 1,821."""
    return _treebank(sources, "binary", "SetFit/sst2", POLARITY)


def sst5(sources: Sources) -> Corpus:
    """Stanford Sentiment Treebank, five classes, whole sentences: 8,544 / 1,101 / 2,210."""
    return _treebank(sources, "fine", "SetFit/sst5", GRADES)


def sst3(sources: Sources) -> Corpus:
    """The five classes of `sst5` as three: negative, neutral, positive."""
    five = sst5(sources)
    splits = ([(text, THREE[name]) for text, name in rows] for rows in (five.train, five.validation, five.test))
    return Corpus(("negative", "neutral", "positive"), *splits)


def mr(sources: Sources) -> Corpus:
    """Movie review sentences (Pang and Lee 2005), 10,662; no customary split, so 80 / 10 / 10 % by hash."""
    found = sources.files("sentiment", ["rt-polarity.all"])
    if found:
        rows = labelled_lines(found[0], POLARITY, "latin-1")
    else:
        hub = sources.hub("sentiment", "cornell-movie-review-data/rotten_tomatoes")
        rows = [row for split in hub.values() for row in _hub_rows(split, POLARITY)]
    return Corpus(POLARITY, *cut(rows, _text, "the data"))


def imdb(sources: Sources) -> Corpus:
    """Movie reviews, whole (Maas et al. 2011): 25,000 / 25,000; a tenth of train, by hash, is the validation."""
    found = sources.files("imdb", ["train.tsv.gz", "test.tsv.gz"])
    if found:
        train, test = (_reviews(path) for path in found)
    else:
        hub = sources.hub("imdb", "stanfordnlp/imdb")
        train, test = (_hub_rows(hub[name], POLARITY) for name in ("train", "test"))
    train, test = ([(_without_tags(text), name) for text, name in rows] for rows in (train, test))
    return Corpus(POLARITY, *hold_out(train, _text, "train"), test)


def trec(sources: Sources) -> Corpus:
    """What a question asks for (Li and Roth 2002): 5,452 / 500; a tenth of train, by hash, is the validation."""
    found = sources.files("sentiment", ["TREC.train.all", "TREC.test.all"])
    if found:
        train, test = (labelled_lines(path, QUESTIONS, "latin-1") for path in found)
    else:
        hub = sources.hub("sentiment", "SetFit/TREC-QC")
        train, test = (
            list(zip(hub[name]["text"], hub[name]["label_coarse_original"], strict=True)) for name in ("train", "test")
        )
    return Corpus(QUESTIONS, *hold_out(train, _text, "train"), test)


def own(paths: Sequence[Path]) -> Corpus:
    """The person's tables with columns text and label: one file to be cut, or train, (validation,) test."""
    tables = [read_table(path, ["text", "label"]) for path in paths]
    classes = sorted(set(tables[0].column("label")))
    if len(classes) < 2:
        raise UserError(f"'{tables[0].path}' has the label '{classes[0]}' only; there must be two classes at least")
    splits = [_rows(table, classes, tables[0].path) for table in tables]
    if len(splits) == 1:
        return Corpus(classes, *cut(splits[0], _text, str(paths[0])))
    if len(splits) == 2:
        return Corpus(classes, *hold_out(splits[0], _text, str(paths[0])), splits[1])
    return Corpus(classes, *splits)


def labelled_lines(path: Path, classes: Sequence[str], encoding: str) -> Examples:
    """Lines of a class number, a space, and a text.

    Raises:
        UserError: a line is none such.
    """
    rows = []
    for number, line in enumerate(read_text(path, encoding).removesuffix("\n").split("\n"), 1):
        label, _, text = line.partition(" ")
        if not (label.isdecimal() and int(label) < len(classes) and text.strip()):
            raise UserError(
                f"'{path}', line {number}: expected a class from 0 to {len(classes) - 1}, a space and a text, found "
                f"'{line[:40]}'"
            )
        rows.append((text.strip(), classes[int(label)]))
    return rows


def _treebank(sources: Sources, kind: str, repository: str, classes: Sequence[str]) -> Corpus:
    found = sources.files("sentiment", [f"stsa.{kind}.{name}" for name in ("train", "dev", "test")])
    if found:
        return Corpus(classes, *(labelled_lines(path, classes, "utf-8-sig") for path in found))
    hub = sources.hub("sentiment", repository)
    return Corpus(classes, *(_hub_rows(hub[name], classes) for name in ("train", "validation", "test")))


def _hub_rows(split: datasets.Dataset, classes: Sequence[str]) -> Examples:
    return [(text.strip(), classes[int(label)]) for text, label in zip(split["text"], split["label"], strict=True)]


def _reviews(path: Path) -> Examples:
    """Lines of class, stars, number and text, apart by tabs; quotes are part of the text."""
    rows = []
    for number, line in enumerate(read_text(path).removesuffix("\n").split("\n"), 1):
        cells = line.split("\t")
        if len(cells) != 4 or cells[0] not in ("0", "1"):
            raise UserError(f"'{path}', line {number}: expected class 0 or 1, stars, number and text, apart by tabs")
        rows.append((cells[3].strip(), POLARITY[int(cells[0])]))
    return rows


def _rows(table: Table, classes: Sequence[str], first: Path) -> Examples:
    rows = list(zip(table.column("text"), table.column("label"), strict=True))
    for row, (text, label) in enumerate(rows):
        if not words(text):
            raise table.wrong(row, "text", "some words")
        if label not in classes:
            raise table.wrong(row, "label", f"a label of '{first}' ({', '.join(classes)})")
        if not label.strip():
            raise table.wrong(row, "label", "the name of a class")
    return rows


def _without_tags(text: str) -> str:
    return re.sub(r"<[^>]*>", " ", text)


def _text(row: tuple[str, str]) -> str:
    return row[0]


def _digest(row: tuple[str, str]) -> tuple[bytes, str]:
    return hashlib.sha256(row[0].encode()).digest(), row[1]


READERS: Mapping[str, Callable[[Sources], Corpus]] = {
    "generated": generated,
    "sst2": sst2,
    "sst5": sst5,
    "sst3": sst3,
    "mr": mr,
    "imdb": imdb,
    "trec": trec,
}
