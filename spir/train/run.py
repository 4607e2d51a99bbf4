"""What every training shares: a folder with a log, checkpoints that resume exactly, and averaged weights.

    runs/<name>/log.csv              one row per `log_every` steps
    runs/<name>/picture-000500.png   a preview of what the network makes, now and then
    runs/<name>/state.part00 ...     the newest checkpoint: one safetensors file cut into parts below 16 MiB

Nothing is pickled: a checkpoint is tensors, and one JSON line in the safetensors metadata.
"""

import copy
import csv
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import torch
from safetensors.torch import load as parse
from safetensors.torch import save as serialise
from torch import Tensor, nn
from tqdm import tqdm

from spir.train.parallel import average_gradients, leads

Network = TypeVar("Network", bound=nn.Module)
PART_BYTES = 15 * 2**20


def write_checkpoint(folder: Path, tensors: dict[str, Tensor], note: dict) -> None:
    """Save tensors and a JSON-able note as parts below 16 MiB; the old checkpoint survives until all are
    written."""
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


def read_checkpoint(folder: Path) -> tuple[dict[str, Tensor], dict] | None:
    """The tensors and the note that `write_checkpoint` saved, or none where there is no checkpoint."""
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


def trainable_parameters(module: nn.Module, frozen: tuple[str, ...]) -> list[nn.Parameter]:
    """The parameters that are trained; gradients of those whose names begin with one of `frozen` are switched
    off."""
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(not name.startswith(frozen))
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


@dataclass
class TrainState:
    """A module and its optimiser: all that one network needs to be trained and resumed."""

    module: nn.Module
    optimiser: torch.optim.Optimizer
    clip: float = 100.0
    """Gradients are clipped to this norm: a guard against accidents, not a brake."""

    def __post_init__(self):
        self.rates = [group["lr"] for group in self.optimiser.param_groups]

    def update(self, loss: Tensor, share: float) -> float:
        """Take one step on `loss` at `share` of the learning rates. Returns the norm of the gradient."""
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        return self.apply_gradients(share)

    def apply_gradients(self, share: float) -> float:
        """Take one step along the gradients that are there, or none if one of them is not finite.

        `share` is the share of the learning rates that counts. Returns the norm of the gradients."""
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * share
        trained = [p for group in self.optimiser.param_groups for p in group["params"]]
        average_gradients(trained)
        norm = torch.nn.utils.clip_grad_norm_(trained, self.clip)
        if torch.isfinite(norm):
            self.optimiser.step()
        return float(norm)

    def tensors(self, prefix: str = "") -> dict[str, Tensor]:
        """Everything that a checkpoint needs, under names that begin with `prefix`."""
        held = {f"{prefix}module.{k}": v for k, v in self.module.state_dict().items()}
        for index, values in self.optimiser.state_dict()["state"].items():
            held |= {f"{prefix}optimiser.{index}.{key}": torch.as_tensor(v) for key, v in values.items()}
        return held

    def restore(self, tensors: dict[str, Tensor], prefix: str = "") -> None:
        """Load what `tensors` returned; the learning rates stay those of this call."""
        self.module.load_state_dict(strip_prefix(tensors, f"{prefix}module."))
        state = self.optimiser.state_dict()
        state["state"] = {}
        for key, value in strip_prefix(tensors, f"{prefix}optimiser.").items():
            index, entry = key.split(".")
            state["state"].setdefault(int(index), {})[entry] = value
        for group, rate in zip(state["param_groups"], self.rates, strict=True):
            group["lr"] = rate
        self.optimiser.load_state_dict(state)


