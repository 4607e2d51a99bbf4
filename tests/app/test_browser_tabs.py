"""The tabs Mesh and Mix in a real browser, over the toy engine and a result that is there already."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.app.visits import AXE, HARMLESS, IN_BROWSER, LONG, served

HEAVY = ("PlotlyPlot", "Canvas3D")
BLUE = "Array.from({length: 10}, () => [0, 0, 255])"
RED = "Array.from({length: 10}, () => [255, 0, 0])"
pytestmark = IN_BROWSER


@pytest.fixture(scope="module")
def visit(browser, car_png, tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    with served(["-m", "tests.app.tabs_page", str(car_png), str(folder)], folder) as url:
        yield Visit(browser, url)


class Visit:
    """A page, and what it asked for and complained of."""

    def __init__(self, browser, url):
        self.page = browser.new_context(viewport={"width": 1200, "height": 1000}).new_page()
        self.page.set_default_timeout(LONG)
        self.posts, self.asked, self.complaints = [], [], []
        self.page.on("request", self.request)
        self.page.on("console", self.console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(url)
        self.page.get_by_role("tab", name="Mesh").wait_for()

    def request(self, request):
        self.asked.append(request.url)
        if request.method == "POST":
            self.posts.append(request.url)

    def console(self, message):
        if message.type == "error" and not any(word in message.text for word in HARMLESS):
            self.complaints.append(message.text)

    def heavy(self):
        return {word for word in HEAVY for url in self.asked if word in url}

    def open(self, tab):
        self.page.get_by_role("tab", name=tab).click()

    def set(self, slider, value):
        box = self.page.locator(f"#{slider} input[type=number]")
        box.fill(value)
        box.press("Enter")

    def wait_for(self, condition):
        self.page.wait_for_function(condition)

    def colour_of(self, selector):
        """The mean of what is not white in a picture of an element, and how much there is of it."""
        shot = Image.open(io.BytesIO(self.page.locator(selector).screenshot()))
        pixels = np.asarray(shot.convert("RGB")).reshape(-1, 3).astype(int)
        seen = pixels[pixels.min(1) < 200]
        return seen.mean(0) if len(seen) else np.full(3, 255.0), len(seen)

    def red(self, selector):
        """Waits until an element shows a red object: drawing comes some frames after the colours."""
        from playwright.sync_api import Error

        for _ in range(200):
            try:
                mean, count = self.colour_of(selector)
            except Error:
                # A repaint puts another canvas in place of the one that was about to be looked at.
                continue
            if count > 500 and mean[0] > 180 and mean[1:].max() < 60:
                return True
            self.page.wait_for_timeout(100)
        return False


def test_nothing_heavy_is_loaded_before_it_is_asked_for(visit):
    assert visit.heavy() == set()
    visit.open("Mesh")
    visit.page.wait_for_selector("#make-mesh")
    assert visit.heavy() == set()
    visit.set("photo-detail", "0")
    visit.page.click("#make-mesh")
    visit.wait_for("document.querySelector('#mesh-size').textContent.includes('triangles')")
    visit.page.wait_for_selector("#mesh canvas")
    assert visit.heavy() == {"Canvas3D"}
    visit.page.click("#show-true-colours")
    visit.page.wait_for_selector("#true-colours canvas")
    assert visit.heavy() == set(HEAVY)


def test_a_new_palette_repaints_both_viewers_and_asks_nobody(visit):
    visit.page.wait_for_selector("#true-colours canvas")
    before = len(visit.posts)
    key = visit.page.evaluate("document.querySelector('.spir-meshing').dataset.run")
    visit.page.evaluate(f"window.spir.say('palette', {{run: 'another', colours: {RED}}})")
    visit.page.evaluate(f"window.spir.say('palette', {{run: {key!r}, colours: {RED}}})")
    visit.wait_for("document.querySelector('.spir-meshing').dataset.painted")
    assert visit.red("#true-colours canvas") and visit.red("#mesh canvas")
    assert len(visit.posts) == before


def test_every_format_is_one_click(visit):
    for ending in ("mesh.glb", "ply", "obj", "stl", "glb", "materials.glb", "obj.zip"):
        with visit.page.expect_download() as waiting:
            visit.page.click(f"#keep-{ending.replace('.', '-')}")
        assert waiting.value.suggested_filename == f"car.{ending}"
        assert Path(waiting.value.path()).stat().st_size > 1000


def test_a_textured_mesh_is_shown_taken_home_and_says_when_its_colours_are_old(visit):
    # The colours of the tests above were nobody's choice.
    visit.page.reload()
    visit.open("Mesh")
    visit.page.click("#make-mesh")
    visit.wait_for("document.querySelector('#mesh-size').textContent.includes('triangles')")
    visit.page.wait_for_selector("#mesh canvas")
    with visit.page.expect_download() as waiting:
        visit.page.click("#keep-glb")
    assert b"baseColorTexture" in Path(waiting.value.path()).read_bytes()
    note = "document.querySelector('.spir-meshing')"
    key, before = visit.page.evaluate(f"{note}.dataset.run"), len(visit.posts)
    told = visit.page.evaluate(f"{note}.textContent")
    visit.page.evaluate(f"window.spir.say('palette', {{run: {key!r}, colours: {BLUE}}})")
    visit.wait_for(f"{note}.textContent.includes('have changed')")
    assert told and "have changed" not in told and len(visit.posts) == before


def test_a_blend_is_picked_and_used(visit, car_png):
    visit.open("Mix")
    visit.page.locator("#second-photo input[type=file]").first.set_input_files(str(car_png))
    visit.wait_for("document.querySelector('#mixing .second img').naturalWidth > 0")
    visit.page.click("#mix")
    visit.wait_for("document.querySelectorAll('#mixing .grid button:not(:disabled)').length === 9")
    before = len(visit.posts)
    corner = visit.page.get_by_role("button", name="Its shape, its colours")
    visit.page.get_by_role("button", name="Your shape, your colours").click()
    use = visit.page.get_by_role("button", name="Use this one")
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "Enter"):
        visit.page.keyboard.press(key)
    assert corner.get_attribute("aria-pressed") == "true" and len(visit.posts) == before
    assert visit.page.locator("#mixing .picked img").get_attribute("src") == corner.locator(
        "img"
    ).get_attribute("src")
    use.click()
    visit.wait_for("document.querySelector('#now')?.textContent.includes('#')")


def test_a_slider_shows_its_blend(visit):
    box = visit.page.locator("#mix-height input[type=number]")
    box.fill("1")
    box.press("Enter")
    visit.wait_for("document.querySelector('#mixing .picked figcaption').textContent.includes('sliders')")
    assert visit.page.evaluate("document.querySelector('#mixing .picked img').naturalWidth") == 128


def test_both_tabs_are_accessible_and_fit_a_phone(visit):
    visit.page.set_viewport_size({"width": 390, "height": 844})
    for tab in ("Mesh", "Mix"):
        visit.page.get_by_role("tab", name=tab).click()
        assert visit.page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        if AXE.is_file():
            visit.page.evaluate(AXE.read_text())
            rules = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']}"
            found = visit.page.evaluate(f"axe.run(document, {rules})")["violations"]
            assert [(fault["id"], fault["nodes"][0]["target"]) for fault in found] == []


def test_both_tabs_are_silent(visit):
    assert visit.complaints == []
