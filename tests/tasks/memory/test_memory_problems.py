"""The problems, against re-implementations row by row and against counts of all there are."""

import itertools
import math
import re
from collections import Counter
from typing import Any

import datasets
import numpy as np
import pytest
from rnnbench.tasks.memory import PROBLEMS
from rnnbench.tasks.memory.copying import Copy, SelectiveCopy
from rnnbench.tasks.memory.languages import PARITY, TOMITA, Automaton, Parity, Tomita
from rnnbench.tasks.memory.order import Adding, TemporalOrder
from rnnbench.tasks.memory.problem import Rows, distinct, draw_unseen, scattered
from rnnbench.tasks.memory.recall import NoisyRecall, Recall


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def rows(drawn: Rows) -> list[tuple[list, Any, list[bool]]]:
    """Inputs, targets and mask of each row as the harness gets them, as Python lists."""
    columns: Any = datasets.Dataset.from_dict(drawn.columns()).to_dict()
    masks = columns.get("mask", [[True] * length for length in drawn.lengths])
    return list(zip(columns["inputs"], columns["targets"], masks, strict=True))


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_same_seed_draws_the_same_rows_and_another_seed_others(name: str):
    problem = PROBLEMS[name]()
    first, again, other = (problem.draw(generator(seed), 20) for seed in (3, 3, 4))
    assert first.keys() == again.keys() and np.array_equal(first.targets, again.targets)
    assert first.keys() != other.keys()


@pytest.mark.parametrize("name", PROBLEMS)
def test_values_fit_their_kinds_and_the_doubled_problem_differs_in_length_only(name: str):
    problem = PROBLEMS[name]()
    longer = problem.twice_as_long()
    assert {**longer.hardness, "length": problem.length} == problem.hardness
    assert longer.length == 2 * problem.length
    for each in (problem, longer):
        drawn = each.draw(generator(), 50)
        assert drawn.inputs.shape[:2] == (50, max(drawn.lengths)) or name in ("temporal_order", "parity", "tomita")
        if name != "adding":
            assert drawn.inputs.max() < each.inputs.size and drawn.targets.max() < each.targets.size
    assert longer.inputs == problem.inputs and longer.targets == problem.targets


def test_adding():
    drawn = Adding(length=11).draw(generator(), 500)
    first, second = Counter(), Counter()
    for inputs, target, _ in rows(drawn):
        marked = [step for step, (_, mark) in enumerate(inputs) if mark == 1]
        assert {mark for _, mark in inputs} == {0.0, 1.0} and len(marked) == 2
        assert target == pytest.approx(sum(inputs[step][0] for step in marked))
        first[marked[0]] += 1
        second[marked[1]] += 1
    assert set(first) == set(range(5)) and set(second) == set(range(5, 11))
    always_one = np.mean((drawn.targets - 1) ** 2)
    assert always_one == pytest.approx(Adding().chance, rel=0.15)
    assert Adding().chance == pytest.approx(0.1667, abs=1e-4)  # the figure of the papers


def test_copy():
    problem = Copy(length=5, symbols=3, items=2)
    assert problem.show(problem.draw(generator(), 1).inputs[0])[2:] == "····?··"
    for inputs, targets, mask in rows(problem.draw(generator(), 100)):
        symbols = inputs[:2]
        assert max(symbols) < 3 and inputs[2:] == [3, 3, 3, 3, 4, 3, 3]
        assert targets == [3] * 7 + symbols
        assert all(mask)


def test_the_loss_of_who_remembers_nothing_is_that_of_arjovsky():
    problem = Copy(length=100, symbols=8, items=10)
    assert problem.chance == pytest.approx(10 * math.log(8) / 120)
    targets = problem.draw(generator(), 200).targets
    probabilities = np.where(np.arange(120) < 110, 1.0, 1 / 8)  # sure of blanks, and then guesses
    counted = -np.log(np.broadcast_to(probabilities, targets.shape)).mean()
    assert counted == pytest.approx(problem.chance)
    assert (targets[:, :110] == problem.blank).all() and (targets[:, 110:] < 8).all()


