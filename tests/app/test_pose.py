"""The camera moved by hand: what the server answers, and what the browser does without it."""

import gc
import io
import math
from base64 import b64decode
from dataclasses import replace

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

from spir.app.handlers.pose import CROP_SIDE, OUTSIDE, PoseHandlers, crop
from spir.app.widgets.pose.sliders import RANGES, pose_from_sliders, slider_values
from spir.app.widgets.pose.widget import no_scene, tab
from spir.geometry.pose import look_at_pose
from spir.geometry.rotation import view_from_rotation
from spir.outputs.attention_maps import decode_attention
from spir.outputs.inspection import place_picture
from spir.session import actions
from spir.types import Cutout, Guess, Photo
from tests.app.visits import CHROMIUM, launch

LONG = 60_000


@pytest.fixture
def run(live, key, fitted):
    """A run with a result: the toy's ellipsoid from a known camera."""
    found, session = live(key), fitted
    one = torch.ones(1)
    pose = look_at_pose(33.3 * one, 12.3 * one, 4.4 * one, focal=1.234 * one, scale=0.9 * one)
    (segment,) = session.result.trajectory.segments
    segment = replace(segment, steps=(replace(segment.steps[0], pose=pose),))
    trajectory = replace(session.result.trajectory, segments=(segment,))
    found.change(guess=session.guess, result=replace(session.result, trajectory=trajectory, selected=0))
    return found


@pytest.fixture
def posing(context, run):
    return PoseHandlers(context)


def opened(uri):
    return Image.open(io.BytesIO(b64decode(uri.split(",")[1])))


def test_the_panel_shows_photo_result_and_points(posing, run, key, engine):
    panel, *sliders = posing.show(key)
    assert sliders == [33.5, 12.5, 4.5, 1.0, 1.25] and panel["run"] == key and "units away" in panel["note"]
    assert opened(panel["photo"]).size == (CROP_SIDE, CROP_SIDE)
    rendering = engine.render(run.fit)
    weights = decode_attention(b64decode(panel["render"].split(",")[1]), panel["values"], 128, 128)
    assert (weights - rendering.attention).abs().max() < 1.01 / 255
    shown = np.array(opened(panel["rendered"]))
    assert (shown == place_picture(rendering.nocs[0], rendering.alpha[0], panel["range"])).all()
    assert [opened(panel[name]).mode for name in ("predicted", "heat", "off")] == ["RGBA", "RGBA", "L"]
    assert len(panel["palette"]) == panel["values"] and sum(map(len, map(str, panel.values()))) < 150_000


def test_sliders_that_were_not_moved_move_nothing(posing, run, key):
    before = posing.show(key)
    assert posing.move(key, *before[1:]) == before[0]
    for name in ("z0", "scale", "quaternion", "shift"):
        assert torch.equal(getattr(run.camera, name), getattr(run.fit.pose, name))


def test_a_moved_slider_moves_the_camera_and_back_is_back(posing, run, key):
    before, *sliders = posing.show(key)
    after = posing.move(key, -90, *sliders[1:])
    assert after["rendered"] != before["rendered"] and after["heat"] != before["heat"]
    assert after["photo"] == before["photo"] and after["predicted"] == before["predicted"]
    angles = [float(angle[0]) for angle in view_from_rotation(run.camera.quaternion)]
    assert angles == pytest.approx([-90, 12.3, 4.4], abs=1e-2)
    start = actions.guess_from_moved_camera(run.session)
    assert start.pose is run.camera and start.code is run.fit.code and start.nocs is run.guess.nocs
    assert (
        posing.show(key)[0] == before
        and run.camera is None
        and actions.guess_from_moved_camera(run.session).pose is run.fit.pose
    )


def test_what_no_slider_says_is_refused(posing, run, key):
    fine = [0, 0, 0, 1, 2]
    wrong = (math.nan, math.inf, 1e9, -1e9, None, "3", True, [1])
    lists = [fine[:at] + [one] + fine[at + 1 :] for at in range(5) for one in wrong]
    for values in [*lists, fine[:4], [*fine, 1], []]:
        with pytest.raises(gr.Error, match="can not be put there"):
            posing.move(key, *values)
    assert run.camera is None


def test_without_a_result_there_is_nothing_to_move(context, key):
    posing = PoseHandlers(context)
    for call in (posing.show, lambda k: posing.move(k, 0, 0, 0, 1, 2), lambda k: posing.scene(k, None)):
        with pytest.raises(gr.Error, match="needs a result"):
            call(key)
    assert all(value == gr.skip() for value in posing.seen(key, {"run": ""})), (
        "and opening the tab is no error"
    )


def test_a_tab_that_opens_late_is_filled_once(posing, run, key):
    panel, *stood = posing.seen(key, {"run": ""})
    assert panel["run"] == key and len(stood) == 5
    assert all(value == gr.skip() for value in posing.seen(key, panel))
    assert all(value == gr.skip() for value in posing.seen(None, None))


