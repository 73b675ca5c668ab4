"""What people have: the harness's own trials under Hydra's stock multirun, in turn, with torch's default threads.

python benchmarks/yardsticks/stock.py -m seed=0,1 hydra.sweep.dir=FOLDER
"""

import hydra
from omegaconf import DictConfig

from rnnbench.compose import CONFIG_MODULE, register, resolve
from rnnbench.training import run_trial
from rnnbench.trial import Preparation

PREPARATION = Preparation()


@hydra.main(version_base="1.3", config_path=f"pkg://{CONFIG_MODULE}", config_name="config")
def main(config: DictConfig) -> None:
    """One job of the multirun."""
    run_trial(PREPARATION.prepare(resolve(config)))


if __name__ == "__main__":
    register()
    main()
