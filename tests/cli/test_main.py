import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import TINY

from rnnbench.cli.run_report import print_result

Rnnbench = Callable[..., Any]


def test_help_shows_verbs_plugins_and_examples(rnnbench: Rnnbench):
    said = rnnbench("--help")
    assert said.code == 0
    for word in ("leaderboard", "language_modeling", "lstm", "examples:", "RNNBENCH_DATA"):
        assert word in said.out
    assert all(len(line) <= 120 for line in said.out.splitlines())


@pytest.mark.parametrize("verb", ["run", "leaderboard", "sample", "list", "new", "check", "show", "completion"])
def test_every_verb_helps(rnnbench: Rnnbench, verb: str):
    with pytest.raises(SystemExit) as end:
        rnnbench(verb, "--help")
    assert end.value.code == 0


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["list", "--json"], ["--version"], ["completion", "bash"]])
def test_answers_without_torch(arguments: list[str]):
    program = (
        "import sys; from rnnbench.cli.main import main\n"
        f"assert main({arguments!r}) == 0\n"
        "heavy = {'torch', 'pytorch_lightning', 'datasets', 'wandb', 'pandas', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lisst"], "verb 'lisst' does not exist; did you mean 'list'?"),
        (["leaderboard", "--formt", "csv"], "unknown argument '--formt'; did you mean '--format'?"),
        (["leaderboard", "--format", "pdf"], "argument --format: invalid choice: 'pdf'"),
        (["--multi", "seed=0,1"], "unknown argument '--multi'"),
        (["sample", "best"], "no trial is done yet"),
        (["sample", "--prompt", "x", "--top", "0"], "--top must be at least 1, got 0"),
        (["sample", "--prompt", "x", "--temperature", "-1"], "--temperature must be at least 0"),
        (["sample", "nothing", "--prompt", "x"], "no run 'nothing' in outputs; there are none yet"),
        (["sample", "best", "--prompt", "x"], "no trial is done yet"),
        (["backbone=lsmt"], "backbone 'lsmt' does not exist; did you mean 'lstm'?"),
        (["task.dataset=ptbb"], "task language_modeling: dataset 'ptbb' does not exist; did you mean 'ptb'?"),
        (["task.dataset=text", "task.path=no.txt"], "text file 'no.txt' can not be read: No such file or directory"),
        (["seed=0,1"], "Ambiguous value for argument 'seed=0,1'"),
        (["seed=range(1,3)"], "Sweep parameters 'seed=range(1,3)' requires --multirun"),
        (["-m", "seed=interval(0,1)"], "seed is an interval, which needs a search"),
        (["--config-dir", "nowhere", "seed=1"], "config folder 'nowhere' does not exist"),
        (
            ["show", "backbone.hiden_size=3"],
            "backbone: setting 'hiden_size' does not exist; did you mean 'hidden_size'?",
        ),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(rnnbench: Rnnbench, arguments: list[str], message: str):
    said = rnnbench(*arguments)
    assert said.code == 2
    assert said.err.startswith(f"rnnbench: {message}")
    assert said.err.count("\n") == 1
    assert not Path("outputs").exists()


