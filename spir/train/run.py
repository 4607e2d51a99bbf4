"""What every training shares: a folder with a log, checkpoints that resume exactly, and an average of the weights.

    runs/<name>/log.csv              one row per `log_every` steps
    runs/<name>/picture-000500.png   what the network makes, now and then
    runs/<name>/state.part00 ...     the newest checkpoint: one safetensors file cut into parts below 16 MiB

No pickle: tensors, and one JSON line in the safetensors metadata.
"""

import copy
import csv
import json
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load as parse
from safetensors.torch import save as serialise
from torch import Tensor, nn
from tqdm import tqdm

from spir.train.parallel import average_gradients, leads

PART_BYTES = 15 * 2**20


def write_parts(folder: Path, tensors: dict[str, Tensor], note: dict) -> None:
    """Save tensors and a JSON-able note as parts below 16 MiB; the old checkpoint survives until all are written."""
    blob = serialise(
        {k: v.detach().cpu().contiguous() for k, v in tensors.items()}, {"note": json.dumps(note)}
    )
    fresh = []
    for index, start in enumerate(range(0, len(blob), PART_BYTES)):
        path = folder / f"state.part{index:02d}.new"
        path.write_bytes(blob[start : start + PART_BYTES])
        fresh.append(path)
    for old in folder.glob("state.part??"):
        old.unlink()
    for path in fresh:
        path.rename(path.with_suffix(""))


def read_parts(folder: Path) -> tuple[dict[str, Tensor], dict] | None:
    """What `write_parts` saved, or none where there is no checkpoint."""
    parts = sorted(folder.glob("state.part??"))
    if not parts:
        return None
    blob = b"".join(part.read_bytes() for part in parts)
    header = json.loads(blob[8 : 8 + int.from_bytes(blob[:8], "little")])
    return parse(blob), json.loads(header["__metadata__"]["note"])


def append_row(path: Path, row: dict) -> None:
    """Add a row to a CSV under its own columns; a column that is new is added to all rows, empty above."""
    names, old = [], []
    if path.exists():
        with path.open(newline="") as file:
            reader = csv.DictReader(file)
            names = list(reader.fieldnames or ())
            if not row.keys() <= set(names):
                old = list(reader)
    if not row.keys() <= set(names):
        names += [name for name in row if name not in names]
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(old)
    with path.open("a", newline="") as file:
        csv.DictWriter(file, names).writerow(row)


def learning(module: nn.Module, frozen: tuple[str, ...]) -> list[nn.Parameter]:
    """The parameters that learn; those whose names begin with one of `frozen` are switched off."""
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(not name.startswith(frozen))
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


@dataclass
class Learner:
    """A module, its optimiser, and how far a step may go."""

    module: nn.Module
    optimiser: torch.optim.Optimizer
    clip: float = 100.0
    """Longest gradient; a guard against accidents, not a brake."""

    def __post_init__(self):
        self.rates = [group["lr"] for group in self.optimiser.param_groups]

    def update(self, loss: Tensor, share: float) -> float:
        """One step on `loss` at `share` of the learning rates. Returns the gradient's norm."""
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        return self.apply(share)

    def apply(self, share: float) -> float:
        """One step along the gradients that are there; if one is not finite, none is applied.

        Returns their norm."""
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * share
        trained = [p for group in self.optimiser.param_groups for p in group["params"]]
        average_gradients(trained)
        norm = torch.nn.utils.clip_grad_norm_(trained, self.clip)
        if torch.isfinite(norm):
            self.optimiser.step()
        return float(norm)

    def tensors(self, name: str = "") -> dict[str, Tensor]:
        """Everything to go on from, under names that begin with `name`."""
        held = {f"{name}module.{k}": v for k, v in self.module.state_dict().items()}
        for index, values in self.optimiser.state_dict()["state"].items():
            held |= {f"{name}optimiser.{index}.{key}": torch.as_tensor(v) for key, v in values.items()}
        return held

    def restore(self, tensors: dict[str, Tensor], name: str = "") -> None:
        """Go on from what `tensors` gave; the learning rates stay this call's."""
        self.module.load_state_dict(under(tensors, f"{name}module."))
        state = self.optimiser.state_dict()
        state["state"] = {}
        for key, value in under(tensors, f"{name}optimiser.").items():
            index, entry = key.split(".")
            state["state"].setdefault(int(index), {})[entry] = value
        for group, rate in zip(state["param_groups"], self.rates, strict=True):
            group["lr"] = rate
        self.optimiser.load_state_dict(state)


