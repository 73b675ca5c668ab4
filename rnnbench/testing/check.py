"""What a check is, how one gives way to another that says better what is wrong, and how many are run."""

import functools
import unittest
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from rnnbench.backbone import Backbone
from rnnbench.errors import first_line
from rnnbench.plugins import place

if TYPE_CHECKING:
    from rnnbench.task import Task

Make = Callable[..., Backbone]
"""Builds a backbone with fresh weights for an input size, such as ``partial(MyCell, hidden_size=8)``."""

MakeTask = Callable[..., "Task"]
"""Builds a task from a `Sources`, such as ``MyTask`` or ``partial(MyTask, length=10)``."""

Check = Callable[[Make], None]
"""Raises `ContractError` where a backbone breaks one clause of the contract. Its name says which."""

TaskCheck = Callable[[MakeTask], str | None]
"""As `Check`, for a task. What is worth knowing although nothing is wrong is returned."""


class ContractError(AssertionError):
    """A plugin does what its contract forbids: what differs, by how much, and the likely mistake."""


M = TypeVar("M")
R = TypeVar("R")

hidden = methodcaller("errisinstance", (ContractError, unittest.SkipTest))
"""For ``__tracebackhide__``: pytest then shows the message and no frame of the kit."""

__tracebackhide__ = hidden


def after(*needs: Callable[[M], R]) -> Callable[[Callable[[M], R]], Callable[[M], R]]:
    """Marks a check. Where it fails, and one of those it `needs` fails too, it is skipped: that one says why."""

    def mark(run: Callable[[M], R]) -> Callable[[M], R]:
        @functools.wraps(run)
        def check(make: M) -> R:
            try:
                return run(make)
            except unittest.SkipTest:
                raise
            # The plugin is a stranger's code, and may raise anything.
            except Exception as error:
                reason = next((need.__name__ for need in needs if _fails(need, make)), None)
                if reason:
                    raise unittest.SkipTest(f"fails as {reason} does: look there first") from error
                raise

        return check

    return mark


def _fails(check: Callable[[M], R], make: M) -> bool:
    try:
        check(make)
    except Exception:  # as above
        return True
    return False


@dataclass(frozen=True)
class Outcome:
    """How a check came out; `message` says what is wrong, why it was skipped, or what is worth knowing."""

    check: str
    status: Literal["ok", "wrong", "skipped"]
    message: str = ""


def outcomes_of(checks: Iterable[Callable[[M], Any]], make: M) -> Iterator[Outcome]:
    """Runs checks, one after the other, whatever they raise."""
    for check in checks:
        yield _outcome(check, make)


def _outcome(check: Callable[[M], str | None], make: M) -> Outcome:
    try:
        remark = check(make)
    except unittest.SkipTest as reason:
        return Outcome(check.__name__, "skipped", str(reason))
    except ContractError as error:
        return Outcome(check.__name__, "wrong", str(error))
    # The plugin is a stranger's code: whatever else it raises is a mistake in it, said in one line with the place.
    except Exception as error:
        return Outcome(check.__name__, "wrong", f"raises {first_line(error)}{place(error)}")
    return Outcome(check.__name__, "ok", remark or "")


def raise_wrong(outcomes: Iterable[Outcome]) -> None:
    """Says all that is wrong at once.

    Raises:
        ContractError: a line for each check that fails.
    """
    wrong = [outcome for outcome in outcomes if outcome.status == "wrong"]
    if wrong:
        lines = [f"{outcome.check}: {outcome.message}" for outcome in wrong]
        raise ContractError("\n".join([f"{len(wrong)} checks fail", *lines]))
