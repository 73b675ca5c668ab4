"""Where data comes from: the person's own folder first, then the Hugging Face hub."""

import os
import socket
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import datasets
import huggingface_hub
from datasets import config as datasets_config

from rnnbench.errors import UserError, first_line


class Sources:
    """Finds data sets by name.

    Args:
        data_dir: the person's folder of data sets (setting ``data_dir`` or environment variable RNNBENCH_DATA).
    """

    def __init__(self, data_dir: Path | None = None) -> None:
        self.data_dir = data_dir

    def files(self, folder: str, names: Sequence[str]) -> list[Path] | None:
        """The named files of a folder of `data_dir`; None where there is no such folder.

        Raises:
            UserError: the folder is there and a file is not, or `data_dir` itself is not a folder.
        """
        if self.data_dir is None:
            return None
        if not self.data_dir.is_dir():
            raise UserError(f"data_dir '{self.data_dir}' is not a folder; check RNNBENCH_DATA or data_dir=FOLDER")
        home = self.data_dir / folder
        if not home.is_dir():
            return None
        for name in names:
            if not (home / name).is_file():
                raise UserError(f"'{home / name}' is missing; {folder} needs {', '.join(names)}")
        return [home / name for name in names]

    def hub(self, folder: str, repository: str, **where: Any) -> datasets.DatasetDict:
        """Loads a data set from the Hugging Face hub, or from its cache on this machine.

        Args:
            folder: its name in `data_dir`, for the message.
            repository: the hub's id, such as "Salesforce/wikitext", or a local folder in the hub's layout.
            where: what `datasets.load_dataset` wants besides, such as name, revision or data_dir.

        Raises:
            UserError: it is neither on the hub nor cached; says where it was looked for and the two ways to get it.
        """
        try:
            _stay_offline_if_unreachable()
            loaded = datasets.load_dataset(repository, **where)
        # The hub's client raises OSError when it can not be reached and kinds of its own when an id is unknown.
        except Exception as error:
            looked = f"'{self.data_dir / folder}'" if self.data_dir else "no folder (RNNBENCH_DATA is not set)"
            raise UserError(
                f"data set '{folder}' was not found: looked in {looked} and on the Hugging Face hub "
                f"({repository}: {first_line(error)}); put it in a folder {folder}/ and set RNNBENCH_DATA to the "
                "folder above, or run once with a network"
            ) from error
        assert isinstance(loaded, datasets.DatasetDict)
        return loaded


def _stay_offline_if_unreachable() -> None:
    """Without a network the hub's client retries for half a minute before it looks in its cache; this spares it."""
    if urllib.request.getproxies():
        return
    host = urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co")).hostname
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        datasets_config.HF_HUB_OFFLINE = True
        huggingface_hub.constants.HF_HUB_OFFLINE = True
