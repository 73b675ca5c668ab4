"""The kit finds each kind of mistake: the right check says it, with the right guess, and no other one drowns it."""

import ast
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

import rnnbench.testing
from rnnbench.backbone import Backbone
from rnnbench.backbones.gru import GRU
from rnnbench.backbones.lstm import LSTM
from rnnbench.testing import BACKBONE_CHECKS, Check, ContractError, check_backbone, outcomes, parameters_match, small
from rnnbench.testing.check import outcomes_of
from testing import mistakes

# What is planted: the one check that is to fail, and what its message is to say.
PLANTED: dict[type[Backbone], tuple[str, str]] = {
    mistakes.WithoutAtLeast: ("refuses_sizes_below_one", "hidden_size=0 is taken: call at_least(1, hidden_size="),
    mistakes.OtherError: ("refuses_sizes_below_one", "hidden_size=0 raises TypeError, expected a ValueError"),
    mistakes.NamelessError: ("refuses_sizes_below_one", "refused without its name, or in many lines: too small"),
    mistakes.BatchSecond: ("state_is_tensors_batch_first", "[6, 3]: is batch its first dimension?"),
    mistakes.PlainCounter: ("state_is_tensors_batch_first", "the state holds int, expected tensors only: is a counter"),
    mistakes.WrongOutputSize: ("gives_what_it_says", "[3, 7, 6], expected [3, 7, 12] by its output_size"),
    mistakes.TimeMajor: ("gives_what_it_says", "is a transpose(0, 1) missing"),
    mistakes.OtherNesting: ("state_keeps_its_form", "is it nested otherwise?"),
    mistakes.Cache: ("state_keeps_its_form", "is a tensor added, lost or stored in another shape or type?"),
    mistakes.AlwaysFloat32: ("keeps_the_type_of_numbers", "is a type or a device written out"),
    mistakes.OverflowsInHalf: ("keeps_the_type_of_numbers", "in torch.bfloat16 outputs are not finite"),
    mistakes.AlwaysDrops: (
        "draws_no_random_numbers",
        "forward draws from the generator of torch in evaluation",
    ),
    mistakes.DrawsAtTheStart: ("draws_no_random_numbers", "initial_state draws from the generator of torch"),
    mistakes.CountsInBuffer: ("remembers_nothing_beside_the_state", "changes 'count': does it belong into the state?"),
    mistakes.OwnGenerator: ("remembers_nothing_beside_the_state", "or drawn by a generator of its own?"),
    mistakes.InPlace: (
        "leaves_what_it_is_given",
        "writes into tensor 0 of the state it is given: is there an opera",
    ),
    mistakes.DrawnByNumpy: ("same_seed_same_network", "'decay' differs: is it drawn by numpy"),
    mistakes.UnregisteredDraw: ("same_seed_same_network", "is a tensor not in state_dict?"),
    mistakes.Unregistered: ("state_dict_holds_everything", "is a tensor a plain attribute? register_buffer"),
    mistakes.Centred: (
        "is_causal",
        "at t=33 depends on the input at t=34 (gradient 3e-02): is something summed,",
    ),
    mistakes.OffByOne: ("is_causal", "is a window or a shift off by one step?"),
    mistakes.BatchNormed: ("rows_are_independent", "is something normalised or summed over the batch"),
    mistakes.LargestRow: ("rows_are_independent", "a row alone differs by"),
    mistakes.Scaled: ("padding_changes_nothing_before_it", "is something scaled or normalised by all of time?"),
    mistakes.ByLength: ("padding_changes_nothing_before_it", "where 66 steps are read instead of 67: does the length"),
    mistakes.KeptOnModule: ("detach_cuts", "flows past a detached state: is something kept on the module"),
    mistakes.OtherBeginning: ("none_is_the_initial_state", "does it begin elsewhere?"),
    mistakes.MissingBias: ("step_equals_forward_in_float64", "at t=0: is a bias, a gate or an activation"),
    mistakes.OtherDecay: ("step_equals_forward_in_float64", "at t=1: is the state carried from step to step as the"),
    mistakes.LostBorder: ("step_equals_forward_in_float64", "at t=16: is what crosses the border of a chunk of 16"),
    mistakes.StaleState: ("step_equals_forward_in_float64", "does forward return the state after the last step?"),
    mistakes.Rounded: ("step_equals_forward", "in float64 they agree: is it rounding"),
    mistakes.Forgetful: ("chunks_equal_the_whole", "at t=26 (cut at 26): is the state of the previous chunk ignored?"),
    mistakes.Squeezed: ("takes_one_step_and_one_row", "is a dimension of size one squeezed away or broadcast?"),
    mistakes.WrongBackward: ("step_and_forward_have_equal_gradients", "is a backward written by hand wrong?"),
    mistakes.DetachesState: (
        "step_and_forward_have_equal_gradients",
        "tensor 0 of the state differs from that of",
    ),
    mistakes.WrongBackwardInBoth: ("gradients_are_those_of_differences", "is a backward written by hand wrong?"),
    mistakes.WithoutGradients: ("every_parameter_has_a_finite_gradient", "are they computed under no_grad"),
    mistakes.Unused: ("every_parameter_has_a_finite_gradient", "'spare' receives no gradient: is it unused"),
    mistakes.RootOfZero: ("every_parameter_has_a_finite_gradient", "'decay' is not finite: is there a root"),
    mistakes.NormOfZero: ("zero_and_large_inputs_stay_finite", "for inputs of zeros outputs or state are not finite"),
    mistakes.Exploding: ("zero_and_large_inputs_stay_finite", "for inputs of size 30"),
    mistakes.ForeignGroup: ("parameter_groups_are_its_own", "names a tensor that is no parameter: is it a copy"),
    mistakes.DoubleGroup: ("parameter_groups_are_its_own", "names a parameter twice"),
    mistakes.Crashing: ("gives_what_it_says", "raises KeyError: 'gate' (" + str(Path(mistakes.__file__))),
}


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_caught_by_its_check(mistake: type[Backbone]):
    name, message = PLANTED[mistake]
    (found,) = outcomes_of([check for check in BACKBONE_CHECKS if check.__name__ == name], mistake)
    assert found.status == "wrong"
    assert message in found.message
    assert "\n" not in found.message
    assert len(found.message.replace(mistakes.__file__, "")) < 240


