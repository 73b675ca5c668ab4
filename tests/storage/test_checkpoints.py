"""Checkpoints on bad days: torn, flipped, hostile, killed while written, on a full disk."""

import functools
import importlib
import io
import operator
import os
import pickle
import random
import shutil
import subprocess
import sys
import timeit
import types
from pathlib import Path
from typing import Any

import pytest
import torch

from rnnbench.storage import checkpoints, files
from rnnbench.storage.checkpoints import DamagedError


def content(step: int = 1) -> dict[str, Any]:
    return {"step": step, "weights": {"a": torch.arange(60.0) * step}, "loops": [1, (2.5, None), "x"], "big": 2**80}


def written(folder: Path, *steps: int) -> list[Path]:
    for step in steps:
        checkpoints.write(checkpoints.path_of(folder, step), content(step))
    return [checkpoints.path_of(folder, step) for step in steps]


def newest_step(folder: Path, said: list[str]) -> int | None:
    path = checkpoints.newest(folder, said.append)
    return checkpoints.read(path)["step"] if path else None


def test_the_newest_two_are_kept_by_number(workplace: Path):
    (workplace / "best.pt").write_bytes(b"another's")
    *_, last = written(workplace, 8, 9, 10)
    assert {path.name for path in workplace.iterdir()} == {"best.pt", "step-9.ckpt", "step-10.ckpt"}
    read = checkpoints.read(last)
    assert torch.equal(read.pop("weights")["a"], torch.arange(60.0) * 10)
    assert read == {"step": 10, "loops": [1, (2.5, None), "x"], "big": 2**80}
    checkpoints.discard(workplace)
    assert {path.name for path in workplace.iterdir()} == {"best.pt"}
    assert checkpoints.newest(workplace, pytest.fail) is None


def test_every_torn_and_every_flipped_file_is_noticed_and_the_one_before_taken(workplace: Path):
    _, last = written(workplace, 1, 2)
    whole, dice = last.read_bytes(), random.Random(0)
    # Every byte of the head, some of the rest; a bit each, and cuts.
    head = [whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :] for at in range(checkpoints.HEAD)]
    places = [dice.randrange(checkpoints.HEAD, len(whole)) for _ in range(60)]
    flipped = [whole[:at] + bytes([whole[at] ^ 1 << dice.randrange(8)]) + whole[at + 1 :] for at in places]
    torn = [whole[: dice.randrange(len(whole))] for _ in range(38)] + [b"", whole[:-1], whole + b"\0"]
    for damaged in [*head, *flipped, *torn]:
        last.write_bytes(damaged)
        said: list[str] = []
        assert newest_step(workplace, said) == 1
        assert len(said) == 1
        assert "step-2.ckpt is damaged, and the one before it is taken" in said[0]
        assert not last.exists()


def test_where_all_are_damaged_there_is_none(workplace: Path):
    for path in written(workplace, 1, 2):
        path.write_bytes(path.read_bytes()[:-5])
    said: list[str] = []
    assert newest_step(workplace, said) is None
    assert len(said) == 2


class Calls:
    """Pickles as a call of a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


def hostile(mark: Path) -> dict[str, Any]:
    """What makes the file `mark` when it is unpickled."""
    touch, python = f"touch {mark}", f"import pathlib; pathlib.Path({str(mark)!r}).touch()"
    holder = types.SimpleNamespace(inner=Calls(os.system, touch))
    return {
        "os.system": Calls(os.system, touch),
        "posix.system": Calls(importlib.import_module("posix").system, touch),
        "os.popen": Calls(os.waitpid, Calls(os.spawnlp, os.P_NOWAIT, "touch", "touch", str(mark)), 0),
        "subprocess": Calls(subprocess.check_call, ["touch", str(mark)]),
        "eval": Calls(eval, f"__import__('pathlib').Path({str(mark)!r}).touch()"),
        "exec": Calls(exec, python),
        "compiled": Calls(exec, Calls(compile, python, "", "exec")),
        "method": Calls(Path.touch, mark),
        "copy": Calls(shutil.copyfile, __file__, str(mark)),
        "timeit": Calls(timeit.timeit, "0", python, timeit.default_timer, 1),
        "getattr": Calls(list, Calls(map, Calls(getattr, Calls(importlib.import_module, "os"), "system"), [touch])),
        "caller": Calls(operator.methodcaller("touch"), mark),
        "partial": Calls(functools.partial(os.system, touch)),
        "mapped": Calls(list, Calls(map, os.system, [touch])),
        "within a state": holder,
        "within a dict": {"weights": [Calls(os.system, touch)]},
    }


@pytest.mark.parametrize("name", hostile(Path()))
def test_a_hostile_file_runs_no_code(workplace: Path, name: str):
    mark = workplace / "mark"
    wrong = hostile(mark)[name]
    (before,) = written(workplace, 1)
    for body in (saved(wrong), pickle.dumps(wrong), saved(wrong, zipped=False)):
        path = checkpoints.path_of(workplace, 2)
        files.write_bytes(path, checkpoints._head(body) + body)  # with a digest that is right
        with pytest.raises(DamagedError):
            checkpoints.read(path)
        assert checkpoints.newest(workplace, lambda _: None) == before
        assert not mark.exists()
    pickle.loads(pickle.dumps(wrong))
    assert mark.exists()  # it would have


def saved(wrong: Any, *, zipped: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(wrong, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["enospc", "eperm"])
def test_an_error_while_writing_leaves_the_one_before(workplace: Path, monkeypatch: pytest.MonkeyPatch, kind: str):
    for step in range(1, 20):
        folder = workplace / str(step)
        written(folder, 1, 2)
        monkeypatch.setattr(files, "_steps", 0)
        monkeypatch.setenv("RNNBENCH_FAULT", f"{kind}@{step}")
        try:
            checkpoints.write(checkpoints.path_of(folder, 3), content(3))
        except OSError:
            assert newest_step(folder, said := []) in (2, 3)
            assert said == []
        else:
            assert step == 6
            break
        finally:
            monkeypatch.delenv("RNNBENCH_FAULT")


@pytest.mark.fault
def test_a_kill_at_any_step_of_writing_leaves_a_whole_one(workplace: Path):
    program = """
import torch
from pathlib import Path
from rnnbench.storage import checkpoints
for step in (2, 3):
    checkpoints.write(checkpoints.path_of(Path("."), step), {"step": step, "weights": torch.ones(1000)})
"""
    deaths = 0
    for step in range(1, 40):
        checkpoints.discard(workplace)
        written(workplace, 1)
        fault = {**os.environ, "RNNBENCH_FAULT": f"kill@{step}"}
        if subprocess.run([sys.executable, "-c", program], env=fault).returncode == 0:
            break
        deaths += 1
        said: list[str] = []
        assert newest_step(workplace, said) in (1, 2, 3)
        assert said == []
    assert deaths == 10
