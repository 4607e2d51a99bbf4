"""Hybrid inversion goes down, honestly, repeatably, item by item, and stops when told."""

from dataclasses import replace

import pytest
import torch

from spir.geometry.pose import camera_from_pose
from spir.inversion.config import (
    AS_PUBLISHED,
    InversionConfig,
    StepScales,
    published,
)
from spir.inversion.invert import invert
from spir.rendering.config import RenderConfig
from spir.rendering.renderer import render
from spir.types import Code, Cutout, Pose

# Random networks bend more sharply than trained ones: smaller steps.
QUICK = InversionConfig(
    steps=4,
    gains=StepScales(0.0, 10.0, 10.0),
    crops=1,
    losses=(("perceptual", 1.0), ("silhouette", 1.0), ("colour", 0.5)),
    pose_rate=5e-3,
    size=32,
    samples=8,
)


@pytest.fixture(scope="module")
def photo(toy):
    """An object, and the guess of another from beside it."""
    cutout = toy.cutout(toy.code(1), toy.pose())
    return cutout, toy.guess(toy.code(2), toy.pose(40.0, 0.1))


def run(toy, photo, config=QUICK, **options):
    return list(invert(*photo, toy.generator, toy.category, config, toy.perceptual, **options))


def tensors(step):
    """Everything of a step that is a number, the clock aside."""
    pose = step.pose
    return (step.code.w, pose.z0, pose.shift, pose.scale, pose.quaternion, step.rgb, step.alpha, step.loss)


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(tensors(a), tensors(b), strict=True))


def test_the_authors_settings_are_theirs():
    slow, fast = published(30), published(10, optimise_pose=False)
    assert slow == AS_PUBLISHED and slow.gains == StepScales(0.0, 5.0, 5.0)
    assert fast.gains == StepScales(0.0, 10.0, 10.0) and not fast.optimise_pose and fast.steps == 10
    assert slow.losses == (("perceptual", 1.0),) and slow.rate == slow.pose_rate == 2e-3
    assert slow.crops == 15 and slow.fresh_crops and slow.jitter and slow.renderer == "reference"


def test_jittered_samples_move_from_step_to_step_and_repeat_themselves(toy, photo):
    config = replace(QUICK, steps=3, renderer="reference", jitter=True, fresh_crops=True)
    steps = run(toy, photo, config)
    assert all(same(a, b) for a, b in zip(steps, run(toy, photo, config), strict=True))
    onward = run(toy, photo, config, after=steps[1])
    assert [step.index for step in onward] == [2, 3]
    assert all(same(a, b) for a, b in zip(onward, steps[2:], strict=True))
    still, other = (
        run(toy, photo, replace(config, steps=0, **more))[0] for more in ({"jitter": False}, {"seed": 1})
    )
    assert not torch.equal(still.rgb, steps[0].rgb) and not torch.equal(other.rgb, steps[0].rgb)


@pytest.mark.parametrize(
    "wrong", [{"losses": (("beauty", 1.0),)}, {"losses": (("colour", 0.0),)}, {"steps": -1}]
)
def test_a_configuration_that_means_nothing_is_refused(wrong):
    with pytest.raises(ValueError):
        InversionConfig(**wrong)


def test_encoder_only_is_the_guess_itself(toy, photo):
    (step,) = run(toy, photo, replace(QUICK, steps=0))
    cutout, guess = photo
    assert step.index == 0 and step.outcome == ("",)
    assert torch.allclose(step.code.w, guess.code.w, atol=1e-6)
    assert torch.allclose(step.pose.quaternion, guess.pose.quaternion, atol=1e-6)


def test_loss_falls_and_the_picture_comes_closer(toy, photo):
    # A random blob fills the picture, so its outline says little.
    weights = (("perceptual", 1.0), ("silhouette", 0.5), ("colour", 0.5))
    steps = run(toy, photo, replace(QUICK, steps=12, losses=weights))
    assert [step.index for step in steps] == list(range(13))
    assert steps[-1].loss < 0.8 * steps[0].loss

    def error(step):
        return (step.rgb - photo[0].rgb).abs().mean()

    assert error(steps[-1]) < 0.8 * error(steps[0])
    seconds = [step.seconds for step in steps]
    assert seconds == sorted(seconds) and seconds[0] > 0