@pytest.mark.slow
@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_caught_by_its_check_alone(mistake: type[Backbone]):
    wrong = [outcome.check for outcome in outcomes(mistake) if outcome.status == "wrong"]
    assert wrong == [PLANTED[mistake][0]]


def test_every_check_is_shown_to_catch_something():
    caught = {check for check, _ in PLANTED.values()}
    assert {check.__name__ for check in BACKBONE_CHECKS} - caught == {"moves_to_cuda"}  # needs the device


def test_without_a_mistake_all_is_well():
    check_backbone(mistakes.Leaky, parameters=lambda inputs: 6 * (inputs + 2))
    check_backbone(mistakes.Complex)
    check_backbone(mistakes.Untrained)
    check_backbone(mistakes.Unlearning)


def test_two_mistakes_are_said_at_once():
    with pytest.raises(ContractError) as error:
        check_backbone(mistakes.Two)
    first, *lines = str(error.value).splitlines()
    assert first == "2 checks fail"
    assert [line.partition(":")[0] for line in lines] == ["is_causal", "parameter_groups_are_its_own"]


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (
            lambda inputs: 6 * (inputs + 1),
            "for input_size=5 there are 42 parameters, the formula gives 36: 1 x 6 too many",
        ),
        (
            lambda inputs: 6 * (inputs + 5),
            "42 parameters, the formula gives 60: 3 x 6 missing: are they biases?",
        ),
        (lambda inputs: 42, "for input_size=11 there are 78 parameters, the formula gives 42: 6 x 6 too many"),
        (lambda inputs: 40, "the formula gives 40: is a matrix of another size?"),
    ],
)
def test_parameters_are_counted(formula: Any, message: str):
    with pytest.raises(ContractError) as error:
        parameters_match(formula)(mistakes.Leaky)
    assert message in str(error.value)


def test_a_check_gives_way_to_the_one_that_says_why():
    found = {outcome.check: outcome for outcome in outcomes(mistakes.Centred)}
    assert found["step_equals_forward"].status == "skipped"
    assert found["step_equals_forward"].message == "fails as is_causal does: look there first"
    assert found["detach_cuts"].status == "ok"


def test_checking_leaves_the_random_state_as_it_was():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    check_backbone(partial(LSTM, hidden_size=4))
    assert torch.equal(torch.get_rng_state(), before)


def test_small_takes_the_smallest_width_that_fits_unless_one_is_given():
    assert small(GRU)(5).output_size == 8
    assert small(partial(GRU, hidden_size=3))(5).output_size == 3
    assert small(mistakes.Multiple)(5).output_size == 64
    assert small(lambda input_size: GRU(input_size, hidden_size=5))(5).output_size == 5


def test_the_kit_needs_no_pytest():
    for file in Path(rnnbench.testing.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module] if isinstance(node, ast.ImportFrom) else getattr(node, "names", [])
            assert not any("pytest" in str(getattr(name, "name", name)) for name in names), file


@pytest.mark.parametrize("check", BACKBONE_CHECKS)
def test_each_check_is_a_test_with_a_name_of_its_own(check: Check, request: pytest.FixtureRequest):
    assert request.node.name.endswith(f"[{check.__name__}]")
    assert check.__doc__


def test_pytest_shows_the_message_and_no_frame_of_the_kit():
    (check,) = (check for check in BACKBONE_CHECKS if check.__name__ == "is_causal")
    with pytest.raises(ContractError) as error:
        check(mistakes.OffByOne)
    assert [str(entry.path) for entry in error.traceback.filter(error)] == [__file__]
