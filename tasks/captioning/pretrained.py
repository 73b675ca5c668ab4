"""Photographs as a network of timm sees them that was trained on others: features in place of pixels.

The network is frozen and sees each picture once, whole: a vector is what is left of it (as in Vinyals et al. 2014,
1411.4555, who however train theirs further). Its weights come from the hub.

N pictures, S pixels a side, F features.
"""

from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnbench.errors import UserError, first_line, not_among

AT_ONCE = 64  # pictures


class PretrainedNetwork:
    """A network of timm without its last layer.

    Args:
        name: such as "resnet18.a1_in1k", whose second part says which weights.

    Raises:
        UserError: timm is missing, it has no such network with trained weights, or they can not be had.
    """

    def __init__(self, name: str) -> None:
        timm = _timm()
        if not timm.is_model(name):
            raise UserError(not_among("task.pretrained: network of timm", name, timm.list_models()))
        try:
            self.network: Any = timm.create_model(name, pretrained=True, num_classes=0).eval()
        except Exception as error:  # of the network, the hub's client, or timm, each of its own kind
            raise UserError(f"the trained weights of '{name}' can not be had: {first_line(error)}") from error
        wanted = timm.data.resolve_model_data_config(self.network)
        self.side: int = wanted["input_size"][-1]
        self.mean_C11, self.deviation_C11 = (torch.tensor(wanted[key])[:, None, None] for key in ("mean", "std"))

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features [N, F] of pictures [N, 3, S, S]."""
        return np.concatenate(
            [self._seen(part).numpy() for part in torch.from_numpy(pixels).split(AT_ONCE)], dtype=np.float32
        )

    @torch.inference_mode()
    def _seen(self, pixels_NCSS: Tensor) -> Tensor:
        x_NCSS = (pixels_NCSS / 255 - self.mean_C11) / self.deviation_C11
        if x_NCSS.shape[-1] != self.side:
            x_NCSS = torch.nn.functional.interpolate(x_NCSS, size=self.side, mode="bicubic", antialias=True)
        return self.network(x_NCSS)


def _timm() -> ModuleType:
    try:
        import timm  # pyright: ignore[reportMissingImports]
    except (ImportError, RuntimeError) as error:  # RuntimeError: torchvision is of another torch
        raise UserError(f"task.pretrained needs timm ({first_line(error)}); pip install 'rnnbench[vision]'") from error
    return timm
