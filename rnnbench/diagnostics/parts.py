"""The parts of a learner whose gradients and updates are watched: each layer, and what stands around the layers."""

import math
from collections.abc import Iterator, Mapping, Sequence

from torch import Tensor, nn

from rnnbench.learners.base import Learner


def parts_of(learner: Learner) -> dict[str, list[nn.Parameter]]:
    """The trained parameters of each layer, and of each of the learner's own parts but for its layers.

    A matrix that is shared belongs to the first. Where a learner has two stacks, the layers are called after the parts
    that these stand in.
    """
    stacks, found, seen = learner.stacks(), {}, set()
    own = {id(parameter) for stack in stacks for parameter in stack.layers.parameters()}
    for name, part in learner.named_children():
        inside = [stack for stack in stacks if any(stack is module for module in part.modules())]
        modules = {name: [p for p in part.parameters() if id(p) not in own]}
        for stack in inside:
            prefix = f"{name}_" if len(stacks) > 1 else ""
            modules |= {f"{prefix}layer_{at}": list(layer.parameters()) for at, layer in enumerate(stack.layers, 1)}
        for label, parameters in modules.items():
            fresh = [p for p in parameters if p.requires_grad and id(p) not in seen]
            seen |= {id(p) for p in fresh}
            if fresh:
                found[label] = fresh
    return found


def update_ratios(parts: Mapping[str, Sequence[Tensor]], before: Mapping[str, Sequence[Tensor]]) -> dict[str, float]:
    """Length of the update over that of the weights before it, of each part and of all."""
    moved = {
        name: norm(now.detach() - was for now, was in zip(parts[name], before[name], strict=True)) for name in before
    }
    weights = {name: norm(iter(before[name])) for name in before}
    ratios = {f"update_ratio/{name}": moved[name] / weights[name] for name in before if weights[name]}
    return {"update_ratio/all": math.hypot(*moved.values()) / (math.hypot(*weights.values()) or 1.0), **ratios}


def norm(tensors: Iterator[Tensor | None]) -> float:
    """That of all tensors together; those that are missing do not count."""
    there = [tensor for tensor in tensors if tensor is not None]
    return float(nn.utils.get_total_norm(there)) if there else 0.0
