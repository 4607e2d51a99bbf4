"""Training resumes exactly, and its checkpoints stay small enough to carry."""

import csv

import torch
from torch import nn

from spir.train.run import PART_BYTES, TrainingRun, read_checkpoint, write_checkpoint


def make(folder, steps=20) -> TrainingRun:
    torch.manual_seed(0)
    module = nn.Linear(4, 2)
    return TrainingRun(
        folder,
        module,
        torch.optim.Adam(module.parameters(), lr=1e-2),
        steps,
        final_rate=1.0,
        save_every=100,
        log_every=5,
    )


def train(run: TrainingRun, until: int) -> None:
    def body(step: int) -> dict[str, float]:
        x = torch.randn(8, 4)
        loss = (run.module(x) - x[:, :2]).square().mean()
        run.update(loss)
        return {"loss": float(loss.detach())}

    # The schedule is constant, so that a run that stops early is the beginning of the longer one.
    run.steps = until
    run.iterate(body)


def test_ten_and_resume_and_ten_are_twenty(tmp_path):
    whole = make(tmp_path / "whole")
    train(whole, 20)
    first = make(tmp_path / "parts")
    train(first, 10)
    second = make(tmp_path / "parts")
    torch.manual_seed(99)
    assert second.resume() and second.step == 10
    train(second, 20)
    for a, b in zip(whole.module.parameters(), second.module.parameters(), strict=True):
        assert torch.equal(a, b)
    for a, b in zip(whole.ema.parameters(), second.ema.parameters(), strict=True):
        assert torch.equal(a, b)
    rows = (tmp_path / "parts" / "log.csv").read_text().splitlines()
    assert rows[0].startswith("step,seconds,loss") and len(rows) == 5


def test_nothing_to_resume(tmp_path):
    assert not make(tmp_path / "fresh").resume()


def test_large_checkpoints_are_cut_into_parts(tmp_path):
    big = {"w": torch.arange(PART_BYTES // 4 + 1000, dtype=torch.float32), "b": torch.ones(3)}
    write_checkpoint(tmp_path, big, {"step": 7})
    parts = sorted(tmp_path.glob("state.part*"))
    assert len(parts) == 2 and max(p.stat().st_size for p in parts) <= PART_BYTES < 16 * 2**20
    write_checkpoint(tmp_path, {"b": torch.ones(3)}, {"step": 8})
    assert len(list(tmp_path.glob("state.part*"))) == 1
    tensors, note = read_checkpoint(tmp_path)
    assert note == {"step": 8} and torch.equal(tensors["b"], torch.ones(3))
    write_checkpoint(tmp_path, big, {"step": 9})
    assert torch.equal(read_checkpoint(tmp_path)[0]["w"], big["w"])


def test_a_loss_that_is_not_finite_changes_nothing(tmp_path):
    run = make(tmp_path)
    before = [p.clone() for p in run.module.parameters()]
    run.update((run.module(torch.ones(1, 4)) * float("nan")).sum())
    assert all(torch.equal(a, b) for a, b in zip(before, run.module.parameters(), strict=True))


def test_the_average_follows_the_weights_and_copies_integers(tmp_path):
    module = nn.BatchNorm1d(2)
    run = TrainingRun(tmp_path, module, torch.optim.SGD(module.parameters(), lr=0.1), 100, ema_decay=0.9)
    run.step = 99
    module.weight.data.fill_(3.0)
    module.num_batches_tracked.fill_(7)
    run.update_ema()
    assert torch.allclose(run.ema.weight, torch.full((2,), 1 + 0.1 * 2))
    assert run.ema.num_batches_tracked == 7 and not run.ema.training


def test_the_rate_warms_up_and_falls(tmp_path):
    run = make(tmp_path, steps=1000)
    run.final_rate = 0.02
    rates = []
    for run.step in (0, 199, 500, 1000):
        rates.append(run.rate())
    assert rates[0] < 0.01 and rates[1] > 0.9 > rates[2] > rates[3] and abs(rates[3] - run.final_rate) < 1e-6


def test_the_log_keeps_its_columns_whatever_is_measured_when(tmp_path):
    run = make(tmp_path)
    for step in range(1, 11):
        run.step = step
        run.log({"loss": float(step), **({"rare": 7.0} if step == 8 else {})})
    with (tmp_path / "log.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert first["loss"] == "3" and first["rare"] == ""
    assert second["loss"] == "8" and second["rare"] == "7"
