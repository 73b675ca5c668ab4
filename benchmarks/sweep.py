"""How much of the machine a sweep uses: small trials with rnnbench, under Hydra's stock multirun, and as bare loops.

    python benchmarks/sweep.py [--trials 64] [--workers 2] [--repetitions 1] [--skip 1000]

The trials: LSTM language models of 64 and 128 units on characters of an alphabet of 50, batch 32, 64 steps, 40 chunks
an epoch, two epochs, W&B offline. Promises: at least 1.7 times the trials an hour of stock multirun with torch's
default threads, start-up included on both sides; at least 0.85 of bare loops in as many one-thread processes, start-up
excluded on both sides; at most 0.15 s of harness a trial; the first trial running 6 s after Enter; 1,000 finished
trials skipped in 2 s of planning.
"""

import argparse
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from overhead import random_text

from rnnbench.sweep.planning import Planner

HERE = Path(__file__).parent
CHUNKS = 40
RATES = ("0.001", "0.003")
SIZES = ("64", "128")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=1)
    parser.add_argument("--skip", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "text.txt").write_text(random_text(int(32 * 64 * CHUNKS / 0.9)))
        rounds = [measure(folder / str(number), options) for number in range(options.repetitions)]
        skipping = plan_finished(folder, options.skip)
    for number in rounds:
        print("  ".join(f"{name} {value:.2f}" for name, value in number.items()))
    median = {name: statistics.median(number[name] for number in rounds) for name in rounds[0]}
    span, bare = median["ours_span"], median["bare_span"]
    ours, stock = (3600 * options.trials / median[name] for name in ("ours", "stock"))
    print(f"trials an hour, start-up included: {ours:.0f}, stock {stock:.0f}: {ours / stock:.2f} times as many")
    print(f"of the limit, start-up excluded: {bare / span:.2f}")
    print(f"harness a trial: {options.workers * (span - bare) / options.trials:.3f} s")
    print(f"first trial running after {median['first']:.1f} s")
    print(f"{options.skip} points planned and looked up in {skipping:.2f} s of processor time")


def measure(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Seconds of each way, in turn."""
    folder.mkdir()
    seeds = range(options.trials // 4)
    fixed = common(folder.parent / "text.txt")
    axes = [
        f"backbone.hidden_size={','.join(SIZES)}",
        f"optimizer.learning_rate={','.join(RATES)}",
        f"seed={','.join(map(str, seeds))}",
    ]
    ours, stock = folder / "ours", folder / "stock"
    began = time.time()
    workers = [f"sweep.workers={options.workers}"]
    run("-m", "rnnbench", "-m", *fixed, *axes, *workers, f"outputs_dir={ours}")
    took = time.time() - began
    started = [path.stat().st_mtime for path in ours.glob("runs/*/*/*/environment.json")]
    ended = [path.stat().st_mtime for path in ours.glob("runs/*/*/*/status.json")]
    assert len(ended) == options.trials, "a trial is missing"
    points = [
        [*fixed, f"backbone.hidden_size={size}", f"optimizer.learning_rate={rate}", f"seed={seed}"]
        for size, rate, seed in itertools.product(SIZES, RATES, seeds)
    ]
    bare = float(
        run(str(HERE / "yardsticks/bare.py"), str(options.workers), *" ::: ".join(map(" ".join, points)).split())
    )
    stock_began = time.time()
    run(
        str(HERE / "yardsticks/stock.py"),
        "-m",
        *fixed,
        *axes,
        f"outputs_dir={stock}",
        f"hydra.sweep.dir={folder}/hydra",
    )
    return {
        "ours": took,
        "stock": time.time() - stock_began,
        "first": min(started) - began,
        "ours_span": max(ended) - min(started),
        "bare_span": bare,
    }


def plan_finished(folder: Path, count: int) -> float:
    """Seconds of processor time to plan so many points and look up their records."""
    began = time.process_time()
    planner = Planner()
    for number in range(count):
        size, rate = SIZES[number % 2], RATES[number // 2 % 2]
        point = planner.point(
            [*common(folder / "text.txt"), f"backbone.hidden_size={size}", f"optimizer.learning_rate={rate}",
             f"seed={number}", f"outputs_dir={folder}/0/ours"]
        )  # fmt: skip
        _ = point.trial.record.finished
    return time.process_time() - began


def common(text: Path) -> list[str]:
    """What all trials share."""
    return [
        "task.dataset=text", f"task.path={text}", "task.level=character", "backbone=lstm", "learner.bptt=64",
        "trainer.batch_size=32", "trainer.max_epochs=2", "trainer.progress=false",
    ]  # fmt: skip


def run(*arguments: str) -> str:
    """What a Python program prints; says what went wrong."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(arguments[:3])}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
