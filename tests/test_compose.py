import dataclasses
from pathlib import Path

import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbench.compose import compose, resolve
from rnnbench.config import Config, from_dict
from rnnbench.errors import UserError
from rnnbench.optimization import Adam, Cosine, Plateau


def config(*overrides: str, config_dir: str | None = None) -> Config:
    return resolve(compose(overrides, config_dir))


def test_defaults_are_complete_and_typed():
    defaults = config()
    assert defaults.task["dataset"] == "pydoc"
    assert defaults.backbone == {"name": "lstm", "hidden_size": 128, "forget_bias": 1.0, "chrono": None}
    assert isinstance(defaults.optimizer, Adam)
    assert isinstance(defaults.schedule, Cosine)
    assert (defaults.seed, defaults.learner, defaults.logger.mode) == (0, {}, "offline")


def test_overrides_reach_every_part():
    changed = config(
        "backbone=gru",
        "backbone.hidden_size=32",
        "optimizer=sgd",
        "optimizer.momentum=0.9",
        "schedule=plateau",
        "learner.bptt=7",
        "trainer.gradient_clip=null",
        "seed=3",
    )
    assert changed.backbone == {"name": "gru", "hidden_size": 32}
    assert (changed.optimizer.name, changed.learner, changed.seed) == ("sgd", {"bptt": 7}, 3)
    assert isinstance(changed.schedule, Plateau)
    assert changed.trainer.gradient_clip is None


def test_references_are_resolved():
    assert config("learner.embedding_size=${backbone.hidden_size}").learner == {"embedding_size": 128}


def test_an_experiment_sets_and_the_command_line_overrides_it():
    small = config("experiment=ptb_small", "trainer.max_epochs=2")
    assert (small.task["dataset"], small.optimizer.name, small.optimizer.learning_rate) == ("ptb", "sgd", 20.0)
    assert (small.learner["bptt"], small.trainer.max_epochs) == (20, 2)


def test_a_folder_of_ones_own_experiments():
    Path("mine/experiment").mkdir(parents=True)
    Path("mine/experiment/tiny.yaml").write_text("# @package _global_\nbackbone:\n  hidden_size: 3\n")
    assert config("experiment=tiny", config_dir="mine").backbone["hidden_size"] == 3


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("task=languge_modeling", "task 'languge_modeling' does not exist; did you mean 'language_modeling'?"),
        ("backbone=lsmt", "backbone 'lsmt' does not exist; did you mean 'lstm'?"),
        ("optimizer=adm", "optimizer 'adm' does not exist; did you mean 'adam'?"),
        ("schedule=cosin", "schedule 'cosin' does not exist; did you mean 'cosine'?"),
        ("experiment=ptb_smal", "experiment 'ptb_smal' does not exist; did you mean 'ptb_small'?"),
        ("task.datset=ptb", "task: setting 'datset' does not exist; did you mean 'dataset'?"),
        ("backbone.hiden_size=3", "backbone: setting 'hiden_size' does not exist; did you mean 'hidden_size'?"),
        ("sed=3", "setting 'sed' does not exist; did you mean 'seed'?"),
        ("+sed=3", "setting 'sed' does not exist; did you mean 'seed'?"),
        ("+trainer.epochs=3", "trainer: setting 'epochs' does not exist; did you mean 'max_epochs'?"),
        ("~seed", "seed is missing; give seed=VALUE"),
        ("trainer.max_epochs=abc", "trainer.max_epochs: value 'abc' of type 'str' could not be converted to Integer"),
        ("trainer.max_epochs=0", "trainer.max_epochs must be at least 1, got 0"),
        ("trainer.gradient_clip=-1", "trainer.gradient_clip must be above 0 or null, got -1.0"),
        ("trainer.precision=half", "trainer.precision 'half' does not exist; there are: 32-true, 64-true"),
        ("stack.dropout=1.0", "stack.dropout must be at least 0 and below 1, got 1.0"),
        ("stack.norm=batch", "stack.norm 'batch' does not exist; there are: none, layer, rms"),
        ("optimizer.learning_rate=-1", "optimizer.learning_rate must be above 0, got -1.0"),
        ("schedule.warmup=2", "schedule.warmup must be at least 0 and below 1, got 2.0"),
        ("logger.mode=on", "logger.mode"),
        ("sweep.name=../x", "sweep.name '../x' may hold letters, digits, '-' and '_' only"),
        ("seed=1,2", "Ambiguous value for argument 'seed=1,2'"),
        ("seed==", "'seed==' is not an override; type key=value, such as trainer.max_epochs=5"),
        ("task.dataset=${nothing}", "task.dataset: Interpolation key 'nothing' not found"),
    ],
)
def test_wrong_input_is_one_line_that_names_the_setting(override: str, message: str):
    with pytest.raises(UserError) as error:
        config(override)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "value",
    [
        "${oc.env:HOME}",
        "${oc.env:HOME,x}",
        "${ oc.env:HOME}",
        "${oc.decode:1}",
        "a${oc.env:HOME}b",
        "${hydra:job.name}",
    ],
)
@pytest.mark.parametrize("key", ["logger.project", "task.path", "learner.anything"])
def test_no_resolver_reads_the_environment_into_a_config(key: str, value: str):
    with pytest.raises(UserError, match="is not resolved"):
        config(f"{key}='{value}'")


