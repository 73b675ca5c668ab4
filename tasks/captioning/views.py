"""What a network is given of pictures, pixels or features of them, and which picture that was.

N pictures, C channels, S pixels a side, V values of a view.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rnnbench.values import Pictures, Reals

from .captioned import Captioned
from .pretrained import PretrainedNetwork


class Views:
    """Views of the pictures of all splits, and of those that a person asks about.

    Args:
        captioned: the splits, "train" among them.
        pretrained: name of the network whose features are the views; None for pixels.
    """

    def __init__(self, captioned: Mapping[str, Captioned], pretrained: str | None) -> None:
        self.picture_shape = captioned["train"].pixels.shape[1:]
        self.network = PretrainedNetwork(pretrained) if pretrained else None
        self._known: list[tuple[NDArray[np.float32], NDArray[np.uint8]]] = []
        self.splits = {name: self.of(split.pixels) for name, split in captioned.items()}

    @property
    def kind(self) -> Pictures | Reals:
        """Of a view."""
        if self.network:
            return Reals(self.splits["train"].shape[1])
        return Pictures(*self.picture_shape[:2])

    def of(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8] | NDArray[np.float32]:
        """Views [N, V] of pictures [N, C, S, S], uint8 or float32."""
        if not self.network:
            return pixels.reshape(len(pixels), -1)
        features = self.network.features(pixels)
        self._known.append((features, pixels))
        return features

    def picture(self, view_V: Tensor) -> NDArray[np.uint8]:
        """The picture [C, S, S] that a view is of: of features, the one that has the nearest."""
        if not self.network:
            return view_V.cpu().numpy().reshape(self.picture_shape)
        wanted = view_V.float().cpu().numpy().reshape(1, -1)
        gaps = [np.abs(features - wanted).sum(1) for features, _ in self._known]
        part = int(np.argmin([gaps_N.min() for gaps_N in gaps]))
        return self._known[part][1][gaps[part].argmin()]
