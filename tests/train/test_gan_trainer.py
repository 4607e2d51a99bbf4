"""Adversarial training in miniature: it resumes bit for bit, spreads over processes, and its parts work."""

from dataclasses import replace

import pytest
import torch

from spir.categories import CATEGORIES
from spir.data.training_set import TrainingSet
from spir.geometry.pose import look_at_pose
from spir.train import parallel
from spir.train.autodecoder.distill_reg import DistillReg
from spir.train.distill.sphere import pretrain
from spir.train.gan.ada import AdaConfig
from spir.train.gan.config import DISTILLED, PAPER, SMALL
from spir.train.gan.discriminator import Discriminator, DiscriminatorConfig
from spir.train.gan.trainer import GanTrainer, blur, epoch_indices
from spir.train.run import TrainingRun, TrainState
from tests.tiny import tiny_generator

QUICK = replace(
    SMALL,
    size=16,
    batch=4,
    samples=4,
    half=False,
    grid=4,
    grid_every=2,
    path_every=3,
    r1_every=2,
    regulariser_warm_up=8,
    blur=20.0,
    rate_warm_up=5,
    ada=AdaConfig(start_step=2, pictures=100, target=-0.5),
)


def photos(count=9, size=32) -> TrainingSet:
    torch.manual_seed(3)
    mask = torch.zeros(count, size, size, dtype=torch.uint8)
    mask[:, 8:24, 4:28] = 255
    like = torch.ones(count)
    pose = look_at_pose(360 * torch.rand(count), 10 * like, focal=2 * like, scale=0.7 * like)
    return TrainingSet(
        torch.randint(256, (count, size, size, 3), dtype=torch.uint8),
        mask,
        pose,
        tuple(map(str, range(count))),
    )


def make_trainer(folder, steps=4, config=QUICK, regularised=False) -> GanTrainer:
    generator = tiny_generator()
    generator.alpha.data.fill_(1.0)
    discriminator = Discriminator(DiscriminatorConfig(16, 4, 128, 16))
    adam = lambda module, rate: torch.optim.Adam(module.parameters(), lr=rate, betas=config.betas)  # noqa: E731
    run = TrainingRun(
        folder,
        generator,
        adam(generator, config.generator_rate),
        steps,
        warm_up=config.rate_warm_up,
        final_rate=1.0,
        save_every=100,
        others={"discriminator": TrainState(discriminator, adam(discriminator, config.discriminator_rate))},
    )
    return GanTrainer(
        run, photos(), CATEGORIES["car"], config, 0, DistillReg(generator) if regularised else None
    )


def train(trainer: GanTrainer, until: int) -> None:
    trainer.run.steps = until
    trainer.run.iterate(trainer.step)


def weights_of(trainer: GanTrainer) -> dict[str, torch.Tensor]:
    discriminator = trainer.discriminator.tensors("discriminator.")
    return {**trainer.run.state.tensors(), **discriminator, **trainer.run.ema.state_dict()}


def test_two_and_resume_and_two_are_four(tmp_path):
    whole = make_trainer(tmp_path / "whole")
    train(whole, 4)
    first = make_trainer(tmp_path / "parts")
    train(first, 2)
    second = make_trainer(tmp_path / "parts")
    torch.manual_seed(99)
    assert second.run.resume() and second.run.step == 2
    train(second, 4)
    expected, found = weights_of(whole), weights_of(second)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert whole.run.scalars == second.run.scalars
    # What is resumed must have been alive: augmentation and path length at work.
    assert whole.run.scalars["ada"] > 0 and whole.run.scalars["path"] > 0


