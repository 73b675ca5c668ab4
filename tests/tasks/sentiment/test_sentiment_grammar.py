import re

from rnnbench.tasks.sentiment.grammar import BAD, GOOD, NEGATIONS, SIZES, generate

TRAIN, VALIDATION, TEST = generate()


def polarity(sentence: str) -> bool:
    """An independent reading: leave out what does not decide, then turn the judgement round for each negation left."""
    text = sentence.replace("anything but", "not").replace("far from", "not").replace("it is not true that", "not")
    text = re.sub("nobody can say that|i doubt that|never|hardly", "not", text)
    text = re.sub("^although .*? , ", "", text)
    text = re.sub(" , although .*$", "", text)
    *_, decides = text.split(" but ")
    return (decides.split()[-1] in GOOD) != bool(decides.split().count("not") % 2)


def pairs(sentence: str) -> set[tuple[str, str]]:
    return {
        (negation, word) for negation in NEGATIONS for word in GOOD + BAD if f" {negation} {word} " in f" {sentence} "
    }


def test_labels_follow_from_negation_and_contrast():
    for text, label in TRAIN + VALIDATION + TEST:
        assert label == ("positive" if polarity(text) else "negative"), text


def test_sentences_are_as_many_as_said_all_different_and_always_the_same():
    assert (len(TRAIN), len(VALIDATION), len(TEST)) == SIZES
    texts = [text for text, _ in TRAIN + VALIDATION + TEST]
    assert len(set(texts)) == len(texts)
    assert generate() == (TRAIN, VALIDATION, TEST)


def test_every_test_sentence_holds_a_pair_that_train_never_shows_of_words_that_it_does():
    shown = set().union(*(pairs(text) for text, _ in TRAIN + VALIDATION))
    known = {word for text, _ in TRAIN for word in text.split()}
    held_out = {(negation, word) for negation in NEGATIONS for word in GOOD + BAD} - shown
    assert len(held_out) == 20  # one in five of 5 x 20
    for text, _ in TEST:
        assert pairs(text) & held_out, text
        assert set(text.split()) <= known


def test_classes_are_balanced_and_no_single_judgement_gives_them_away():
    for rows in (TRAIN, VALIDATION, TEST):
        share = sum(label == "positive" for _, label in rows) / len(rows)
        assert 0.45 < share < 0.55
    for word in GOOD + BAD:
        labels = [label for text, label in TRAIN if word in text.split()]
        assert 0.35 < labels.count("positive") / len(labels) < 0.65