def test_colour_alone_is_found(toy):
    code = toy.code(1)
    other = Code(torch.cat((code.w[:, :-1], toy.code(5).w[:, -1:]), 1))
    photo = toy.cutout(code, toy.pose()), toy.guess(other, toy.pose())
    config = replace(
        QUICK, steps=10, losses=(("colour", 1.0),), gains=StepScales(0.0, 50.0, 50.0), optimise_pose=False
    )
    steps = run(toy, photo, config)
    assert steps[-1].loss < 0.5 * steps[0].loss
    assert torch.equal(steps[-1].pose.shift, steps[0].pose.shift)


def test_pose_alone_is_found(toy):
    photo = toy.cutout(toy.code(1), toy.pose()), toy.guess(toy.code(1), toy.pose(shift=0.1))
    config = replace(QUICK, steps=8, gains=StepScales(0.0, 1e-6, 1e-6), pose_rate=2e-2)
    steps = run(toy, photo, config)
    assert steps[0].pose.shift[0, 0] == pytest.approx(0.1)
    assert steps[-1].pose.shift[0, 0].abs() < 0.04


def test_every_step_shows_its_own_code_and_pose(toy, photo):
    for step in run(toy, photo, replace(QUICK, steps=3)):
        view = RenderConfig(size=32, samples=8)
        with torch.no_grad():
            seen = render(toy.generator.field(step.code), camera_from_pose(step.pose), view)
        assert torch.allclose(seen.rgb, step.rgb, atol=1e-5)
        assert torch.allclose(seen.alpha, step.alpha, atol=1e-5)


@pytest.mark.parametrize("extra", [{}, {"fresh_crops": True, "crops": 2}])
def test_a_longer_run_begins_with_the_shorter_one_bit_for_bit(toy, photo, extra):
    short = run(toy, photo, replace(QUICK, steps=2, **extra))
    long = run(toy, photo, replace(QUICK, steps=3, **extra))
    assert all(same(a, b) for a, b in zip(short, long, strict=False))
    assert len(long) == 4 and not same(long[2], long[3])


def test_the_same_seed_gives_the_same_fit_and_another_one_does_not(toy, photo):
    before = torch.random.get_rng_state()
    first, again = run(toy, photo), run(toy, photo)
    assert all(same(a, b) for a, b in zip(first, again, strict=True))
    assert torch.equal(before, torch.random.get_rng_state())
    assert not same(first[-1], run(toy, photo, replace(QUICK, seed=1))[-1])


def test_items_do_not_know_their_company(toy):
    codes = torch.cat((toy.code(1).w, toy.code(3).w)), torch.cat((toy.code(2).w, toy.code(4).w))
    poses = Pose(*(torch.cat(pair) for pair in zip(parts(toy.pose()), parts(toy.pose(60.0)), strict=True)))
    cutout = toy.cutout(Code(codes[0]), poses)
    both = run(toy, (cutout, toy.guess(Code(codes[1]), poses, 2)))
    for row in range(2):
        rows = slice(row, row + 1)
        alone = run(toy, (cutout[rows], toy.guess(Code(codes[1][rows]), poses[rows])))
        for a, b in zip(alone, both, strict=True):
            for x, y in zip(tensors(a), tensors(b), strict=True):
                assert torch.allclose(x, y[rows], atol=1e-4)


def parts(pose):
    return pose.z0, pose.shift, pose.scale, pose.quaternion


def test_orthographic_poses_have_no_perspective_to_find(toy):
    pose = replace(toy.pose(), z0=None)
    steps = run(toy, (toy.cutout(toy.code(1), pose), toy.guess(toy.code(2), pose)))
    assert steps[-1].pose.z0 is None and steps[-1].loss < steps[0].loss


def test_poses_stay_valid(toy, photo):
    for step in run(toy, photo, replace(QUICK, pose_rate=0.5)):
        assert step.pose.quaternion.norm(dim=-1) == pytest.approx(1, abs=1e-5)
        assert step.pose.z0.abs() <= 4 and step.pose.scale > 0


def test_cancelling_ends_after_the_present_step(toy, photo):
    seen = []
    for step in invert(
        *photo, toy.generator, toy.category, QUICK, toy.perceptual, cancelled=lambda: len(seen) == 3
    ):
        seen.append(step)
    assert [step.index for step in seen] == [0, 1, 2]


def test_closing_ends_it_too(toy, photo):
    steps = invert(*photo, toy.generator, toy.category, QUICK, toy.perceptual)
    last = next(steps)
    steps.close()
    assert last.index == 0 and next(steps, None) is None


