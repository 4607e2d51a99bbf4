"""Converts a pair of the authors' checkpoints into a category's folder, fully checked before anything is written."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from spir.bootstrap.encoder import Encoder
from spir.categories import CATEGORIES
from spir.errors import WeightsError
from spir.generator.generator import Generator
from spir.weights.files import WEIGHTS, check_shapes, save
from spir.weights.legacy import encoder_config, generator_config, ours, read_legacy


def import_checkpoint(
    generator: str | Path,
    encoder: str | Path | None,
    category: str,
    root: str | Path = WEIGHTS,
    focals: Sequence[float] = (),
) -> list[Path]:
    """Convert the authors' generator, and their encoder where there is one; return the files written.

    `focals`, in picture widths, replace the focal lengths that PnP tries for the category. Raises WeightsError, and then
    nothing has been written."""
    if category not in CATEGORIES:
        raise WeightsError(
            f"There is no category {category!r}; choose among {', '.join(sorted(CATEGORIES))}."
        )
    row = CATEGORIES[category]
    if any(not focal > 0.5 for focal in focals):
        raise WeightsError("Focal lengths are in picture widths, and above 0.5.")
    extra: dict[str, Any] = {"focal_guesses": list(focals)} if focals else {}
    ready = []
    for path, key, network, config_of in (
        (generator, "model_ema", Generator, lambda state: generator_config(state, row)),
        (encoder, "model_coord", Encoder, encoder_config),
    ):
        if path is None:
            continue
        state, numbers = read_legacy(path, key)
        config = config_of(state)
        complete(Path(path), state, network, config)
        ready.append(
            (f"{network.__name__.lower()}.safetensors", ours(state, row), config, origin(path) | numbers)
        )
    if len(ready) == 2 and ready[0][2].w_dim != ready[1][2].w_dim:
        raise WeightsError(f"{generator} and {encoder} have codes w of other lengths: they are no pair.")
    folder, written = Path(root) / category, []
    for name, state, config, note in ready:
        save(folder / name, state, config, exact=True, **extra, **note)
        written.append(folder / name)
    return written


def complete(
    path: Path, state: Mapping[str, Tensor], network: Callable[[Any], nn.Module], config: Any
) -> None:
    """Raise WeightsError unless the checkpoint has exactly the tensors of the network that its sizes describe."""
    with torch.device("meta"):
        wanted = network(config).state_dict()
    check_shapes(path, dict(state), wanted)


def origin(path: str | Path) -> dict[str, str]:
    """Return the record of which file was imported."""
    content = Path(path).read_bytes()
    return {"origin": Path(path).name, "origin_sha256": hashlib.sha256(content).hexdigest()}
