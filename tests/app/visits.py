"""What the browser tests share: the app as a process, a visitor at its page, and the looks at WCAG and overflow."""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import gradio as gr
import pytest

from spir.app.theme import STYLES, head, theme
from tests.app.toy import ROOT as WEIGHTS

REPOSITORY = Path(__file__).parents[2]
APP = ("app.py",)
QUICK = ("-m", "tests.app.quick_app")
"""Commands."""
CHROMIUM = Path("/usr/lib/chromium/chromium")
SOFTWARE_GL = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
HARMLESS = ("No available adapters", "WebGPU", "favicon")
"""Lines of the 3D viewer, which tries WebGPU before WebGL."""
LONG = 45_000
"""Milliseconds to wait for what computes, on a machine that others use too."""
AXE = Path(os.environ.get("AXE", REPOSITORY / "node_modules/axe-core/axe.min.js"))
TABS = ("Recolour", "Compare", "Pose", "Mix", "Mesh", "Downloads")
PAINTING = "document.querySelector('#orbit canvas').toDataURL()"
IN_BROWSER = [pytest.mark.browser, pytest.mark.filterwarnings("default")]
"""What a file of such tests is marked with."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def launch(page: gr.Blocks) -> str:
    """Serve one page in this process, with the app's looks; returns its address. The caller closes it."""
    _, address, _ = page.launch(
        server_name="127.0.0.1",
        server_port=free_port(),
        prevent_thread_lock=True,
        quiet=True,
        theme=theme(),
        css_paths=STYLES,
        head=head(),
        ssr_mode=False,
        run_history=False,
    )
    return address


