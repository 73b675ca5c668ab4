"""Train one trial, or with -m a sweep of trials. Arguments are overrides in Hydra's grammar: key=value.

A finished trial is not run again: typing the same twice runs it once.
"""

import argparse
import sys

from rnnbench.errors import UserError

HYDRA_FLAGS = ("cfg", "info")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings, as `rnnbench show` names them")
    parser.add_argument("-m", "--multirun", action="store_true", help="a sweep: key=a,b,c key=range(1,4) key=glob(*)")
    parser.add_argument("--yes", action="store_true", help="with -m: run more than 10,000 trials without asking")
    parser.add_argument("--config-dir", metavar="DIR", help="a further folder of configs, such as your own experiment/")
    parser.add_argument("-c", "--cfg", choices=["job", "hydra", "all"], help="print the config instead of running")
    parser.add_argument("-p", "--package", metavar="NODE", help="with --cfg: print this part only")
    parser.add_argument("--resolve", action="store_true", help="with --cfg: resolve references")
    parser.add_argument(
        "-i",
        "--info",
        nargs="?",
        const="all",
        choices=["all", "config", "defaults", "defaults-tree", "plugins", "searchpath"],
        help="print what Hydra knows instead of running",
    )


def main(arguments: argparse.Namespace) -> int:
    if arguments.cfg or arguments.info:
        return _ask_hydra(arguments)
    if arguments.multirun:
        return _sweep(arguments)
    return _one(arguments)


def _one(arguments: argparse.Namespace) -> int:
    from rnnbench.cli.early import import_wandb, importing

    with importing():
        import_wandb(arguments.overrides)

        from rnnbench.cli.run_report import print_result
        from rnnbench.compose import compose, resolve

    config = resolve(compose(arguments.overrides, arguments.config_dir))
    config.refuse_search("type -m as well, or leave search.trials out")

    with importing():
        from rnnbench.training import run_trial
        from rnnbench.trial import Preparation

    trial = Preparation().prepare(config)
    there = trial.record.finished
    try:
        record = run_trial(trial)
    except UserError:
        raise
    except Exception as error:
        state = trial.record.state
        print(f"rnnbench: the trial failed: {state.get('reason', error)}", file=sys.stderr)
        print(f"rnnbench: the traceback is in {trial.record.folder / 'log.txt'}", file=sys.stderr)
        return 1
    print_result(record, already_there=there, match=trial.match)
    return 0


def _sweep(arguments: argparse.Namespace) -> int:
    from rnnbench.cli.sweeping import go

    return go(arguments.overrides, arguments.config_dir, agreed=arguments.yes)


def _ask_hydra(arguments: argparse.Namespace) -> int:
    """Lets Hydra's own front door answer, which knows --cfg and --info."""
    import hydra

    from rnnbench.compose import CONFIG_MODULE, register

    register()
    flags = [f"--cfg={arguments.cfg}"] if arguments.cfg else [f"--info={arguments.info}"]
    flags += [f"--package={arguments.package}"] if arguments.package else []
    flags += ["--resolve"] if arguments.resolve else []
    flags += [f"--config-dir={arguments.config_dir}"] if arguments.config_dir else []
    sys.argv = ["rnnbench", *flags, *arguments.overrides]
    hydra.main(config_path=f"pkg://{CONFIG_MODULE}", config_name="config", version_base="1.3")(lambda _: None)()
    return 0
