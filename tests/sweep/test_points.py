from pathlib import Path

import pytest

from rnnbench import plugins
from rnnbench.errors import UserError
from rnnbench.sweep.points import points

NAMES = list(plugins.find("backbone"))


def test_choices_are_crossed_the_last_varying_fastest():
    assert points(["backbone=gru,lstm", "seed=0,1", "trainer.max_epochs=3"]) == [
        ["backbone=gru", "seed=0", "trainer.max_epochs=3"],
        ["backbone=gru", "seed=1", "trainer.max_epochs=3"],
        ["backbone=lstm", "seed=0", "trainer.max_epochs=3"],
        ["backbone=lstm", "seed=1", "trainer.max_epochs=3"],
    ]


@pytest.mark.parametrize(
    ("override", "values"),
    [
        ("seed=range(1,4)", ["1", "2", "3"]),
        ("seed=choice(5,6)", ["5", "6"]),
        ("optimizer.learning_rate=1e-3,0.01", ["0.001", "0.01"]),
        ("logger.tags=[a],[a,b]", ["[a]", "[a,b]"]),
        ("seed=sort(3,1,2)", ["1", "2", "3"]),
        ("backbone=glob(*)", NAMES),
        ("backbone=glob([g*,l*])", [name for name in NAMES if name[0] in "gl"]),
        ("backbone=glob(*,exclude=[f*,e*])", [name for name in NAMES if name[0] not in "fe"]),
        ("logger.project='a,b'", ["'a,b'"]),
        ("+seed=1,2", ["1", "2"]),
    ],
)
def test_hydras_grammar(override: str, values: list[str]):
    found = [point[0].partition("=")[2] for point in points([override])]
    assert found == values


def test_options_need_fit_the_choices_of_their_own_points_only():
    given = ["backbone=elman,feedforward", "backbone.activation=relu"]  # the default backbone has no activation
    assert points(given) == [[f"backbone={name}", "backbone.activation=relu"] for name in ("elman", "feedforward")]


def test_no_axis_is_one_point():
    assert points([]) == [[]]
    assert points(["seed=3"]) == [["seed=3"]]


def test_axes_of_an_experiment_file_and_of_the_command_line_which_wins(workplace: Path):
    (workplace / "mine" / "experiment").mkdir(parents=True)
    (workplace / "mine" / "experiment" / "both.yaml").write_text(
        "# @package _global_\nhydra:\n  sweeper:\n    params:\n      backbone: gru,lstm\n      seed: range(0,2)\n"
    )
    found = points(["experiment=both", "backbone=elman"], config_dir=str(workplace / "mine"))
    assert found == [["experiment=both", "backbone=elman", "seed=0"], ["experiment=both", "backbone=elman", "seed=1"]]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed=interval(0,1)", "'seed=interval\\(0,1\\)' needs a search; list values"),
        ("seed==1", "is not an override"),
        ("backbone=gru,,lstm", "is not an override"),
        ("backbone=glob(x*)", "'backbone=glob\\(x\\*\\)' matches none of: " + ", ".join(NAMES)),
        ("hydra.verbose=1,2", "'hydra.verbose=1,2': Hydra's own settings can not be swept"),
    ],
)
def test_what_is_no_axis_is_said(override: str, message: str):
    with pytest.raises(UserError, match=message) as error:
        points([override])
    assert "\n" not in str(error.value)
