import dataclasses
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnnbench.diagnostics.speed_results import Row

Rnnbench = Callable[..., Any]

TINY = ("--steps", "3", "--batch", "2", "--repeat", "1", "--warmup", "0")
LEAKY = """
import torch
from torch import nn
from rnnbench import Backbone


class Leaky(Backbone):
    def __init__(self, input_size, *, hidden_size: int = 4, leak: float = 0.9):
        super().__init__()
        self.output_size, self.leak = hidden_size, leak
        self.w = nn.Linear(input_size, hidden_size)

    def initial_state(self, batch_size):
        return self.zeros(batch_size, self.output_size)

    def step(self, x_BI, state):
        h_BH = self.leak * state + (1 - self.leak) * torch.tanh(self.w(x_BI))
        return h_BH, h_BH
"""


def plugin(source: str) -> None:
    Path("backbones").mkdir()
    Path("backbones/leaky.py").write_text(source)


def test_json_has_a_row_for_each_backbone_size_and_length(rnnbench: Rnnbench):
    asked = ("backbone=lstm,elman", "backbone.hidden_size=4,8")
    said = rnnbench("bench", *asked, "--steps", "3,5", *TINY[2:], "--json")
    assert said.code == 0
    report = json.loads(said.out)
    assert set(report) == {"setup", "machine", "rows"}
    assert (report["setup"]["threads"], report["setup"]["batch"]) == (1, 2)
    rows = report["rows"]
    assert [(row["backbone"], row["hidden_size"], row["steps"]) for row in rows] == [
        (name, size, steps) for name in ("lstm", "elman") for size in (4, 8) for steps in (3, 5)
    ]
    for row in rows:
        assert set(row) == {field.name for field in dataclasses.fields(Row)}
        for ratio in ("limit_ratio", "lstm_ratio", "loop_ratio", "tokens_per_second", "gflops"):
            assert 0 < row[ratio] < math.inf, (ratio, row)
        assert row["seconds_low"] <= row["seconds"] <= row["seconds_high"]
        assert all(speed > 0 for speed in row["product_gflops"].values())
        assert row["copy_gigabytes_per_second"] > 0
        assert (row["path"], row["inputs"], row["problem"]) == ("fused", row["hidden_size"], None)


def test_tables_fit_100_columns_and_name_the_threads_and_limits(rnnbench: Rnnbench):
    said = rnnbench("bench", "backbone=elman,feedforward,gru,lstm", *TINY)
    assert said.code == 0
    assert all(len(line) <= 100 for line in said.out.splitlines())
    for word in (
        "1 thread of",
        "batch 2",
        "torch.nn.LSTM:",
        "torch.mm",
        "copies, GB/s",
        "hidden 128, 128 inputs, 3 steps",
    ):
        assert word in said.out
    for name in ("elman", "feedforward", "gru", "lstm"):
        assert f"\n{name} " in said.out


def test_long_names_and_large_numbers_fit_too(capsys: pytest.CaptureFixture[str]):
    from rich.console import Console

    from rnnbench.diagnostics.speed_results import Report, Setup
    from rnnbench.diagnostics.speed_text import show

    row = Row(
        "gated_deltanet", {"hidden_size": 1024, "chunk_size": 64}, 512, 32, 1024, 1024, "delta rule", "fused", True,
        12_345_678, 1_048_576, 1, 1, 1.0, 1.0, 1.0, 12_345_678.9, 1234.5, "copy", 1.234, 0.05, 123.456,
        {"torch.mm": 12345.6, "oneDNN": 23456.7}, 2**26, 123.4, 12_345_678.9, 1234.5,
    )  # fmt: skip
    other = dataclasses.replace(row, options={"hidden_size": 1024, "chunk_size": 32}, backward=False)
    show(Report(Setup((512,)), {"cpu": "c" * 40, "gpu": None, "torch": "2", "clock": "wall"}, [row, other]), Console())
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 100 for line in lines)
    text = "\n".join(lines)
    for part in ("gated_deltanet", "chunk_size=64", "12,345,679", "1234.5", "123% copy", "123.46", "12,345,678"):
        assert part in text
    assert re.search(r"fused, no .*\n.* backward ", text)


def test_own_plugins_take_part_with_options_that_others_lack(rnnbench: Rnnbench):
    plugin(LEAKY)
    said = rnnbench("bench", "backbone=leaky", "backbone.leak=0.5,0.25", *TINY, "--json")
    rows = json.loads(said.out)["rows"]
    assert [row["options"]["leak"] for row in rows] == [0.5, 0.25]
    assert {(row["path"], row["loop_ratio"]) for row in rows} == {("step loop", 1.0)}
    said = rnnbench("bench", "backbone=leaky", "backbone.leak=0.5,0.25", *TINY)
    assert "leaky leak=0.5" in said.out and "leaky leak=0.25" in said.out
    said = rnnbench("bench", "backbone=elman,feedforward", "backbone.activation=relu", *TINY, "--json")
    assert [row["options"]["activation"] for row in json.loads(said.out)["rows"]] == ["relu", "relu"]


