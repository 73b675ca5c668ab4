"""The checks of a task, and ways to run them all."""

from collections.abc import Iterator

from rnnbench.testing import task_data, task_form, task_samples, task_scores
from rnnbench.testing.check import MakeTask, Outcome, TaskCheck, hidden, outcomes_of, raise_wrong

__tracebackhide__ = hidden

TASK_CHECKS: list[TaskCheck] = [
    task_form.constructor_reads_no_data,
    task_form.options_can_be_set,
    task_form.says_what_it_is,
    task_form.splits_hold_what_the_spec_says,
    task_form.facts_can_be_recorded,
    task_data.default_needs_no_network,
    task_data.same_seed_same_batches,
    task_data.splits_share_no_example,
    task_data.evaluates_every_target_once,
    task_scores.loss_is_finite_and_differentiable,
    task_scores.masked_targets_change_nothing,
    task_scores.batch_size_changes_no_metric,
    task_scores.direction_is_right,
    task_scores.perfect_outputs_reach_the_best,
    task_scores.chance_is_what_guessing_scores,
    task_scores.a_small_network_learns,
    task_samples.decode_gives_readable_samples,
    task_samples.gallery_can_be_looked_at,
    task_samples.prompt_is_taken_or_refused,
]


def task_outcomes(make: MakeTask) -> Iterator[Outcome]:
    """Runs all checks, one after the other, whatever they raise. The argument is that of `check_task`."""
    return outcomes_of(TASK_CHECKS, make)


def check_task(make: MakeTask) -> None:
    """Runs all checks and says all that is wrong at once.

    Args:
        make: builds the task from a `Sources`, such as ``MyTask`` or ``partial(MyTask, length=10)``. Data that it looks
            for in a folder is found as RNNBENCH_DATA says.

    Raises:
        ContractError: a line for each check that fails.
    """
    raise_wrong(task_outcomes(make))
