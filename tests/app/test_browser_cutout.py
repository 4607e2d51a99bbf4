"""The brush in a real browser: a page with the cut-out alone, over the toy engine."""

import base64
import io
import os
import shutil
import time
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from spir.app.context import AppContext
from spir.app.handlers.cutout import CutoutHandlers
from spir.app.handlers.photo import PhotoHandlers
from spir.app.widgets.cutout import widget as cutout
from spir.app.widgets.cutout.masks import read_mask_uri, reduced
from spir.pipeline import Reconstructor
from spir.session.store import SessionStore
from tests.app.toy import ROOT
from tests.app.visits import CHROMIUM, SOFTWARE_GL, launch

WAIT = 30_000
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def server(tmp_path_factory, car_png):
    """Handlers, and the address of a page over them; each visit opens the drawn car."""
    if not CHROMIUM.exists():
        pytest.skip(f"chromium is not at {CHROMIUM}")
    engine = Reconstructor.load(root=ROOT, device="cpu", loss="encoder")
    context = AppContext(engine, SessionStore(tmp_path_factory.mktemp("sessions")))
    photos, brush = PhotoHandlers(context), CutoutHandlers(context)

    def opened():
        key = photos.open(Path(shutil.copy(car_png, tmp_path_factory.mktemp("sent"))), "anna")
        return key, cutout.payload(key, context.session(key), "car")

    with gr.Blocks(analytics_enabled=False) as page:
        key = gr.State(None)
        panel = cutout.build(elem_id="cutout")
        page.load(opened, None, [key, panel])
        panel.input(
            brush.paint, [key, panel], panel, trigger_mode="multiple", queue=False, show_progress="hidden"
        )
    yield context, launch(page)
    page.close()


@pytest.fixture(scope="module")
def browser(server):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=str(CHROMIUM), args=SOFTWARE_GL)
        yield opened
        opened.close()


class Visit:
    """A page with a photo in it, and the run behind it."""

    def __init__(self, browser, server, width=900, height=1100, theme="light", **options):
        self.context, url = server
        self.page = browser.new_context(viewport={"width": width, "height": height}, **options).new_page()
        self.complaints = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.set_default_timeout(WAIT)
        self.page.goto(f"{url}?__theme={theme}")
        self.page.wait_for_selector("#cutout .fix:visible")
        (self.run,) = list(self.context.store.slots.values())[-1:]
        self.canvas = self.page.locator("#cutout canvas")
        self.image = self.page.locator("#cutout img.input")
        self.first = self.image.get_attribute("src")

    def fix(self):
        self.page.get_by_role("button", name="Fix the cut-out").click()

    def press(self, name):
        self.page.get_by_role("button", name=name).click()

    def changed(self, act):
        """The networks' input after an act that changes it."""
        before = self.image.get_attribute("src")
        act()
        self.page.wait_for_function(
            "before => document.querySelector('#cutout img.input').src !== before", arg=before
        )
        return self.image.get_attribute("src")

    def says(self, words):
        self.page.wait_for_function(
            "words => document.querySelector('#cutout .spir-note').textContent.includes(words)", arg=words
        )

    def stroke(self, start, stop, keys=()):
        """With the mouse, from one place to another, in parts of the canvas."""
        box = self.canvas.bounding_box()
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, stop)]
        for key in keys:
            self.page.keyboard.down(key)
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        self.page.mouse.move(*places[1], steps=5)
        self.page.mouse.up()
        for key in keys:
            self.page.keyboard.up(key)

    def count(self):
        return int(reduced(self.run.session.mask).sum())

    def close(self):
        assert self.complaints == []
        self.page.context.close()


@pytest.fixture
def visit(browser, server):
    made = Visit(browser, server)
    yield made
    made.close()


def test_add_remove_undo_and_the_ways_to_start_again(visit):
    before = visit.count()
    assert visit.page.locator("#cutout .tools").is_hidden()
    visit.fix()
    added = visit.changed(lambda: visit.stroke((0.1, 0.1), (0.4, 0.1)))
    more = visit.count()
    # A brush of 6 % of 400 pixels, 120 pixels along, and its round ends.
    assert more - before == pytest.approx(24 * 120 + np.pi * 12**2, rel=0.05)
    visit.says("and your brush")
    visit.press("Remove")
    visit.changed(lambda: visit.stroke((0.3, 0.6), (0.7, 0.6)))
    assert visit.count() < more
    assert visit.changed(lambda: visit.press("Undo")) == added and visit.count() == more
    assert visit.changed(lambda: visit.page.keyboard.press("Control+z")) == visit.first
    assert visit.count() == before and visit.page.locator(".undo[aria-disabled=true]").count() == 1
    visit.says("transparency.")
    visit.changed(lambda: visit.press("Whole picture"))
    assert visit.count() == 400 * 260
    visit.press("Clear")
    visit.says("last cut-out counts")
    assert visit.count() == 400 * 260, "the last good one is kept"
    assert visit.changed(lambda: visit.press("Automatic")) == visit.first and visit.count() == before


def test_alt_swaps_and_an_unchanged_stroke_is_not_sent(visit):
    posts = []
    visit.page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    before = visit.count()
    visit.fix()
    visit.stroke((0.4, 0.6), (0.6, 0.6))
    assert visit.page.locator(".undo[aria-disabled=true]").count() == 1 and posts == []
    visit.changed(lambda: visit.stroke((0.4, 0.6), (0.6, 0.6), keys=["Alt"]))
    assert visit.count() < before and len(posts) == 1