@pytest.mark.parametrize(
    "source",
    [LEAKY.replace("import torch\n", "import torhc\n"), LEAKY.replace("torch.tanh(", "torch.tanh(1 + ''"), "x ="],
)
def test_a_broken_plugin_is_a_line_and_the_others_are_measured(rnnbench: Rnnbench, source: str):
    plugin(source)
    said = rnnbench("bench", "backbone=leaky,lstm", "backbone.hidden_size=4", *TINY)
    assert said.code == 1
    assert said.out.count("not measured leaky: ") == 1
    assert "\nlstm " in said.out
    assert "Traceback" not in said.out + said.err


@pytest.mark.slow
def test_all_that_are_installed_are_measured_by_default():
    from rnnbench import plugins
    from rnnbench.cli.bench import _subjects

    plugin("x =")
    subjects = _subjects(["backbone.hidden_size=4,8"])
    assert [subject.name for subject in subjects] == [name for name in plugins.find("backbone") for _ in range(2)]
    assert [subject.options["hidden_size"] for subject in subjects if not subject.problem].count(8) >= 4
    assert {subject.name for subject in subjects if subject.problem} == {"leaky"}


def test_an_option_that_only_some_have_costs_the_others_rows_only(rnnbench: Rnnbench):
    said = rnnbench("bench", "backbone=elman,lstm", "backbone.activation=relu", *TINY, "--json")
    assert said.code == 1
    problems = {row["backbone"]: row["problem"] for row in json.loads(said.out)["rows"]}
    assert problems["elman"] is None
    assert "setting 'activation' does not exist" in problems["lstm"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["backbone=lsmt"], "backbone 'lsmt' does not exist; did you mean 'lstm'?"),
        (["backbone=lstm,grru"], "backbone 'grru' does not exist; did you mean 'gru'?"),
        (["backbone=lstm", "backbone.hidden_size=0"], "backbone lstm: hidden_size must be at least 1, got 0"),
        (["backbone=lstm", "backbone.hiden_size=4"], "backbone: setting 'hiden_size' does not exist; did you mean"),
        (
            ["backbone=lstm", "backbone.hidden_size=x"],
            "backbone.hidden_size: value 'x' of type 'str' could not be converted",
        ),
        (["trainer.max_epochs=3"], "'trainer.max_epochs=3' is no setting of a backbone"),
        (["+backbone=lstm"], "'+backbone=lstm' is no setting of a backbone"),
        (["lstm"], "'lstm' is not an override; type key=value"),
        (["--steps", "0"], "--steps must be at least 1, got 0"),
        (["--steps", "64,x"], "--steps '64,x' is no list of whole numbers, such as 64,512"),
        (["--batch", "0"], "--batch must be at least 1, got 0"),
        (["--inputs", "-1"], "--inputs must be at least 1, got -1"),
        (["--repeat", "0"], "--repeat must be at least 1, got 0"),
        (["--warmup", "-1"], "--warmup must be at least 0, got -1"),
        (["--threads", "0"], "--threads must be at least 1, got 0"),
        (["--device", "cdua"], "--device 'cdua' does not exist; did you mean 'cuda'?"),
        (["--device", "cuda:99"], "--device 'cuda:99' is not there; torch sees"),
        (["--dtype", "float23"], "--dtype 'float23' does not exist; did you mean"),
        (["--plot", "speed.gif"], "--plot 'speed.gif' must end in .png, .svg or .pdf"),
        (["--plot", "nowhere/speed.png"], "--plot: folder 'nowhere' does not exist"),
        (["--btach", "3"], "unknown argument '--btach'; did you mean '--batch'?"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(rnnbench: Rnnbench, arguments: list[str], message: str):
    said = rnnbench("bench", *arguments)
    assert said.code == 2
    assert said.err.startswith(f"rnnbench: {message}")
    assert said.err.count("\n") == 1
    assert not said.out


def test_a_plot_is_written_beside_the_table(rnnbench: Rnnbench):
    said = rnnbench("bench", "backbone=elman", "backbone.hidden_size=4,8", *TINY, "--json", "--plot", "speed.png")
    assert said.code == 0
    assert json.loads(said.out)
    assert said.err == "plot in speed.png\n"
    assert Path("speed.png").read_bytes().startswith(b"\x89PNG")


def test_an_interrupt_exits_with_130(rnnbench: Rnnbench, monkeypatch: Any):
    from rnnbench.diagnostics import timing

    def interrupted(*_: Any) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(timing, "_time", interrupted)
    said = rnnbench("bench", "backbone=elman", *TINY)
    assert (said.code, said.out) == (130, "")


def test_help_needs_no_torch():
    program = (
        "import sys; from rnnbench.cli.main import main\n"
        "try: main(['bench', '--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'matplotlib', 'hydra'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)