def test_the_scene_follows_colours_and_camera(posing, run, key):
    found, *sliders = posing.figure(key, None), *posing.show(key)[1:]
    assert len(found.to_json()) < 400_000
    posing.move(key, -90, *sliders[1:])
    turned = posing.figure(key, None)
    assert not np.allclose(turned.data[3].x, found.data[3].x)
    green = posing.figure(key, {"colours": ["#00ff00"] * 10})
    assert np.abs(np.asarray(green.data[0].vertexcolor) - (0, 255, 0)).max() <= 1
    with pytest.raises(gr.Error, match="colours"):
        posing.scene(key, {"colours": ["red"]})
    assert posing.scene(key, None).visible and not no_scene().visible


def test_sliders_stand_within_their_ranges_for_any_pose():
    torch.manual_seed(0)
    for _ in range(50):
        numbers = torch.rand(3, 1) * torch.tensor([[360.0], [180], [360]]) - torch.tensor(
            [[180.0], [90], [180]]
        )
        focal = 0.51 + 27 * torch.rand(1) ** 3
        pose = look_at_pose(*numbers, focal=focal, scale=0.3 + torch.rand(1))
        stood = slider_values(pose)
        assert all(
            span.least <= value <= span.most for span, value in zip(RANGES.values(), stood, strict=True)
        )
        assert torch.equal(pose_from_sliders(pose, stood).z0, pose.z0)
    flat = look_at_pose(torch.zeros(1), torch.zeros(1))
    assert (
        slider_values(flat) == (0, 0, 0, 1, 2)
        and pose_from_sliders(flat, (0.0, 0.0, 0.0, 2.0, 9.0)).scale == 0.5
    )


@pytest.mark.parametrize("box", [(10, 5, 30, 25), (-20, -8, 44, 56), (30, 10, 90, 70), (50, 50, 60, 60)])
def test_a_crop_is_the_photo_in_its_square_and_grey_beyond(box):
    row, column = torch.meshgrid(torch.arange(40), torch.arange(50), indexing="ij")
    photo = Photo(torch.stack((5 * row, 5 * column, 0 * row), -1).byte())
    empty = torch.zeros(1, 2, 2)
    cutout = Cutout(empty[..., None].expand(1, 2, 2, 3), empty, torch.tensor([box], dtype=torch.float32))
    picture = crop(photo, cutout)
    assert picture.shape == (CROP_SIDE, CROP_SIDE, 3)
    x0, y0, x1, _ = box
    scale = CROP_SIDE / (x1 - x0)
    for y in range(y0, box[3]):
        for x in range(x0, x1):
            at = picture[int((y - y0 + 0.5) * scale), int((x - x0 + 0.5) * scale)].astype(int)
            if 0 <= y < 40 and 0 <= x < 50:
                assert np.abs(at - (5 * y, 5 * x, 0)).max() <= 6
            elif not (-1 <= y <= 40 and -1 <= x <= 50):
                assert tuple(at) == OUTSIDE


def toy_guess(guess: Guess) -> Guess:
    """Maps that are easy to read: x grows to the right, y upward, z is a quarter; a wide square of object."""
    line = torch.linspace(-0.9, 0.9, 128)
    nocs = torch.stack(
        (line.expand(128, 128), -line[:, None].expand(128, 128), 0.25 + 0 * line.expand(128, 128)), -1
    )
    mask = torch.zeros(1, 128, 128)
    mask[:, 16:112, 16:112] = 1
    return Guess(nocs[None], mask, guess.code, guess.pose, guess.pnp_error, guess.outcome)


def page(posing, key):
    with gr.Blocks() as built:
        state, fill = gr.State(key), gr.Button("Fill", elem_id="fill")
        parts = tab()
        fill.click(posing.show, state, [parts.panel, *parts.sliders])
        parts.back.click(posing.show, state, [parts.panel, *parts.sliders])
        for slider in parts.sliders:
            slider.input(
                posing.move,
                [state, *parts.sliders],
                parts.panel,
                trigger_mode="always_last",
                show_progress="hidden",
            )
        parts.show_scene.click(lambda k: posing.scene(k, None), state, parts.scene)
    return built


@pytest.fixture
def url(posing, run, key):
    if not CHROMIUM.exists():
        pytest.skip(f"chromium is not at {CHROMIUM}")
    run.change(guess=toy_guess(run.guess))
    built = page(posing, key)
    yield launch(built)
    built.close()
    # Gradio leaves its event loop open; collected now, its warning falls on nobody else's test.
    del built
    gc.collect()


@pytest.fixture
def browser(url):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        flags = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
        shown = running.chromium.launch(executable_path=str(CHROMIUM), args=flags)
        yield shown
        shown.close()


