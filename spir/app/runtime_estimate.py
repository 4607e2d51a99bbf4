"""Estimate how long a run takes here: a rough constant until one was measured, then the last measurement."""

from dataclasses import dataclass

ROUGH = {"cpu": (1.5, 0.6), "cuda": (0.5, 0.05), "mps": (0.8, 0.2)}
"""The seconds to the first guess and the seconds per step by device, until a run was measured."""


@dataclass
class RuntimeEstimate:
    """An estimate says how long a run is expected to take."""

    first: float
    """The seconds until the first guess is shown."""
    step: float
    """The seconds per step."""
    measured: bool = False

    @staticmethod
    def rough(device: str) -> "RuntimeEstimate":
        """Return the estimate for a device before any measurement."""
        return RuntimeEstimate(*ROUGH.get(device.split(":")[0], ROUGH["cpu"]))

    def seconds(self, steps: int) -> float:
        """Return the seconds of a whole run."""
        return self.first + self.step * steps

    def learn(self, first: float, total: float, steps: int) -> None:
        """Update the estimate from a run: its seconds to the first guess and to the end, and its number of
        steps."""
        self.first = first
        if steps:
            self.step = (total - first) / steps
        self.measured = True
