"""When more want to compute than may wait, in a real browser: the one who does not fit in is told, and loses nothing."""

import pytest

from tests.app.visits import IN_BROWSER, Visit

pytestmark = IN_BROWSER
MAY_WAIT = 16


@pytest.fixture
def busy(browser, url, car_png):
    """A run so long that the others have to wait."""
    visit = Visit(browser, url)
    visit.choose(car_png)
    visit.note_says("transparency")
    visit.run(100)
    visit.wait_for("window.heard_steps.frames.length > 1")
    yield visit
    visit.close()


def test_a_full_queue_says_so(browser, url, car_png, busy):
    visit = Visit(browser, url)
    visit.choose(car_png)
    visit.note_says("transparency")
    asked = visit.page.request
    config = asked.get(f"{url}/config").json()
    endpoint = next(event["id"] for event in config["dependencies"] if event["api_name"] == "export")
    for waiting in range(MAY_WAIT + 4):
        body = {"data": ["nobody", "glb", 64], "fn_index": endpoint, "session_hash": f"waiting{waiting}"}
        answer = asked.post(f"{url}/gradio_api/queue/join", data=body)
        if not answer.ok:
            break
    assert answer.status == 503 and MAY_WAIT <= waiting, "so many may wait, and no more"
    visit.page.click("#go")
    assert "currently busy" in visit.toast()
    # Nothing of it is lost, and later it works.
    assert visit.look("document.querySelector('.spir-timeline').dataset.state") != "waiting"
    busy.page.click("#stop")
    busy.state("stopped")
    while asked.get(f"{url}/gradio_api/queue/status").json()["queue_size"]:
        visit.page.wait_for_timeout(200)
    visit.run(1)
    assert visit.ran(1) == [0, 1]
    visit.close()