def test_selective_copy():
    problem = SelectiveCopy(length=9, symbols=4, items=3)
    places = Counter()
    for inputs, targets, mask in rows(problem.draw(generator(), 300)):
        seen = [symbol for symbol in inputs[:9] if symbol != 4]
        assert inputs[9:] == [5, 5, 5]
        assert mask == [False] * 9 + [True] * 3
        assert targets[9:] == seen
        places.update(step for step in range(9) if inputs[step] != 4)
    assert all(60 < places[step] < 140 for step in range(9))  # 100 each, with a deviation of 8


@pytest.mark.parametrize("problem", [Recall(length=24, symbols=8, pairs=4), NoisyRecall(length=24, symbols=8, pairs=4)])
def test_recall(problem: Recall):
    for inputs, targets, mask in rows(problem.draw(generator(), 200)):
        known: dict[int, int] = {}
        answers = {}
        for step, number in enumerate(inputs):
            if 1 <= number <= 8 and number in known:
                answers[step] = known.pop(number)  # each key is asked for once
            elif 1 <= number <= 8:
                known[number] = inputs[step + 1] - 1 - 8
                assert 0 <= known[number] < 8
        assert not known and len(answers) == 4 and len(set(answers.values())) == 4
        assert [step for step, counts in enumerate(mask) if counts] == sorted(answers)
        assert {step: targets[step] for step in answers} == answers


def test_the_context_of_recall_is_dense_and_the_rest_blank():
    for inputs, _, mask in rows(Recall(length=24, symbols=8, pairs=4).draw(generator(), 50)):
        assert [1 <= number <= 8 for number in inputs[:8:2]] == [True] * 4
        assert [step for step in range(8, 24) if inputs[step]] == [step for step in range(24) if mask[step]]
        assert not any(inputs[9::2])


