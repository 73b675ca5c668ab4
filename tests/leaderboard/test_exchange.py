import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from leaderboard.records import record

from rnnbench.errors import UserError
from rnnbench.leaderboard.data import comma_separated
from rnnbench.leaderboard.exchange import FORMAT, Taken, export, take_in
from rnnbench.leaderboard.index import all_trials
from rnnbench.leaderboard.select import best_record, boards
from rnnbench.leaderboard.trials import check
from rnnbench.storage.record import Status, all_records

FILE = Path("theirs.gz")
HERE, THERE = Path("outputs"), Path("elsewhere")


def board(outputs: Path) -> str:
    return comma_separated(boards(check(all_trials(outputs)).trials))


def some() -> None:
    for seed in range(2):
        written = record("gru", seed, 1.0, 1.0 + seed)
        written.log_metrics({"step": 1, "epoch": 1, "validation/perplexity": 2.0})
    record("lstm", 0, None, None, status=Status.DIVERGED)
    record("lstm", 1, None, None, status=Status.FAILED)
    export(check(all_trials(HERE)).trials, FILE)


def test_what_was_exported_gives_the_same_board_elsewhere():
    some()
    assert take_in(FILE, THERE) == Taken(new=3, known=0, other=0)
    assert board(THERE).replace("grua", "") == board(HERE).replace("grua", "")
    (taken,) = [trial for trial in all_trials(THERE) if trial.id == "grua1"]
    (own,) = [one for one in all_records(HERE) if one.id == "grua1"]
    assert (taken.record.metrics, taken.record.config, taken.facts) == (own.metrics, own.config, own.facts)
    assert taken.state["imported"] == "theirs.gz"
    assert not {"host", "process", "run"} & {*taken.state}
    assert take_in(FILE, THERE) == Taken(new=0, known=3, other=0)


def test_the_same_records_give_the_same_file():
    some()
    first = FILE.read_bytes()
    assert export(check(all_trials(HERE)).trials, FILE) == 3
    assert FILE.read_bytes() == first


def test_ones_own_trial_stays_and_another_score_is_said():
    some()
    content = json.loads((HERE / "runs/text/gru/grua0/result.json").read_text())
    content["test"]["perplexity"] = 50.0
    (HERE / "runs/text/gru/grua0/result.json").write_text(json.dumps(content))
    assert take_in(FILE, HERE) == Taken(new=0, known=2, other=1)
    assert {trial.id: trial.test for trial in all_trials(HERE)}["grua0"] == 50.0
    assert not (HERE / "imported").exists()


def test_a_trial_that_is_run_after_it_was_imported_is_ones_own():
    some()
    take_in(FILE, THERE)
    written = next(one for one in all_records(HERE) if one.id == "grua0")
    own = THERE / "runs/text/gru/grua0"
    own.parent.mkdir(parents=True)
    written.folder.rename(own)
    found = [trial for trial in check(all_trials(THERE)).trials if trial.id == "grua0"]
    assert [trial.record.folder for trial in found] == [own]


def test_versions_of_several_people_are_kept_apart():
    some()
    take_in(FILE, THERE)
    for outputs in (HERE, THERE):
        for path in outputs.rglob("trial.json"):
            if outputs == HERE:
                facts = json.loads(path.read_text())
                path.write_text(json.dumps({**facts, "id": f"{facts['id']}b", "task_version": 2}))
    export(check(all_trials(HERE)).trials, FILE)
    take_in(FILE, THERE)
    assert [made.task_version for made in boards(check(all_trials(THERE)).trials)] == [1, 2]


def test_what_is_imported_can_not_be_loaded_as_best():
    some()
    take_in(FILE, THERE)
    with pytest.raises(UserError, match="no trial is done yet"):
        best_record(all_records(THERE))


def good() -> dict[str, Any]:
    some()
    return json.loads(gzip.decompress(FILE.read_bytes()).splitlines()[1])


def write(*lines: Any, head: Any = None) -> None:
    first = {"format": FORMAT, "records": len(lines)} if head is None else head
    texts = [line if isinstance(line, str) else json.dumps(line) for line in (first, *lines)]
    FILE.write_bytes(gzip.compress("\n".join(texts).encode("utf-8", "surrogateescape")))


