import time
from pathlib import Path

import pytest
import torch

from rnnbench.diagnostics.timing import interleave, stopwatch, threads


def play(jobs: dict, repeat: int, warmup: int, timer=None):
    """Interleaves under a clock that only counts jobs: the n-th takes n seconds."""
    count = iter(range(1, 1000))

    def fake(job) -> float:
        job()
        return float(next(count))

    return interleave(jobs, repeat, warmup, timer or fake, lambda: None)


def test_order_is_round_after_round_each_job_run_once_before_it_is_timed():
    order: list[str] = []
    jobs = {name: lambda name=name: order.append(name) for name in "ABC"}
    times, problems = play(jobs, repeat=2, warmup=1)
    assert "".join(order) == "AABBCC" * 3
    assert times == {"A": [4.0, 7.0], "B": [5.0, 8.0], "C": [6.0, 9.0]}
    assert not problems


@pytest.mark.parametrize("error", [RuntimeError("no luck\nmore"), SystemExit("no luck")])
def test_a_failing_job_is_left_out_and_the_others_go_on(error: BaseException):
    order: list[str] = []

    def broken() -> None:
        order.append("B")
        raise error

    times, problems = play({"A": lambda: order.append("A"), "B": broken, "C": lambda: order.append("C")}, 2, 0)
    assert "".join(order) == "AABCC" + "AACC"
    assert [len(times[name]) for name in "ABC"] == [2, 0, 2]
    assert set(problems) == {"B"}
    assert problems["B"].startswith(f"{type(error).__name__}: no luck ({Path(__file__)}, line ")


def test_an_interrupt_ends_it_at_once():
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play({"A": interrupted}, 1, 0)


def test_rounds_are_told():
    rounds: list[int] = []
    interleave({"A": lambda: None}, 3, 2, lambda job: 1.0, lambda: rounds.append(1))
    assert len(rounds) == 5


def test_one_thread_is_timed_by_what_it_computes_and_more_by_the_wall():
    cpu = torch.device("cpu")
    assert stopwatch(cpu, threads=1)(lambda: time.sleep(0.05)) < 0.04
    assert stopwatch(cpu, threads=2)(lambda: time.sleep(0.05)) >= 0.05

    def compute() -> None:
        until = time.process_time() + 0.02
        while time.process_time() < until:
            pass

    assert stopwatch(cpu, threads=1)(compute) >= 0.02


@pytest.mark.gpu
def test_cuda_is_waited_for():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    x = torch.randn(2048, 2048, device="cuda")
    timer = stopwatch(torch.device("cuda"), threads=1)
    once, often = (min(timer(lambda n=n: [x @ x for _ in range(n)]) for _ in range(5)) for n in (1, 20))
    assert 5 * once < often < 40 * once


def test_threads_are_put_back():
    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
    with pytest.raises(ZeroDivisionError), threads(before + 1):
        _ = 1 / 0
    assert torch.get_num_threads() == before
