"""Converts the authors' checkpoints (PyTorch pickles) to our files: they are read without running code and changed to our frame.

Their networks use other axes and another unit (`Category.frame`). Both are converted exactly in the weights: lengths are
divided by the half side of their cube, planes and coordinates get our axes. The result has +Y up, +Z in front, [-1, 1]^3.
"""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from spir.bootstrap.encoder import EncoderConfig
from spir.categories import Category
from spir.errors import WeightsError
from spir.generator.generator import GeneratorConfig

HEAD_CHANNELS = 64
"""Channels of an attention head, the same in every size of SegFormer."""
NUMPY_NAMES = ("numpy._core.multiarray", "numpy.core.multiarray")
"""Modules from which NumPy 2 and NumPy 1 say that their arrays come."""


def harmless() -> list[Any]:
    """Return the types that the files need besides tensors: NumPy's random states and scalars, which hold data and no code."""
    makers = {"_reconstruct": np.zeros(1).__reduce__()[0], "scalar": np.float64(1).__reduce__()[0]}
    found: list[Any] = [np.ndarray, np.dtype]
    found += [(maker, f"{module}.{name}") for name, maker in makers.items() for module in NUMPY_NAMES]
    return found + [type(np.dtype(kind)) for kind in ("u1", "u4", "i4", "i8", "f4", "f8", "?")]


def read_legacy(path: str | Path, key: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the state dict under `key` ("model_ema", "model_coord") of one of their files, and the numbers beside it.

    Raises WeightsError for a file that is missing or damaged, tries to run code, or holds something else."""
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"There is no file {path}.")
    try:
        with torch.serialization.safe_globals(harmless()):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as problem:
        reason = str(problem).split("\n")[0].split(". ")[-1]
        raise WeightsError(
            f"{path} was refused: it holds more than numbers, or is no checkpoint ({reason}). Nothing of it was run."
        ) from problem
    except (RuntimeError, EOFError, ValueError, KeyError, OSError) as problem:
        raise WeightsError(f"{path} is damaged, or no checkpoint of PyTorch ({problem}).") from problem
    if not isinstance(content, dict) or not isinstance(content.get(key), Mapping):
        there = ", ".join(sorted(map(str, content))) if isinstance(content, dict) else type(content).__name__
        raise WeightsError(f"{path} has no {key!r}, only: {there}. Is it the other file of the pair?")
    state = {str(name).removeprefix("module."): value for name, value in content[key].items()}
    if not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"{path}: {key!r} holds something else than tensors.")
    numbers = {
        name: content[name].item() if hasattr(content[name], "item") else content[name]
        for name in ("iteration", "best_fid")
        if isinstance(content.get(name), int | float | np.generic)
    }
    return state, numbers


def shape(state: Mapping[str, Tensor], name: str) -> tuple[int, ...]:
    """Return the shape of a tensor that determines a size. Raises WeightsError where it is missing."""
    if name not in state:
        raise WeightsError(f"The checkpoint has no tensor {name}: it is of another network.")
    return tuple(state[name].shape)


def generator_config(state: Mapping[str, Tensor], category: Category) -> GeneratorConfig:
    """Read the sizes of their generator off its tensors. Raises WeightsError for variants that spir does not have."""
    if "mapping_network.class_embedding" in state or any("class_embedding" in name for name in state):
        raise WeightsError(
            "The generator was trained with class labels; spir knows networks of one class each."
        )
    if "texture_mapper.fc_values.weight" not in state:
        raise WeightsError("The generator has no colour mapping (attention_values 0), which spir is about.")
    size = max(int(name.split(".")[1][1:]) for name in state if name.startswith("synthesis_network.b"))
    widest = shape(state, "synthesis_network.b4.conv1.weight")[0]
    last = shape(state, f"synthesis_network.b{size}.conv1.weight")[0]
    w_dim, z_dim = shape(state, "mapping_network.backbone.fc0.weight")
    return GeneratorConfig(
        z_dim=z_dim,
        w_dim=w_dim,
        plane_resolution=size,
        plane_channels=shape(state, "synthesis_network.b4.torgb.weight")[0] // 3,
        channel_base=last * size,
        channel_max=widest,
        values=shape(state, "texture_mapper.fc_values.weight")[0] // 3,
        hidden=shape(state, "decoder.net.0.weight")[0],
        noise=category.noise,
        view_direction="viewdir_mapper.fc0.weight" in state,
        axes=tuple((float(x), float(y), float(z)) for x, y, z in category.frame.axes),
    )


def encoder_config(state: Mapping[str, Tensor]) -> EncoderConfig:
    """Read the sizes of their encoder off its tensors."""
    dims = tuple(shape(state, f"backbone.patch_embed{i}.proj.weight")[0] for i in range(1, 5))
    blocks = [[n.split(".")[2] for n in state if n.startswith(f"backbone.block{i}.")] for i in range(1, 5)]
    reduce = [state.get(f"backbone.block{i}.0.attn.sr.weight") for i in range(1, 5)]
    return EncoderConfig(
        dims=dims,
        heads=tuple(max(1, dim // HEAD_CHANNELS) for dim in dims),
        depths=tuple(len(set(numbers)) for numbers in blocks),
        sr_ratios=tuple(1 if each is None else each.shape[-1] for each in reduce),
        mlp_ratio=shape(state, "backbone.block1.0.mlp.fc1.weight")[0] // dims[0],
        decode_width=shape(state, "backbone.linear_fuse.weight")[0],
        head_width=shape(state, "backbone.linear_pred.weight")[0],
        in_channels=shape(state, "backbone.patch_embed1.proj.weight")[1],
        w_dim=shape(state, "w_regressor_post.2.weight")[0],
    )


def ours(state: Mapping[str, Tensor], category: Category) -> dict[str, Tensor]:
    """Convert a state dict of theirs, generator or encoder, to our frame: the same objects, with distances in our unit."""
    found = {name: tensor.clone() for name, tensor in state.items()}
    axes = torch.from_numpy(category.frame.axes).float()
    unit = category.frame.half_side
    for name in ("alpha", "beta"):
        if name in found:
            found[name] = found[name] / unit
    for name in ("decoder.net.2.weight", "decoder.net.2.bias"):
        if name in found:
            found[name][0] = found[name][0] / unit
    if "viewdir_mapper.fc0.weight" in found:
        found["viewdir_mapper.fc0.weight"] = found["viewdir_mapper.fc0.weight"] @ axes.T
    for name in ("post.4.weight", "post.4.bias"):
        if name in found:
            found[name][:3] = torch.tensordot(axes, found[name][:3], 1) / unit
    return found
