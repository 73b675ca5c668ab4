"""The mirror at Weights & Biases, by the real client: decoded from disk, synced, online, and in trouble."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import TINY
from support import wandb_file
from support.wandb_recorder import Behaviour, Recorder, sandbox

from rnnbench.storage.record import Record, all_records

ONLINE, OFFLINE = "logger.mode=online", "logger.mode=offline"
CANARY = "canary-7f3a"


def rnnbench(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rnnbench", *arguments],
        env={"OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=100,
    )


def offline_run(record: Record) -> wandb_file.Run:
    (file,) = record.folder.glob("wandb/offline-run-*/*.wandb")
    return wandb_file.load(file)


def assert_mirrors(record: Record, mirror: wandb_file.Run) -> None:
    """The mirror holds config, curves, scores, costs and samples of the record."""
    assert mirror.config["trial"] == record.facts
    assert mirror.config["backbone"] == record.config["backbone"]
    assert mirror.config["optimizer"] == record.config["optimizer"]
    assert {record.facts["task"], record.facts["backbone"], "extra"} <= set(mirror.tags)
    for line in record.metrics:
        (row,) = [row for row in mirror.history if row["_step"] == line["step"]]
        assert {name: row[name] for name in line} == line
    assert mirror.summary["test/perplexity"] == record.result["test"]["perplexity"]
    assert mirror.summary["parameters"] == record.result["parameters"]
    assert mirror.summary["status"] == "done"
    assert mirror.exit_code == 0


@pytest.mark.slow
def test_a_sweep_leaves_a_run_a_trial_which_sync_delivers(book: Path, workplace: Path):
    environment = sandbox(workplace / "home")
    done = rnnbench(
        "-m", *TINY, OFFLINE, "logger.tags=[extra]", "backbone=gru,elman", "sweep.name=both", environment=environment
    )
    assert done.returncode == 0, done.stderr
    records = all_records(workplace / "outputs")
    mirrors = [offline_run(record) for record in records]
    assert len({mirror.id for mirror in mirrors}) == len(records) == 2
    for record, mirror in zip(records, mirrors, strict=True):
        assert_mirrors(record, mirror)
        assert (mirror.project, mirror.group) == ("rnnbench", "both")

    with Recorder() as recorder:
        for folder in workplace.glob("outputs/runs/*/*/*/wandb/offline-run-*"):
            subprocess.run(
                [sys.executable, "-m", "wandb", "sync", str(folder)],
                env=environment | recorder.environment | {"WANDB_PROGRAM": "rnnbench"},
                cwd=workplace,
                check=True,
                capture_output=True,
                timeout=60,
            )
    assert recorder.unknown == []
    for record, mirror in zip(records, mirrors, strict=True):
        arrived = recorder.runs[mirror.id]
        assert (arrived.config, arrived.history, arrived.exit_code) == (mirror.config, mirror.history, 0)
        (table,) = [json.loads(content) for name, content in arrived.files.items() if "samples" in name]
        assert [row[:2] for row in table["data"]] == [[sample["title"], sample["text"]] for sample in record.samples]


@pytest.mark.slow
def test_online_a_run_arrives_and_nothing_private_with_it(book: Path, workplace: Path):
    subprocess.run(["git", "init", "-q", "."], check=True)
    subprocess.run(["git", "remote", "add", "origin", f"https://{CANARY}-remote@example.org/x.git"], check=True)
    author = ["-c", "user.name=a", "-c", f"user.email={CANARY}-author@example.org"]
    subprocess.run(["git", *author, "commit", "-q", "--allow-empty", "-m", f"{CANARY}-message"], check=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    with Recorder() as recorder:
        environment = sandbox(workplace / "home") | recorder.environment | {"MY_SECRET": f"{CANARY}-environment"}
        text = workplace / f"{CANARY}-path.txt"
        book.rename(text)
        done = rnnbench(*TINY, ONLINE, f"task.path={text.name}", "logger.tags=[extra]", environment=environment)
    assert (done.returncode, recorder.unknown) == (0, []), done.stderr
    (record,) = all_records(workplace / "outputs")
    (arrived,) = recorder.runs.values()
    mirror = wandb_file.Run(
        config=arrived.config, tags=arrived.tags, history=arrived.history, summary=arrived.summary, exit_code=0
    )
    assert_mirrors(record, mirror)
    sent = b"".join(request.body for request in recorder.requests)
    for private in (CANARY, "MY_SECRET", sys.executable, commit, '"git"'):
        assert private.encode() not in sent, private
    written = [path for path in (workplace / "outputs").rglob("*") if path.is_file() and path.name != "config.yaml"]
    for path in written:
        assert f"{CANARY}-environment".encode() not in path.read_bytes(), path
        assert f"{CANARY}-remote".encode() not in path.read_bytes(), path


@pytest.mark.fault
@pytest.mark.parametrize("behaviour", [Behaviour.BAD_KEY, Behaviour.DROP])
def test_a_server_in_trouble_costs_the_mirror_and_nothing_else(book: Path, workplace: Path, behaviour: Behaviour):
    with Recorder(behaviour) as recorder:
        environment = sandbox(workplace / "home") | recorder.environment
        done = rnnbench(*TINY, ONLINE, environment=environment)
    assert done.returncode == 0
    assert "Weights & Biases can not be reached" in done.stderr
    assert "Traceback" not in done.stderr
    (record,) = all_records(workplace / "outputs")
    assert record.finished
    assert offline_run(record).summary["test/perplexity"] == record.result["test"]["perplexity"]


@pytest.mark.fault
def test_a_mirror_killed_in_the_middle_costs_nothing_else(book: Path, workplace: Path):
    program = """
