"""Gradients through time at initialisation, of the networks that question 2 sets side by side."""

import math
from functools import partial
from typing import Any

import torch
from frame import Numbers

from rnnbench import options, plugins
from rnnbench.config import StackConfig
from rnnbench.diagnostics.gradients import gradient_flow
from rnnbench.diagnostics.subjects import Look, at_initialisation
from rnnbench.diagnostics.trajectory import follow
from rnnbench.stack import build_stack

SIMPLE = [
    ("orthogonal", "tanh"),
    ("glorot", "tanh"),
    ("identity", "tanh"),
    ("orthogonal", "relu"),
    ("identity", "relu"),
]
OTHERS = {
    "gru": ("gru", {}),
    "lstm (forget bias 0)": ("lstm", {"forget_bias": 0.0}),
    "lstm (forget bias 1)": ("lstm", {}),
    "lstm (forget bias 4)": ("lstm", {"forget_bias": 4.0}),
    "layernorm_lstm": ("layernorm_lstm", {}),
    "cornn": ("cornn", {}),
    "unicornn": ("unicornn", {}),
    "lru": ("lru", {}),
}
STACKS = {"bare": {}, "residual": {"residual": True}, "norm and residual": {"norm": "rms", "residual": True}}
LOOK = Look(steps=100, rows=16)
UNITS = 128
torch.set_num_threads(1)


def simple() -> Numbers:
    """Networks without gates, with what theory says."""
    return {
        f"{recurrence} {activation}": _measure("elman", {"recurrence": recurrence, "activation": activation})
        for recurrence, activation in SIMPLE
    }


def others() -> Numbers:
    """Networks with gates, norms or linear recurrences."""
    return {label: _measure(name, given) for label, (name, given) in OTHERS.items()}


def stacks() -> Numbers:
    """Four layers of the simple network."""
    return {label: _measure("elman", {}, num_layers=4, **stack) for label, stack in STACKS.items()}


def _measure(name: str, given: dict[str, Any], **stack: Any) -> Numbers:
    """The gradient through time of a network at initialisation, and of a simple one what theory says."""
    owner = plugins.get("backbone", name).load()
    config = StackConfig(
        **{"num_layers": 1, "dropout": 0.0, "norm": "none", "residual": False, "bidirectional": False} | stack
    )
    make = partial(options.build, owner, name, {"hidden_size": UNITS, **given})
    network = at_initialisation(name, lambda inputs: build_stack(make, inputs, config), UNITS, LOOK)
    run = follow(network.backbone, network.x_BTI)
    flow = gradient_flow(run, network.direction(run.y_BTO[:, -1]))
    median = (flow.median / flow.median[0]).tolist()
    numbers: Numbers = {"rate": flow.rate, "left_at_100": median[-1], "relative_norm": median}
    if name == "elman" and config.num_layers == 1:
        y = run.y_BTO[:, LOOK.steps // 2 :]
        slopes = (y > 0).double() if given["activation"] == "relu" else (1 - y.square()).square()
        numbers["theory"] = 0.5 * math.log(float(slopes.mean()))
    return numbers
