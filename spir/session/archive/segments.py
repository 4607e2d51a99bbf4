"""The segments of a trajectory in an archive: where each began and its numbers, so that a reopened fit goes on as it was."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from spir.inversion.config import InversionConfig
from spir.inversion.losses import LOSSES
from spir.inversion.variables import StepScales
from spir.types import Code, Pose
from spir.validation import listed, number

RANGES = {
    "steps": (0, 256),
    "rate": (0.0, 1.0),
    "pose_rate": (0.0, 1.0),
    "crops": (0, 16),
    "seed": (0, 2**31),
    "size": (32, 512),
    "samples": (1, 64),
}
"""Field of `InversionConfig` -> its least and largest value; more would cost a server too much."""
SWITCHES = ("fresh_crops", "optimise_pose", "jitter")
RENDERERS = ("fast",)
MAX_SCALE, MAX_WEIGHT = 1e3, 1e3


@dataclass(frozen=True)
class ArchivedSegment:
    """What of a segment is kept beside its steps."""

    first_step: int
    first_seconds: float
    config: InversionConfig
    code: Code | None = None
    """Where it began; none = at the first guess."""
    pose: Pose | None = None


def segment_record(segment: ArchivedSegment) -> dict[str, Any]:
    """A segment as JSON; its code and pose are among the tensors."""
    return {
        "first_step": segment.first_step,
        "first_seconds": segment.first_seconds,
        "config": asdict(segment.config),
        "moved": segment.code is not None,
    }


def read_config(value: object) -> InversionConfig:
    """A configuration from JSON, every number within its range. Raises ValueError, KeyError and TypeError."""
    if not isinstance(value, dict) or set(value) != {field.name for field in fields(InversionConfig)}:
        raise ValueError("these are not the numbers of an inversion")
    numbers = {name: number(value[name], *span) for name, span in RANGES.items()}
    whole = {name: int(numbers[name]) for name in ("steps", "crops", "seed", "size", "samples")}
    switches = {name: value[name] for name in SWITCHES}
    if (
        not all(isinstance(switch, bool) for switch in switches.values())
        or value["renderer"] not in RENDERERS
    ):
        raise ValueError("these are not the settings of an inversion")
    scales = value["gains"]
    scales = StepScales(*(number(scales[name], 0, MAX_SCALE) for name in ("shape", "rows", "palette")))
    betas = listed(value["betas"], lambda beta: number(beta, 0, 0.9999), 2)
    losses = listed(value["losses"], read_loss, len(LOSSES))
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
    """The name of a loss and its weight. Raises ValueError."""
    if not isinstance(value, Sequence) or len(value) != 2 or value[0] not in LOSSES:
        raise ValueError("this is no loss with its weight")
    return value[0], number(value[1], 0, MAX_WEIGHT)
