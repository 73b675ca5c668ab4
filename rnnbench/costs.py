"""What a network costs, measured on the network itself."""

import contextlib
import resource
import sys
from pathlib import Path

import torch
from torch import nn

from rnnbench.backbone import Backbone, tensors


def parameter_count(module: nn.Module) -> int:
    """Trainable numbers; a shared matrix counts once."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


@torch.inference_mode()
def state_bytes(backbone: Backbone, input_size: int) -> int:
    """Bytes a row of the state that `step` hands on."""
    _, state = backbone.step(backbone.zeros(1, input_size), backbone.initial_state(1))
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors(state))


class PeakMemory:
    """The largest memory in use since it was made: of the GPU where `device` is one, else of the process.

    On Linux the process's mark is reset first; elsewhere it is that of the whole process so far.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        else:
            with contextlib.suppress(OSError):
                Path("/proc/self/clear_refs").write_text("5")

    def bytes(self) -> int:
        """The largest since then."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device)
        with contextlib.suppress(OSError):
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
