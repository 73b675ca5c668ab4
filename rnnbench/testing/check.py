"""What a check is, and how one gives way to another that says better what is wrong."""

import functools
import unittest
from collections.abc import Callable
from operator import methodcaller

from rnnbench.backbone import Backbone

Make = Callable[..., Backbone]
"""Builds a backbone with fresh weights for an input size, such as ``partial(MyCell, hidden_size=8)``."""

Check = Callable[[Make], None]
"""Raises `ContractError` where a backbone breaks one clause of the contract. Its name says which."""


class ContractError(AssertionError):
    """A backbone does what its contract forbids: what differs, by how much, and the likely mistake."""


hidden = methodcaller("errisinstance", (ContractError, unittest.SkipTest))
"""For ``__tracebackhide__``: pytest then shows the message and no frame of the kit."""

__tracebackhide__ = hidden


def after(*needs: Check) -> Callable[[Check], Check]:
    """Marks a check. Where it fails, and one of those it `needs` fails too, it is skipped: that one says why."""

    def mark(run: Check) -> Check:
        @functools.wraps(run)
        def check(make: Make) -> None:
            try:
                run(make)
            except unittest.SkipTest:
                raise
            # The backbone is a stranger's code, and may raise anything.
            except Exception as error:
                reason = next((need.__name__ for need in needs if _fails(need, make)), None)
                if reason:
                    raise unittest.SkipTest(f"fails as {reason} does: look there first") from error
                raise

        return check

    return mark


def _fails(check: Check, make: Make) -> bool:
    try:
        check(make)
    except Exception:  # as above
        return True
    return False
