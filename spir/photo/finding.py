"""§4 "Experimental setting", masks: what a segmenter found in a photo."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

KINDS = ("car", "chair", "bird", "plane")
"""What our own network knows; after these comes "nothing I know"."""


@dataclass(frozen=True)
class Segmentation:
    """The object, and what the photo shows at all."""

    mask: Float[Tensor, "height width"]
    """How much each pixel belongs to the object, in [0, 1]."""
    segmenter: str
    """Who found it, as the page shows it."""
    kinds: dict[str, float] | None = None
    """The probability of each of `KINDS`; what they lack to 1 is "nothing I know". None where nobody can tell."""
    others: int = 0
    """Further objects, nearly as large."""

    @property
    def kind(self) -> str | None:
        """The likeliest of `KINDS`; none where nobody can tell, or "nothing I know" is likelier."""
        if self.kinds is None:
            return None
        best = max(self.kinds, key=self.kinds.__getitem__)
        return best if self.kinds[best] > 1 - sum(self.kinds.values()) else None