def test_targets_name_no_code():
    with pytest.raises(UserError, match="_target_"):
        config("+backbone._target_=os.system")
    assert config("+learner._target_=os.mkdir").learner == {"_target_": "os.mkdir"}
    assert list(Path.cwd().iterdir()) == []


def test_a_config_survives_being_written_down():
    for overrides in ((), ("experiment=ptb_small",), ("optimizer=rmsprop", "schedule=plateau")):
        written = config(*overrides)
        assert from_dict(dataclasses.asdict(written)) == written


def test_a_config_of_another_version_is_refused():
    values = dataclasses.asdict(config())
    values["trainer"]["warp_speed"] = 9
    with pytest.raises(UserError, match="another version"):
        from_dict(values)


def test_the_callers_own_hydra_session_is_left_alone(workplace: Path):
    (workplace / "own").mkdir()
    (workplace / "own" / "app.yaml").write_text("x: 1\n")
    with initialize_config_dir(str(workplace / "own"), version_base="1.3"):
        config()
        assert hydra_compose("app").x == 1
    assert not GlobalHydra.instance().is_initialized()


KEYS = [
    "task", "task.dataset", "task.path", "backbone", "backbone.hidden_size", "learner", "learner.bptt", "stack",
    "stack.norm", "optimizer", "optimizer.beta1", "schedule", "trainer", "trainer.max_epochs", "trainer.patience",
    "logger", "logger.tags", "sweep.name", "seed", "data_dir", "experiment", "hydra.searchpath", "nothing", "",
]  # fmt: skip
VALUES = [
    "", "1", "-1", "1e9", "abc", "null", "true", "[]", "[1,2]", "{}", "{a: 1}", "lstm", "'quoted'", "${seed}", "${",
    "a,b", "range(1,3)", "glob(*)", "interval(0,1)", "???", "../x", "nan", "inf", "1=2", "é",
]  # fmt: skip


@settings(max_examples=20)
@given(
    st.lists(
        st.builds(
            "{}{}={}".format, st.sampled_from(["", "+", "++", "~"]), st.sampled_from(KEYS), st.sampled_from(VALUES)
        ),
        max_size=2,
    )
)
def test_whatever_is_typed_gives_a_config_or_one_line(overrides: list[str]):
    try:
        assert isinstance(config(*overrides), Config)
    except UserError as error:
        assert str(error).strip()
        assert "\n" not in str(error)


@pytest.mark.parametrize("override", ["~trainer.max_epochs", "~backbone", "~task.dataset", "task=null", "trainer=3"])
def test_deleting_what_is_needed_is_wrong_input(override: str):
    with pytest.raises(UserError):
        config(override)