import os, signal, sys
from pathlib import Path
from rnnbench import tracking
from rnnbench.cli.main import main

finish = tracking.Tracker.finish
def kill_and_finish(self, *told):
    self._teller.submit(int).result()  # all that was told so far has been said
    for process in Path("/proc").glob("[0-9]*"):
        try:
            stat = (process / "stat").read_text().split()
        except OSError:
            continue
        if "wandb-core" in stat[1] and int(stat[3]) == os.getpid():
            os.kill(int(process.name), signal.SIGKILL)
    finish(self, *told)
tracking.Tracker.finish = kill_and_finish
sys.exit(main(sys.argv[1:]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, *TINY, OFFLINE],
        env=sandbox(workplace / "home"),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert "Weights & Biases" in done.stderr
    assert "Traceback" not in done.stderr
    (record,) = all_records(workplace / "outputs")
    assert record.finished
    assert record.samples


CUT_SHORT = """
import signal, sys
from rnnbench import resuming
from rnnbench.cli.main import main

step_ended = resuming.Resuming.on_train_batch_end
def on_train_batch_end(self, trainer, *rest):
    if trainer.global_step == 55:
        signal.raise_signal(signal.SIGTERM)
    step_ended(self, trainer, *rest)
resuming.Resuming.on_train_batch_end = on_train_batch_end
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.fault
@pytest.mark.parametrize("mode", [OFFLINE, ONLINE])
def test_a_resumed_trial_goes_on_with_its_run(book: Path, workplace: Path, mode: str):
    arguments = [*TINY, mode, "logger.tags=[extra]", "trainer.max_epochs=4"]
    with Recorder() as recorder:
        environment = {"OMP_NUM_THREADS": "1", **sandbox(workplace / "home"), **recorder.environment}
        command = [sys.executable, "-c", CUT_SHORT, *arguments]
        cut = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
        assert cut.returncode == 143, cut.stderr
        done = rnnbench(*arguments, environment=environment)
        assert done.returncode == 0, done.stderr
    (record,) = all_records(workplace / "outputs")
    assert record.state["attempts"] == 2
    if mode == OFFLINE:
        mirror = offline_run(record)
    else:
        (arrived,) = recorder.runs.values()
        mirror = wandb_file.Run(
            config=arrived.config, tags=arrived.tags, history=arrived.history, summary=arrived.summary, exit_code=0
        )
        assert recorder.unknown == []
    assert [line["step"] for line in record.metrics].count(50) == 1
    assert_mirrors(record, mirror)
