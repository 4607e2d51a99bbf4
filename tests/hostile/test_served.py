"""The running app and a visitor who means no good: uploads of every kind, at the page's own events, over HTTP."""

import io
import json
import re
import uuid
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.app.test_clients import LONG, META, served
from tests.hostile.broken import HTML, SVG, TEXTS
from tests.hostile.case import noise, saved
from tests.hostile.corpus import pictures
from tests.hostile.doors import good_file
from tests.hostile.worker import PATH

SAMPLE = 12
"""Every so manieth picture of the corpus."""
MOST_MEGABYTES = 1000
"""That the app may grow by."""
NAMES = (
    "../../../etc/cron.d/evil.jpg",
    "..\\..\\evil.jpg",
    "/etc/passwd",
    "a\\b/c.jpg",
    "%2e%2e%2fevil.jpg",
    "\u202egpj.live.jpg",
    "CON.jpg",
    ".htaccess",
    "x" * 400 + ".jpg",
    "-rf.jpg",
    "a;b|c$(d).jpg",
    "....jpg",
)


class Visitor:
    """One session of the page, by HTTP alone."""

    def __init__(self, url):
        self.http = httpx.Client(base_url=f"{url}/gradio_api", trust_env=False, timeout=LONG)
        self.session = uuid.uuid4().hex[:10]
        config = httpx.get(f"{url}/config", trust_env=False).json()
        self.pieces = {piece["props"].get("elem_id"): piece["id"] for piece in config["components"]}
        self.events = config["dependencies"]

    def event(self, piece, kind):
        """The number of the piece's own event."""
        target = [self.pieces[piece], kind]
        return next(event["id"] for event in self.events if target in [list(t) for t in event["targets"]])

    def next(self, first):
        """The event that follows another, once that has ended."""
        return next(event["id"] for event in self.events if event.get("trigger_after") == first)

    def upload(self, name, data):
        """The answer, and where the file lies."""
        answer = self.http.post("/upload", files={"files": (name, data)})
        return answer, answer.json()[0] if answer.is_success else None

    def ask(self, number, *values):
        """The last word of an event: whether it went well, and all that was said."""
        body = {"fn_index": number, "data": list(values), "session_hash": self.session}
        joined = self.http.post("/queue/join", json=body)
        if not joined.is_success:
            return False, joined.text
        said = []
        with self.http.stream("GET", "/queue/data", params={"session_hash": self.session}) as stream:
            for line in stream.iter_lines():
                if not line.startswith("data:"):
                    continue
                message = json.loads(line[5:])
                said.append(message)
                if message["msg"] in ("process_completed", "close_stream"):
                    break
        done = next(message for message in said if message["msg"] == "process_completed")
        return done["success"], done["output"].get("error") or ""

    def photo(self, name, data):
        _, path = self.upload(name, data)
        return self.ask(self.next(self.event("photo", "input")), {"path": path, "meta": META}, None)

    def zip(self, name, data):
        _, path = self.upload(name, data)
        return self.ask(self.event("open-zip", "upload"), {"path": path, "meta": META}, None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def app(folder):
    with served(folder, "app.py") as (url, log):
        yield url, log


@pytest.fixture(scope="module")
def visitor(app):
    came = Visitor(app[0])
    yield came
    came.http.close()


def is_words(told):
    """Whether a refusal is for people."""
    return bool(told) and not PATH.search(told) and len(told) < 400


def megabytes(folder):
    """Of memory that the app takes, found by where it writes; zero where the system does not tell."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={folder}".encode() in (process / "environ").read_bytes():
                return int(re.search(r"VmRSS:\s+(\d+)", (process / "status").read_text())[1]) / 1024
        except (OSError, TypeError):
            continue
    return 0


def test_hostile_photos_are_answered_in_words_and_the_next_is_taken(app, visitor, folder):
    assert visitor.photo("good.jpg", good_file())[0]
    before = megabytes(folder)
    refused = 0
    for case in [case for case in pictures() if case.expect == "refused"][::SAMPLE]:
        well, told = visitor.photo(case.name, case.data or b"\n")
        assert not well and is_words(told), (case.name, told)
        refused += 1
    assert refused >= 10
    assert visitor.photo("good.jpg", good_file())[0]
    assert megabytes(folder) - before < MOST_MEGABYTES
    assert "Traceback" not in app[1].read_text()


def test_hostile_zips_are_answered_in_words(app, visitor):
    from tests.hostile import archives

    cases = [case for case in archives.cases() if case.expect == "refused"][::SAMPLE]
    for case in cases:
        well, told = visitor.zip(case.name, case.data or b"\n")
        assert not well and is_words(told), (case.name, told)
    assert len(cases) >= 5
    assert visitor.zip("sound.zip", archives.zipped())[0]
    assert "Traceback" not in app[1].read_text()


@pytest.mark.parametrize("name", NAMES)
def test_names_stay_within_the_folder(visitor, folder, name):
    answer, path = visitor.upload(name, b"here I am")
    if not answer.is_success:
        return
    assert Path(path).resolve().is_relative_to(folder.resolve() / "gradio")
    assert Path(path).read_bytes() == b"here I am"


@pytest.mark.parametrize("path", ["/etc/passwd", "../../../etc/passwd", "app.py", "", None, 3, "\0"])
def test_only_uploaded_files_are_opened_and_none_is_deleted(app, visitor, path):
    before = Path("app.py").exists(), Path("/etc/passwd").exists()
    for number in (visitor.next(visitor.event("photo", "input")), visitor.event("open-zip", "upload")):
        well, _ = visitor.ask(number, {"path": path, "meta": META}, None)
        assert not well
    assert (Path("app.py").exists(), Path("/etc/passwd").exists()) == before


@pytest.mark.parametrize(
    "name", ["page.html", "page.jpg", "page.svg", "page.xhtml", "page", "page.js", "page.xml"]
)
@pytest.mark.parametrize("content", [HTML, SVG, TEXTS["drawing.svg"]], ids=["html", "svg", "xml"])
def test_what_was_uploaded_never_runs(visitor, name, content):
    """A browser gets it as a picture that it may not take for anything else, or to keep."""
    _, path = visitor.upload(name, content)
    answer = visitor.http.get(f"/file={quote(path)}")
    kind, how = answer.headers["content-type"], answer.headers.get("content-disposition", "inline")
    assert answer.headers.get("x-content-type-options") == "nosniff"
    assert kind.split(";")[0] in ("image/jpeg", "image/png", "application/octet-stream")
    assert how.startswith("attachment") or kind.startswith("image/")


def test_a_very_large_upload_is_refused(visitor):
    answer, _ = visitor.upload("large.jpg", io.BytesIO(bytes(27 * 10**6)))
    assert not answer.is_success
    assert visitor.photo("small.png", saved(noise()))[0]