def visit(browser, url, width=1360, theme="light", motion="no-preference"):
    context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion=motion)
    seen = context.new_page()
    seen.set_default_timeout(LONG)
    seen.complaints, seen.posts, seen.outside = [], [], []
    seen.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.on("request", lambda r: seen.posts.append(r.url) if r.method == "POST" else None)
    own = ("http://127.0.0.1", "data:", "blob:")
    seen.on("request", lambda r: None if r.url.startswith(own) else seen.outside.append(r.url))
    seen.goto(f"{url}?__theme={theme}")
    seen.wait_for_selector("#posing .spir-note")
    seen.wait_for_function("document.querySelector('#posing .spir-note').textContent.includes('After a run')")
    seen.click("#fill")
    seen.wait_for_function("document.querySelector('#posing .spir-note').textContent.includes('units away')")
    seen.wait_for_function("document.querySelector('#posing canvas.predicted').width === 128")
    return seen


PIXEL = """([x, y]) => Array.from(document.querySelector('#posing canvas.render').getContext('2d')
 .getImageData(x, y, 1, 1).data)"""


def alpha(seen):
    return float(seen.locator("#posing canvas.render").evaluate("c => getComputedStyle(c).opacity"))


@pytest.mark.browser
@pytest.mark.filterwarnings("default")
def test_a_visit(browser, url, key):
    seen = visit(browser, url)
    before = len(seen.posts)
    # Opacity, by keys, by the letter, by blinking.
    opacity = seen.locator("#posing .opacity")
    assert alpha(seen) == pytest.approx(0.6, abs=0.01)
    opacity.focus()
    opacity.press("End")
    assert alpha(seen) == 1
    opacity.press("o")
    assert alpha(seen) == 0 and opacity.get_attribute("aria-valuetext") == "0 percent"
    blink = seen.get_by_role("button", name="Blink")
    blink.click()
    assert alpha(seen) == 1 and blink.get_attribute("aria-pressed") == "true"
    seen.wait_for_function(
        "getComputedStyle(document.querySelector('#posing canvas.render')).opacity === '0'"
    )
    blink.click()
    assert blink.get_attribute("aria-pressed") == "false"
    # The mark, by mouse and keys: x to the right, y up, z a quarter.
    text = lambda name: seen.locator(f"#posing .spir-readout .{name}").inner_text()  # noqa: E731
    box = seen.locator("#posing canvas.predicted").bounding_box()
    seen.mouse.move(box["x"] + box["width"] * 96.5 / 128, box["y"] + box["height"] * 32.5 / 128)
    x, y, z = (float(part[2:].replace("−", "-")) for part in text("seen").split(", "))
    assert (x, y, z) == pytest.approx((-0.9 + 1.8 * 96 / 127, 0.9 - 1.8 * 32 / 127, 0.25), abs=0.01)
    marks = seen.locator("#posing .mark").evaluate_all("all => all.map(m => m.style.left)")
    assert len(set(marks)) == 1 and len(marks) == 3 and marks[0].startswith("75.")
    assert "pixels" in text("off")
    maps = seen.get_by_role("application")
    maps.focus()
    maps.press("ArrowRight")
    assert seen.locator("#posing .mark").first.evaluate("m => m.style.left").startswith("76.1")
    for _ in range(10):
        maps.press("Shift+ArrowRight")
    assert text("seen") == "nothing here" and text("off") == "–"
    # Colours of this run repaint, of another do not.
    inside = seen.evaluate(PIXEL, [64, 64])
    assert inside[3] > 200
    red = "[[255,0,0]].concat(Array(9).fill([255,0,0]))"
    seen.evaluate(f"window.spir.say('palette', {{run: 'another', colours: {red}}})")
    assert seen.evaluate(PIXEL, [64, 64]) == inside
    seen.evaluate(f"window.spir.say('palette', {{run: '{key}', colours: {red}}})")
    assert seen.evaluate(PIXEL, [64, 64])[:3] == [255, 0, 0]
    assert len(seen.posts) == before, "all of that asked nobody"
    # A moved camera is another picture, still in the visitor's colours.
    paint = "document.querySelector('#posing canvas.rendered').toDataURL()"
    first, found = seen.evaluate(paint), seen.locator("#posing .spir-note").inner_text()
    number = seen.locator("#pose-azimuth input[type=number]")
    number.fill("-120")
    number.press("Enter")
    seen.wait_for_function(f"first => {paint} !== first", arg=first)
    assert seen.evaluate(PIXEL, [64, 64])[:3] == [255, 0, 0]
    seen.click("#pose-back")
    seen.wait_for_function(f"first => {paint} === first", arg=first)
    assert seen.locator("#posing .spir-note").inner_text() == found and number.input_value() == "33.5"
    seen.click("#show-scene")
    seen.wait_for_selector("#scene .js-plotly-plot canvas")
    assert seen.complaints == [] and seen.outside == []
    seen.context.close()
    # Little motion, on a phone.
    seen = visit(browser, url, width=390, motion="reduce")
    assert seen.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    before, blink = alpha(seen), seen.get_by_role("button", name="Blink")
    blink.click()
    assert alpha(seen) != before and blink.get_attribute("aria-pressed") == "false"