def strip_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The entries whose names begin with `prefix`, without it."""
    return {key[len(prefix) :]: value for key, value in tensors.items() if key.startswith(prefix)}


@dataclass
class TrainingRun(Generic[Network]):
    """One training: the module that ships, its optimiser, and the exponential moving average (EMA) of its
    weights."""

    folder: Path
    module: Network
    optimiser: torch.optim.Optimizer
    steps: int
    ema_decay: float = 0.999
    warm_up: int = 200
    first_rate: float = 0.0
    """Share of the learning rate at the first step; it grows linearly to 1 over `warm_up` steps."""
    final_rate: float = 0.02
    """Share of the learning rate that is left at the last step of the cosine schedule; 1 = constant."""
    clip: float = 100.0
    others: dict[str, TrainState] = field(default_factory=dict)
    """Networks that are trained beside it and do not ship, such as a discriminator, by name."""
    scalars: dict[str, float] = field(default_factory=dict)
    """Running values of the training that a checkpoint keeps, such as the augmentation probability, by
    name."""
    log_every: int = 20
    save_every: int = 500
    step: int = 0
    seconds: float = 0.0
    """Time spent training, over all resumes."""
    ema: Network = field(init=False)
    sums: dict = field(default_factory=dict)
    """Values since the last row of the log, by column."""

    def __post_init__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ema = copy.deepcopy(self.module).requires_grad_(False).eval()
        self.state = TrainState(self.module, self.optimiser, self.clip)

    def resume(self) -> bool:
        """Continue from the folder's newest checkpoint: weights, average, optimisers, random state.

        Returns whether there was one."""
        saved = read_checkpoint(self.folder)
        if saved is None:
            return False
        tensors, note = saved
        self.state.restore(tensors)
        for name, other in self.others.items():
            other.restore(tensors, f"{name}.")
        self.ema.load_state_dict(strip_prefix(tensors, "average."))
        torch.set_rng_state(tensors["random"])
        self.step, self.seconds = note["step"], note["seconds"]
        self.scalars |= note.get("numbers", {})
        return True

    def save(self) -> None:
        """Write a checkpoint, where this is the process that writes."""
        if not leads():
            return
        tensors = self.state.tensors()
        for name, other in self.others.items():
            tensors |= other.tensors(f"{name}.")
        tensors |= {f"average.{k}": v.clone() for k, v in self.ema.state_dict().items()}
        tensors["random"] = torch.get_rng_state()
        note = {"step": self.step, "seconds": self.seconds, "numbers": self.scalars}
        write_checkpoint(self.folder, tensors, note)

    def rate(self) -> float:
        """Share of the learning rates: a linear warm-up, then a cosine from 1 down to `final_rate`."""
        share = min(self.step / max(self.steps, 1), 1.0)
        cosine = 0.5 * (1 + torch.cos(torch.tensor(torch.pi * share)).item())
        rise = self.first_rate + (1 - self.first_rate) * (self.step + 1) / max(self.warm_up, 1)
        return min(1.0, rise) * (self.final_rate + (1 - self.final_rate) * cosine)

    def update(self, loss: Tensor) -> float:
        """Take one step of the module that ships, and of its average. Returns the norm of the gradient."""
        norm = self.state.update(loss, self.rate())
        self.update_ema()
        return norm

    @torch.no_grad()
    def update_ema(self) -> None:
        """Move the averaged weights towards the module's; the first steps count more than `ema_decay` says.

        `torch.optim.swa_utils.AveragedModel` is no shorter here: the decay changes with the step, integer
        buffers are copied, and its own step count would have to be saved for the average to resume
        exactly."""
        decay = min(self.ema_decay, (self.step + 1) / (self.step + 10))
        means, values = self.ema.state_dict().values(), self.module.state_dict().values()
        for mean, value in zip(means, values, strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)

    def log(self, row: dict[str, float]) -> None:
        """Collect a step's values; every `log_every` steps their means are appended to log.csv.

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

    def iterate(self, body, minutes: float | None = None, preview=None, preview_every: int = 500) -> None:
        """Call `body(step)` until the steps or the minutes of this call are used up, and save a checkpoint.

        `body` returns the numbers to log; `preview(path)` writes a picture every `preview_every` steps."""
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
            if preview is not None and leads() and self.step % preview_every == 0:
                preview(self.folder / f"picture-{self.step:06d}.png")
            if self.step % self.save_every == 0:
                self.save()
        self.save()
        bar.close()
