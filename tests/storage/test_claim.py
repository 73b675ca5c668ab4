"""Claims: one process at a time in a folder, whatever dies, pauses, or comes from another machine."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from rnnbench.errors import UserError
from rnnbench.storage import claim
from rnnbench.storage.claim import BusyError, Holder, claimed, holder

HOLD = """
import sys, time
from pathlib import Path
from rnnbench.storage.claim import claimed
with claimed(Path("t")):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(workplace: Path):
    """A process that holds folder ``t``."""
    with subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


def plant(number: int, **changes: object) -> Path:
    """A claim of a process on another machine."""
    path = Path("t", f"claim.{number}")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(asdict(replace(Holder("far", "far away", 7, 1, f"token {number}"), **changes))))
    return path


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_of_those_who_want_it_one_gets_it_until_it_is_killed(other: subprocess.Popen[str]):
    with pytest.raises(BusyError, match=f"trial t is being run by process {other.pid} on "), claimed(Path("t")):
        pass
    other.send_signal(signal.SIGKILL)
    while holder(Path("t")):  # dead at once, even while nobody has waited for it
        time.sleep(0.01)
    with claimed(Path("t")):
        assert holder(Path("t")).process == os.getpid()  # type: ignore[union-attr]
    assert not Path("t").exists() or not list(Path("t").iterdir())


def test_a_process_that_got_the_number_of_a_dead_one_is_not_taken_for_it(workplace: Path):
    plant(1, place=claim._place(), process=os.getppid(), born=12)
    with claimed(Path("t")):
        pass


def test_a_claim_of_another_machine_holds_while_it_is_fresh(workplace: Path):
    path = plant(1)
    age(path, claim.LEASE / 2)
    with pytest.raises(BusyError, match="process 7 on far"), claimed(Path("t")):
        pass
    age(path, claim.LEASE + 1)
    with claimed(Path("t")):
        assert sorted(p.name for p in Path("t").iterdir()) == ["claim.1", "claim.2"]
        with pytest.raises(BusyError), claimed(Path("t")):
            pass
    assert not list(Path("t").iterdir())


def test_freshness_goes_by_the_clock_of_the_folder(workplace: Path, monkeypatch: pytest.MonkeyPatch):
    plant(1)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert holder(Path("t"))


def test_what_was_released_and_taken_anew_between_look_and_grip_is_not_taken_over(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
):
    path = plant(1)
    age(path, claim.LEASE + 1)
    create = claim._create

    def late(mine: Path, me: Holder) -> bool:
        made = create(mine, me)
        plant(1, token="somebody new")
        return made

    monkeypatch.setattr(claim, "_create", late)
    with pytest.raises(BusyError), claimed(Path("t")):
        pass
    assert [p.name for p in Path("t").iterdir()] == ["claim.1"]


def test_what_was_released_and_taken_anew_within_the_look_is_not_taken_over(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
):
    path, read = plant(1), claim._read

    def released(asked: Path) -> Holder | None:
        monkeypatch.setattr(claim, "_read", read)
        path.unlink()
        found = read(asked)
        plant(1, token="somebody new")
        return found

    monkeypatch.setattr(claim, "_read", released)
    with pytest.raises(BusyError, match="process 7 on far"), claimed(Path("t")):
        pass
    assert [p.name for p in Path("t").iterdir()] == ["claim.1"]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_claim_made_since_an_old_look_holds_whatever_its_number(
    number: int, workplace: Path, monkeypatch: pytest.MonkeyPatch
):
    create = claim._create

    def early(mine: Path, me: Holder) -> bool:
        plant(number)
        return create(mine, me)

    monkeypatch.setattr(claim, "_create", early)
    with pytest.raises(BusyError, match="process 7 on far"), claimed(Path("t")):
        pass
    assert [p.name for p in Path("t").iterdir()] == [f"claim.{number}"]


def test_a_claim_that_was_removed_as_it_was_made_does_not_count(workplace: Path, monkeypatch: pytest.MonkeyPatch):
    create = claim._create

    def removed(mine: Path, me: Holder) -> bool:
        made = create(mine, me)
        mine.unlink()
        return made

    monkeypatch.setattr(claim, "_create", removed)
    with pytest.raises(BusyError, match="another process"), claimed(Path("t")):
        pass


def test_who_leaves_removes_dead_claims_only(workplace: Path):
    age(plant(1), claim.LEASE + 1)
    age(plant(2), claim.LEASE + 1)
    with claimed(Path("t")):
        plant(1, token="somebody who is about to withdraw")
    assert [p.name for p in Path("t").iterdir()] == ["claim.1"]


def test_a_dead_claim_does_not_hide_a_living_one_with_a_lower_number(workplace: Path):
    plant(1)
    age(plant(2), claim.LEASE + 1)
    with pytest.raises(BusyError, match="process 7 on far"), claimed(Path("t")):
        pass
    assert holder(Path("t"))


def test_a_heart_beats_and_a_holder_that_was_taken_for_dead_is_told(workplace: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(claim, "HEARTBEAT", 0.01)
    told = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: told.set())
    try:
        with claimed(Path("t")):
            path = Path("t/claim.1")
            age(path, 100)
            while time.time() - path.stat().st_mtime > 50:
                time.sleep(0.01)
            plant(2)
            for _ in range(2000):
                if not told.is_set():
                    time.sleep(0.01)
            assert told.is_set()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert [p.name for p in Path("t").iterdir()] == ["claim.2"]


def test_many_at_once_take_turns(workplace: Path):
    program = """
import os, sys
from pathlib import Path
from rnnbench.storage.claim import BusyError, claimed
won = 0
while won < 30:
    try:
        with claimed(Path("deep/t")):
            inside = Path("inside")
            descriptor = os.open(inside, os.O_CREAT | os.O_EXCL)  # fails if another is inside
            os.close(descriptor)
            inside.unlink()
            won += 1
    except BusyError:
        pass
"""
    racers = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [racer.communicate()[1] for racer in racers] == [""] * 3
    assert not list(Path("deep").rglob("claim.*"))


def test_a_folder_that_can_not_be_written_is_said(workplace: Path):
    Path("file").write_text("")
    with pytest.raises(UserError, match="outputs_dir can not be written"), claimed(Path("file/t")):
        pass
