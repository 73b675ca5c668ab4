"""Read the log that an offline W&B run leaves on disk.

An offline run writes everything it is told to `run-<id>.wandb`; `wandb sync`
replays that file to a server later.  The client no longer carries a Python
reader for it, so tests that ask "what did the run record?" read it here.

The file is a LevelDB log with a prefix of W&B's own:

    prefix   4 bytes ":W&B", 2 bytes 0xBEE1 (little-endian), 1 byte version 0
    block    32 KiB of chunks; the prefix counts towards the first block
    chunk    4 bytes CRC-32 of kind and payload, 2 bytes length, 1 byte kind,
             then the payload; all little-endian
    record   the payload of a FULL chunk, or of a FIRST, any MIDDLE and a LAST
             chunk joined; it is a serialized `Record` message

No chunk crosses a block boundary.  Where fewer bytes than a chunk header are
left of a block, they are zero and the next chunk starts with the next block.
"""

import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from wandb.proto import wandb_internal_pb2

# The generated module creates its classes at run time, where a type checker cannot
# see them; the descriptor is the typed way to the same class.  Messages are `Any`.
Record = GetMessageClass(wandb_internal_pb2.DESCRIPTOR.message_types_by_name["Record"])

_PREFIX = struct.pack("<4sHB", b":W&B", 0xBEE1, 0)
_BLOCK = 32 * 1024
_HEADER = struct.Struct("<IHB")


class _Kind(IntEnum):
    FULL = 1
    FIRST = 2
    MIDDLE = 3
    LAST = 4


class TornFileError(ValueError):
    """The file is not a whole log: what is wrong, and at which byte."""

    def __init__(self, path: Path, offset: int, problem: str) -> None:
        super().__init__(f"{path}: {problem} at byte {offset}")
        self.path = path
        self.offset = offset
        self.problem = problem


@dataclass
class Run:
    """What one offline run recorded, in the form it was logged in."""

    id: str = ""
    project: str = ""
    group: str = ""
    name: str = ""
    tags: list[str] = field(default_factory=list[str])
    config: dict[str, Any] = field(default_factory=dict[str, Any])
    history: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    summary: dict[str, Any] = field(default_factory=dict[str, Any])
    files: list[str] = field(default_factory=list[str])
    """Paths of saved files (tables, media), relative to the run's `files` folder."""
    exit_code: int | None = None
    """None until the run finishes, so it stays None for a run that was killed."""
    torn: TornFileError | None = None
    """The damage where reading stopped, if `load` was told to put up with it."""

    @property
    def finished(self) -> bool:
        return self.exit_code is not None


def load(path: str | Path, *, torn_ok: bool = False) -> Run:
    """Gather a run from its `.wandb` file.

    A run that was killed may end in the middle of a record.  With `torn_ok`, what
    comes before the damage is returned and `Run.torn` tells about it; otherwise
    the damage is raised as `TornFileError`.
    """
    run = Run()
    try:
        for record in read(path):
            _apply(record, run)
    except TornFileError as error:
        if not torn_ok:
            raise
        run.torn = error
    run.config.pop("_wandb", None)  # the client's own notes, which nobody logged
    return run


def read(path: str | Path) -> Iterator[Any]:
    """Yield the `Record` messages of a `.wandb` file as they were written.

    Raises `TornFileError` on reaching damage, after yielding all that precedes it.
    """
    path = Path(path)
    for offset, payload in _payloads(path, path.read_bytes()):
        try:
            yield Record.FromString(payload)
        except DecodeError as error:
            problem = f"undecodable record ({error})"
            raise TornFileError(path, offset, problem) from error


class _Chunk(NamedTuple):
    offset: int
    kind: _Kind
    payload: bytes


