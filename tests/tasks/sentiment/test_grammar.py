from rnnbench.tasks.sentiment.grammar import BAD, GOOD, NEGATIONS, SIZES, generate

TRAIN, VALIDATION, TEST = generate()


def clause_polarity(clause: str) -> bool:
    """An independent reading: the judgement is the last word, turned round by a negation anywhere before."""
    negated = any(f" {negation} " in clause for negation in NEGATIONS)
    return (clause.split()[-1] in GOOD) != negated


def polarity(sentence: str) -> bool:
    if sentence.startswith("although "):
        return clause_polarity(sentence.split(" , ")[1])
    if " but " in sentence:  # "anything but" is a negation and follows a verb
        second = sentence.replace("anything but", "anything_but").partition(" but ")[2]
        if second:
            return clause_polarity(second.replace("anything_but", "anything but"))
    return clause_polarity(sentence.rsplit(" and ", 1)[-1])


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
        assert 0.2 < labels.count("positive") / len(labels) < 0.8
