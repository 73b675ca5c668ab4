from pathlib import Path

import pytest

from rnnbench.errors import Stopped, UserError
from rnnbench.storage import files
from rnnbench.storage.claim import claimed, holder
from rnnbench.storage.record import Record, Status, all_records, find_record, folder_of

FACTS = {"id": "abc", "task": "t", "backbone": "b", "metric": "m"}


def begun(workplace: Path, name: str = "abc123") -> Record:
    record = Record(folder_of(workplace, "t", "b", name))
    record.begin({"seed": 1, "task": {"name": "t"}}, FACTS, {"python": "3"})
    return record


def test_a_record_reads_what_it_wrote(workplace: Path):
    record = begun(workplace)
    assert (record.status, record.finished) == (Status.RUNNING, False)
    record.log_metrics({"step": 1, "train/loss": 2.0})
    record.write_samples([{"title": "a"}])
    record.write_result({"test": {"m": 1.0}})
    assert not record.finished
    record.finish(Status.DONE)
    assert record.finished
    assert record.config == {"seed": 1, "task": {"name": "t"}}
    assert (record.facts, record.environment, record.result) == (FACTS, {"python": "3"}, {"test": {"m": 1.0}})
    assert record.metrics == [{"step": 1, "train/loss": 2.0}]
    assert record.samples == [{"title": "a", "files": {}}]
    assert {"status", "process", "host", "started", "finished"} <= set(record.state)


def test_diverged_is_a_result_and_failed_is_none(workplace: Path):
    record = begun(workplace)
    record.write_result({"test": {}})
    record.finish(Status.DIVERGED)
    assert record.finished
    record.fail(ZeroDivisionError("by zero"))
    assert not record.finished
    assert record.state["reason"] == "ZeroDivisionError: by zero"
    assert "ZeroDivisionError: by zero" in (record.folder / "log.txt").read_text()
    record.end(Status.INTERRUPTED, str(Stopped(2)))
    assert (record.status, record.state["reason"]) == (Status.INTERRUPTED, "stopped by SIGINT")


def test_a_done_status_without_a_result_is_not_finished(workplace: Path):
    record = begun(workplace)
    files.write_json(record.folder / "status.json", {"status": "done"})
    assert not record.finished


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"status": "nonsense"}', "\x00\x01"])
def test_a_torn_or_foreign_status_is_no_status(workplace: Path, content: str):
    record = begun(workplace)
    (record.folder / "status.json").write_text(content)
    assert record.status is None
    assert not record.finished
    assert all_records(workplace) == [record]


def test_beginning_again_starts_clean(workplace: Path):
    record = begun(workplace)
    record.log_metrics({"step": 1})
    record.fail(ValueError("x"))
    record.begin({}, FACTS, {})
    assert record.metrics == []
    assert not (record.folder / "log.txt").exists()
    assert "reason" not in record.state


def test_going_on_keeps_what_there_is_and_counts_attempts(workplace: Path):
    record = begun(workplace)
    record.log_metrics({"step": 1})
    record.end(Status.PREEMPTED, str(Stopped(15)))
    before = record.state
    record.begin({}, FACTS, {}, resume=True)
    assert record.metrics == [{"step": 1}]
    assert (record.status, record.state["attempts"]) == (Status.RUNNING, 2)
    assert [record.state[name] for name in ("run", "started")] == [before[name] for name in ("run", "started")]
    assert not {"reason", "finished"} & set(record.state)
    record.begin({}, FACTS, {})
    assert (record.metrics, record.state["attempts"]) == ([], 1)
    assert record.state["run"] != before["run"]


def test_metrics_are_cut_back_wherever_the_last_line_was_torn(workplace: Path):
    record = begun(workplace)
    lines = [{"step": step, "train/loss": step / 3, "name": "wörter"} for step in range(4)]
    for line in lines:
        record.log_metrics(line)
    path = record.folder / "metrics.jsonl"
    whole = path.read_bytes()
    for cut in range(whole.rindex(b"\n", 0, -1) + 1, len(whole) + 1):
        path.write_bytes(whole[:cut])
        assert record.keep_metrics(3) == record.metrics == lines[:3]
        record.log_metrics(lines[3])
        assert record.metrics == lines


def test_beginning_spares_the_claim_that_it_is_under(workplace: Path):
    record = begun(workplace)
    with claimed(record.folder):
        held = holder(record.folder)
        record.begin({}, FACTS, {})
        assert held and holder(record.folder) == held


def test_outputs_that_can_not_be_written_are_said(workplace: Path):
    (workplace / "runs").write_text("a file where a folder should be")
    with pytest.raises(UserError, match="outputs_dir can not be written.*outputs_dir=FOLDER"):
        begun(workplace)


def test_records_are_found_by_id_prefix_and_folder(workplace: Path):
    first, second = begun(workplace, "abc123"), begun(workplace, "abd456")
    assert find_record(workplace, "abc123") == find_record(workplace, "abc") == first
    assert find_record(workplace, str(second.folder)).folder == second.folder
    with pytest.raises(UserError, match="'ab' begins several runs: abc123, abd456"):
        find_record(workplace, "ab")
    with pytest.raises(UserError, match="no run 'x' in"):
        find_record(workplace, "x")
