"""The statistics of a leaderboard."""

import math
from collections.abc import Sequence


def mean_and_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float | None]:
    """Mean and half-width of its confidence interval by Student's t; no interval from a single value.

    Args:
        values: one a seed.
        confidence: probability that the interval covers the true mean, where values are normally distributed.
    """
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return mean, None
    from scipy.stats import t  # half a second to import, and only tables with several seeds need it

    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return mean, float(t.ppf((1 + confidence) / 2, len(values) - 1)) * math.sqrt(variance / len(values))
