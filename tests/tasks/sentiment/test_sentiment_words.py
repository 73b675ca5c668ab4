import torch
from hypothesis import given
from hypothesis import strategies as st
from rnnbench.tasks.sentiment.samples import LINES, WIDTH, trace_lines
from rnnbench.tasks.sentiment.words import words


def test_raw_and_cut_text_give_the_same_words():
    raw = "It isn't bad... I can't say: he's re-imagining the U.S. 1,000 times!!! Crème, and/or “so”"
    cut = "It is n't bad ... I ca n't say : he 's re-imagining the U.S . 1,000 times !!! Crème , and/or “ so ”"
    assert words(raw) == words(cut) == words(cut.lower())
    assert words(raw)[:7] == ["it", "is", "n't", "bad", "...", "i", "ca"]
    assert words("don’t") == ["do", "n't"]
    assert words(" \n ") == []


@given(st.text(max_size=40))
def test_cutting_again_changes_nothing_but_joined_marks(text: str):
    once = words(text)
    assert not any(character.isspace() for word in once for character in word)
    assert "".join(once) == "".join(text.lower().replace("’", "'").split())


def belief(*shares: float) -> torch.Tensor:
    return torch.tensor([[1 - share, share] for share in shares])


def test_a_trace_has_a_line_a_word():
    lines = trace_lines(["not", "bad"], belief(0.25, 1.0), ["negative", "positive"], 1).split("\n")
    assert lines == [
        "not " + "█" * 5 + "·" * 15 + "  25% negative",
        "bad " + "█" * 20 + " 100% positive",
    ]


def test_a_long_trace_shows_several_words_a_line_and_the_belief_after_the_last():
    shares = [number / 1000 for number in range(999)]
    lines = trace_lines([f"w{number}" for number in range(999)], belief(*shares), ["no", "yes"], 1).split("\n")
    assert len(lines) == LINES
    assert lines[0].startswith("w0 w1 w2") and lines[0].endswith("2% no")
    assert lines[-1].startswith("w980") and lines[-1].endswith("100% yes")
    assert len({len(line.rsplit(" ", 1)[0]) for line in lines}) == 1
    assert all(line.count("█") + line.count("·") == WIDTH for line in lines)
