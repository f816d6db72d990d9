"""A step of training that the GPU repeats by itself: small kernels cost more to launch than to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import Tensor
from torch.optim import Optimizer

Result = TypeVar("Result")


class Replayed(Generic[Result]):
    """A function of tensors, such as a step of training, as one CUDA graph; called as it is where the device is no GPU or can't
    take it.

    The sizes of its inputs never change. What else it reads and changes must stay where it lies between calls: rates are
    tensors. The first call runs it four times; results lie in the same tensors each time.
    """

    possible = True
    """Until one of them fails, after which none is tried: a failed capture can leave the device's random numbers unusable."""

    def __init__(self, function: Callable[..., Result], device: torch.device, say: Callable[[str], None]) -> None:
        self.function, self.say = function, say
        self.cuda = device.type == "cuda"
        self.graph: torch.cuda.CUDAGraph | None = None
        self.inputs: tuple[Tensor, ...] = ()

    def __call__(self, *inputs: Tensor) -> Result:
        if self.graph is None and self.cuda and Replayed.possible:
            try:
                self.capture(inputs)
            except Exception as error:
                Replayed.possible = False
                self.say(f"not as a graph: {type(error).__name__}: {str(error)[:300]}")
                torch.cuda.synchronize()
        if self.graph is None:
            return self.function(*inputs)
        for held, given in zip(self.inputs, inputs, strict=True):
            held.copy_(given)
        self.graph.replay()
        return self.result

    def capture(self, inputs: tuple[Tensor, ...]) -> None:
        """Records what the function does on a stream of its own, after runs that let libraries choose and allocate."""
        self.inputs = tuple(given.clone() for given in inputs)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.function(*self.inputs)
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.result = self.function(*self.inputs)
        self.graph = graph


def set_rates(optimiser: Optimizer, rate: Callable[[dict], float]) -> None:
    """Sets the learning rate of each group, in place where it is a tensor."""
    for group in optimiser.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate(group))
        else:
            group["lr"] = rate(group)


def rate_on(device: torch.device, rate: float) -> Tensor | float:
    """A learning rate that a replayed step reads anew each time."""
    return torch.tensor(rate, device=device) if device.type == "cuda" else rate