def under(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """The entries whose names begin so, without that beginning."""
    return {key[len(name) :]: value for key, value in tensors.items() if key.startswith(name)}


@dataclass
class Run:
    """One training: the module that ships, its optimiser, and the exponential moving average of its weights."""

    folder: Path
    module: nn.Module
    optimiser: torch.optim.Optimizer
    steps: int
    ema_decay: float = 0.999
    warm_up: int = 200
    first_rate: float = 0.0
    """Share of the learning rate at the first step; a line leads from there to all of it after `warm_up`."""
    final_rate: float = 0.02
    """Share of the learning rate that is left at the last step; a cosine leads there. 1 = constant."""
    clip: float = 100.0
    others: dict[str, Learner] = field(default_factory=dict)
    """Who learns beside it and ships with nothing, a discriminator."""
    numbers: dict[str, float] = field(default_factory=dict)
    """What the training itself remembers from step to step, by name."""
    log_every: int = 20
    save_every: int = 500
    step: int = 0
    seconds: float = 0.0
    """Time spent training, over all resumes."""
    average: nn.Module = field(init=False)
    sums: dict = field(default_factory=dict)

    def __post_init__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.average = copy.deepcopy(self.module).requires_grad_(False).eval()
        self.learner = Learner(self.module, self.optimiser, self.clip)

    def resume(self) -> bool:
        """Continue from the newest checkpoint of the folder: weights, average, optimisers, random state."""
        saved = read_parts(self.folder)
        if saved is None:
            return False
        tensors, note = saved
        self.learner.restore(tensors)
        for name, other in self.others.items():
            other.restore(tensors, f"{name}.")
        self.average.load_state_dict(under(tensors, "average."))
        torch.set_rng_state(tensors["random"])
        self.step, self.seconds = note["step"], note["seconds"]
        self.numbers |= note.get("numbers", {})
        return True

    def save(self) -> None:
        if not leads():
            return
        tensors = self.learner.tensors()
        for name, other in self.others.items():
            tensors |= other.tensors(f"{name}.")
        tensors |= {f"average.{k}": v.clone() for k, v in self.average.state_dict().items()}
        tensors["random"] = torch.get_rng_state()
        write_parts(
            self.folder, tensors, {"step": self.step, "seconds": self.seconds, "numbers": self.numbers}
        )

    def rate(self) -> float:
        """Share of the learning rates: a linear warm-up, then a cosine from 1 down to `final_rate`."""
        share = min(self.step / max(self.steps, 1), 1.0)
        cosine = 0.5 * (1 + torch.cos(torch.tensor(torch.pi * share)).item())
        rise = self.first_rate + (1 - self.first_rate) * (self.step + 1) / max(self.warm_up, 1)
        return min(1.0, rise) * (self.final_rate + (1 - self.final_rate) * cosine)

    def update(self, loss: Tensor) -> float:
        """One step of the module that ships, and of its average. Returns the gradient's norm."""
        norm = self.learner.update(loss, self.rate())
        self.follow()
        return norm

    @torch.no_grad()
    def follow(self) -> None:
        """Let the average follow the module; quickly at first."""
        decay = min(self.ema_decay, (self.step + 1) / (self.step + 10))
        means, values = self.average.state_dict().values(), self.module.state_dict().values()
        for mean, value in zip(means, values, strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)

    def log(self, row: dict[str, float]) -> None:
        """Add to the running means; every `log_every` steps append them to log.csv.

        What is measured now and then only is averaged over the steps that measured it."""
        if not leads():
            return
        for key, value in row.items():
            self.sums.setdefault(key, []).append(float(value))
        if self.step % self.log_every:
            return
        means = {"step": self.step, "seconds": round(self.seconds, 1)}
        means |= {key: f"{sum(values) / len(values):.5g}" for key, values in self.sums.items()}
        append_row(self.folder / "log.csv", means)
        self.sums = {}

    def iterate(self, body, minutes: float | None = None, picture=None, picture_every: int = 500) -> None:
        """Call `body(step) -> dict of numbers to log` until the steps or the minutes of this call are used up."""
        began = time.monotonic()
        bar = tqdm(
            total=self.steps, initial=self.step, desc=self.folder.name, mininterval=10, disable=not leads()
        )
        while self.step < self.steps and (minutes is None or time.monotonic() - began < 60 * minutes):
            start = time.monotonic()
            row = body(self.step)
            self.step += 1
            self.seconds += time.monotonic() - start
            self.log(row)
            bar.update()
            if picture is not None and leads() and self.step % picture_every == 0:
                picture(self.folder / f"picture-{self.step:06d}.png")
            if self.step % self.save_every == 0:
                self.save()
        self.save()
        bar.close()
