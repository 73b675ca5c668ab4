"""The kit finds each kind of mistake: the right check says it, with the right guess, and no other one drowns it."""

import inspect
from functools import partial
from pathlib import Path

import pytest
import torch

from rnnbench import Sources, Task
from rnnbench.learners.pooled import PooledLearner
from rnnbench.testing import TASK_CHECKS, ContractError, TaskCheck, check_task, task_data, task_outcomes
from rnnbench.testing.check import outcomes_of
from testing.task_mistakes import data, forms, samples, scores, steps, tokens

# What is planted: the one check that is to fail, and what its message is to say.
PLANTED: dict[type[Task], tuple[str, str]] = {
    forms.OpensAFile: ("constructor_reads_no_data", f"the constructor reads {forms.__file__}: read in describe"),
    forms.AsksForFiles: ("constructor_reads_no_data", "the constructor reads"),
    forms.AsksForItsData: ("constructor_reads_no_data", "the constructor asks for self.data: leave that"),
    forms.Undocumented: ("options_can_be_set", "class Undocumented has no docstring: `rnnbench list` shows"),
    forms.IrrelevantTypo: (
        "options_can_be_set",
        "irrelevant: option 'lenght' does not exist; did you mean 'length'",
    ),
    forms.OptionCalledName: ("options_can_be_set", "an option 'name', which the config keeps"),
    forms.VersionOfWords: ("says_what_it_is", "version is 1.1, expected a whole number"),
    forms.OtherMetric: ("says_what_it_is", "metric 'acuracy' does not exist; did you mean 'accuracy'?"),
    forms.Upwards: ("says_what_it_is", "direction is 'up', expected 'min' or 'max'"),
    forms.EndlessChance: ("says_what_it_is", "chance is nan, expected the score of one who guesses blindly"),
    forms.Nameless: ("says_what_it_is", "setting is empty"),
    forms.StartOfOthers: ("says_what_it_is", "but they are Tokens(size=4), not Tokens(size=3)"),
    forms.OtherShape: ("says_what_it_is", "shape 'many_to_few' does not exist"),
    forms.Crashing: ("says_what_it_is", "raises KeyError: 'spec' (" + str(Path(forms.__file__))),
    data.WithoutValidation: ("splits_hold_what_the_spec_says", "splits() returns no validation"),
    data.EmptyTest: ("splits_hold_what_the_spec_says", "test has no rows"),
    data.TooManySymbols: ("splits_hold_what_the_spec_says", "train: the task's column 'inputs': token 4 is not wi"),
    data.Letters: ("splits_hold_what_the_spec_says", "train: the task's column 'inputs' holds string, but Tokens"),
    data.LongSteps: ("splits_hold_what_the_spec_says", "train has a row of 6 steps, and one_to_one means one"),
    data.HalfBeats: ("splits_hold_what_the_spec_says", "0.5 is neither 0 nor 1"),
    data.HoleInSeries: ("splits_hold_what_the_spec_says", "train: the task's column 'inputs': a number is not fin"),
    data.EndsItself: ("splits_hold_what_the_spec_says", "column 'targets': token 4 is not within 0 to 3"),
    data.NothingToSay: ("splits_hold_what_the_spec_says", "column 'targets' is empty in row 59; leave such rows"),
    data.PaintedByHand: ("splits_hold_what_the_spec_says", "holds double, but Pictures(channels=1, side=4) was"),
    data.OneReference: (
        "splits_hold_what_the_spec_says",
        "'references' must hold a list of texts a row, but holds",
    ),
    data.ShortTargets: ("splits_hold_what_the_spec_says", "targets in row 0; aligned rows have as many of both"),
    data.ShortMask: ("splits_hold_what_the_spec_says", "train: in row 5 mask has"),
    data.MaskInverted: ("splits_hold_what_the_spec_says", "mask lets no target count: is it the wrong way round?"),
    data.MaskedRows: ("splits_hold_what_the_spec_says", "train has a column mask, which is read of aligned rows"),
    data.TensorFact: ("facts_can_be_recorded", "fact 'rows' is Tensor, expected a plain number or text: .item()?"),
    data.AsksTheHub: ("default_needs_no_network", "without options it asks the network for first: let the defaul"),
    data.Downloads: ("default_needs_no_network", "without options it asks the network for 127.0.0.1"),
    data.Slow: ("default_needs_no_network", "without options it takes 0 s to be there"),
    data.DrawnGlobally: ("same_seed_same_batches", "made twice, train differs: is it drawn by a global generator"),
    data.RandomStart: ("same_seed_same_batches", "made twice, the batches of one seed differ"),
    data.TestInTrain: ("splits_share_no_example", "3 of 100 rows of test stand in train too: are they drawn twic"),
    data.StreamAgain: ("splits_share_no_example", "stretches of 64 steps of test stand in train too"),
    scores.LossOfRows: ("loss_is_finite_and_differentiable", "loss gives [7], expected one number: is a mean miss"),
    scores.LossOfChoice: ("loss_is_finite_and_differentiable", "loss has no gradient: is there an argmax"),
    scores.LossOfNothing: ("loss_is_finite_and_differentiable", "loss is -inf: is there a logarithm"),
    scores.RoundedLoss: ("loss_is_finite_and_differentiable", "gradient for the outputs is zero: is something round"),
    scores.MaskedLoss: ("masked_targets_change_nothing", "with other masked targets: does `loss` leave out batch.m"),
    scores.MaskedMetric: ("masked_targets_change_nothing", "row_nats is"),
    scores.BatchMeans: ("batch_size_changes_no_metric", "3 rows a batch"),
    scores.StreamMeans: ("batch_size_changes_no_metric", "keep sums and counts, and divide in compute()"),
    scores.OtherDirection: ("direction_is_right", "and direction is 'min': is it the other one?"),
    scores.BlindMetric: ("direction_is_right", "does mse look at the targets?"),
    scores.LostClass: ("perfect_outputs_reach_the_best", "accuracy, expected 0, 1 or 100: is it shifted by"),
    data.TooMany: ("splits_hold_what_the_spec_says", "6 inputs in row 0, and CTC needs 7 to say its 4 targets"),
    scores.OtherLetters: ("perfect_outputs_reach_the_best", "exact, expected 0, 1 or 100"),
    scores.InPercent: ("chance_is_what_guessing_scores", "chance is 25; guesses score noise 0."),
    scores.Modest: ("chance_is_what_guessing_scores", "one who guesses does better: is it of another setting?"),
    scores.Boastful: ("chance_is_what_guessing_scores", "it knows more than one who guesses"),
    scores.Reversed: ("a_small_network_learns", "a step along its gradient takes the loss from"),
    samples.OneSample: ("decode_gives_readable_samples", "decode gives 1 samples for 3 rows"),
    samples.TensorText: ("decode_gives_readable_samples", "is .tolist() or .item() missing?"),
    samples.Silent: ("decode_gives_readable_samples", "a sample's text is ' ', expected something to read"),
    samples.UnsortedChoices: ("decode_gives_readable_samples", "a sample's choices are not the best first"),
    samples.LogitChoices: ("decode_gives_readable_samples", "is a softmax missing?"),
    samples.FileInFolder: ("decode_gives_readable_samples", "a sample's file is called '../picture.png'; give a pla"),
    samples.EmptyFile: ("decode_gives_readable_samples", "a sample's file notes.txt is empty"),
    samples.OtherFile: ("decode_gives_readable_samples", "a sample's file picture.png begins with"),
    samples.EmptyGallery: ("gallery_can_be_looked_at", "a sample's file confusion.png is empty"),
    samples.CrashingPrompt: ("prompt_is_taken_or_refused", "raises KeyError: 'The' ("),
    samples.PromptOutOfRange: ("prompt_is_taken_or_refused", "token 4 is not within 0 to 3: refuse such a prompt"),
}


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if there were one."""
    monkeypatch.setattr(Sources, "hub", lambda *_: None)


@pytest.fixture(params=PLANTED)
def mistake(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[Task]:
    if request.param is data.Slow:
        monkeypatch.setattr(task_data, "PATIENCE", 0.03)
    return request.param


def test_a_planted_mistake_is_caught_by_its_check(mistake: type[Task]):
    name, message = PLANTED[mistake]
    (found,) = outcomes_of([check for check in TASK_CHECKS if check.__name__ == name], mistake)
    assert found.status == "wrong"
    assert message in found.message
    assert "\n" not in found.message
    assert len(found.message.replace(inspect.getfile(mistake), "")) < 240


@pytest.mark.slow
def test_a_planted_mistake_is_caught_by_its_check_alone(mistake: type[Task]):
    wrong = [outcome.check for outcome in task_outcomes(mistake) if outcome.status == "wrong"]
    assert wrong == [PLANTED[mistake][0]]


def test_every_check_is_shown_to_catch_something():
    caught = {check for check, _ in PLANTED.values()}
    assert {check.__name__ for check in TASK_CHECKS} - caught == {"evaluates_every_target_once"}  # shown below


def test_a_batch_that_is_dropped_is_noticed(monkeypatch: pytest.MonkeyPatch):
    whole = PooledLearner.evaluation_batches
    monkeypatch.setattr(PooledLearner, "evaluation_batches", lambda *arguments: list(whole(*arguments))[:-1])
    with pytest.raises(ContractError, match="evaluation meets 64 targets of test, there are 100"):
        task_data.evaluates_every_target_once(partial(tokens.First))


@pytest.mark.parametrize(
    "task",
    [
        tokens.First,
        tokens.Backwards,
        tokens.Forwards,
        tokens.Described,
        steps.Echo,
        steps.Beats,
        steps.Wave,
        steps.Drift,
    ],
)
def test_without_a_mistake_all_is_well(task: type[Task]):
    check_task(task)


def test_options_can_be_given():
    check_task(partial(tokens.First, length=9))


def test_overlap_that_the_data_set_has_is_reported():
    said = task_data.splits_share_no_example(data.StatedTestInTrain)
    assert said == "3 of 100 rows of test stand in train, as facts say"


def test_two_mistakes_are_said_at_once():
    class Two(scores.InPercent, samples.Silent):
        """Has two."""

    with pytest.raises(ContractError) as error:
        check_task(Two)
    first, *lines = str(error.value).splitlines()
    assert first == "2 checks fail"
    assert [line.partition(":")[0] for line in lines] == [
        "chance_is_what_guessing_scores",
        "decode_gives_readable_samples",
    ]


def test_a_check_gives_way_to_the_one_that_says_why():
    found = {outcome.check: outcome for outcome in task_outcomes(data.WithoutValidation)}
    assert found["splits_share_no_example"].status == "skipped"
    assert found["splits_share_no_example"].message == "fails as splits_hold_what_the_spec_says does: look there first"


def test_checking_leaves_the_random_state_as_it_was():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    check_task(partial(tokens.First))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("check", TASK_CHECKS)
def test_each_check_is_a_test_with_a_name_of_its_own(check: TaskCheck, request: pytest.FixtureRequest):
    assert request.node.name.endswith(f"[{check.__name__}]")
    assert check.__doc__
