"""The kinds of values that stand at a step of a sequence, and what the harness does with each.

A task names a kind for its inputs and one for its targets; embedding, head, default loss and drawing follow from it.

B rows, T steps, E embedding size, V number of outputs a step.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

_IGNORED = -100  # the target that torch's cross entropy leaves out


@dataclass(frozen=True)
class Tokens:
    """Integers from 0 to `size` - 1: words, characters, notes. As targets they are predicted by a softmax."""

    size: int

    @property
    def outputs(self) -> int:
        """Numbers the head gives a step."""
        return self.size

    def embedding(self, width: int) -> nn.Embedding:
        """Turns values into vectors of `width`, [B, T] -> [B, T, width]; entries drawn from N(0, 1 / width)."""
        embedding = nn.Embedding(self.size, width)
        nn.init.normal_(embedding.weight, std=width**-0.5)
        return embedding

    def loss(self, outputs_BTV: Tensor, targets_BT: Tensor, mask_BT: Tensor) -> Tensor:
        """Mean cross entropy over the unmasked targets, in nats a token."""
        targets_N = targets_BT.masked_fill(~mask_BT, _IGNORED).flatten()
        return nn.functional.cross_entropy(outputs_BTV.flatten(0, -2), targets_N, ignore_index=_IGNORED)

    def draw(self, outputs_BV: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
        """Draws tokens_B from the softmax of outputs / temperature; temperature 0 takes the most probable."""
        if temperature == 0:
            return outputs_BV.argmax(-1)
        probabilities_BV = (outputs_BV / temperature).softmax(-1)
        return torch.multinomial(probabilities_BV, 1, generator=generator).squeeze(-1)
