"""Training on from exported weights: the graph in Models/ is all that a clone has of an earlier run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import openvino as ov
import torch
from torch import Tensor, nn

from .network import FILTER_NORM, IdentityNetwork, Residual

WEIGHTED = ("Convolution", "GroupConvolution", "MatMul")
NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d)


def read_layers(graph: Path) -> list[tuple[Tensor, Tensor]]:
    """Weights and biases of the layers of an exported network, in the order of the graph. Export has folded every
    normalisation into the layer before it, or left the last one as a product and a sum."""
    model = ov.Core().read_model(graph)

    def constant(node: ov.Node) -> Tensor | None:
        while node.get_type_name() in ("Convert", "Reshape") and node.input_values():
            node = node.input_value(0).get_node()
        return torch.from_numpy(node.data.astype(np.float32)) if node.get_type_name() == "Constant" else None

    layers = []
    for node in model.get_ordered_ops():
        if node.get_type_name() not in WEIGHTED:
            continue
        weight, (target,) = constant(node.input_value(1).get_node()), node.output(0).get_target_inputs()
        other = constant(target.get_node().input_value(1 - target.get_index()).get_node())
        if target.get_node().get_type_name() == "Multiply" and weight is not None and other is not None:
            weight, (target,) = weight * other.reshape(-1, 1), target.get_node().output(0).get_target_inputs()
            other = constant(target.get_node().input_value(1 - target.get_index()).get_node())
        if weight is None or other is None:
            raise ValueError(f"{graph} is not an exported identity network: {node.get_friendly_name()} has no constants.")
        layers.append((weight, other.flatten()))
    return layers


def _layers(network: IdentityNetwork, exported: list[tuple[Tensor, Tensor]]) -> list[tuple[nn.Module, nn.Module]]:
    """Each exported layer's place in the network: a layer and its normalisation."""
    blocks = [module for module in network.modules() if isinstance(module, Residual)]
    missing = Counter(block.convolution1.out_channels for block in blocks)
    for weight, _ in exported:
        if weight.shape[2:] == (3, 3) and weight.shape[0] == weight.shape[1]:
            missing[len(weight)] -= 0.5
    skipped: set[nn.Module] = set()
    for block in blocks:
        if missing[block.convolution1.out_channels] > 0:
            missing[block.convolution1.out_channels] -= 1
            skipped |= set(block.modules())
    weighted = [module for module in network.modules() if isinstance(module, (nn.Conv2d, nn.Linear, *NORMALISATIONS))]
    modules = [module for module in weighted if module not in skipped]
    return list(zip(modules[::2], modules[1::2], strict=True))


@torch.no_grad()
def start_from(network: IdentityNetwork, graph: Path, images: Tensor) -> None:
    """Gives a network that is not trained the function of an exported one, which may have fewer residual blocks: the
    others go before them, and begin as what changes nothing.

    The folded filters become filters of a trained one's norm, since what a step of Muon changes does not depend on it: to
    smaller ones every rate is a higher rate. Every normalisation then gets the scale and shift that give back the
    exported layer's output, from its own statistics over `images` [N, 3, 112, 112] in -1...1 (some hundred of them), when the one
    pass over them comes to it.
    """
    exported, hooks = read_layers(graph), []
    for (layer, normalisation), (weight, bias) in zip(_layers(network, exported), exported, strict=True):
        weight = weight.reshape(layer.weight.shape)
        norms = weight.flatten(1).norm(dim=1).clamp_min(1e-6) / FILTER_NORM
        layer.weight.copy_(weight / norms.view(-1, *[1] * (weight.ndim - 1)))

        def set_up(module: nn.Module, inputs: tuple[Tensor], norms: Tensor = norms, bias: Tensor = bias) -> None:
            values = inputs[0].transpose(0, 1).flatten(1)
            mean, variance = values.mean(1), values.var(1, unbiased=False)
            module.running_mean.copy_(mean)
            module.running_var.copy_(variance)
            module.weight.copy_(norms * (variance + module.eps).sqrt())
            module.bias.copy_(bias + norms * mean)

        hooks.append(normalisation.register_forward_pre_hook(set_up))
    training = network.training
    network.eval()(images)
    network.train(training)
    for hook in hooks:
        hook.remove()
