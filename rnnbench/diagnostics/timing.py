"""Timing several things fairly: in turn, again and again, so that a machine that slows down slows all of them."""

import contextlib
import functools
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import TypeVar

import torch

from rnnbench.errors import UserError, first_line
from rnnbench.plugins import place

Job = Callable[[], object]
Timer = Callable[[Job], float]
"""Runs a job and says how many seconds it took."""
Key = TypeVar("Key", bound=Hashable)


def interleave(
    jobs: Mapping[Key, Job], repeat: int, warm_up: int, timer: Timer, tell: Callable[[], object]
) -> tuple[dict[Key, list[float]], dict[Key, str]]:
    """Times every job `repeat` times in the order A B C A B C …, after `warm_up` rounds that do not count.

    Right before each job is timed it is run once: as in training, what it finds in the caches and in the allocator is
    its own, not its neighbour's. Without that, of two equal jobs the one took three times as long as the other.

    Args:
        tell: called after each round.

    Returns:
        Seconds of each job, and of those that raised an error what it said; such a job is not run again.
    """
    times: dict[Key, list[float]] = {key: [] for key in jobs}
    problems: dict[Key, str] = {}
    for turn in range(warm_up + repeat):
        for key in [key for key in jobs if key not in problems]:
            try:
                jobs[key]()
                seconds = timer(jobs[key])
            except (Exception, SystemExit) as error:  # a backbone is a stranger's code
                problems[key] = reason(error)
                continue
            if turn >= warm_up:
                times[key].append(seconds)
        tell()
    return times, problems


def reason(error: BaseException) -> str:
    """One line on what went wrong with somebody's code, and where."""
    return str(error) if isinstance(error, UserError) else f"{first_line(error)}{place(error)}"


def stopwatch(device: torch.device, threads: int) -> Timer:
    """The timer for jobs on `device`: events that are waited for on CUDA, the clock elsewhere.

    One thread is timed by the time that it computes, not by the wall: on a busy machine the scheduler takes slices of
    milliseconds away, which long jobs meet more often than short ones.
    """
    if device.type == "cuda":
        return _time_on_cuda
    return functools.partial(_time, time.process_time if threads == 1 else time.perf_counter)


def _time(clock: Callable[[], float], job: Job) -> float:
    began = clock()
    job()
    return clock() - began


def _time_on_cuda(job: Job) -> float:
    began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    began.record()
    job()
    ended.record()
    torch.cuda.synchronize()
    return began.elapsed_time(ended) / 1000


@contextlib.contextmanager
def threads(number: int) -> Iterator[None]:
    """Within it torch computes with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