def test_strokes_faster_than_the_server_all_arrive(visit, monkeypatch):
    cut, cuts = visit.context.engine.cut, []

    def slowly(*given):
        cuts.append(given)
        time.sleep(0.5)
        return cut(*given)

    monkeypatch.setattr(visit.context.engine, "cut", slowly)
    visit.fix()
    for row in range(6):
        visit.stroke((0.05, 0.02 + 0.04 * row), (0.2, 0.02 + 0.04 * row))
    painted = "document.querySelector('#cutout canvas').toDataURL()"
    drawn = visit.page.evaluate(painted)
    visit.says("brush")
    latest = time.monotonic() + WAIT / 1000
    while not reduced(visit.run.session.mask)[2:56, 25:75].all() and time.monotonic() < latest:
        visit.page.wait_for_timeout(50)
    assert reduced(visit.run.session.mask)[2:56, 25:75].all() and len(cuts) < 6
    assert visit.page.evaluate(painted) == drawn, "answers do not touch what is painted on"


def test_everything_by_keyboard(visit):
    before = visit.count()
    page = visit.page
    page.locator(".fix").focus()
    page.keyboard.press("Enter")
    for _ in range(20):
        if page.evaluate("document.activeElement.tagName") == "CANVAS":
            break
        page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.tagName") == "CANVAS"
    for key in ["+"] * 4 + ["ArrowUp"] * 10:
        page.keyboard.press(key)
    assert (
        "50 % across" in page.locator(".where").inner_text() and page.locator(".size").input_value() == "10"
    )
    visit.changed(lambda: page.keyboard.press("Space"))
    one = visit.count() - before
    assert one == pytest.approx(np.pi * 20**2, rel=0.6) and one > 0

    def along():
        page.keyboard.down("Space")
        for _ in range(6):
            page.keyboard.press("ArrowLeft")
        page.keyboard.up("Space")

    visit.changed(along)
    assert visit.count() > before + one
    visit.changed(lambda: page.keyboard.press("Control+z"))
    assert visit.count() == before + one


def test_framing(visit):
    side = visit.run.session.cutout.box_px[0, 2] - visit.run.session.cutout.box_px[0, 0]
    visit.fix()
    slider = visit.page.get_by_label("Room around it")
    slider.focus()
    visit.changed(lambda: slider.press("End"))
    visit.page.wait_for_function("document.querySelector('#cutout .margin + output').textContent === '30 %'")
    assert visit.run.session.margin == 0.3
    assert visit.run.session.cutout.box_px[0, 2] - visit.run.session.cutout.box_px[0, 0] > 1.4 * side


def test_the_painted_mask_is_what_the_browser_shows(visit):
    visit.fix()
    visit.changed(lambda: visit.stroke((0.8, 0.1), (0.95, 0.3)))
    visit.fix()
    visit.page.wait_for_function("!document.querySelector('.spir-cutting').classList.contains('open')")
    visit.page.wait_for_function(
        "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
    )
    uri = visit.page.evaluate("document.querySelector('#cutout canvas').toDataURL()")
    data = io.BytesIO(base64.b64decode(uri.split(",", 1)[1]))
    shown = np.asarray(Image.open(data).convert("RGB")).astype(int)
    pink = np.abs(shown - [255, 45, 110]).max(-1) <= 1
    mask = reduced(visit.run.session.mask)
    padded = np.pad(mask, 1, mode="edge")
    around = np.stack([padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]])
    assert (pink == (mask & ~around.all(0))).mean() > 0.999
    assert (
        read_mask_uri(cutout.payload("k", visit.run.session, "car")["mask"], mask.shape).sum() == mask.sum()
    )


def test_on_a_phone(browser, server):
    visit = Visit(browser, server, 390, 844, has_touch=True)
    action = "getComputedStyle(document.querySelector('#cutout canvas')).touchAction"
    assert visit.page.evaluate(action) != "none", "a finger scrolls past"
    visit.fix()
    assert visit.page.evaluate(action) == "none"
    assert visit.page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    small = "[...document.querySelectorAll('#cutout button, #cutout input')].filter(e => e.offsetParent && e.offsetHeight < 44)"
    assert visit.page.evaluate(f"{small}.length") == 0
    box = visit.canvas.bounding_box()
    visit.changed(lambda: visit.page.touchscreen.tap(box["x"] + 20, box["y"] + 20))
    visit.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessible(browser, server, theme):
    axe = Path(os.environ.get("AXE", "node_modules/axe-core/axe.min.js"))
    if not axe.is_file():
        pytest.skip("axe-core is not installed")
    visit = Visit(browser, server, theme=theme)
    for _ in range(2):
        visit.page.evaluate(axe.read_text())
        rules = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']}"
        found = visit.page.evaluate(f"axe.run('#cutout', {rules})")["violations"]
        assert [(fault["id"], fault["nodes"][0]["target"]) for fault in found] == []
        visit.fix()
    visit.close()


def test_another_segmenter_is_one_choice_away(visit):
    visit.fix()
    choice = visit.page.get_by_label("Cut out by")
    names = choice.locator("option").all_inner_texts()
    assert "colours alone" in names and "the photo's own transparency" in names
    by_colour = visit.changed(lambda: choice.select_option("built-in"))
    visit.says("GrabCut")
    assert visit.page.locator("#cutout .tools").is_visible(), "what was open stays open"
    assert choice.input_value() == "built-in" and by_colour != visit.first
    visit.changed(lambda: choice.select_option("alpha"))
    visit.says("transparency")
    assert visit.image.get_attribute("src") == visit.first
    visit.changed(lambda: visit.press("Whole picture"))
    visit.press("Undo")
    visit.says("transparency.")
