"""Make the Tab key complete verbs, settings and their values in your shell.

bash:  eval "$(rnnbench completion bash)"    (put it in ~/.bashrc to keep it)
zsh:   eval "$(rnnbench completion zsh)"     (in ~/.zshrc)
fish:  rnnbench completion fish | source     (in ~/.config/fish/config.fish)
"""

import argparse

SCRIPTS = {
    "bash": """\
_rnnbench() {
    local IFS=$'\\n'
    COMPREPLY=($(rnnbench completion --line "${COMP_LINE:0:COMP_POINT}" 2>/dev/null))
    [[ ${COMPREPLY[0]} == *[=.] ]] && compopt -o nospace
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//=/}
complete -F _rnnbench rnnbench""",
    "zsh": """\
_rnnbench() {
    local -a found
    found=("${(@f)$(rnnbench completion --line "${BUFFER[1,CURSOR]}" 2>/dev/null)}")
    compadd -S '' -- $found
}
compdef _rnnbench rnnbench""",
    "fish": """complete -c rnnbench -f -a '(rnnbench completion --line (commandline -cp) 2>/dev/null)'""",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", nargs="?", choices=sorted(SCRIPTS), help="print the script for this shell")
    parser.add_argument("--line", help="what has been typed so far: print what may follow, one a line")


def main(arguments: argparse.Namespace) -> int:
    if arguments.line is not None:
        print("\n".join(complete(arguments.line)))
    elif arguments.shell:
        print(SCRIPTS[arguments.shell])
    else:
        print(__doc__.strip() if __doc__ else "")
    return 0


def complete(line: str) -> list[str]:
    """What may stand at the end of a line: verbs, settings, or values of the setting that is being typed.

    Reads the config file and the plugins' source text, so that it answers without importing torch.

    Args:
        line: from the program's name up to the cursor.
    """
    from rnnbench.cli.main import VERBS

    words = line.split(" ")[1:] or [""]
    word = words[-1]
    verbs = [verb for verb in VERBS if verb.startswith(word)] if len(words) == 1 and "=" not in word else []
    if words[0] in VERBS and words[0] not in ("run", "show", "check"):
        return []
    found = _overrides(words[:-1], word)
    return verbs + [match for match in found if words[0] != "check" or match.startswith(("backbone", "task"))]


def _overrides(before: list[str], word: str) -> list[str]:
    settings = _settings(before)
    key, equals, value = word.partition("=")
    if equals:
        done, comma, last = value.rpartition(",")
        return [f"{key}={done}{comma}{choice}" for choice in settings.get(key, []) if choice.startswith(last)]
    matches = [key for key in settings if key.startswith(word)]
    depth = word.count(".") + 1  # one level at a time, as a shell completes folders
    return sorted({".".join(key.split(".")[:depth]) + ("." if key.count(".") >= depth else "=") for key in matches})


def _settings(before: list[str]) -> dict[str, list[str]]:
    """All settings by name, each with its choices where they are known, given what was typed before."""
    import dataclasses
    from importlib import resources

    import yaml

    from rnnbench import plugins
    from rnnbench.config import leaves
    from rnnbench.learners import option_holders
    from rnnbench.optimization import OPTIMIZERS, SCHEDULES

    conf = resources.files("rnnbench.conf")
    content = yaml.safe_load(conf.joinpath("config.yaml").read_text("utf-8"))
    chosen = {
        key: value for entry in content.pop("defaults") if isinstance(entry, dict) for key, value in entry.items()
    }
    chosen |= {key: value for key, _, value in (word.partition("=") for word in before) if key in chosen}
    del content["hydra"], content["learner"]
    settings: dict[str, list[str]] = {key: [] for key, _ in leaves(content)}
    settings["experiment"] = sorted(file.name[:-5] for file in conf.joinpath("experiment").iterdir())
    for kind in ("task", "backbone"):
        found = plugins.find(kind)
        settings[kind] = list(found)
        plugin = found.get(chosen[kind])
        if plugin:
            choices = plugins.option_choices(plugin.file, plugin.class_name)
            settings |= {f"{kind}.{name}": values for name, values in choices.items()}
            for module, class_name in option_holders(plugins.summary(plugin).trait) if kind == "task" else ():
                choices = plugins.option_choices(plugins.source_file(module), class_name)
                settings |= {f"learner.{name}": values for name, values in choices.items()}
    for group, options in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
        settings[group] = sorted(options)
        fields = dataclasses.fields(options[chosen[group]]) if chosen[group] in options else ()
        settings |= {f"{group}.{field.name}": [] for field in fields if field.name != "name"}
    return settings
