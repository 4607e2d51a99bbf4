"""Every number of the segmenter's training, in one place."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SegmenterTrainingConfig:
    """Every number of this training."""

    batch: int = 32
    sides: tuple[int, ...] = (160, 192, 192, 224, 256)
    """Sides of the pictures, of which each step has one: objects of all sizes, and small pictures train
    faster."""
    rate: float = 2e-3
    overlap_weight: float = 0.7
    objects_weight: float = 0.3
    kind_weight: float = 0.6
    names_weight: float = 0.3
    temperature: float = 3.0
    """Temperature of the distillation: the teacher's logits are divided by it, so that unlikely names count
    as well."""
    teacher_pictures: int = 6000
    """The teacher labels so many pictures before the first step."""
    teacher_share: float = 0.5
    """This share of a batch are pictures that the teacher has labelled."""
    label_smoothing: float = 0.05
    rim: float = 4.0
    """Pixels next to the outline count more by this factor."""
    false_objects: float = 0.5
    false_cars: float = 0.03
    """The export is calibrated so that it takes these shares of the scenes for one of our kinds, and for a
    car."""
    held: int = 128
    """Composites of the validation."""
    check_every: int = 250
    """Steps between two validations."""
