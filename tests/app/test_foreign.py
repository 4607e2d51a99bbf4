"""Nobody gets at what is not his: the server's files, addresses behind it, another visitor's run and pictures."""

import json
from pathlib import Path

import httpx
import pytest

import spir
from spir.app import text
from tests.app.test_clients import HOME, LONG, META, call, refused, upload
from tests.app.toy import ROOT as WEIGHTS


@pytest.fixture
def place(temporary, url):
    """Where the app writes, and its address."""
    return temporary, url


@pytest.fixture
def http(place):
    with httpx.Client(base_url=f"{place[1]}/gradio_api", trust_env=False, timeout=LONG) as client:
        yield client


@pytest.fixture(scope="module")
def run(url, car_png):
    """The key of somebody's run, and the address of its cut-out."""
    with httpx.Client(base_url=f"{url}/gradio_api", trust_env=False, timeout=LONG) as http:
        _, (told, picture) = call(http, "segment", photo=upload(http, car_png))
    return told["run"], picture["path"]


def raw(http, path):
    """The answer to a path as it stands: httpx would tidy it."""
    return http.get(httpx.URL(str(http.base_url).rstrip("/") + path))


SECRETS = {
    "passwords": "/etc/passwd",
    "environment": "/proc/self/environ",
    "code": str(Path(spir.__file__).resolve()),
    "app": str(HOME / "app.py"),
    "weights": str(next(WEIGHTS.rglob("*.safetensors"))),
}


@pytest.mark.parametrize("path", SECRETS.values(), ids=SECRETS)
def test_files_of_the_server_are_not_served(http, place, path):
    root = place[0] / "gradio"
    up = "../" * len(root.parts)
    for way in (
        path,
        path.lstrip("/"),
        f"{root}/{up}{path}",
        f"{root}/{up}{path}".replace("../", "%2e%2e/"),
        f"{root}/{up}{path}".replace("../", "..%2f"),
        f"{root}/{up}{path}".replace("/", "%2f"),
        f"{root}/{up}{path}".replace("../", "%252e%252e/"),
        f"file://{path}",
        f"{path}%00.png",
    ):
        for route in (f"/file={way}", f"/file/{way}"):
            answer = raw(http, route)
            assert answer.status_code in (403, 404), route
            assert Path(path).read_bytes()[:20] not in answer.content or path.startswith("/proc")


def test_a_link_out_of_the_folder_and_the_folder_itself_are_not_served(http, place, run):
    folder = place[0] / "gradio"
    for path in (folder, Path(run[1]).parent, Path(run[1]).parent / "..", place[0]):
        assert http.get(f"/file={path}").status_code == 403
    assert http.get(f"/file={run[1]}").is_success, "whoever has the address"
    (link,) = [answer["path"] for answer in [upload_named(http, "../../../../../etc/passwd")]]
    assert Path(link).is_relative_to(folder) and not Path(link).is_symlink()


def upload_named(http, name):
    """Where a file of that name went."""
    (there,) = http.post("/upload", files={"files": (name, b"nothing much")}).json()
    return {"path": there, "meta": META}


@pytest.mark.parametrize(
    "way",
    [
        "/file={url}",
        "/file/{url}",
        "/proxy={url}",
        "/file=http://169.254.169.254/latest/meta-data/",
        "/file=http://localhost:22/",
        "/file=http://[::1]/",
        "/file=http://0x7f000001/",
        "/file=https://example.org/",
        "/file=ftp://127.0.0.1/",
        "/file=HTTP://127.0.0.1/",
        "/file=%20http://127.0.0.1/",
        "/file=http%3a//127.0.0.1/",
        "/deep_link?session_hash=any",
    ],
)
def test_nothing_is_fetched_for_anybody(http, place, way):
    answer = raw(http, way.format(url=f"{place[1]}/healthz"))
    assert answer.status_code == 403 and b"status" not in answer.content


def test_films_are_not_worked_on_and_nobody_is_counted(http, place):
    film = {"video": ("film.mp4", b"#EXTM3U\n/etc/passwd")}
    assert http.post("/process_recording", files=film).status_code == 403
    for path in ("/monitoring", "/monitoring/summary"):
        assert httpx.get(place[1] + path, trust_env=False).status_code == 403


PLACES = [
    "http://127.0.0.1:1/x.png",
    "http://localhost/x.png",
    "http://169.254.169.254/latest",
    "http://10.0.0.1/x.png",
    "http://[::1]/x.png",
    "http://0.0.0.0/x.png",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("where", PLACES)
def test_a_photo_is_not_fetched_from_within(http, where):
    told = refused(http, "segment", photo={"path": where, "url": where, "meta": META})
    assert told and "root:" not in told
    told = refused(http, "segment", photo={"path": "", "url": where, "meta": META})
    assert told and "root:" not in told


def test_anothers_run_needs_its_key(http, run):
    key, picture = run
    assert key not in picture, "the address of a picture tells nothing of the key"
    for guess in ("", "1", key[:-1], key.upper() if key != key.upper() else key[::-1], "0" * 32):
        assert refused(http, "export", run=guess) == text.FORGOTTEN
    assert refused(http, "export", run=key) == text.NO_RESULT, "the key is all it takes"


def test_the_page_of_another_tab_has_nothing_of_it(http, place, run):
    told = json.dumps([http.get("/info").json(), httpx.get(f"{place[1]}/config", trust_env=False).json()])
    assert run[0] not in told and Path(run[1]).parent.name not in told
    health = httpx.get(f"{place[1]}/healthz", trust_env=False).text
    assert run[0] not in health and str(place[0]) not in health
