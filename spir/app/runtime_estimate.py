"""How long a run takes here: a rough constant until one was measured, then the last one."""

from dataclasses import dataclass

ROUGH = {"cpu": (1.5, 0.6), "cuda": (0.5, 0.05), "mps": (0.8, 0.2)}
"""Device -> seconds to the first guess and seconds a step, until something was measured."""


@dataclass
class RuntimeEstimate:
    """The time that a run is expected to take."""

    first: float
    """Seconds until the first guess is shown."""
    step: float
    """Seconds a step."""
    measured: bool = False

    @staticmethod
    def rough(device: str) -> "RuntimeEstimate":
        """What is assumed before anything was measured."""
        return RuntimeEstimate(*ROUGH.get(device.split(":")[0], ROUGH["cpu"]))

    def seconds(self, steps: int) -> float:
        """The seconds of a whole run."""
        return self.first + self.step * steps

    def learn(self, first: float, total: float, steps: int) -> None:
        """Take over a run: its seconds to the first guess and to the end, and its number of steps."""
        self.first = first
        if steps:
            self.step = (total - first) / steps
        self.measured = True
