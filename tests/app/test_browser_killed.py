"""The server dies under an open page and comes back: what the page shows stays, and it says what is lost."""

import signal

import pytest

from spir.app import text
from tests.app.visits import IN_BROWSER, PAINTING, QUICK, Visit, begun, free_port

pytestmark = IN_BROWSER


@pytest.fixture
def start(tmp_path):
    """Starts the app, on the same port each time; whatever runs is killed in the end."""
    port, running = free_port(), []

    def start():
        server, address = begun(QUICK, tmp_path, port)
        running.append(server)
        return address, server

    yield start
    for server in running:
        server.end(signal.SIGKILL)


def test_a_killed_server_does_not_lose_the_page(browser, start, car_png):
    url, server = start()
    visit = Visit(browser, url)
    visit.choose(car_png)
    visit.note_says("transparency")
    visit.run(0)
    visit.ran(0)
    visit.turned()
    steps, painting = visit.steps("loss"), visit.look(PAINTING)
    server.end(signal.SIGKILL)
    start()
    assert visit.steps("loss") == steps and visit.look(PAINTING) == painting
    visit.open("Recolour")
    paint = "field => {field.value = '#2040c0'; field.dispatchEvent(new Event('input', {bubbles: true}))}"
    field = visit.page.locator(".spir-fields input").first
    assert visit.changed(PAINTING, lambda: field.evaluate(paint)) != painting
    visit.page.click("#go")
    visit.wait_for(
        "told => [...document.querySelectorAll('[data-testid=toast-body]')].some("
        "(toast) => toast.innerText.includes(told))",
        text.FORGOTTEN,
    )
    assert visit.steps("loss") == steps
    visit.close()
