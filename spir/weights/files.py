"""Weights on disk: safetensors that hold their own configuration, so that a file alone rebuilds its network.

Matrices and filters are stored in float16 (those of imported checkpoints in their own precision), vectors and
scalars unchanged; nothing is ever pickled. `weights/<category>/` holds `generator.safetensors` and
`encoder.safetensors`, and `reading.safetensors` where the category has a formula.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from spir.bootstrap.encoder import Encoder, EncoderConfig
from spir.categories import CATEGORIES, Category
from spir.errors import WeightsError
from spir.formulas.reading import Reading, ReadingConfig
from spir.generator.generator import Generator, GeneratorConfig

M = TypeVar("M", bound=nn.Module)
WEIGHTS = Path(__file__).parents[2] / "weights"
"""The folder of the shipped weights."""
PROVENANCE = "provenance"
"""Metadata key of the record of how a file was made; see `spir.train.provenance`."""
SHOWN = 3
"""The number of tensors that an error message names; further ones are only counted."""


@dataclass(frozen=True)
class Models:
    """Everything a category needs, ready for inference: float32, evaluation mode, gradients off."""

    generator: Generator
    encoder: Encoder
    category: Category
    """The category, with the fields that the weights override replaced."""
    hash: str
    """SHA-256 over both files, which identifies the weights that made a result."""
    reading: Reading | None = None
    """The linear map from a code to an object of the category's formula; None where there is no formula."""
    extra: dict[str, Any] = field(default_factory=dict)
    """What else both files store: iteration, metrics; and "provenance", how each file was made."""


def compact(name: str, tensor: Tensor, exact: bool = False) -> Tensor:
    """Return the stored form of a tensor; refuse numbers that float16 cannot hold, unless `exact` keeps them in float32."""
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point():
        tensor = tensor.half() if tensor.ndim > 1 and not exact else tensor.float()
        if not tensor.isfinite().all():
            raise ValueError(f"{name} has values that are not finite, or too large for float16")
    return tensor.contiguous()


def save(
    path: str | Path,
    module: nn.Module | Mapping[str, Tensor],
    config: Any,
    exact: bool = False,
    **extra: Any,
) -> None:
    """Write a module, or a state dict such as a running average, with its configuration dataclass.

    `exact` keeps matrices in float32. `extra` is anything that JSON can hold, with `provenance` how the file
    was made (`spir.train.provenance`). The file is written completely or not at all."""
    state = module.state_dict() if isinstance(module, nn.Module) else module
    tensors = {name: compact(name, tensor, exact) for name, tensor in state.items()}
    metadata = {"config": json.dumps(asdict(config)), "extra": json.dumps(extra)}
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    save_file(tensors, unfinished, metadata)
    os.replace(unfinished, path)


def load(path: str | Path, module_class: type[M], config_class: type) -> tuple[M, dict[str, Any], str]:
    """Return (module, extra, SHA-256 of the file); the module is float32, in evaluation mode, without gradients.

    Raises `WeightsError` for a file that is missing, damaged, or of another network."""
    path = Path(path)
    tensors, metadata = read(path)
    try:
        config = config_class(
            **{name: tuples(value) for name, value in json.loads(metadata["config"]).items()}
        )
        extra = json.loads(metadata["extra"])
    except (KeyError, TypeError, ValueError) as problem:
        raise WeightsError(
            f"{path} carries no usable {config_class.__name__} ({problem}). "
            "It was saved by another version or for another network: save it again with this one."
        ) from problem
    # Building a network draws numbers that are thrown away; the caller's own random sequence must not notice.
    with torch.random.fork_rng(devices=[]):
        module = module_class(config)
    check_shapes(path, tensors, module.state_dict())
    module.load_state_dict(tensors)
    module.float().eval().requires_grad_(False)
    return module, extra, hashlib.sha256(path.read_bytes()).hexdigest()


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read tensors and metadata of a file. Raises WeightsError with the cause of every failure."""
    if not path.is_file():
        raise WeightsError(
            f"No weights at {path}. Fetch them with the repository (`git lfs pull`), train them, or bring those that the "
            "paper's authors released (`python -m spir.weights import`)."
        )
    with path.open("rb") as file:
        if file.read(24).startswith(b"version https://git-lfs"):
            raise WeightsError(f"{path} is only a pointer to the weights. Run `git lfs pull` to fetch them.")
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}
    except SafetensorError as problem:
        raise WeightsError(f"{path} is damaged ({problem}). Delete it and fetch it again.") from problem


def check_shapes(path: Path, found: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    """Raise WeightsError unless both hold tensors of the same names and shapes."""
    faults = [f"{name} is missing" for name in wanted if name not in found]
    faults += [f"{name} is unknown" for name in found if name not in wanted]
    faults += [
        f"{name} is {tuple(found[name].shape)} instead of {tuple(wanted[name].shape)}"
        for name in wanted
        if name in found and found[name].shape != wanted[name].shape
    ]
    if faults:
        more = f" and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise WeightsError(
            f"{path} does not fit its configuration: {'; '.join(faults[:SHOWN])}{more}. "
            "It was saved by another version or for another network: save it again with this one."
        )


def tuples(value: Any) -> Any:
    """Turn lists into tuples: JSON only has lists, but configurations hold tuples."""
    return tuple(tuples(item) for item in value) if isinstance(value, list) else value


def available(root: str | Path = WEIGHTS) -> list[str]:
    """Return the names of the categories that have both files."""
    return [
        name
        for name in CATEGORIES
        if all((Path(root) / name / f"{part}.safetensors").is_file() for part in ("generator", "encoder"))
    ]


def default_categories(root: str | Path = WEIGHTS) -> list[str]:
    """Return the categories that the page offers by default; cars where there are none, so that the error names
    what is missing."""
    return [name for name in available(root) if CATEGORIES[name].offered] or ["car"]


def load_models(category: str, root: str | Path = WEIGHTS) -> Models:
    """Load both networks of a category, and complete its row by what the weights store.

    An `extra` entry named like a field of `Category` (focal_guesses, say) replaces that field."""
    if category not in CATEGORIES:
        raise WeightsError(
            f"There is no category {category!r}; choose among {', '.join(sorted(CATEGORIES))}."
        )
    folder = Path(root) / category
    generator, generator_extra, generator_hash = load(
        folder / "generator.safetensors", Generator, GeneratorConfig
    )
    encoder, encoder_extra, encoder_hash = load(folder / "encoder.safetensors", Encoder, EncoderConfig)
    if encoder.config.w_dim != generator.config.w_dim:
        raise WeightsError(
            f"The encoder in {folder} gives w of {encoder.config.w_dim} numbers, but the generator takes "
            f"{generator.config.w_dim}: they were not trained together."
        )
    generator.freeze()
    made = {
        "generator": generator_extra.pop(PROVENANCE, None),
        "encoder": encoder_extra.pop(PROVENANCE, None),
    }
    extra = {**generator_extra, **encoder_extra, PROVENANCE: made}
    known = {f.name: tuples(extra[f.name]) for f in fields(Category) if f.name in extra}
    row = replace(CATEGORIES[category], **{**known, "scene_range": generator.config.scene_range})
    both = hashlib.sha256((generator_hash + encoder_hash).encode()).hexdigest()
    path = folder / "reading.safetensors"
    reading = None
    if path.is_file():
        reading, reading_extra, _ = load(path, Reading, ReadingConfig)
        made["reading"] = reading_extra.get(PROVENANCE)
    return Models(generator, encoder, row, both, reading, extra)
