"""Data-parallel training under `torchrun`: every process has its own batch and applies the mean gradient.

    torchrun --nproc_per_node 4 -m spir.train.gan.train -- car ...

These are plain all-reduces instead of DistributedDataParallel: the losses call planes, palette and decoder
one by one and differentiate twice, which a wrapper around a single forward pass does not support. Without
`torchrun` every function does nothing.
"""

import os
from collections.abc import Iterable

import torch
from torch import distributed
from torch.nn import Parameter


def start(device: str) -> str:
    """Join the process group of `torchrun`, if there is one. Returns this process's device ("cuda" becomes
    "cuda:1")."""
    if "RANK" not in os.environ:
        return device
    local = int(os.environ["LOCAL_RANK"])
    kind = device.split(":")[0]
    if kind == "cuda":
        torch.cuda.set_device(local)
    distributed.init_process_group("nccl" if kind == "cuda" else "gloo")
    return f"cuda:{local}" if kind == "cuda" else device


def stop() -> None:
    """Leave the process group."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def rank() -> int:
    """The number of this process, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def world() -> int:
    """The number of processes that train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def leads() -> bool:
    """Whether this process is the one that writes logs, pictures and checkpoints."""
    return rank() == 0


def average_gradients(parameters: Iterable[Parameter]) -> None:
    """Replace every gradient by its mean over the processes, in one all-reduce; absent ones count as zero."""
    if world() == 1:
        return
    gradients = []
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        gradients.append(parameter.grad)
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= world()
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def mean_over_processes(value: float, device: torch.device | str) -> float:
    """The mean of a number over the processes."""
    if world() == 1:
        return value
    total = torch.tensor(value, dtype=torch.float64, device=device)
    distributed.all_reduce(total)
    return float(total) / world()
