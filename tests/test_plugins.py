import subprocess
import sys
from pathlib import Path

import pytest

from rnnbench import plugins
from rnnbench.errors import UserError

CELL = '''
"""A module."""
from rnnbench import Backbone


class Cell(Backbone):
    """A cell for tests.

    More of it.
    """

    primitive = "step loop"

    def __init__(self, input_size, *, hidden_size: int = 4, kind: "Literal['a', 'b']" = "a"):
        super().__init__()
        self.output_size = hidden_size

    def initial_state(self, batch_size):
        return ()

    def step(self, x_BI, state):
        return x_BI, state
'''


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def test_built_in_plugins_come_through_entry_points():
    found = plugins.find("backbone")
    assert {"elman", "feedforward", "gru", "lstm"} <= set(found)
    assert all(plugin.source.startswith("rnnbench ") for plugin in found.values())
    assert plugins.get("task", "language_modeling").load().__name__ == "LanguageModeling"


@pytest.mark.parametrize("path", ["backbones/mine/__init__.py", "backbones/mine.py"])
def test_a_folder_or_a_file_in_the_working_folder_is_a_plugin(path: str):
    write(path, CELL)
    plugin = plugins.get("backbone", "mine")
    assert plugin.source == f"./{path}".removesuffix("/__init__.py")
    assert plugins.summary(plugin) == plugins.Summary("A cell for tests", "step loop")
    assert plugin.load().__name__ == "Cell"
    assert plugin.load() is plugin.load()


def test_a_folder_plugin_imports_its_own_modules():
    write("backbones/mine/__init__.py", CELL + "\nfrom .helper import VALUE\n")
    write("backbones/mine/helper.py", "VALUE = 3\n")
    assert sys.modules[plugins.get("backbone", "mine").load().__module__].VALUE == 3


def test_files_without_a_plugin_class_are_no_plugins():
    before = set(plugins.find("task"))
    write("tasks/helpers.py", "X = 1\n")
    write("tasks/celery_jobs/__init__.py", "class Job: ...\n")
    write("tasks/_private.py", "class T(Task): ...\n")
    assert set(plugins.find("task")) == before


def test_two_of_one_name_are_refused_and_both_named():
    write("backbones/lstm.py", CELL)
    with pytest.raises(UserError, match=r"two plugins.*rnnbench .* and \./backbones/lstm\.py"):
        plugins.get("backbone", "lstm").load()
    assert plugins.get("backbone", "gru").load().__name__ == "GRU"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import nothing_of_this_name\nclass C(Backbone): ...", "ModuleNotFoundError: .*nothing_of_this_name.*line 1"),
        ("class C(Backbone):\n  def", "SyntaxError"),
        ("import sys\nsys.exit(3)\nclass C(Backbone): ...", "SystemExit: 3.*line 2"),
        ("1 / 0\nclass C(Backbone): ...", "ZeroDivisionError.*line 1"),
        ("class Backbone: ...\nclass C(Backbone): ...", "not a subclass of rnnbench.Backbone"),
        (CELL + "\nclass D(Backbone): ...", "holds 2 classes"),
    ],
)
def test_a_broken_plugin_says_why_and_harms_no_other(text: str, reason: str):
    write("backbones/broken.py", text)
    with pytest.raises(UserError, match=reason) as error:
        plugins.get("backbone", "broken").load()
    assert "\n" not in str(error.value)
    assert plugins.get("backbone", "lstm").load().__name__ == "LSTM"


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(UserError, match="backbone 'lsmt' does not exist; did you mean 'lstm'"):
        plugins.get("backbone", "lsmt")


def test_options_and_choices_are_read_from_the_source():
    write("backbones/mine.py", CELL.replace("\"Literal['a', 'b']\"", "Literal['a', 'b']"))
    plugin = plugins.get("backbone", "mine")
    assert plugins.option_choices(plugin.file, plugin.class_name) == {"hidden_size": [], "kind": ["a", "b"]}


def test_finding_and_describing_runs_nothing_and_imports_no_torch():
    for number in range(50):
        write(f"backbones/cell{number}.py", CELL + "\nopen('touched', 'w')\n")
    program = (
        "import sys; from rnnbench import plugins\n"
        "found = [plugins.summary(p) for kind in ('task', 'backbone') for p in plugins.find(kind).values()]\n"
        "assert len(found) >= 55, len(found)\n"
        "assert 'torch' not in sys.modules and 'pytorch_lightning' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert not Path("touched").exists()
