"""Runs in a real browser: steps as they come, looked back at, gone on from, stopped, compared.

The tests of one visit follow one another."""

import itertools
import time

import pytest

from tests.app.quick_app import PRESETS
from tests.app.visits import IN_BROWSER, PAINTING, Visit

pytestmark = IN_BROWSER
RENDERS = "window.heard_steps.frames.map((frame) => frame.render)"
PLOT = "document.querySelector('.spir-plot polyline').getAttribute('points')"


@pytest.fixture(scope="module")
def visit(browser, url):
    made = Visit(browser, url)
    yield made
    assert made.complaints == [] and made.outside == []
    made.close()


def test_without_a_photo_it_says_so(visit):
    visit.page.click("#go")
    assert "Add a photo first" in visit.toast()
    assert visit.look("window.heard_steps.frames.length") == 0


@pytest.mark.parametrize("steps", PRESETS[:2])
def test_so_many_steps_and_the_first_guess(visit, car_png, steps):
    if not steps:
        visit.choose(car_png)
        visit.note_says("transparency")
    visit.page.locator("#preset").get_by_label(str(steps), exact=True).check()
    visit.wait_for("steps => document.querySelector('#steps input[type=number]').value == steps", steps)
    visit.page.click("#go")
    assert visit.ran(steps) == list(range(steps + 1))
    seconds = visit.steps("seconds")
    assert all(early < late for early, late in itertools.pairwise(seconds))
    assert all(visit.steps("loss")) and all(0 <= iou <= 1 for iou in visit.steps("iou"))
    assert len(visit.look(PLOT).split()) == steps + 1
    assert visit.text(".spir-numbers .step") == f"{steps} of {steps} (in use)"
    assert visit.text(".spir-status").startswith("Done:" if steps else "First guess")


def test_three_numbers_of_steps_are_compared(visit):
    visit.page.locator("#preset").get_by_label(str(PRESETS[2]), exact=True).check()
    visit.wait_for("last => document.querySelector('#steps input[type=number]').value == last", PRESETS[2])
    visit.set_steps(3)
    visit.wait_for("!document.querySelector('#preset input:checked')")
    visit.open("Compare")
    cards = visit.page.locator(".spir-card")
    assert cards.last.locator(".seconds").inner_text() == "–"
    visit.page.click("#run-race")
    assert visit.ran(PRESETS[2]) == list(range(PRESETS[2] + 1))
    for name in ("psnr", "distance", "iou", "seconds"):
        numbers = [float(text.split()[0]) for text in cards.locator(f".{name}").all_inner_texts()]
        assert len(numbers) == 3 and min(numbers) >= 0
    assert numbers == sorted(numbers)
    pictures = cards.locator("img").evaluate_all("all => all.map((image) => image.naturalWidth)")
    assert pictures == [128] * 3 and visit.page.locator(".marks circle").count() == 3


def test_fewer_steps_look_back_and_more_go_on(visit):
    known, before = visit.look(RENDERS), len(visit.posts)
    visit.set_steps(1)
    visit.wait_for("document.querySelector('.spir-numbers .step').textContent === '1 of 4'")
    visit.page.click("#go")
    visit.wait_for("window.heard_steps.used === 1")
    assert visit.look(RENDERS) == known and len(visit.posts) > before
    assert visit.text(".spir-status") == "Step 1 is in use."
    visit.run(6)
    assert visit.ran(6) == list(range(7))
    assert visit.look(RENDERS)[:5] == known, "what was there was not made anew"
    seconds = visit.steps("seconds")
    assert all(early < late for early, late in itertools.pairwise(seconds))


def test_a_step_is_used(visit):
    visit.with_colours()
    visit.page.locator(".scrub").fill("3")
    assert visit.text(".spir-numbers .step") == "3 of 6"
    visit.changed(PAINTING, lambda: visit.page.click("#use-step"))
    visit.wait_for("window.heard_steps.used === 3")
    assert visit.text(".spir-numbers .step") == "3 of 6 (in use)"
    visit.turned()


def pose(visit):
    """Where the sliders of the tab Pose stand."""
    names = ("azimuth", "elevation", "roll", "distance", "focal")
    return [visit.page.locator(f"#pose-{name} input[type=number]").input_value() for name in names]


def test_it_goes_on_from_a_step_with_and_without_the_camera(visit):
    """Follows the test before it, whose step is in use."""
    visit.open("Pose")
    visit.wait_for(
        "document.querySelector('#posing .spir-note').textContent.includes('pixels of their place')"
    )
    left = pose(visit)
    kept = visit.look(RENDERS)[:4]
    visit.set_steps(2)
    visit.page.locator(".scrub").fill("3")
    visit.page.get_by_label("leave the camera where it is").check()
    visit.page.click("#proceed")
    assert visit.ran(5) == list(range(6)) and visit.look(RENDERS)[:3] == kept[:3]
    with_camera = visit.look(RENDERS)
    visit.turned()
    assert pose(visit) == left
    visit.page.locator(".scrub").fill("3")
    visit.page.get_by_label("leave the camera where it is").uncheck()
    visit.page.click("#proceed")
    visit.wait_for(
        "known => window.heard_steps.frames.length === 6 && window.heard_steps.frames.at(-1).render !== known",
        with_camera[-1],
    )
    assert visit.ran(5) == list(range(6)) and visit.look(RENDERS)[:3] == kept[:3]


def test_stop_keeps_the_last_step_and_leaving_takes_all_away(browser, url, car_png, temporary):
    before = set(temporary.rglob("spir-*"))
    visit = Visit(browser, url, width=390, height=844)
    visit.choose(car_png)
    visit.note_says("transparency")
    visit.run(100)
    visit.wait_for("window.heard_steps.frames.length > 1")
    visit.page.click("#stop")
    visit.state("stopped")
    last = visit.steps("step")[-1]
    assert 1 <= last < 100 and visit.text(".spir-status") == f"Stopped. Step {last} is kept."
    assert visit.steps("step") == list(range(last + 1))
    (own,) = set(temporary.rglob("spir-*")) - before
    visit.page.close(run_before_unload=True)
    latest = time.monotonic() + 30
    while own.exists() and time.monotonic() < latest:
        time.sleep(0.1)
    assert not own.exists()
    visit.close()