@pytest.mark.slow  # a process of its own, which imports all that the hub needs
def test_data_missing_offline_is_said(workplace: Path):
    done = subprocess.run(
        [sys.executable, "-m", "rnnbench", "task.dataset=ptb", f"data_dir={workplace}"],
        env={"HF_HUB_OFFLINE": "1", "HOME": str(workplace)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert f"looked in '{workplace}/ptb' and on the Hugging Face hub" in done.stderr
    assert done.stderr.count("\n") == 1


def test_unwritable_outputs_are_said(rnnbench: Rnnbench, book: Path):
    Path("file").write_text("")
    said = rnnbench(*TINY, "outputs_dir=file/inside", "trainer.progress=false")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "outputs_dir can not be written" in said.err


def test_a_failed_trial_exits_with_1_and_says_where_the_traceback_is(rnnbench: Rnnbench, book: Path, monkeypatch: Any):
    from rnnbench import training

    def broken(*_: Any) -> None:
        raise RuntimeError("no luck")

    monkeypatch.setattr(training, "_train_and_test", broken)
    said = rnnbench(*TINY)
    assert said.code == 1
    assert "the trial failed: RuntimeError: no luck" in said.err
    assert "log.txt" in said.err
    said = rnnbench("-m", *TINY, "seed=0,1")
    assert said.code == 1
    assert said.out.count("RuntimeError: no luck") == 3  # two in the summary, of which one had failed before


def test_a_newcomers_path(rnnbench: Rnnbench, book: Path):
    said = rnnbench(*TINY, "backbone=gru")
    assert said.code == 0
    assert "gru on language_modeling (text, word), seed 0: test perplexity" in said.out
    assert "already run, nothing to do" in rnnbench(*TINY, "backbone=gru").out

    sweep = ("-m", *TINY, "backbone=gru,elman", "seed=0,1")
    said = rnnbench(*sweep)
    assert "3 done, 1 already there" in said.out
    assert "all 4 trials were already there; nothing was run and no file changed" in rnnbench(*sweep).out

    said = rnnbench("leaderboard")
    assert "language_modeling · text · word" in said.out
    assert said.out.index("│ 1 │") < said.out.index("│ 2 │")
    assert rnnbench("leaderboard", "--format", "csv").out.count("\n") == 3

    said = rnnbench("sample", "best", "--prompt", "the cat flew", "--length", "5", "--top", "3")
    assert said.code == 0
    assert "unknown to this network: flew" in said.out
    assert said.out.count("█") >= 3
    assert said.out.count("%") == 3
    said = rnnbench("sample", "best", "--prompt", "the cat", "--length", "0", "--top", "1000")
    assert f"there are no more than these {said.out.count('%')}" in said.out
    said = rnnbench("sample", "best", "--length", "5", "--top", "1")  # openings of the test split, gone on from
    assert (said.code, said.out.count("%")) == (0, 3)
    run = next(line for line in rnnbench("list", "runs", "--json").out.splitlines() if '"id"' in line).split('"')[3]
    again = [rnnbench("sample", run[:5], "--prompt", "the cat", "--seed", "4").out for _ in range(2)]
    assert again[0] == again[1]
    assert "done" in rnnbench("list", "runs").out


def test_no_records_is_no_error(rnnbench: Rnnbench):
    said = rnnbench("leaderboard", "--format", "json")
    assert (said.code, said.out) == (0, "[]\n")
    assert "no records in outputs" in said.err


def test_lists(rnnbench: Rnnbench):
    import json

    listed = json.loads(rnnbench("list", "--json").out)
    shapes = {entry["name"]: entry["trait"] for entry in listed["tasks"]}
    assert {"language_modeling": "many to many aligned", "forecasting": "many to one"}.items() <= shapes.items()
    traits = {entry["name"]: entry["trait"] for entry in listed["backbones"]}
    assert {"feedforward": "matrix product", "lstm": "torch.nn.LSTM", "mingru": "linear scan"}.items() <= traits.items()
    assert all(entry["description"] and entry["source"] for entry in [*listed["tasks"], *listed["backbones"]])


def test_verify_names_each_broken_plugin_and_exits_with_1(rnnbench: Rnnbench):
    assert rnnbench("list", "--verify").code == 0
    Path("backbones").mkdir()
    Path("backbones/broken.py").write_text("import nothing_there\nclass B(Backbone):\n  '''Broken.'''\n")
    said = rnnbench("list", "backbones", "--verify", "--json")
    assert said.code == 1
    assert "ModuleNotFoundError" in said.out
    assert rnnbench("list").code == 0


def test_show_says_where_values_come_from(rnnbench: Rnnbench, monkeypatch: pytest.MonkeyPatch):
    import json

    monkeypatch.setenv("RNNBENCH_DATA", "/data")
    said = rnnbench("show", "--json", "experiment=ptb_small", "trainer.max_epochs=2", "backbone.hidden_size=7")
    rows = {row["setting"]: (row["value"], row["from"]) for row in json.loads(said.out)}
    assert rows["trainer.max_epochs"] == (2, "command line")
    assert rows["backbone.hidden_size"] == (7, "command line")
    assert rows["optimizer.name"] == ("sgd", "experiment ptb_small")
    assert rows["learner.bptt"] == (20, "experiment ptb_small")
    assert rows["learner.tied"] == (False, "default of StreamLearner")
    assert rows["optimizer.momentum"] == (0.0, "default of optimizer sgd")
    assert rows["stack.dropout"] == (0.0, "conf/config.yaml")
    assert rows["data_dir"] == ("/data", "environment RNNBENCH_DATA")
    assert rows["outputs_dir"] == ("outputs", "conf/config.yaml")
    assert "ptb_small" in rnnbench("show", "experiment=ptb_small").out


def test_hydras_own_questions_are_answered(rnnbench: Rnnbench):
    said = rnnbench("--cfg", "job", "backbone=gru")
    assert said.code == 0
    assert "hidden_size: 128" in said.out
    assert rnnbench("--cfg", "job", "--package", "schedule").out.startswith("# @package schedule\nname: cosine")
    assert "plugins://rnnbench" in rnnbench("--info", "searchpath").out


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("rnnbench li", ["list"]),
        ("rnnbench -m backbone=gru,ls", ["backbone=gru,lstm"]),
        ("rnnbench task.dataset=t", ["task.dataset=tinyshakespeare", "task.dataset=text"]),
        ("rnnbench optimizer=sgd optimizer.m", ["optimizer.momentum="]),
        ("rnnbench show backbone=lstm backbone.f", ["backbone.forget_bias="]),
        ("rnnbench learner.b", ["learner.bptt=", "learner.bptt_deviation="]),
        ("rnnbench learner.locked", ["learner.locked_dropout="]),
        ("rnnbench trai", ["trainer."]),
        ("rnnbench experiment=ptb", ["experiment=ptb_small"]),
        ("rnnbench check backbone.h", ["backbone.hidden_size="]),
        ("rnnbench check t", ["task.", "task="]),
        ("rnnbench leaderboard --f", []),
    ],
)
def test_completion(rnnbench: Rnnbench, line: str, expected: list[str]):
    assert rnnbench("completion", "--line", line).out.split() == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(rnnbench: Rnnbench, shell: str):
    assert "rnnbench completion --line" in rnnbench("completion", shell).out


def test_bash_completes():
    line = 'COMP_LINE="rnnbench backbone=ls"; COMP_POINT=20'
    script = f'eval "$(rnnbench completion bash)"; {line}; _rnnbench; echo $COMPREPLY'
    bin_folder = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-c", script], env={"PATH": f"{bin_folder}:/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("backbone=lstm\n", "")


def test_what_was_done_to_the_data_is_said(capsys: pytest.CaptureFixture[str]):
    facts: dict[str, Any] = {"train_skipped": 2, "test_skipped": 0, "resampled": 7, "vocabulary": 9}
    scores = {"test": {"cer": 0.5}, "validation": {"cer": 0.5}, "best_epoch": 1, "epochs": 1, "parameters": 1}
    spent = {"steps_per_second": 1.0, "wall_seconds": 1.0, "peak_memory_bytes": 1, "facts": facts}
    about = {"task": "speech", "dataset": "folder", "setting": "", "backbone": "gru", "seed": 0, "metric": "cer"}
    record: Any = SimpleNamespace(
        facts={**about, "unit": "steps"}, result={**scores, **spent}, status="done", id="1", folder="runs"
    )
    print_result(record, already_there=False)
    assert "of the data: train skipped 2, resampled 7\n" in capsys.readouterr().out