def _payloads(path: Path, data: bytes) -> Iterator[tuple[int, bytes]]:
    """Join chunks to records, each with the offset where it starts."""
    parts: list[_Chunk] = []
    for chunk in _chunks(path, data):
        starts_record = chunk.kind in (_Kind.FULL, _Kind.FIRST)
        if starts_record == bool(parts):
            problem = "record inside a record" if parts else "no start of record"
            raise TornFileError(path, chunk.offset, problem)
        parts.append(chunk)
        if chunk.kind in (_Kind.FULL, _Kind.LAST):
            yield parts[0].offset, b"".join(part.payload for part in parts)
            parts = []
    if parts:
        raise TornFileError(path, len(data), "file ends inside a record")


def _chunks(path: Path, data: bytes) -> Iterator[_Chunk]:
    """Split the file into chunks, checking every checksum."""
    if not data.startswith(_PREFIX):
        raise TornFileError(path, 0, "no prefix of a W&B log")
    offset = len(_PREFIX)
    while offset < len(data):
        left_of_block = _BLOCK - offset % _BLOCK
        if left_of_block < _HEADER.size:
            offset += left_of_block
            continue
        chunk = _chunk_at(path, data, offset)
        yield chunk
        offset += _HEADER.size + len(chunk.payload)


def _chunk_at(path: Path, data: bytes, offset: int) -> _Chunk:
    start = offset + _HEADER.size
    if start > len(data):
        raise TornFileError(path, offset, "file ends inside a chunk header")
    checksum, length, kind = _HEADER.unpack_from(data, offset)
    payload = data[start : start + length]
    if len(payload) < length:
        raise TornFileError(path, offset, "file ends inside the chunk")
    # The kind is the last byte of the header and is covered by the checksum too.
    if checksum != zlib.crc32(data[start - 1 : start + length]):
        raise TornFileError(path, offset, "wrong checksum of the chunk")
    if kind not in list(_Kind):
        raise TornFileError(path, offset, f"unknown chunk kind {kind}")
    return _Chunk(offset, _Kind(kind), payload)


def _apply(record: Any, run: Run) -> None:
    """Fold one record into the run; kinds that `Run` has no field for are skipped."""
    match record.WhichOneof("record_type"):
        case "run":
            _describe(record.run, run)
        case "config":
            _change(run.config, record.config)
        case "summary":
            _change(run.summary, record.summary)
        case "history":
            run.history.append(_update({}, record.history.item))
        case "files":
            _add_files(record.files, run)
        case "exit":
            run.exit_code = record.exit.exit_code
        case _:
            pass


def _describe(message: Any, run: Run) -> None:
    run.id = message.run_id
    run.project = message.project
    run.group = message.run_group
    run.name = message.display_name
    run.tags = list(message.tags)
    _change(run.config, message.config)
    _change(run.summary, message.summary)


def _add_files(message: Any, run: Run) -> None:
    paths = [file.path for file in message.files]
    # A file that was logged again is announced again.
    run.files = list(dict.fromkeys(run.files + paths))


class _Item(Protocol):
    """One value of a config, summary or history message."""

    @property
    def key(self) -> str: ...
    @property
    def nested_key(self) -> Iterable[str]: ...
    @property
    def value_json(self) -> str: ...


def _change(tree: dict[str, Any], changes: Any) -> None:
    """Apply the updates, then the removals, of a config or summary message."""
    _update(tree, changes.update)
    for item in changes.remove:
        branch, key = _place(tree, item)
        branch.pop(key, None)


def _update(tree: dict[str, Any], items: Iterable[_Item]) -> dict[str, Any]:
    for item in items:
        branch, key = _place(tree, item)
        branch[key] = json.loads(item.value_json)
    return tree


def _place(tree: dict[str, Any], item: _Item) -> tuple[dict[str, Any], str]:
    """Find where an item belongs: it has either a `key`, or a path `nested_key`."""
    *parents, last = list(item.nested_key) or [item.key]
    for parent in parents:
        tree = tree.setdefault(parent, {})
    return tree, last
