"""The whole story with tiny networks: photo to fit, pictures, mesh; and what the process is set to."""

import os
import platform
from dataclasses import replace

import pytest
import torch

from spir import pipeline, runtime
from spir.errors import WeightsError
from spir.generator.precision import half_is_fast
from spir.inversion.config import FINE_STEPS, HYBRID_FAST, published
from spir.pipeline import Reconstructor, preset
from spir.runtime import choose_device, cores, prepare_process
from spir.types import Code, Photo
from tests.tiny import car_photo, tiny_weights

QUICK = replace(HYBRID_FAST, steps=1, size=32, samples=4, crops=0)


@pytest.fixture(scope="module")
def reconstructor(tmp_path_factory):
    return Reconstructor.load("car", "cpu", tiny_weights(tmp_path_factory.mktemp("weights")))


@pytest.fixture(scope="module")
def story(reconstructor):
    """Cutout, guess and steps of a run."""
    pixels, mask = car_photo()
    cutout = reconstructor.cut(Photo(pixels), mask)
    guess = reconstructor.initialise(cutout)
    return cutout, guess, list(reconstructor.invert(cutout, guess, QUICK))


def on_cpu_without_graph(bundle):
    seen = []
    bundle.map(lambda tensor: seen.append(tensor) or tensor)
    return seen and all(t.device.type == "cpu" and not t.requires_grad for t in seen)


def test_a_photo_becomes_a_cutout_a_guess_and_steps(story):
    cutout, guess, steps = story
    assert all(on_cpu_without_graph(item) for item in story[:2] + tuple(steps))
    assert [step.index for step in steps] == [0, 1]
    assert torch.allclose(steps[0].code.w, guess.code.w, atol=1e-6)
    assert cutout.rgb.shape == (1, 128, 128, 3) and steps[0].rgb.shape == (1, 32, 32, 3)


def test_as_published_leaves_out_what_is_ours(reconstructor, story, tmp_path, monkeypatch):
    plain = Reconstructor.load("car", "cpu", tiny_weights(tmp_path), as_published=True)
    monkeypatch.setattr(pipeline, "fit_colours", None)
    monkeypatch.setattr("spir.bootstrap.guess.rank_hypotheses", None)
    guess = plain.initialise(story[0])
    assert torch.equal(guess.code.w, plain.encoder(story[0].rgb, story[0].mask).w)
    assert not plain.category.symmetric and not plain.half and plain.render_config().renderer == "reference"
    assert plain.inversion(30) == published(30) and reconstructor.inversion(30) == preset(30)
    assert not published(10, optimise_pose=False).optimise_pose


def test_cancelling_ends_after_the_present_step(reconstructor, story):
    cutout, guess, _ = story
    assert [step.index for step in reconstructor.invert(cutout, guess, QUICK, cancelled=lambda: True)] == [0]


def test_a_run_repeats_itself_and_goes_on_behind_a_step(reconstructor, story):
    cutout, guess, steps = story
    again = list(reconstructor.invert(cutout, reconstructor.initialise(cutout), QUICK))
    (behind,) = reconstructor.invert(cutout, guess, QUICK, after=steps[0])
    for last in (again[-1], behind):
        assert torch.equal(last.code.w, steps[-1].code.w)
        assert torch.equal(last.pose.quaternion, steps[-1].pose.quaternion)


def test_the_segmenter_is_named_and_a_mask_overrules_it(reconstructor):
    pixels, mask = car_photo()
    alpha = (mask * 255).to(torch.uint8)
    assert "transparency" in reconstructor.segment(Photo(pixels, alpha)).segmenter
    assert "built-in" in reconstructor.segment(Photo(pixels, alpha), "built-in").segmenter
    left = mask.clone()
    left[:, 32:] = 0
    whole, half = reconstructor.cut(Photo(pixels, alpha)), reconstructor.cut(Photo(pixels, alpha), left)
    assert whole.box_px[0, 2] - half.box_px[0, 2] > 10
    wide = reconstructor.cut(Photo(pixels, alpha), margin=0.5)
    assert wide.mask.mean() < 0.5 * whole.mask.mean()