def test_queries_follow_the_power_law_of_the_paper():
    problem = Recall(length=4 + 2 * 8, pairs=1, symbols=4)
    first = [mask.index(True) for _, _, mask in rows(problem.draw(generator(), 4000))]
    gaps = Counter((step - 2) // 2 for step in first)
    weight = np.arange(1, 10) ** (0.01 - 1.0)
    expected = 4000 * weight / weight.sum()
    assert all(abs(gaps[gap] - expected[gap]) < 5 * math.sqrt(expected[gap]) for gap in range(9))


def test_queries_of_several_pairs_are_drawn_as_numpy_draws_without_replacement():
    problem, space = Recall(length=4 * 2 + 2 * 2, pairs=2, symbols=4), 4
    weight = np.arange(1, space + 1) ** (0.01 - 1.0)
    reference = generator(9)
    p = weight / weight.sum()
    expected = Counter(frozenset(reference.choice(space, 2, replace=False, p=p).tolist()) for _ in range(4000))
    drawn = problem._gaps(generator(1), 4000, space)
    found = Counter(frozenset(row) for row in drawn.tolist())
    assert set(found) == set(expected)
    assert all(abs(found[gaps] - expected[gaps]) < 5 * math.sqrt(2 * expected[gaps]) for gaps in expected)


@pytest.mark.parametrize(("items", "length"), [(2, 100), (3, 100), (4, 20)])
def test_temporal_order(items: int, length: int):
    problem = TemporalOrder(length=length, symbols=4, items=items)
    names, classes = "abcdXYEB", Counter()
    starts = [length // 10] + [length * item // items for item in range(1, items)]
    for inputs, target, _ in rows(problem.draw(generator(), 400)):
        text = "".join(names[number] for number in inputs)
        assert length <= len(text) <= 1.1 * length
        assert re.fullmatch(r"E[abcdXY]+B", text)
        places = [step for step, name in enumerate(text) if name in "XY"]
        assert all(0 <= place - start <= length // 10 for place, start in zip(places, starts, strict=True))
        order = "".join(text[place] for place in places)
        assert problem.say([target]) == order
        classes[order] += 1
    assert len(classes) == 2**items
    assert all(abs(count - 400 / 2**items) < 5 * math.sqrt(400 / 2**items) for count in classes.values())


REFERENCES = {
    1: lambda word: "0" not in word,
    2: lambda word: re.fullmatch("(10)*", word) is not None,
    3: lambda word: not odd_ones_then_odd_zeros(word),
    4: lambda word: "000" not in word,
    5: lambda word: word.count("0") % 2 == 0 and word.count("1") % 2 == 0,
    6: lambda word: (word.count("0") - word.count("1")) % 3 == 0,
    7: lambda word: re.fullmatch("0*1*0*1*", word) is not None,
}


def odd_ones_then_odd_zeros(word: str) -> bool:
    runs = [(symbol, len(list(run)) % 2) for symbol, run in itertools.groupby(word)]
    first = runs.index(("1", 1)) if ("1", 1) in runs else len(runs)
    return ("0", 1) in runs[first:]


def accepts(automaton: Automaton, word: str) -> bool:
    state = 0
    for symbol in word:
        state = (automaton.on_one if symbol == "1" else automaton.on_zero)[state]
    return state in automaton.accepting


def test_automata_decide_as_the_words_for_them():
    words = ["".join(word) for n in range(11) for word in itertools.product("01", repeat=n)]
    for grammar, belongs in REFERENCES.items():
        assert [accepts(TOMITA[grammar], word) for word in words] == [belongs(word) for word in words], grammar
    assert [accepts(PARITY, word) for word in words] == [word.count("1") % 2 == 1 for word in words]


@pytest.mark.parametrize("grammar", range(1, 8))
def test_strings_of_languages_are_labelled_right_and_balanced(grammar: int):
    problem = Tomita(grammar=grammar, length=12)
    drawn = rows(problem.draw(generator(), 400))
    for inputs, target, _ in drawn:
        assert REFERENCES[grammar]("".join(map(str, inputs))) == bool(target)
    assert 150 < sum(target for _, target, _ in drawn) < 250


def test_all_strings_of_a_length_are_as_likely():
    drawn = Parity(length=3, shortest=3).draw(generator(), 4000)
    found = Counter(tuple(inputs) for inputs, _, _ in rows(drawn))
    assert len(found) == 8 and all(400 < count < 600 for count in found.values())


def test_doubled_languages_hold_longer_strings_only():
    longer = Parity(length=10).twice_as_long()
    assert {*longer.draw(generator(), 400).lengths} == set(range(11, 21))


def test_unseen_rows_are_unseen():
    seen = set[bytes]()
    problem = Recall(length=8, symbols=6, pairs=2)  # 30 * 30 * 2 rows
    train = set(draw_unseen(problem, generator(1), 1000, seen).keys())
    drawn = draw_unseen(problem, generator(2), 200, seen)
    assert len(train) > 700
    assert not train & set(drawn.keys())
    tiny = Copy(length=2, symbols=2, items=1)  # two rows
    seen = set()
    draw_unseen(tiny, generator(1), 50, seen)
    assert len(draw_unseen(tiny, generator(2), 10, seen).keys()) == 10  # comes to an end


def test_rows_drawn_anew_keep_their_own_lengths_and_targets():
    seen = set(Parity(length=4).draw(generator(1), 1000).keys())
    for inputs, target, _ in rows(draw_unseen(Parity(length=6), generator(2), 300, seen)):
        assert len(inputs) > 4 and sum(inputs) % 2 == target


def test_helpers_draw_distinct_things_evenly():
    places = scattered(generator(), 3000, 5, 2)
    assert (np.diff(places, axis=1) > 0).all()
    assert all(200 < count < 400 for count in Counter(map(tuple, places.tolist())).values())  # ten, 300 each
    orders = Counter(map(tuple, distinct(generator(), 3000, 3, 2).tolist()))
    assert len(orders) == 6 and all(400 < count < 600 for count in orders.values())


def test_what_can_not_be_stated_is_refused():
    with pytest.raises(ValueError, match="length must be at least 16, got 10"):
        Recall(length=10, pairs=4)
    with pytest.raises(ValueError, match="5 pairs need as many symbols, got 4"):
        Recall(pairs=5, symbols=4, length=40)
    with pytest.raises(ValueError, match="grammar must be from 1 to 7, got 8"):
        Tomita(grammar=8)
    with pytest.raises(ValueError, match="items must be 2, 3 or 4, got 5"):
        TemporalOrder(items=5)
    with pytest.raises(ValueError, match="length must be at most 500"):
        Parity(length=5000)
    with pytest.raises(ValueError, match="length must be at least 20"):
        TemporalOrder(length=10)
