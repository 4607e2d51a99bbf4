"""The adversarial game in miniature: it resumes bit for bit, spreads over processes, and its parts do what they say."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import multiprocessing

from spir.categories import CATEGORIES
from spir.data.training_set import TrainingSet
from spir.generator.generator import Generator, GeneratorConfig
from spir.geometry.pose import look_at_pose
from spir.train import parallel
from spir.train.autodecoder.distill_reg import Anchor
from spir.train.distill.sphere import pretrain
from spir.train.gan.ada import AdaConfig
from spir.train.gan.config import DISTILLED, PAPER, SMALL
from spir.train.gan.discriminator import Discriminator, DiscriminatorConfig
from spir.train.gan.trainer import Game, blurred, epoch_rows
from spir.train.run import Learner, Run

TINY = GeneratorConfig(8, 16, 8, 4, 128, 16, hidden=8)
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
    ada=AdaConfig(first=2, pictures=100, target=-0.5),
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


def game(folder, steps=20, config=QUICK, anchored=False) -> Game:
    torch.manual_seed(0)
    generator = Generator(TINY)
    generator.beta.data.fill_(0.05)
    critic = Discriminator(DiscriminatorConfig(16, 4, 128, 16))
    adam = lambda module, rate: torch.optim.Adam(module.parameters(), lr=rate, betas=config.betas)  # noqa: E731
    run = Run(
        folder,
        generator,
        adam(generator, config.generator_rate),
        steps,
        warm_up=config.rate_warm_up,
        final_rate=1.0,
        save_every=100,
        others={"critic": Learner(critic, adam(critic, config.discriminator_rate))},
    )
    return Game(run, photos(), CATEGORIES["car"], config, 0, Anchor(generator) if anchored else None)


def play(game: Game, until: int) -> None:
    game.run.steps, planned = until, game.run.steps
    game.run.iterate(game.step)
    game.run.steps = planned


def weights_of(game: Game) -> dict[str, torch.Tensor]:
    return {**game.run.learner.tensors(), **game.critic.tensors("critic."), **game.run.average.state_dict()}


def test_ten_and_resume_and_ten_are_twenty(tmp_path):
    whole = game(tmp_path / "whole")
    play(whole, 20)
    first = game(tmp_path / "parts")
    play(first, 10)
    second = game(tmp_path / "parts")
    torch.manual_seed(99)
    assert second.run.resume() and second.run.step == 10
    play(second, 20)
    expected, found = weights_of(whole), weights_of(second)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert whole.run.numbers == second.run.numbers
    # What is resumed must have been alive: augmentation and path length at work.
    assert whole.run.numbers["ada"] > 0 and whole.run.numbers["path"] > 0


def test_both_players_and_the_average_learn(tmp_path):
    played = game(tmp_path, config=replace(QUICK, anchor=1.0), anchored=True)
    before = {name: value.clone() for name, value in weights_of(played).items()}
    numbers = played.step(0)
    after = weights_of(played)
    for name in ("module.synthesis_network.b8.conv1.weight", "critic.module.backbone.b16.conv0.weight"):
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
        "anchor",
        "ada",
    } <= numbers.keys()
    # The object has not moved yet when the anchor is first asked.
    assert numbers["anchor"] == pytest.approx(0, abs=1e-5)
    assert played.step(1)["anchor"] > 0


def worker(rank: int, folder: str, port: int) -> None:
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    parallel.start("cpu")
    played = game(Path(folder, str(rank)))
    for step in range(3):
        played.step(step)
    torch.save({name: value for name, value in weights_of(played).items()}, f"{folder}/{rank}.pt")
    parallel.stop()


def test_two_processes_stay_one_training(tmp_path):
    port = 20_000 + os.getpid() % 20_000
    multiprocessing.spawn(worker, (str(tmp_path), port), nprocs=2)
    one, other = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    assert all(torch.equal(one[name], other[name]) for name in one)
    alone = game(tmp_path / "alone")
    for step in range(3):
        alone.step(step)
    # Each process saw pictures of its own, or the two would be one.
    assert any(not torch.equal(one[name], value) for name, value in weights_of(alone).items())


def test_every_epoch_is_a_permutation():
    rows = torch.cat([epoch_rows(7, first, 5, 0) for first in range(0, 70, 5)])
    epochs = rows.view(10, 7)
    assert torch.equal(epochs.sort(dim=1).values, torch.arange(7).expand(10, -1))
    assert not torch.equal(epochs[0], epochs[1])


def test_blur_is_the_kernel_it_says():
    picture = torch.zeros(1, 2, 33, 33)
    picture[:, :, 16, 16] = 1
    found = blurred(picture, 2.0)
    row, column = torch.meshgrid(torch.arange(33) - 16, torch.arange(33) - 16, indexing="ij")
    expected = 2.0 ** -((row**2 + column**2) / 4.0)
    expected = expected * (row.abs() <= 6) * (column.abs() <= 6)
    assert torch.allclose(found[0, 1], expected / expected.sum(), atol=1e-7)
    assert torch.equal(blurred(picture, 0.0), picture)


def test_the_paper_numbers_are_the_defaults():
    assert (PAPER.r1, PAPER.eikonal, PAPER.variation, PAPER.entropy, PAPER.path) == (5, 0.1, 0.5, 0.05, 2)
    assert PAPER.ema_decay(10_000, 32) == pytest.approx(0.99778, abs=1e-5)
    assert PAPER.ema_decay(100, 32) == pytest.approx(0.80, abs=0.002)
    assert PAPER.ema_decay(1_000, 32) == pytest.approx(0.978, abs=0.001)
    assert PAPER.ramp(3_125) == 0.5 and PAPER.ramp(99_999) == 1.0 and DISTILLED.ramp(0) == 1.0


def test_the_sphere_comes_first():
    torch.manual_seed(0)
    generator = Generator(TINY)
    before = pretrain(generator, 1, 0.6, 4)
    after = pretrain(generator, 200, 0.6, 4)
    assert after < 0.12 < before
    sdf = generator.field(generator.code(torch.randn(1, 8))).sdf(
        torch.tensor([[[0.0, 0, 0], [0.9, 0.9, 0.9]]])
    )
    assert sdf[0, 0] < 0 < sdf[0, 1]
