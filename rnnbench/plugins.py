"""Finds task and backbone plugins and loads the chosen one.

A plugin is one class. It comes from an entry point (group ``rnnbench.task`` or ``rnnbench.backbone``) of any installed
package, or from a bare folder ``tasks/NAME/`` or ``backbones/NAME/`` (or file ``NAME.py``) of the working directory.
Finding reads names and source text only: nothing of a plugin runs, and torch is not imported, before it is chosen.
"""

import ast
import functools
import importlib
import importlib.machinery
import importlib.util
import re
import sys
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal

from rnnbench.errors import UserError, first_line, not_among

Kind = Literal["task", "backbone"]
_BASES = {"task": "Task", "backbone": "Backbone"}
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Plugin:
    """Where a plugin comes from. `problem` is why it can not be chosen, if anything is known against it."""

    kind: Kind
    name: str
    source: str
    module: str
    class_name: str
    file: Path | None = None
    problem: str | None = None

    def load(self) -> type:
        """Imports the plugin's module and returns its class.

        Raises:
            UserError: it can not be imported, or is no task or backbone; names the plugin, its source and the reason.
        """
        if self.problem:
            raise UserError(f"{self.kind} '{self.name}' can not be used: {self.problem}")
        try:
            found = getattr(self._import(), self.class_name, None)
        # A plugin is a stranger's code: whatever it raises at import, SystemExit included, is its own problem.
        except (Exception, SystemExit) as error:
            raise UserError(
                f"{self.kind} '{self.name}' ({self.source}) can not be loaded: {first_line(error)}{place(error)}"
            ) from error
        if not (isinstance(found, type) and issubclass(found, _base(self.kind))):
            raise UserError(
                f"{self.kind} '{self.name}' ({self.source}) can not be loaded: {self.module}:{self.class_name} "
                f"is not a subclass of rnnbench.{_BASES[self.kind]}"
            )
        return found

    def _import(self) -> Any:
        if self.file is None or not self.module.startswith("rnnbench_local."):
            return importlib.import_module(self.module)
        if self.module in sys.modules and sys.modules[self.module].__file__ == str(self.file):
            return sys.modules[self.module]
        folder = [str(self.file.parent)] if self.file.name == "__init__.py" else None
        spec = importlib.util.spec_from_file_location(self.module, self.file, submodule_search_locations=folder)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[self.module] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[self.module]
            raise
        return module


@dataclass(frozen=True)
class Summary:
    """What the source says of a plugin without running it: `trait` is a task's shape or a backbone's primitive."""

    description: str = ""
    trait: str = ""


def find(kind: Kind) -> dict[str, Plugin]:
    """All plugins of a kind by name, sorted. Two of one name become one that can not be chosen and names both."""
    found: dict[str, Plugin] = {}
    for plugin in [*_installed(kind), *_local(kind)]:
        other = found.get(plugin.name)
        if other and not (other.file and other.file == plugin.file):
            problem = f"two plugins have this name: {other.source} and {plugin.source}; rename or remove one"
            found[plugin.name] = replace(other, source=f"{other.source} / {plugin.source}", problem=problem)
        elif not other:
            found[plugin.name] = plugin
    return dict(sorted(found.items()))


def get(kind: Kind, name: str) -> Plugin:
    """The plugin of that name.

    Raises:
        UserError: there is none; names the nearest.
    """
    plugins = find(kind)
    if name not in plugins:
        raise UserError(unknown(kind, name))
    return plugins[name]


def unknown(kind: Kind, name: str) -> str:
    """One line on a name that no plugin has: the near name, or the file of that name that holds no plugin."""
    folder = Path(f"{kind}s")
    for file in (folder / f"{name}.py", folder / name / "__init__.py"):
        if _NAME.fullmatch(name) and file.is_file():
            return f"{kind} '{name}' does not exist: ./{file} defines no class derived from rnnbench.{_BASES[kind]}"
    return not_among(kind, name, list(find(kind)))


def summary(plugin: Plugin) -> Summary:
    """Reads description and trait from the source text."""
    definition = _definition(plugin.file, plugin.class_name)
    if definition is None:
        return Summary()
    paragraph = (ast.get_docstring(definition) or "").split("\n\n")[0]
    trait = _literal(definition, "shape" if plugin.kind == "task" else "primitive")
    return Summary(paragraph.replace("\n", " ").rstrip("."), trait)


