"""Fetching from a server of the test's own: resumed, checked, and its failures in words."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from spir.errors import WeightsError
from spir.weights.fetch import address, fetch

CONTENT = bytes(range(256)) * 4000
HASH = hashlib.sha256(CONTENT).hexdigest()


class Server(BaseHTTPRequestHandler):
    """Knows one file; may break off in the middle, or know no ranges."""

    def do_GET(self):
        server = self.server
        server.asked.append(self.headers.get("Range"))
        if self.path != "/files/a%20b.pth":
            return self.send_error(404)
        start = 0
        if server.ranges and (wanted := self.headers.get("Range")):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(CONTENT):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
                self.send_header("Content-Length", "0")
                return self.end_headers()
            self.send_response(206)
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start : start + server.breaks_after])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    made = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    made.asked, made.ranges, made.breaks_after = [], True, len(CONTENT)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def url(server):
    return f"http://127.0.0.1:{server.server_port}/files/a%20b.pth"


def test_a_file_arrives_whole(url, tmp_path):
    path = fetch(url, tmp_path / "new", HASH)
    assert path.name == "a b.pth" and path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("ranges", [True, False])
def test_what_broke_off_goes_on(server, url, tmp_path, ranges):
    server.ranges, server.breaks_after = ranges, 300_000
    with pytest.raises(WeightsError, match="could not be fetched.*300,000 bytes are kept"):
        fetch(url, tmp_path)
    server.breaks_after = len(CONTENT)
    assert fetch(url, tmp_path, HASH.upper()).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-"]


def test_a_file_that_was_complete_already_is_not_doubled(server, url, tmp_path):
    (tmp_path / "a b.pth.part").write_bytes(CONTENT)
    assert fetch(url, tmp_path).read_bytes() == CONTENT
    (tmp_path / "a b.pth.part").write_bytes(CONTENT + b"of something else")
    assert fetch(url, tmp_path).read_bytes() == CONTENT


def test_a_known_file_is_not_asked_for_again(server, url, tmp_path):
    fetch(url, tmp_path, HASH)
    fetch(url, tmp_path, HASH)
    assert len(server.asked) == 1


def test_another_file_is_not_kept(url, tmp_path):
    with pytest.raises(WeightsError, match="was not kept"):
        fetch(url, tmp_path, "0" * 64)
    assert not list(tmp_path.iterdir())


def test_failures_say_what_to_do(server, url, tmp_path):
    with pytest.raises(WeightsError, match="404.*check the address"):
        fetch(url + "x", tmp_path)
    server.shutdown()
    server.server_close()
    with pytest.raises(WeightsError, match="Is there a network.*the same command goes on"):
        fetch(url, tmp_path)


@pytest.mark.parametrize(
    "source", ["model.pth", "owner/name", "ftp://host/x/y", "../../etc/passwd", "file:///etc/x"]
)
def test_other_sources_are_refused(source, tmp_path):
    with pytest.raises(WeightsError, match="neither a URL"):
        fetch(source, tmp_path)


def test_the_hub_is_an_address(monkeypatch):
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    assert address("owner/name/a/b.pth") == "https://huggingface.co/owner/name/resolve/main/a/b.pth"