def test_both_networks_and_the_average_are_trained(tmp_path):
    trainer = make_trainer(tmp_path, config=replace(QUICK, distill_reg=1.0), regularised=True)
    before = {name: value.clone() for name, value in weights_of(trainer).items()}
    numbers = trainer.step(0)
    after = weights_of(trainer)
    for name in (
        "module.synthesis_network.b8.conv1.weight",
        "discriminator.module.backbone.b16.conv0.weight",
    ):
        assert not torch.equal(before[name], after[name])
    assert not torch.equal(
        before["synthesis_network.b8.conv1.weight"], after["synthesis_network.b8.conv1.weight"]
    )
    assert {
        "g",
        "d",
        "r1",
        "eikonal",
        "variation",
        "entropy",
        "path_penalty",
        "distill_reg",
        "ada",
    } <= numbers.keys()
    # The object has not moved yet at the first step.
    assert numbers["distill_reg"] == pytest.approx(0, abs=1e-5)
    assert trainer.step(1)["distill_reg"] > 0


def test_every_process_has_random_numbers_and_pictures_of_its_own(tmp_path, monkeypatch):
    """Two processes of 4 pictures see the 8 that one process of 8 sees."""
    config = replace(QUICK, ada=replace(QUICK.ada, start_step=99), blur=0.0)
    chances = []
    for rank in (0, 1):
        trainer = make_trainer(tmp_path / str(rank), config=config)
        monkeypatch.setattr(parallel, "rank", lambda rank=rank: rank)
        monkeypatch.setattr(parallel, "world", lambda: 2)
        monkeypatch.setattr(parallel, "mean_over_processes", lambda value, device: value)
        monkeypatch.setattr(trainer, "update_generator", lambda step: {"chance": float(torch.rand(()))})
        monkeypatch.setattr(trainer, "update_discriminator", lambda step: {})
        monkeypatch.setattr(trainer, "flip_mask", lambda: torch.zeros(4, dtype=torch.bool))
        chances.append((trainer.step(0)["chance"], trainer.sample_real(0)[0]))
    monkeypatch.undo()
    alone = make_trainer(tmp_path / "alone", config=replace(config, batch=8))
    monkeypatch.setattr(alone, "flip_mask", lambda: torch.zeros(8, dtype=torch.bool))
    assert chances[0][0] != chances[1][0]
    assert torch.allclose(torch.cat((chances[0][1], chances[1][1])), alone.sample_real(0)[0])


def test_every_epoch_is_a_permutation():
    rows = torch.cat([epoch_indices(7, first, 5, 0) for first in range(0, 70, 5)])
    epochs = rows.view(10, 7)
    assert torch.equal(epochs.sort(dim=1).values, torch.arange(7).expand(10, -1))
    assert not torch.equal(epochs[0], epochs[1])


def test_blur_is_the_kernel_it_says():
    picture = torch.zeros(1, 2, 33, 33)
    picture[:, :, 16, 16] = 1
    found = blur(picture, 2.0)
    row, column = torch.meshgrid(torch.arange(33) - 16, torch.arange(33) - 16, indexing="ij")
    expected = 2.0 ** -((row**2 + column**2) / 4.0)
    expected = expected * (row.abs() <= 6) * (column.abs() <= 6)
    assert torch.allclose(found[0, 1], expected / expected.sum(), atol=1e-7)
    assert torch.equal(blur(picture, 0.0), picture)


def test_the_average_forgets_faster_at_first_and_regularisers_grow():
    assert PAPER.ema_decay(10_000, 32) == pytest.approx(0.99778, abs=1e-5)
    assert PAPER.ema_decay(100, 32) == pytest.approx(0.80, abs=0.002)
    assert PAPER.ema_decay(1_000, 32) == pytest.approx(0.978, abs=0.001)
    assert PAPER.ramp(3_125) == 0.5 and PAPER.ramp(99_999) == 1.0 and DISTILLED.ramp(0) == 1.0


def test_the_sphere_comes_first():
    generator = tiny_generator()
    before = pretrain(generator, 1, 0.6, 2, side=6)
    after = pretrain(generator, 60, 0.6, 2, side=6, rate=1e-2)
    assert after < 0.15 < before
    points = torch.tensor([[[0.0, 0, 0], [0.9, 0.9, 0.9]]])
    sdf = generator.field(generator.code(torch.randn(1, 8))).sdf(points)
    assert sdf[0, 0] < 0 < sdf[0, 1]
