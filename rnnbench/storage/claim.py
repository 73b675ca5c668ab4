"""Who is at work in a folder: one process at a time, on whatever machine, without a server or a database.

A claim is a file ``claim.N`` of the folder, made by exclusive creation and kept fresh by a heartbeat. Its process is
the holder until it removes the file, or is dead (seen at once on its own machine), or has been silent for a lease
(elsewhere). Who takes over makes ``claim.N+1``: nobody ever removes another's claim while it could be a living one's,
so that of two who find a dead claim one gets the folder. Who has made a claim looks once more, and withdraws it where
another's holds: the first look may be as old as the process was asleep. A holder that was taken for dead finds out by
its heartbeat.

Freshness is read by the clock that stamps the folder's files, so that machines need not agree on the time.
"""

import _thread
import contextlib
import functools
import json
import os
import re
import signal
import socket
import threading
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rnnbench.errors import UserError
from rnnbench.storage import files

HEARTBEAT = 5.0  # seconds
LEASE = 60.0  # seconds
PATTERN = "claim.*"
_ATTEMPTS = 10  # at making a file in a folder that another process may be removing


class BusyError(UserError):
    """Another process is at it."""


@dataclass(frozen=True)
class Holder:
    """A process that has claimed a folder.

    Attributes:
        place: a machine since it was started, and a container of it: where process numbers mean the same.
        born: when the process began, so that its number is not mistaken for that of a later one; 0 where not known.
        token: tells this claim from any other.
    """

    host: str
    place: str
    process: int
    born: int
    token: str

    def alive(self, path: Path) -> bool:
        """Whether the claim at `path` still holds."""
        if self.place == _place():
            return _born(self.process) == self.born if self.born else _exists(self.process)
        return _fresh(path)


def holder(folder: Path) -> Holder | None:
    """Who is at work in a folder now."""
    return _living(_claims(folder))


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Within it the folder is this process's, which is told by SIGTERM if another has taken it for dead.

    A folder that was made for the claim and holds nothing else goes with it.

    Raises:
        BusyError: another process is at work in it.
        UserError: the folder can not be written.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    path = _take(folder)
    beating = threading.Event()
    heart = threading.Thread(target=_beat, args=(path, beating), name="heartbeat", daemon=True)
    heart.start()
    try:
        yield
    finally:
        beating.set()
        heart.join()
        _release(path)
        for empty in made:
            with contextlib.suppress(OSError):
                empty.rmdir()


def _take(folder: Path) -> Path:
    """Raises its own sign and then looks for others': of two who do so at once, at least one sees the other."""
    me = Holder(socket.gethostname(), _place(), os.getpid(), _born(os.getpid()), uuid.uuid4().hex)
    before = _claims(folder)
    other = _living(before)
    if other:
        raise _busy(folder, other)
    mine = folder / f"claim.{_newest(before) + 1}"
    if not _create(mine, me):
        raise _busy(folder, _read(mine))
    other = _living(path for path in _claims(folder) if path != mine)
    there = _read(mine) == me  # or it was taken for dead
    if there and not other:
        return mine
    if there:
        mine.unlink(missing_ok=True)
    raise _busy(folder, other)


def _create(path: Path, me: Holder) -> bool:
    for attempt in range(_ATTEMPTS):
        try:
            return files.create(path, json.dumps(asdict(me)))
        except FileNotFoundError:
            if attempt == _ATTEMPTS - 1:
                raise
        except OSError as error:
            raise UserError(
                f"outputs_dir can not be written: {error}; choose another with outputs_dir=FOLDER"
            ) from error
    raise AssertionError


def _release(path: Path) -> None:
    """Removes the dead claims that it took over and then its own; who has just made one withdraws it unaided."""
    for earlier in _claims(path.parent):
        if _number(earlier) < _number(path) and not _living([earlier]):
            earlier.unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def _beat(path: Path, done: threading.Event) -> None:
    while not done.wait(HEARTBEAT):
        with contextlib.suppress(OSError):
            os.utime(path)
        if _newest(_claims(path.parent)) != _number(path) and not done.is_set():
            _thread.interrupt_main(signal.SIGTERM)
            return


def _newest(claims: Iterable[Path]) -> int:
    return max(map(_number, claims), default=0)


def _claims(folder: Path) -> list[Path]:
    try:
        return list(folder.glob(PATTERN))
    except FileNotFoundError:  # its last holder is removing it just now
        return []


def _number(path: Path) -> int:
    found = re.fullmatch(r"claim\.(\d+)", path.name)
    return int(found[1]) if found else 0


def _living(claims: Iterable[Path]) -> Holder | None:
    """The holder of the newest claim that holds."""
    for path in sorted(claims, key=_number, reverse=True):
        found = _read(path)
        if found and found.alive(path):
            return found
    return None


def _read(path: Path) -> Holder | None:
    content: Any = files.read_json(path)
    try:
        return Holder(**content)
    except TypeError:  # not there, or not a claim of ours
        return None


def _busy(folder: Path, other: Holder | None) -> BusyError:
    who = f"process {other.process} on {other.host}" if other else "another process"
    return BusyError(f"trial {folder.name} is being run by {who}")


def _fresh(path: Path) -> bool:
    try:
        return files.clock(path.parent) - path.stat().st_mtime < LEASE
    except FileNotFoundError:  # its holder removes what is in the folder, perhaps the claim
        return path.exists()


@functools.cache
def _place() -> str:
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return " ".join(parts)


def _born(process: int) -> int:
    """When a process began, in the kernel's ticks; 0 where it is dead or that can not be known."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in "ZX" else int(fields[19])


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
