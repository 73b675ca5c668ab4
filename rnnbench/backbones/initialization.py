"""How the weights of recurrent layers begin."""

import torch
from torch import Tensor, nn

from rnnbench.scan.product import Linear


def initialize(layer: nn.RNNBase, gates: int) -> None:
    """Glorot input weights, orthogonal recurrent weights, zero biases of torch's own layers.

    Args:
        gates: blocks of rows that the weights consist of; each is drawn by itself.
    """
    for name, parameter in layer.named_parameters():
        if name.startswith("bias"):
            nn.init.zeros_(parameter)
        else:
            (glorot if name.startswith("weight_ih") else orthogonal)(parameter, gates)


def glorot(weight: Tensor, gates: int = 1) -> None:
    """Uniform, so that variance is kept forwards and backwards (Glorot & Bengio 2010); each block of rows by itself."""
    for block in weight.detach().chunk(gates):
        nn.init.xavier_uniform_(block)


def orthogonal(weight: Tensor, gates: int = 1) -> None:
    """A random rotation, which keeps lengths over time (Saxe et al. 2013); each block of rows by itself."""
    for block in weight.detach().chunk(gates):
        nn.init.orthogonal_(block)


def input_layer(input_size: int, hidden_size: int, gates: int, forget_gate: int | None = None) -> nn.Linear:
    """The input product of a gated cell: Glorot weights and zero biases, that of the forget gate 1.

    Args:
        gates: how many blocks of `hidden_size` rows there are.
        forget_gate: the block whose bias begins at 1, so that the cell begins by keeping (Jozefowicz et al. 2015).
    """
    layer = Linear(input_size, gates * hidden_size)
    glorot(layer.weight, gates)
    nn.init.zeros_(layer.bias)
    if forget_gate is not None:
        nn.init.ones_(layer.bias.detach().chunk(gates)[forget_gate])
    return layer


def recurrent_weight(rows: int, columns: int, gates: int = 1) -> nn.Parameter:
    """The recurrent weight of a gated cell, [gates rows, columns], orthogonal."""
    weight = nn.Parameter(torch.empty(gates * rows, columns))
    orthogonal(weight, gates)
    return weight
