"""The real app in a real browser: `python app.py` with toy weights, a visitor with mouse and keyboard.

The visits share one server and, for time's sake, one run where they only look at it.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.ui.toy import ROOT as WEIGHTS

APP = Path(__file__).parents[2] / "app.py"
CHROMIUM = Path("/usr/lib/chromium/chromium")
SOFTWARE_GL = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
HARMLESS = ("No available adapters", "WebGPU", "favicon")
"""Lines of the 3D viewer, which tries WebGPU before WebGL."""
LONG = 90_000
"""Milliseconds to wait for what computes, on a machine that others use too."""
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default")]


def started(weights, port, temporary):
    """The app as a process, once it answers; what it writes lies in `temporary`."""
    variables = {"SPIR_WEIGHTS": str(weights), "GRADIO_SERVER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    variables |= {"TMPDIR": str(temporary), "NO_PROXY": "127.0.0.1,localhost"}
    environment = {**os.environ, **variables}
    process = subprocess.Popen(
        [sys.executable, str(APP)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    latest = time.monotonic() + LONG / 500
    while time.monotonic() < latest:
        if process.poll() is not None:
            pytest.fail(process.communicate()[1].decode())
        try:
            opener.open(f"http://127.0.0.1:{port}/", timeout=5)
            return process
        except OSError:
            time.sleep(0.25)
    process.kill()
    pytest.fail("the app did not answer: " + process.communicate()[1].decode())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def temporary(tmp_path_factory):
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def url(temporary):
    if not CHROMIUM.exists():
        pytest.skip(f"chromium is not at {CHROMIUM}")
    port = free_port()
    process = started(WEIGHTS, port, temporary)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(20)
    process.stderr.close()


@pytest.fixture(scope="module")
def browser(url):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=str(CHROMIUM), args=SOFTWARE_GL)
        yield opened
        opened.close()


class Visit:
    """A page, and what it complained of and asked for elsewhere."""

    def __init__(self, browser, url, width=1360, height=900, theme="light"):
        self.page = browser.new_context(viewport={"width": width, "height": height}).new_page()
        self.complaints, self.outside, self.posts = [], [], []
        self.page.on("console", self.console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self.request)
        self.page.set_default_timeout(LONG)
        self.page.goto(f"{url}/?__theme={theme}")
        self.page.wait_for_selector("#go")
        self.page.wait_for_selector("#cutout .spir-note")

    def console(self, message):
        if message.type == "error" and not any(word in message.text for word in HARMLESS):
            self.complaints.append(message.text)

    def request(self, request):
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            self.outside.append(request.url)
        if request.method == "POST":
            self.posts.append(request.url)

    def text(self, selector):
        return self.page.locator(selector).inner_text()

    def wait_for(self, condition, timeout=LONG):
        self.page.wait_for_function(condition, timeout=timeout)

    def choose(self, path):
        self.page.locator("#photo input[type=file]").first.set_input_files(str(path))

    def note_says(self, words):
        """Waits until the panel of the cut-out says something."""
        self.wait_for(f"document.querySelector('#cutout .spir-note').textContent.includes({words!r})")

    def set_steps(self, number):
        box = self.page.locator("#steps input[type=number]")
        box.fill(str(number))
        box.press("Enter")

    def run(self, steps):
        self.set_steps(steps)
        self.page.click("#go")

    def state(self, name):
        self.wait_for(f"document.querySelector('.spir-timeline').dataset.state === {name!r}")

    def overflow(self):
        return self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


@pytest.fixture(scope="module")
def done(browser, url, car_png):
    """A visit with a finished run of two steps, its object turned and coloured."""
    visit = Visit(browser, url)
    visit.choose(car_png)
    visit.note_says("transparency")
    visit.run(2)
    visit.state("done")
    visit.wait_for("document.querySelectorAll('.spir-fields input').length === 10")
    return visit


def test_wrong_files_are_told_kindly_and_the_page_lives_on(browser, url, wrong_files, car_png):
    visit = Visit(browser, url)
    for name, told in (("text", "not a picture"), ("dot", "too small"), ("empty", "empty")):
        visit.choose(wrong_files[name])
        visit.note_says(told)
        assert visit.page.locator("#cutout img.input").is_hidden()
        visit.page.get_by_label("Remove Image").click()
        visit.note_says("Add a photo")
    visit.choose(car_png)
    visit.note_says("transparency")
    assert visit.page.evaluate("document.querySelector('#cutout img.input').naturalWidth") == 128
    assert visit.page.evaluate("document.querySelector('#cutout canvas').width") == 400
    visit.page.close()


def test_steps_are_shown_with_their_numbers(done):
    assert done.text(".spir-numbers .step") == "2 of 2"
    assert float(done.text(".spir-numbers .loss")) > 0 and 0 <= float(done.text(".spir-numbers .iou")) <= 1
    assert done.text(".spir-numbers .seconds").endswith(" s")
    assert done.page.locator(".spir-plot polyline").get_attribute("points").count(",") == 3
    for picture in ("target", "render", "error", "nocs"):
        assert done.page.evaluate(f"document.querySelector('.spir-frames .{picture}').naturalWidth") == 128
    assert "not yet measured" not in done.text("#machine")


def test_scrubbing_and_turning_ask_nobody(done):
    before = len(done.posts)
    scrub, render = done.page.locator(".scrub"), done.page.locator(".spir-frames .render")
    last = render.get_attribute("src")
    scrub.focus()
    scrub.press("Home")
    assert done.text(".spir-numbers .step") == "0 of 2" and render.get_attribute("src") != last
    scrub.press("End")
    assert render.get_attribute("src") == last
    turn, view = (
        done.page.get_by_role("slider", name="Angle around the object"),
        done.page.locator("#orbit img"),
    )
    first = view.get_attribute("src")
    turn.focus()
    turn.press("ArrowRight")
    assert view.get_attribute("src") != first and turn.get_attribute("aria-valuenow") == "10"
    box = turn.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    done.page.mouse.move(x, y)
    done.page.mouse.down()
    done.page.mouse.move(x - box["width"] * 0.6, y, steps=4)
    done.page.mouse.up()
    assert (
        turn.get_attribute("aria-valuenow") == "170" and done.page.locator(".spir-orbit .guess").is_visible()
    )
    done.page.get_by_role("button", name="Photo's side").click()
    assert view.get_attribute("src") == first and len(done.posts) == before


def test_a_colour_changes_the_views(done):
    view = done.page.locator("#orbit img")
    before = view.get_attribute("src")
    set_colour = (
        "input => {input.value = '#00ff00'; input.dispatchEvent(new Event('input', {bubbles: true}))}"
    )
    for field in done.page.locator(".spir-fields input").all():
        field.evaluate(set_colour)
    done.wait_for(f"document.querySelector('#orbit img').src !== {before!r}")
    done.page.get_by_role("button", name="Reset the colours").click()
    done.wait_for(f"document.querySelector('#orbit img').src === {before!r}")


def test_mesh_and_files(done):
    page = done.page
    page.get_by_role("tab", name="Mesh").click()
    page.click("#make-mesh")
    done.wait_for("document.querySelector('#mesh-size')?.textContent.includes('triangles')")
    page.wait_for_selector("#mesh canvas", timeout=LONG)
    page.get_by_role("tab", name="Downloads").click()
    page.click("#prepare")
    page.wait_for_selector("#files a[download]", timeout=LONG)
    links = {
        link.get_attribute("download"): link.get_attribute("href") for link in page.locator("#files a").all()
    }
    assert {"car.glb", "car.ply", "car.obj", "car.stl", "car.mp4", "car.gif", "run.json"} <= set(links)
    glb = page.request.get(links["car.glb"])
    assert glb.ok and glb.body()[:4] == b"glTF"
    assert page.request.get(links["run.json"]).json()["steps"] == 2


def test_a_whole_visit_is_silent_and_stays_at_home(done):
    assert done.complaints == [] and done.outside == []


def test_stop_keeps_the_last_step_and_leaving_takes_it_away(browser, url, car_png, temporary):
    before = set(temporary.glob("spir-*"))
    visit = Visit(browser, url, width=390, height=844)
    assert visit.overflow() <= 0
    visit.choose(car_png)
    visit.note_says("transparency")
    visit.run(100)
    visit.wait_for("document.querySelector('.spir-numbers .step').textContent.startsWith('1 of')")
    visit.page.click("#stop")
    visit.state("stopped")
    step = int(visit.text(".spir-numbers .step").split()[0])
    assert 1 <= step < 50 and visit.text(".spir-status") == f"Stopped. Step {step} is kept."
    assert visit.overflow() <= 0
    (own,) = set(temporary.glob("spir-*")) - before
    visit.page.close(run_before_unload=True)
    for _ in range(100):
        if not own.exists():
            break
        time.sleep(0.2)
    assert not own.exists()


def test_other_files_are_not_served_and_the_endpoints_have_names(browser, url):
    page = browser.new_page()
    assert page.request.get(f"{url}/gradio_api/file=/etc/passwd").status == 403
    assert page.request.get(f"{url}/gradio_api/file={APP}").status == 403
    named = page.request.get(f"{url}/gradio_api/info").json()["named_endpoints"]
    assert set(named) == {"/segment", "/reconstruct"}


def test_without_weights_the_page_says_so(tmp_path, url, browser):
    port = free_port()
    process = started(tmp_path, port, tmp_path)
    try:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}", timeout=LONG)
        page.wait_for_selector("#apology", timeout=LONG)
        assert "No weights at" in page.locator("#apology").inner_text()
    finally:
        process.terminate()
        told = process.communicate(timeout=20)[1].decode()
    assert "No weights at" in told and "Traceback" not in told


def violations(visit):
    """WCAG 2 A and AA by axe-core, where it has been installed (`npm install axe-core`)."""
    axe = Path(os.environ.get("AXE", APP.parent / "node_modules/axe-core/axe.min.js"))
    if not axe.is_file():
        pytest.skip("axe-core is not installed")
    visit.page.evaluate(axe.read_text())
    rules = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']}"
    found = visit.page.evaluate(f"axe.run(document, {rules})")["violations"]
    return [(fault["id"], fault["nodes"][0]["target"]) for fault in found]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_empty_page_is_accessible(browser, url, theme):
    visit = Visit(browser, url, theme=theme)
    assert violations(visit) == []
    visit.page.close()


def test_a_finished_page_is_accessible(done):
    assert violations(done) == []
