"""Where the text comes from. Every reader returns the same text whether it finds files or asks the hub."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rnnbench.data.sources import Sources
from rnnbench.data.text import read_text

# Shares of a text that has no customary splits: train up to the first, validation up to the second, test the rest.
CUTS = (0.9, 0.95)
PYDOC_SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


@dataclass(frozen=True)
class Corpus:
    """The text of three splits; `tokenized` says that words already stand apart, and `<unk>` for the rare ones."""

    train: str
    validation: str
    test: str
    tokenized: bool = False


def read_corpus(dataset: str, sources: Sources, paths: Sequence[str]) -> Corpus:
    """The corpus of that name.

    Raises:
        UserError: it is not to be had, or is no text.
    """
    if dataset == "pydoc":
        return pydoc()
    if dataset == "text":
        return own_text(paths)
    return {"ptb": ptb, "wikitext2": wikitext2, "tinyshakespeare": tinyshakespeare}[dataset](sources)


def ptb(sources: Sources) -> Corpus:
    """Penn Treebank as prepared by Mikolov: 929,589 / 73,760 / 82,430 words, 10,000 of them different.

    Each line loses the space before it and keeps the one after, as in the character-level custom of Bai et al. (2018):
    5,059,550 / 396,412 / 446,184 characters.
    """
    found = sources.files("ptb", ["ptb.train.txt", "ptb.valid.txt", "ptb.test.txt"])
    if found:
        texts = ["".join(line.lstrip() for line in read_text(path).splitlines(keepends=True)) for path in found]
        return _corpus(texts, tokenized=True)
    # The repository itself holds a loading script, which `datasets` no longer runs; the hub's own conversion does.
    hub = sources.hub("ptb", "ptb-text-only/ptb_text_only", revision="refs/convert/parquet")
    return _corpus(("".join(f"{row} \n" for row in hub[name]["sentence"]) for name in _SPLITS), tokenized=True)


def wikitext2(sources: Sources) -> Corpus:
    """WikiText-2 (Merity et al. 2016): 2,088,628 / 217,646 / 245,569 words, 33,278 of them different.

    Local files may hold the train articles in shuffled order; their fingerprint then differs from the hub's.
    """
    found = sources.files("wikitext2", ["train.shuffled_articles.txt", "valid.txt", "test.txt"])
    if found:
        return _corpus(map(read_text, found), tokenized=True)
    hub = sources.hub("wikitext2", "Salesforce/wikitext", name="wikitext-2-v1")
    return _corpus(("".join(row or " \n" for row in hub[name]["text"]) for name in _SPLITS), tokenized=True)


def tinyshakespeare(sources: Sources) -> Corpus:
    """Forty thousand lines of Shakespeare (Karpathy 2015): 1,115,394 characters, cut 90 / 5 / 5 % as by char-rnn."""
    found = sources.files("tinyshakespeare", ["input.txt"])
    if found:
        return _corpus(cut(read_text(found[0])))
    hub = sources.hub("tinyshakespeare", "karpathy/tiny_shakespeare", revision="refs/convert/parquet")
    return _corpus("".join(hub[name]["text"]) for name in _SPLITS)


def own_text(paths: Sequence[str]) -> Corpus:
    """The person's own files, one after the other, cut 90 / 5 / 5 %."""
    return _corpus(cut("\n".join(read_text(Path(path).expanduser()) for path in paths)))


def pydoc() -> Corpus:
    """The prose of Python's language reference, which every Python carries in ``pydoc_data.topics``.

    Some topics repeat whole passages of others, so each paragraph is kept once, in the first topic by name that has
    it: no test sentence stands in train. Topics, largest first, go to whichever split lacks most of its share (80 / 10
    / 10 % of the text). The text differs between versions of Python, and with it the data's fingerprint.
    """
    from pydoc_data.topics import topics

    seen: set[str] = set()
    articles = {}
    for name in sorted(topics):
        paragraphs = [paragraph for paragraph in dict.fromkeys(_prose(topics[name])) if paragraph not in seen]
        seen.update(paragraphs)
        articles[name] = "".join(f"{paragraph}\n" for paragraph in paragraphs)
    total = sum(len(article) for article in articles.values())
    splits = dict.fromkeys(_SPLITS, "")
    for name in sorted(articles, key=lambda name: (-len(articles[name]), name)):
        neediest = max(splits, key=lambda split: PYDOC_SHARES[split] * total - len(splits[split]))
        splits[neediest] += articles[name]
    return _corpus(splits.values())


def cut(text: str) -> tuple[str, str, str]:
    """A text in three, at `CUTS` of its characters."""
    first, second = (int(len(text) * share) for share in CUTS)
    return text[:first], text[first:second], text[second:]


def _corpus(texts: Iterable[str], tokenized: bool = False) -> Corpus:
    train, validation, test = texts
    return Corpus(train, validation, test, tokenized)


def _prose(article: str) -> list[str]:
    """The paragraphs of an article that are sentences, each on one line: no headings, tables, grammar or code."""
    paragraphs = (" ".join(block.split()) for block in re.split(r"\n\s*\n", article))
    return [paragraph.replace("*", "") for paragraph in paragraphs if _is_prose(paragraph)]  # *emphasis* off


def _is_prose(paragraph: str) -> bool:
    letters = sum(character.isalpha() or character == " " for character in paragraph)
    marks = ("::=", "+-", "**", "==", "--", ">>>")
    return (
        paragraph.count(" ") >= 4 and letters >= 0.8 * len(paragraph) and not any(mark in paragraph for mark in marks)
    )


_SPLITS = ("train", "validation", "test")
