"""How the weights of torch's own recurrent layers begin."""

from torch import nn


def initialize(layer: nn.RNNBase, gates: int) -> None:
    """Glorot input weights (Glorot & Bengio 2010), orthogonal recurrent weights (Saxe et al. 2013), zero biases.

    Args:
        gates: blocks of rows that the weights consist of; each is drawn by itself.
    """
    for name, parameter in layer.named_parameters():
        if name.startswith("bias"):
            nn.init.zeros_(parameter)
            continue
        draw = nn.init.xavier_uniform_ if name.startswith("weight_ih") else nn.init.orthogonal_
        for block in parameter.detach().chunk(gates):
            draw(block)