def option_choices(file: Path | None, class_name: str) -> dict[str, list[str]]:
    """The options of a class, read from the source text, each with its choices where its type lists them."""
    definition = _definition(file, class_name)
    methods = definition.body if definition else []
    for method in methods:
        if isinstance(method, ast.FunctionDef) and method.name == "__init__":
            return {argument.arg: _choices(argument.annotation) for argument in method.args.kwonlyargs}
    return {}


@functools.cache
def _installed(kind: Kind) -> tuple[Plugin, ...]:
    found = []
    for point in entry_points(group=f"rnnbench.{kind}"):
        module, _, class_name = point.value.partition(":")
        source = f"{point.dist.name} {point.dist.version}" if point.dist else "unknown package"
        found.append(Plugin(kind, point.name, source, module, class_name, source_file(module)))
    return tuple(found)


def _local(kind: Kind) -> list[Plugin]:
    folder = Path.cwd() / f"{kind}s"
    candidates = [*folder.glob("*/__init__.py"), *folder.glob("*.py")] if folder.is_dir() else []
    found = []
    for file in sorted(candidates):
        name = file.parent.name if file.name == "__init__.py" else file.stem
        class_name, problem = _plugin_class(file, kind)
        if _NAME.fullmatch(name) and (class_name or problem):
            source = f"./{file.relative_to(Path.cwd())}".removesuffix("/__init__.py")
            module = f"rnnbench_local.{kind}.{name}"
            found.append(Plugin(kind, name, source, module, class_name, file.resolve(), problem))
    return found


def _plugin_class(file: Path, kind: Kind) -> tuple[str, str | None]:
    """Name of the one class in `file` that derives from the kind's base, and what is wrong if there is not just one."""
    try:
        tree = ast.parse(file.read_text("utf-8"))
    except (SyntaxError, UnicodeDecodeError, OSError) as error:
        return "", f"{file} can not be read: {first_line(error)}"
    names = [node.name for node in tree.body if isinstance(node, ast.ClassDef) and _derives(node, _BASES[kind])]
    if len(names) > 1:
        return names[0], f"{file} holds {len(names)} classes derived from {_BASES[kind]}; a plugin is one"
    return (names[0] if names else ""), None


def _definition(file: Path | None, class_name: str) -> ast.ClassDef | None:
    """The syntax tree of a class; None where its source can not be read."""
    try:
        tree = ast.parse(file.read_text("utf-8")) if file else ast.Module([], [])
    except (SyntaxError, UnicodeDecodeError, OSError):
        return None
    found = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == class_name]
    return found[0] if found else None


def _choices(annotation: ast.expr | None) -> list[str]:
    """The values of ``Literal[...]`` in an annotation."""
    for node in ast.walk(annotation) if annotation else []:
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "Literal":
            return [str(part.value) for part in ast.walk(node.slice) if isinstance(part, ast.Constant)]
    return []


def _derives(definition: ast.ClassDef, base: str) -> bool:
    names = [node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "") for node in definition.bases]
    return base in names


def _literal(definition: ast.ClassDef, name: str) -> str:
    for statement in definition.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        named = any(isinstance(target, ast.Name) and target.id == name for target in targets)
        value = getattr(statement, "value", None)
        if named and isinstance(value, ast.Constant):
            return str(value.value)
    return ""


def source_file(module: str) -> Path | None:
    """The source file of a module, by asking the finders: `importlib.util.find_spec` would import its parents."""
    path, spec = None, None
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        spec = _find_spec(".".join(parts[:depth]), path)
        if spec is None:
            return None
        path = spec.submodule_search_locations
    return Path(spec.origin).resolve() if spec and spec.origin else None


def _find_spec(name: str, path: Any) -> importlib.machinery.ModuleSpec | None:
    for finder in sys.meta_path:
        spec = finder.find_spec(name, path)
        if spec is not None:
            return spec
    return None


def _base(kind: Kind) -> type:
    module = importlib.import_module(f"rnnbench.{kind}")
    return getattr(module, _BASES[kind])


def place(error: BaseException) -> str:
    """Where in a plugin an error was raised, in parentheses: the last frame of its traceback."""
    if isinstance(error, SyntaxError):
        return f" ({error.filename}, line {error.lineno})"
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f" ({trace.tb_frame.f_code.co_filename}, line {trace.tb_lineno})" if trace else ""
