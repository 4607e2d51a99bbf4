"""A warm start from a segmenter's ONNX file: its weights in the network, with batch norms that can be trained
again."""

from pathlib import Path
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from spir.train.segmenter.network import SegmenterNetwork

ROOT = "/network/"
"""Names of the nodes that `export` wrote begin so."""


def load_onnx_weights(
    network: SegmenterNetwork, file: Path, pictures: Float[Tensor, "batch 3 side side"]
) -> None:
    """Load the weights of the file into the network; heads that the file lacks stay. Needs the package onnx.

    The file has its batch norms folded into the convolutions. They are put back such that nothing changes,
    with the statistics of `pictures`, in [-1, 1]: with others, the first steps would learn to undo them.
    Raises ValueError for a file of another network."""
    import onnx

    graph = onnx.load(file).graph
    stored = {
        each.name: torch.from_numpy(onnx.numpy_helper.to_array(each).copy()) for each in graph.initializer
    }
    norms: dict[nn.BatchNorm2d, Tensor] = {}
    with torch.no_grad():
        for node in graph.node:
            held = [stored[name] for name in node.input if name in stored]
            if node.op_type not in ("Conv", "Gemm") or len(held) != 2:
                continue
            weight, bias = held
            name = layer_name(node.name)
            try:
                layer = cast(nn.Conv2d | nn.Linear, network.get_submodule(name))
                layer.weight.copy_(weight)
            except (AttributeError, RuntimeError) as problem:
                raise ValueError(f"{file} is of another network: {problem}") from problem
            if layer.bias is None:
                norm = network.get_submodule(f"{name.rpartition('.')[0]}.1")
                norms[cast(nn.BatchNorm2d, norm)] = bias
            else:
                layer.bias.copy_(bias)
    if not norms:
        raise ValueError(f"{file} is of another network: it has no layers of this one")
    unfold(network, norms, pictures)


def layer_name(node: str) -> str:
    """The layer of a node: "/network/stages.1/blocks/blocks.0/Conv" is "stages.1.blocks.0"."""
    parts = node.removeprefix(ROOT).split("/")[:-1]
    own = [a for a, b in zip(parts, [*parts[1:], ""], strict=True) if not b.startswith(f"{a}.")]
    return ".".join(own)


@torch.no_grad()
def unfold(
    network: SegmenterNetwork,
    biases: dict[nn.BatchNorm2d, Float[Tensor, " channels"]],
    pictures: Float[Tensor, "batch 3 side side"],
) -> None:
    """Set batch norms so that, in evaluation, they only add these biases."""
    seen = {}

    def record(norm: nn.BatchNorm2d, given: tuple[Tensor]) -> None:
        seen[norm] = given[0].mean((0, 2, 3)), given[0].var((0, 2, 3))

    for norm, bias in biases.items():
        assert norm.running_mean is not None and norm.running_var is not None
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)
        norm.weight.fill_(1)
        norm.bias.copy_(bias)
    hooks = [norm.register_forward_pre_hook(record) for norm in biases]
    learning = network.training
    network.eval()(pictures)
    network.train(learning)
    for hook in hooks:
        hook.remove()
    for norm, (mean, variance) in seen.items():
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.add_(mean)
