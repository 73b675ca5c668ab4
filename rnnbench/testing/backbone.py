"""The checks of a backbone, and ways to run them all."""

from collections.abc import Callable, Iterator
from functools import partial
from inspect import signature

from rnnbench.testing import construction, form, gradients, independence, purity, recurrence
from rnnbench.testing.check import Check, Make, Outcome, hidden, outcomes_of, raise_wrong
from rnnbench.testing.probe import INPUTS

__tracebackhide__ = hidden

BACKBONE_CHECKS: list[Check] = [
    construction.refuses_sizes_below_one,
    form.state_is_tensors_batch_first,
    form.gives_what_it_says,
    form.state_keeps_its_form,
    form.keeps_the_type_of_numbers,
    purity.draws_no_random_numbers,
    purity.remembers_nothing_beside_the_state,
    purity.leaves_what_it_is_given,
    purity.same_seed_same_network,
    purity.state_dict_holds_everything,
    independence.is_causal,
    independence.rows_are_independent,
    independence.padding_changes_nothing_before_it,
    independence.detach_cuts,
    recurrence.none_is_the_initial_state,
    recurrence.step_equals_forward_in_float64,
    recurrence.step_equals_forward,
    recurrence.chunks_equal_the_whole,
    recurrence.takes_one_step_and_one_row,
    gradients.every_parameter_has_a_finite_gradient,
    gradients.step_and_forward_have_equal_gradients,
    gradients.gradients_are_those_of_differences,
    gradients.zero_and_large_inputs_stay_finite,
    construction.parameter_groups_are_its_own,
    construction.moves_to_cuda,
]


def outcomes(make: Make, *, parameters: Callable[[int], int] | None = None) -> Iterator[Outcome]:
    """Runs all checks, one after the other, whatever they raise. Arguments are those of `check_backbone`."""
    more = [construction.parameters_match(parameters)] if parameters else []
    yield from outcomes_of([*BACKBONE_CHECKS, *more], make)


def check_backbone(make: Make, *, parameters: Callable[[int], int] | None = None) -> None:
    """Runs all checks and says all that is wrong at once.

    Args:
        make: builds the backbone with fresh weights for an input size, such as ``partial(MyCell, hidden_size=8)``.
        parameters: how many trainable numbers it has, as a function of the input size.

    Raises:
        ContractError: a line for each check that fails.
    """
    raise_wrong(outcomes(make, parameters=parameters))


def small(make: Make) -> Make:
    """The same with the smallest ``hidden_size`` of 8, 16 … 128 that the constructor takes, unless one is given."""
    given = isinstance(make, partial) and "hidden_size" in make.keywords
    if given or "hidden_size" not in signature(make).parameters:
        return make
    for size in (8, 16, 32, 64, 128):
        try:
            partial(make, hidden_size=size)(INPUTS)
        except ValueError:
            continue
        return partial(make, hidden_size=size)
    return make