@cache
def starter():
    """The process that starts servers; it ends with us."""
    command = [sys.executable, "-m", "tests.app.starter"]
    env = os.environ | {"OMP_NUM_THREADS": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
    pipe, silent = subprocess.PIPE, subprocess.DEVNULL
    process = subprocess.Popen(
        command, cwd=REPOSITORY, env=env, stdin=pipe, stdout=pipe, stderr=silent, text=True
    )
    atexit.register(process.kill)
    return process


class Server:
    """A server that was started: as `Popen`, so far as it is needed."""

    def __init__(self, command, log, variables):
        self.log = log
        log.touch()
        process = starter()
        asked = {"command": list(command), "env": variables, "log": str(log)}
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        told = process.stdout.readline()
        if not told:
            pytest.fail("nothing can be started; `python -m tests.app.starter` says why")
        self.number = int(told)

    @property
    def runs(self):
        try:
            os.kill(self.number, 0)
        except ProcessLookupError:
            return False
        return True

    def end(self, how=signal.SIGTERM):
        """Waits until it has."""
        latest = time.monotonic() + 20
        while self.runs:
            os.kill(self.number, how if time.monotonic() < latest else signal.SIGKILL)
            time.sleep(0.1)

    def answered(self, address):
        """Waits until it does, and fails with what the process said if it does not."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        latest = time.monotonic() + 2 * LONG / 1000
        while self.runs and time.monotonic() < latest:
            try:
                opener.open(address, timeout=5).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.1)
        pytest.fail("the app did not answer: " + self.log.read_text())


def begun(command, temporary, port, weights=WEIGHTS, **variables):
    """A server of toy weights that answers at a port of this machine, and its address."""
    known = {"GRADIO_SERVER_PORT": str(port), "OMP_NUM_THREADS": "1", "SPIR_WEIGHTS": str(weights)}
    known |= {"TMPDIR": str(temporary), "NO_PROXY": "127.0.0.1,localhost", **variables}
    server, address = Server(command, temporary / "server.log", known), f"http://127.0.0.1:{port}"
    server.answered(address)
    return server, address


@contextmanager
def served(command, temporary, **variables):
    """The address of a server that runs as a process until we are done; what it writes lies in `temporary`.

    A process of its own, as a server inside a test leaves event loops behind."""
    server, address = begun(command, temporary, free_port(), **variables)
    try:
        yield address
    finally:
        server.end()


class Visit:
    """A page, what it complained of, asked for elsewhere and posted."""

    def __init__(self, browser, url, width=1360, height=900, theme="light", **options):
        self.context = browser.new_context(viewport={"width": width, "height": height}, **options)
        self.page = self.context.new_page()
        self.complaints, self.outside, self.posts, self.streams = [], [], [], set()
        self.page.on("console", self.console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self.request)
        self.page.on("requestfinished", self.ended)
        self.page.on("requestfailed", self.ended)
        self.page.set_default_timeout(LONG)
        self.page.goto(f"{url}/?__theme={theme}")
        self.ready()

    def ready(self):
        """Waits until the page is, and listens to what its parts tell each other."""
        self.page.wait_for_selector("#go")
        self.page.wait_for_selector("#cutout .spir-note")
        self.page.wait_for_selector("#timeline .spir-status:not(:empty)")
        for name in ("steps", "palette", "renamed"):
            self.look(f"spir.on({name!r}, document.body, (said) => (window.heard_{name} = said))")

    def console(self, message):
        if message.type == "error" and not any(word in message.text for word in HARMLESS):
            self.complaints.append(message.text)

    def request(self, request):
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            self.outside.append(request.url)
        if request.method == "POST":
            self.posts.append(request.url)
        if "queue/data" in request.url:
            self.streams.add(request)

    def ended(self, request):
        self.streams.discard(request)

    def close(self):
        self.context.close()

    def look(self, script, *given):
        """What a function of JavaScript answers in the page."""
        return self.page.evaluate(script, *given)

    def text(self, selector):
        return self.page.locator(selector).inner_text()

    def wait_for(self, condition, given=None):
        self.page.wait_for_function(condition, arg=given)

    def changed(self, script, act):
        """The answer of a script, once an act has made it another."""
        before = self.look(script)
        act()
        self.wait_for(f"before => {script} !== before", before)
        return self.look(script)

    # --- the photo
    def choose(self, path):
        self.page.locator("#photo input[type=file]").first.set_input_files(str(path))

    def remove(self):
        """Takes the photo away, as only then another can be chosen."""
        self.page.locator("#photo").get_by_label("Remove Image").click()

    def note_says(self, words):
        """Waits until the panel of the cut-out says something."""
        self.wait_for(
            "words => document.querySelector('#cutout .spir-note').textContent.includes(words)", words
        )

    def toast(self):
        """The words of the next one, which is closed then."""
        told = self.page.get_by_test_id("toast-body").first
        told.wait_for()
        words = told.inner_text()
        self.page.get_by_test_id("toast-close").first.click()
        told.wait_for(state="detached")
        return words

    # --- the run
    def set_steps(self, number):
        box = self.page.locator("#steps input[type=number]")
        box.fill(str(number))
        box.press("Enter")

    def run(self, steps):
        self.set_steps(steps)
        self.page.click("#go")

    def state(self, name):
        self.wait_for("name => document.querySelector('.spir-timeline').dataset.state === name", name)

    def ran(self, steps):
        """Waits until the run is done up to that step; gives the numbers of the steps that are there."""
        self.wait_for(
            "last => window.heard_steps.state === 'done' && window.heard_steps.total === last"
            " && window.heard_steps.frames.at(-1)?.step === last",
            steps,
        )
        return self.steps("step")

    def steps(self, name):
        """That number of every step that the page has."""
        return self.look("name => window.heard_steps.frames.map((frame) => frame[name])", name)

    def settled(self):
        """Waits until no event is under way: no stream of answers is open, and nothing more is asked."""
        known = -1
        while self.streams or len(self.posts) > known:
            known = len(self.posts)
            self.page.wait_for_timeout(400)

    def turned(self):
        """Waits until all that follows a run has come: colours, verdict, views, pose, the line of the machine."""
        self.with_colours()
        self.settled()

    def with_colours(self):
        """Waits until the colours and all views of the run that the timeline shows are there."""
        self.wait_for("window.heard_palette?.run === window.heard_steps.run")
        self.page.wait_for_selector("#orbit .turn[aria-busy=false]")

    def open(self, tab):
        self.page.get_by_role("tab", name=tab).click()

    def overflow(self):
        return self.look("document.documentElement.scrollWidth - window.innerWidth")

    def violations(self):
        """Of WCAG 2 A and AA by axe-core; none where it has not been installed (`npm install axe-core`)."""
        if not AXE.is_file():
            return []
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        rules = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']}"
        found = self.look(f"axe.run(document, {rules})")["violations"]
        return [(fault["id"], fault["nodes"][0]["target"]) for fault in found]
