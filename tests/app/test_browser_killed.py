"""The server dies under an open page and comes back: what the page shows stays, and it says what is lost."""

import os
import signal
import subprocess
import sys

import pytest

from spir.app import text
from tests.app.toy import ROOT
from tests.app.visits import APP, IN_BROWSER, PAINTING, REPOSITORY, Visit, answered, free_port

pytestmark = IN_BROWSER


@pytest.fixture
def server(tmp_path):
    """Starts the app, on the same port each time; whatever runs is killed in the end."""
    port, running = free_port(), []

    def start():
        own = {"GRADIO_SERVER_PORT": str(port), "OMP_NUM_THREADS": "1", "TMPDIR": str(tmp_path)}
        own |= {"SPIR_WEIGHTS": str(ROOT), "NO_PROXY": "127.0.0.1,localhost"}
        with (tmp_path / "log").open("w") as log:
            command = [sys.executable, str(APP)]
            process = subprocess.Popen(command, cwd=REPOSITORY, env=os.environ | own, stdout=log, stderr=log)
        running.append(process)
        address = f"http://127.0.0.1:{port}"
        answered(process, address, tmp_path / "log")
        return address, process

    yield start
    for process in running:
        process.kill()
        process.wait(20)


def test_a_killed_server_does_not_lose_the_page(browser, server, car_png):
    url, process = server()
    visit = Visit(browser, url)
    visit.choose(car_png)
    visit.note_says("transparency")
    visit.run(2)
    visit.ran(2)
    visit.turned()
    steps, painting = visit.steps("loss"), visit.look(PAINTING)
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    server()
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
