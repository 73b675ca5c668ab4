from typing import Any, Literal

import pytest
from omegaconf import OmegaConf
from omegaconf.errors import ConfigAttributeError, ValidationError

from rnnbench import options
from rnnbench.errors import UserError


class Cell:
    def __init__(
        self,
        input_size: int,
        *,
        hidden_size: int = 8,
        rate: float = 0.5,
        kind: Literal["plain", "gated"] = "plain",
        limit: float | None = None,
        sizes: list[int] = [1, 2],  # noqa: B006 - what the test is about
        path: str | list[str] | None = None,
    ) -> None:
        if hidden_size < 1:
            raise ValueError(f"hidden_size must be at least 1, got {hidden_size}")
        self.given = (input_size, hidden_size, rate, kind, limit, sizes, path)


class Demanding:
    def __init__(self, *, width: int) -> None:
        self.width = width


def test_node_holds_name_and_keyword_only_parameters_with_their_defaults():
    node = OmegaConf.structured(options.node(Cell, "cell"))
    assert OmegaConf.to_container(node) == {
        "name": "cell",
        "hidden_size": 8,
        "rate": 0.5,
        "kind": "plain",
        "limit": None,
        "sizes": [1, 2],
        "path": None,
    }


def test_node_is_typed():
    node = OmegaConf.structured(options.node(Cell, "cell"))
    node.limit = 3
    node.path = ["a", "b"]
    node.rate = "1e-3"
    assert (node.limit, node.rate, list(node.path)) == (3.0, 0.001, ["a", "b"])
    with pytest.raises(ValidationError):
        node.hidden_size = "many"
    with pytest.raises(ValidationError):
        node.hidden_size = None
    with pytest.raises(ConfigAttributeError):
        node.hidden = 3


def test_build_hands_over_positional_parameters_first():
    cell = options.build(Cell, "backbone cell", {"name": "cell", "hidden_size": 4, "path": "x"}, 3)
    assert cell.given == (3, 4, 0.5, "plain", None, [1, 2], "x")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"hidden_size": -3}, "backbone cell: hidden_size must be at least 1, got -3"),
        ({"hiden_size": 3}, "backbone cell: option 'hiden_size' does not exist; did you mean 'hidden_size'?"),
        ({"kind": "gatd"}, "backbone cell: kind 'gatd' does not exist; did you mean 'gated'?"),
        ({"kind": "x"}, "backbone cell: kind 'x' does not exist; there are: plain, gated"),
        ({"rate": "fast"}, "backbone cell: Value 'fast' of type 'str' could not be converted to Float"),
    ],
)
def test_wrong_options_are_one_line(given: dict, message: str):
    with pytest.raises(UserError) as error:
        options.build(Cell, "backbone cell", given, 3)
    assert str(error.value) == message


def test_an_option_without_default_must_be_given():
    assert options.build(Demanding, "it", {"width": 3}).width == 3
    with pytest.raises(UserError, match="it: .*width"):
        options.build(Demanding, "it", {})


def test_defaults_are_complete():
    assert options.defaults(Cell, "it", {"rate": 1})["rate"] == 1.0
    assert list(options.defaults(Cell, "it", {})) == ["hidden_size", "rate", "kind", "limit", "sizes", "path"]


def test_the_name_of_the_plugin_is_no_option():
    class Named:
        def __init__(self, *, name: str = "x") -> None: ...

    with pytest.raises(UserError, match="'name'"):
        options.node(Named, "named")


def test_an_annotation_that_can_not_be_read_is_said():
    class Odd:
        def __init__(self, *, size: "Missing" = 1) -> None: ...  # noqa: F821  # pyright: ignore

    with pytest.raises(UserError, match="Odd: the types of its options can not be read: NameError"):
        options.node(Odd, "odd")


def test_options_that_a_constructor_hands_on_are_its_own():
    class Base:
        def __init__(self, handed: int, *, depth: int = 1, width: int = 2) -> None:
            self.sizes = (depth, width)

    class Derived(Base):
        def __init__(self, handed: int, *, width: int = 5, name_of_it: str = "x", **options: Any) -> None:
            super().__init__(handed, width=width, **options)

    assert options.defaults(Derived, "thing", {}) == {"depth": 1, "width": 5, "name_of_it": "x"}
    assert options.build(Derived, "thing", {"depth": 7}, 0).sizes == (7, 5)
    with pytest.raises(UserError, match="thing: option 'depht' does not exist; did you mean 'depth'"):
        options.build(Derived, "thing", {"depht": 7}, 0)
