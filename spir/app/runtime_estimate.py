"""How long a run takes here: a rough constant until one was measured, then the last one."""

from dataclasses import dataclass

ROUGH = {"cpu": (1.5, 0.6), "cuda": (0.5, 0.05), "mps": (0.8, 0.2)}
"""Device -> seconds to the first guess and seconds a step, until something was measured."""


@dataclass
class Pace:
    first: float
    """Seconds until the first guess is shown."""
    step: float
    """Seconds a step."""
    measured: bool = False

    @staticmethod
    def rough(device: str) -> "Pace":
        return Pace(*ROUGH.get(device.split(":")[0], ROUGH["cpu"]))

    def seconds(self, steps: int) -> float:
        """Of a whole run."""
        return self.first + self.step * steps

    def learn(self, first: float, total: float, steps: int) -> None:
        """From a run: seconds to the first guess, to the end, and its steps."""
        self.first = first
        if steps:
            self.step = (total - first) / steps
        self.measured = True