def changed(part: str, **values: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda one: {**one, part: {**one[part], **values}}


HOSTILE = {
    "id-path": changed("trial", id="../../../escaped"),
    "task-path": changed("trial", task="../escaped"),
    "absolute": changed("trial", backbone="/tmp/escaped"),
    "dot": changed("trial", task=".."),
    "nul": changed("trial", id="a\0b"),
    "empty": changed("trial", id=""),
    "long": changed("trial", id="x" * 300),
    "unicode": changed("trial", id="ⅷ"),
    "nan-score": changed("result", test={"perplexity": "NaN"}),
    "score-list": changed("result", test={"perplexity": [1.0]}),
    "no-score": changed("result", test={}),
    "no-result": lambda one: {**one, "result": {}},
    "running": changed("status", status="running"),
    "strange-status": changed("status", status="__import__('os')"),
    "torn": lambda one: json.dumps(one)[:-20],
    "list": lambda one: [one],
    "no-parts": lambda one: {"trial": one["trial"]},
    "curves": lambda one: {**one, "metrics": ["step"]},
    "bytes": lambda one: "\udcff\udcfe",
    "deep": lambda one: "[" * 100_000,
    "nested": lambda one: {**one, "config": {"a": json.loads("[" * 60 + "]" * 60)}},
    "escape": changed("trial", dataset="\x1b[2J"),
    "endless": changed("trial", setting="x" * 1000),
    "huge": changed("trial", chance=10**400),
    "huger": lambda one: json.dumps(one).replace('"seed": 0', f'"seed": {"9" * 5000}'),
    "split": changed("result", test={"perplexity": 1.0, "\x1b/perplexity": 1.0}),
    "newer": changed("trial", harness_version=99),
    "seed": changed("trial", seed=None),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_records_are_refused_in_one_line_and_nothing_is_written(name: str, workplace: Path):
    one = good()
    write(one, HOSTILE[name](one))
    before = sorted(workplace.rglob("*"))
    with pytest.raises(UserError, match=r"--import: line 3 of theirs.gz .*; nothing was imported") as error:
        take_in(FILE, THERE)
    assert "\n" not in str(error.value)
    assert sorted(workplace.rglob("*")) == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "line 1 of theirs.gz is no JSON"),
        (b"no gzip", "it is torn, or no gzip file"),
        (gzip.compress(b"{}\n"), "is no file of"),
        (gzip.compress(b"[1]\n"), "is no file of"),
        (gzip.compress(b'{"format": "rnnbench records 2", "records": 0}\n'), "is no file of"),
        (gzip.compress(json.dumps({"format": FORMAT, "records": 3}).encode()), "holds 0 of 3 records"),
    ],
    ids=["empty", "text", "no header", "a list", "another version", "too few"],  # packed bytes hold the time of day
)
def test_a_foreign_or_torn_file_is_refused(content: bytes, said: str):
    FILE.write_bytes(content)
    with pytest.raises(UserError, match=said):
        take_in(FILE, THERE)
    assert not THERE.exists()


def test_a_file_that_was_cut_off_anywhere_is_refused():
    some()
    whole = FILE.read_bytes()
    for size in range(0, len(whole), 97):
        FILE.write_bytes(whole[:size])
        with pytest.raises(UserError, match="torn|no JSON"):
            take_in(FILE, THERE)
    assert not THERE.exists()


def test_a_file_that_is_not_there_is_said():
    with pytest.raises(UserError, match="No such file"):
        take_in(FILE, THERE)


def test_a_bomb_is_not_unpacked():
    FILE.write_bytes(gzip.compress(json.dumps({"format": FORMAT, "records": 1}).encode() + b"\n" + b" " * 60_000_000))
    with pytest.raises(UserError, match="line 2 of theirs.gz is longer than 8 MiB"):
        take_in(FILE, THERE)


def test_yaml_of_a_foreign_config_runs_nothing():
    one = good()
    write({**one, "config": {"a": "!!python/object/apply:os.system ['touch escaped']"}})
    take_in(FILE, THERE)
    (trial,) = all_trials(THERE)
    assert trial.record.config == {"a": "!!python/object/apply:os.system ['touch escaped']"}
    assert not Path("escaped").exists()


def test_a_score_that_is_nan_ranks_last():
    one = good()
    write(changed("result", test={"perplexity": float("nan")})(one))
    take_in(FILE, THERE)
    (made,) = boards(check(all_trials(THERE)).trials)
    assert made.rows[0].score is None
    assert made.rows[0].diverged == 1


def test_costs_that_are_no_numbers_are_unknown():
    one = good()
    costs = {"parameters": 10**400, "wall_seconds": "long", "steps": [], "state_bytes": float("inf")}
    write(changed("result", **costs)(one))
    take_in(FILE, THERE)
    (made,) = boards(check(all_trials(THERE)).trials)
    assert [made.rows[0].costs[name] for name in ("parameters", "hours", "state")] == [None] * 3