def test_nothing_is_left_behind(toy, photo):
    with torch.no_grad():
        for step in invert(*photo, toy.generator, toy.category, QUICK, toy.perceptual):
            assert not torch.is_grad_enabled()
            assert not any(value.requires_grad for value in tensors(step))
    assert all(p.grad is None and not p.requires_grad for p in toy.generator.parameters())
    assert all(p.grad is None for p in toy.encoder.parameters())
    assert not any(value.requires_grad for value in (photo[1].code.w, photo[1].pose.shift))


def test_a_cutout_of_another_size_is_resized(toy):
    cutout = Cutout(torch.zeros(1, 48, 48, 3), torch.ones(1, 48, 48), torch.zeros(1, 4))
    steps = run(toy, (cutout, toy.guess(toy.code(2), toy.pose())), replace(QUICK, steps=1))
    assert steps[-1].rgb.shape == (1, 32, 32, 3)


class Trap:
    """A perceptual distance that turns into `worth` for one item, or whose gradient does, from a call on."""

    name = "trap"

    def __init__(self, calls, loss=None, gradient=None):
        self.calls, self.loss, self.gradient = calls, loss, gradient

    def features(self, rgb, mask):
        return (rgb.permute(0, 3, 1, 2),)

    def distance(self, ours, theirs):
        apart = (ours[0] - theirs[0]).square().mean((1, 2, 3))
        self.calls -= 1
        if self.calls >= 0:
            return apart
        first = torch.arange(len(apart)) == 0
        if self.gradient is not None and apart.requires_grad:
            apart.register_hook(lambda gradient: torch.where(first, self.gradient, gradient))
        return apart if self.loss is None else torch.where(first, self.loss, apart)


@pytest.mark.parametrize("trap", [{"loss": torch.nan}, {"gradient": torch.inf}])
def test_an_item_that_is_lost_stays_where_it_was_and_says_so(toy, photo, trap):
    cutout, guess = photo

    def twice(tensor):
        return tensor.repeat(2, *[1] * (tensor.ndim - 1))

    pair, guesses = cutout.map(twice), toy.guess(guess.code.map(twice), guess.pose.map(twice), 2)
    config = replace(QUICK, crops=0)
    steps = list(invert(pair, guesses, toy.generator, toy.category, config, Trap(2, **trap)))
    free = list(invert(pair, guesses, toy.generator, toy.category, config, Trap(99)))
    assert all(value.isfinite().all() for step in steps for value in tensors(step))
    assert steps[1].outcome == ("", "")
    assert "not finite" in steps[-1].outcome[0] and steps[-1].outcome[1] == ""
    for stuck, moving in zip(tensors(steps[-1]), tensors(free[-1]), strict=True):
        assert torch.allclose(stuck[1], moving[1], atol=1e-5)
    held = {"loss": 1, "gradient": 2}[next(iter(trap))]
    assert torch.equal(steps[-1].code.w[0], steps[held].code.w[0])
    assert torch.equal(steps[-1].rgb[0], steps[held].rgb[0])
    assert not torch.equal(steps[-1].rgb[0], free[-1].rgb[0])


def test_a_guess_that_cannot_be_rendered_is_refused(toy, photo):
    cutout, guess = photo
    broken = replace(guess, code=Code(guess.code.w * torch.nan))
    with pytest.raises(ValueError, match="first guess"):
        run(toy, (cutout, broken))


@pytest.mark.parametrize("fresh", [False, True])
def test_a_run_that_goes_on_is_the_longer_run(toy, photo, fresh):
    config = replace(QUICK, fresh_crops=fresh)
    whole = run(toy, photo, config)
    # What a shorter run ends with is, bit for bit, what the longer one passes through.
    for split in (0, 2):
        rest = run(toy, photo, config, after=whole[split])
        assert [step.index for step in rest] == list(range(split + 1, 5))
        assert all(same(a, b) for a, b in zip(rest, whole[split + 1 :], strict=True))
        assert rest[-1].seconds > whole[split].seconds
    assert run(toy, photo, config, after=whole[-1]) == []


def test_nothing_goes_on_from_a_step_of_another_run(toy, photo):
    ended = run(toy, photo, replace(QUICK, steps=1))[-1]
    for wrong in (replace(ended, momentum=None), replace(ended, momentum=ended.momentum[:0])):
        with pytest.raises(ValueError, match="same numbers"):
            run(toy, photo, after=wrong)


def test_an_item_that_had_stopped_stays_where_it_is(toy, photo):
    ended = run(toy, photo, replace(QUICK, steps=1))[-1]
    halted = replace(ended, outcome=("stopped at step 1: the loss was not finite",))
    after = run(toy, photo, after=halted)[-1]
    assert torch.equal(after.code.w, ended.code.w) and after.outcome == halted.outcome