def test_a_fit_becomes_pictures_and_a_mesh(reconstructor, story):
    fit = story[2][-1]
    seen = reconstructor.render(fit, 32)
    assert seen.normals.shape == seen.nocs.shape == (1, 32, 32, 3) and seen.attention.shape[-1] == 10
    # 24 samples against the 4 of the step.
    assert (seen.alpha - fit.alpha).abs().mean() < 0.05
    views = reconstructor.turntable(fit, frames=3, size=16)
    assert views.rgb.shape == (3, 16, 16, 3) and views.attention is not None
    surface = reconstructor.mesh(fit, 24)
    assert surface.vertices.abs().max() <= 1 and len(surface.faces) > 10
    palette = reconstructor.palette(fit.code)
    assert palette.shape == (1, 10, 3) and on_cpu_without_graph(Code(palette))
    recoloured = reconstructor.mesh(replace(fit.code, palette=torch.zeros(1, 10, 3)), 24)
    assert torch.equal(recoloured.vertices, surface.vertices) and not recoloured.colours.any()
    camera = reconstructor.camera(fit.pose)
    assert camera.cam2world.shape == (1, 4, 4)


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(WeightsError, match="No weights"):
        Reconstructor.load("car", "cpu", tmp_path)


def test_devices(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device() == choose_device("cpu") == "cpu"
    with pytest.raises(ValueError, match="no device 'cuda'"):
        choose_device("cuda")
    with pytest.raises(ValueError, match="no device 'toaster'"):
        choose_device("toaster")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device() == "mps" and not half_is_fast("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device() == "cuda" and choose_device("cuda:0") == "cuda:0"
    for major, expected in ((7, False), (9, True)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, major=major: (major, 0))
        assert half_is_fast("cuda") is expected


@pytest.mark.parametrize(("has", "expected"), [((), False), (("bf16",), True), (("amx",), True)])
def test_half_precision_wants_instructions_of_its_own(monkeypatch, has, expected):
    """Where oneDNN would imitate them, it is three times slower than single precision."""
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: "bf16" in has, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: "amx" in has, raising=False)
    assert half_is_fast("cpu") is expected


@pytest.mark.parametrize(
    ("text", "expected"), [("max 100000", 8), ("200000 100000", 2), ("50000 100000", 1), ("nonsense", 8)]
)
def test_cores_are_those_that_the_container_lends(monkeypatch, text, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(runtime.Path, "read_text", lambda self: text)
    assert cores() == expected


def test_threads_never_grow(monkeypatch):
    threads = []
    monkeypatch.setattr(runtime, "cores", lambda: 64)
    monkeypatch.setattr(torch, "set_num_threads", threads.append)
    prepare_process()
    monkeypatch.setattr(runtime, "cores", lambda: 1)
    prepare_process()
    assert threads == [torch.get_num_threads(), 1]


def test_the_fine_quality_goes_on_behind_a_step(tmp_path):
    """More steps on a larger picture of the photo; everything after it finds the steps as it is used to."""
    pixels, mask = car_photo()
    engine = Reconstructor.load("car", "cpu", tiny_weights(tmp_path), loss="encoder")
    photo = Photo(pixels)
    cutout = engine.cut(photo, mask)
    *_, last = engine.invert(cutout, engine.initialise(cutout), preset(1))
    config = replace(FINE_STEPS, steps=2, size=192, crops=0)
    steps = list(engine.refine(photo, mask, last, config))
    assert [step.index for step in steps] == [2, 3] and steps[0].seconds > last.seconds
    assert all(step.rgb.shape == last.rgb.shape for step in steps)
    assert not torch.equal(steps[-1].code.w, last.code.w)
    *_, again = engine.refine(photo, mask, last, config)
    assert torch.equal(again.code.w, steps[-1].code.w)
