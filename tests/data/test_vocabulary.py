from hypothesis import given
from hypothesis import strategies as st

from rnnbench.data.vocabulary import UNKNOWN, Vocabulary

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "é", UNKNOWN]), max_size=40)


def test_most_frequent_first_ties_by_spelling():
    assert Vocabulary.of("b a c a b a d".split()).tokens == ["a", "b", "c", "d", UNKNOWN]


def test_size_counts_the_unknown_token():
    assert Vocabulary.of("a a a b b c".split(), size=3).tokens == ["a", "b", UNKNOWN]
    assert Vocabulary.of(f"a a {UNKNOWN} b".split(), size=3).tokens == ["a", UNKNOWN, "b"]


def test_rare_tokens_can_be_left_out():
    vocabulary = Vocabulary.of("a a b".split(), minimum_count=2)
    assert vocabulary.tokens == ["a", UNKNOWN]
    assert vocabulary.decode(vocabulary.encode("a b a".split())) == ["a", UNKNOWN, "a"]


@given(train=WORDS, text=WORDS, size=st.none() | st.integers(2, 6))
def test_known_tokens_come_back_and_the_others_become_unknown(train: list[str], text: list[str], size: int | None):
    vocabulary = Vocabulary.of(train, size=size)
    assert len(set(vocabulary.tokens)) == len(vocabulary) <= (size or 7)
    back = vocabulary.decode(vocabulary.encode(text))
    assert back == [token if token in vocabulary else UNKNOWN for token in text]
