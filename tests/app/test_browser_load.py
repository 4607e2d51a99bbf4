"""The page as it opens, in a real browser: silent, at home, for keyboards, for phones, for eyes that need contrast."""

import pytest

from spir.app import text
from tests.app.visits import APP, AXE, IN_BROWSER, TABS, Visit, served

pytestmark = IN_BROWSER
SIZES = {"desktop": (1360, 900), "phone": (390, 844)}
LOOKS = [("desktop", "light"), ("phone", "dark")]
FOCUSED = """() => {
  const here = document.activeElement;
  if (!here || here === document.body) return '';
  const named = here.closest('#photo, #cutout, #preset, #steps, #go, #stop, #timeline, #orbit, #swatches, #prepare');
  return named ? named.id : here.tagName;
}"""
SMALL = """[...document.querySelectorAll('[class*=spir-] :is(button, select, input), #body button.lg, #body button.md')]
  .filter((control) => control.offsetParent && control.offsetHeight < 44).map((control) => control.outerHTML)"""
"""Controls that a finger misses."""
FADED = """document.getAnimations().every((motion) =>
  !(motion instanceof CSSTransition) || motion.playState !== 'running')"""
MOVING = """document.getAnimations().filter((motion) => motion.playState === 'running'
  && motion.effect.target?.closest('[class*=spir-]')).length"""


def test_accessibility_is_looked_at():
    """The tests below do the rest of their work without it."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed (npm install axe-core)")


def test_an_empty_page(browser, url):
    visit = Visit(browser, url, reduced_motion="reduce")
    assert not visit.page.get_by_role("link", name="car", exact=True).count(), "one category has no bar"
    assert visit.look("document.documentElement.lang") and visit.text("h1") == text.TITLE
    assert visit.text("#timeline .spir-status") == text.EMPTY
    for tab in TABS:
        visit.open(tab)
        assert visit.overflow() <= 0, tab
        assert visit.violations() == [], tab
    assert visit.look(MOVING) == 0
    assert visit.complaints == [] and visit.outside == []
    visit.close()


@pytest.fixture(scope="module")
def finished(browser, url, car_png):
    """A short run that is done, and the brush in hand."""
    visit = Visit(browser, url)
    visit.choose(car_png)
    visit.note_says("transparency")
    visit.run(1)
    visit.ran(1)
    visit.turned()
    visit.page.get_by_role("button", name="Fix the cut-out").click()
    yield visit
    visit.close()


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_a_finished_page(finished, theme, size):
    width, height = SIZES[size]
    finished.page.set_viewport_size({"width": width, "height": height})
    # As Gradio does it.
    finished.look("dark => document.body.classList.toggle('dark', dark)", theme == "dark")
    finished.wait_for(FADED)
    for tab in TABS:
        finished.open(tab)
        if tab == "Pose":
            finished.page.locator("#posing canvas.render").wait_for()
        assert finished.overflow() <= 0, tab
        assert finished.violations() == [], tab
        assert finished.look(SMALL) == [], tab
    assert finished.complaints == [] and finished.outside == []


def test_all_by_keyboard(browser, url, car_png):
    visit = Visit(browser, url)
    keyboard = visit.page.keyboard
    visit.choose(car_png)
    visit.note_says("transparency")
    visit.set_steps(1)
    visit.page.locator("h1").click()
    reached = walked(visit, "go")
    assert [name for name in reached if name in ("cutout", "preset", "steps", "go")] == [
        "cutout",
        "preset",
        "steps",
        "go",
    ]
    assert "photo" in reached and reached.index("photo") < reached.index("cutout")
    keyboard.press("Enter")
    assert visit.ran(1) == [0, 1]
    visit.wait_for("document.querySelectorAll('.spir-fields input').length === 10")
    later = walked(visit, "swatches")
    assert [name for name in later if name in ("stop", "timeline", "orbit", "swatches")] == [
        "stop",
        "timeline",
        "orbit",
        "swatches",
    ]
    assert visit.complaints == []
    visit.close()


def walked(visit, goal):
    """Where Tab leads to on its way to a part of the page, each once."""
    reached = []
    for _ in range(80):
        visit.page.keyboard.press("Tab")
        here = visit.look(FOCUSED)
        if here not in reached:
            reached.append(here)
        if here == goal:
            return reached
    pytest.fail(f"Tab does not lead to {goal}: {reached}")


def test_without_weights_the_page_says_so(tmp_path, browser):
    with served(APP, tmp_path, SPIR_WEIGHTS=str(tmp_path)) as address:
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector("#apology")
        assert "No weights at" in page.locator("#apology").inner_text()
        health = page.request.get(f"{address}/healthz")
        assert health.status == 503 and health.json()["status"] == "out of order"
        page.close()
    told = (tmp_path / "server.log").read_text()
    assert "No weights at" in told and "Traceback" not in told
