"""Convert the segments of a trajectory to JSON and back: where each began and its configuration, so that a
reopened fit continues unchanged.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from spir.inversion.config import InversionConfig
from spir.inversion.losses import LOSSES
from spir.inversion.variables import StepScales
from spir.types import Code, Pose
from spir.validation import checked_list, checked_number

RANGES = {
    "steps": (0, 256),
    "rate": (0.0, 1.0),
    "pose_rate": (0.0, 1.0),
    "crops": (0, 16),
    "seed": (0, 2**31),
    "size": (32, 512),
    "samples": (1, 64),
}
"""The least and the largest value by field of `InversionConfig`; larger ones would cost a server too much."""
BOOLEAN_FIELDS = ("fresh_crops", "optimise_pose", "jitter")
RENDERERS = ("fast",)
MAX_SCALE, MAX_WEIGHT = 1e3, 1e3


@dataclass(frozen=True)
class ArchivedSegment:
    """An archived segment has what is kept of a segment beside its steps."""

    first_step: int
    first_seconds: float
    config: InversionConfig
    code: Code | None = None
    """The code at which it began; None = the first guess."""
    pose: Pose | None = None


def segment_record(segment: ArchivedSegment) -> dict[str, Any]:
    """Return a segment as JSON; its code and pose are among the tensors."""
    return {
        "first_step": segment.first_step,
        "first_seconds": segment.first_seconds,
        "config": asdict(segment.config),
        "moved": segment.code is not None,
    }


def read_config(value: object) -> InversionConfig:
    """Return a configuration from JSON, every number within its range. Raises ValueError, KeyError and
    TypeError."""
    if not isinstance(value, dict) or set(value) != {field.name for field in fields(InversionConfig)}:
        raise ValueError("these are not the numbers of an inversion")
    numbers: dict[str, Any] = {name: checked_number(value[name], *span) for name, span in RANGES.items()}
    whole: dict[str, Any] = {
        name: int(numbers[name]) for name in ("steps", "crops", "seed", "size", "samples")
    }
    switches: dict[str, Any] = {name: value[name] for name in BOOLEAN_FIELDS}
    if (
        not all(isinstance(switch, bool) for switch in switches.values())
        or value["renderer"] not in RENDERERS
    ):
        raise ValueError("these are not the settings of an inversion")
    scales = value["gains"]
    scales = StepScales(
        *(checked_number(scales[name], 0, MAX_SCALE) for name in ("shape", "rows", "palette"))
    )
    betas = checked_list(value["betas"], lambda beta: checked_number(beta, 0, 0.9999), 2)
    losses = checked_list(value["losses"], read_loss, len(LOSSES))
    if len(betas) != 2:
        raise ValueError("Adam has two betas")
    return InversionConfig(
        **(numbers | whole | switches),
        gains=scales,
        betas=betas,
        losses=losses,
        renderer=value["renderer"],
    )


def read_loss(value: object) -> tuple[str, float]:
    """Return the name of a loss and its weight. Raises ValueError."""
    if not isinstance(value, Sequence) or len(value) != 2 or value[0] not in LOSSES:
        raise ValueError("this is no loss with its weight")
    return value[0], checked_number(value[1], 0, MAX_WEIGHT)
