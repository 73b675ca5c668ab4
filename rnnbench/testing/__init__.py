"""A kit that shows whether a backbone keeps its contract. For built-in ones and for anybody's.

With pytest, each check a test of its own::

    from functools import partial
    import pytest
    from rnnbench.testing import BACKBONE_CHECKS

    @pytest.mark.parametrize("check", BACKBONE_CHECKS)
    def test_conformance(check):
        check(partial(MyCell, hidden_size=8))

All at once, anywhere: ``check_backbone(partial(MyCell, hidden_size=8))``. From the command line: ``rnnbench check
backbone=my_cell``.
"""

from rnnbench.testing.backbone import BACKBONE_CHECKS, Outcome, check_backbone, outcomes, small
from rnnbench.testing.check import Check, ContractError, Make
from rnnbench.testing.construction import parameters_match

__all__ = [
    "BACKBONE_CHECKS",
    "Check",
    "ContractError",
    "Make",
    "Outcome",
    "check_backbone",
    "outcomes",
    "parameters_match",
    "small",
]
