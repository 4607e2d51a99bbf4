"""Files in and out of the page in a real browser: photos of every kind, the ZIP and its way back, two visitors."""

import base64
import io
import json
import re
import struct
import zipfile

import numpy as np
import pytest
import trimesh
from PIL import Image

from tests.app.visits import IN_BROWSER, PAINTING, REPOSITORY, Visit

pytestmark = IN_BROWSER
INPUT = "document.querySelector('#cutout img.input').src"
COLOURS = "[...document.querySelectorAll('.spir-fields input')].map((field) => field.value)"


def drawn(car_png, width=400):
    """The drawn car, opaque on a light floor."""
    with Image.open(car_png) as car:
        floor = Image.new("RGBA", car.size, (225, 230, 235, 255))
        whole = Image.alpha_composite(floor, car).convert("RGB")
    return whole.resize((width, width * 260 // 400))


@pytest.fixture(scope="module")
def photos(car_png, tmp_path_factory):
    """Name -> a file, and the size of the canvas that shows it."""
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    folder = tmp_path_factory.mktemp("kinds")
    plain = drawn(car_png)
    grey = np.asarray(plain.convert("L")).astype(np.uint16) * 257
    turned = Image.Exif()
    turned[0x0112] = 6
    plain.save(folder / "plain.heic")
    plain.convert("CMYK").save(folder / "cmyk.jpg")
    plain.save(folder / "turned.jpg", exif=turned)
    Image.fromarray(grey).save(folder / "deep.png")
    drawn(car_png, 5600).save(folder / "large.jpg")
    return folder


@pytest.fixture(scope="module")
def chosen(photos, browser, url):
    """A visit for many photos, one after the other."""
    visit = Visit(browser, url)
    yield visit
    assert visit.complaints == [] and visit.outside == []
    visit.close()


@pytest.mark.parametrize(
    ("name", "ratio"),
    [
        ("plain.heic", 400 / 260),
        ("cmyk.jpg", 400 / 260),
        ("turned.jpg", 260 / 400),
        ("deep.png", 400 / 260),
        ("large.jpg", 400 / 260),
    ],
)
def test_every_kind_of_photo(chosen, photos, name, ratio):
    chosen.choose(photos / name)
    chosen.note_says("Cut out by")
    chosen.wait_for("document.querySelector('#cutout img.input').naturalWidth === 128")
    shown = chosen.look(
        "[...['width', 'height']].map((side) => document.querySelector('#cutout canvas')[side])"
    )
    assert shown[0] / shown[1] == pytest.approx(ratio, rel=0.01) and max(shown) <= 1280
    picture = pixels(chosen.look(INPUT))
    assert picture.std() > 10, "neither white nor black"
    if name not in ("deep.png", "turned.jpg"):
        seen = picture.reshape(-1, 3)
        assert ((seen[:, 0] > 150) & (seen[:, 1:].max(1) < 90)).mean() > 0.05, "red is red"
    chosen.remove()
    chosen.note_says("Add a photo")


def pixels(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1]))).convert("RGB"))


def test_wrong_files_are_told_kindly_and_the_page_lives_on(chosen, wrong_files, car_png):
    visit = chosen
    for name, told in (("text", "not a picture"), ("dot", "too small"), ("empty", "empty")):
        visit.choose(wrong_files[name])
        visit.note_says(told)
        assert told in visit.toast() and visit.page.locator("#cutout img.input").is_hidden()
        visit.remove()
        visit.note_says("Add a photo")
    visit.choose(car_png)
    visit.note_says("transparency")
    visit.wait_for("document.querySelector('#cutout img.input').naturalWidth === 128")
    assert visit.look("document.querySelector('#cutout canvas').width") == 400


@pytest.fixture(scope="module")
def links(done):
    """Name -> address of what the tab Downloads offers, in colours that the visitor chose."""
    paint = "field => {field.value = '#2040c0'; field.dispatchEvent(new Event('input', {bubbles: true}))}"
    done.page.locator(".spir-fields input").first.evaluate(paint)
    done.open("Downloads")
    done.page.click("#prepare")
    done.page.wait_for_selector("#files a[download]")
    return {
        link.get_attribute("download"): link.get_attribute("href")
        for link in done.page.locator("#files a").all()
    }


@pytest.fixture(scope="module")
def whole(done, links, tmp_path_factory):
    path = tmp_path_factory.mktemp("kept") / "car.zip"
    answer = done.page.request.get(links["car.zip"])
    assert answer.ok
    path.write_bytes(answer.body())
    return path


def test_one_zip_with_everything(links, whole):
    assert set(links) == {"car.zip", "car-orbit.mp4", "car-orbit.gif"}
    with zipfile.ZipFile(whole) as packed:
        assert packed.testzip() is None
        names = {name.rsplit("/", 1)[-1] for name in packed.namelist()}
        record = json.loads(
            packed.read(next(name for name in packed.namelist() if name.endswith("run.json")))
        )
        glb = packed.read(next(name for name in packed.namelist() if name.endswith(".glb")))
    assert {"run.json", "orbit.mp4", "orbit.gif"} <= names
    assert {end for name in names for end in ("glb", "ply", "obj", "stl") if name.endswith(end)} == {
        "glb",
        "ply",
        "obj",
        "stl",
    }
    assert record["steps"] == 3
    length = struct.unpack_from("<I", glb, 12)[0]
    parts = json.loads(glb[20 : 20 + length])
    (material,) = parts["materials"]
    assert "KHR_materials_unlit" in material["extensions"] and len(parts["cameras"]) == 1
    assert any("camera" in node for node in parts["nodes"])
    accessor = parts["accessors"][parts["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"]]
    start = 28 + length + parts["bufferViews"][accessor["bufferView"]].get("byteOffset", 0)
    levels = np.frombuffer(glb, "<f4", 3 * accessor["count"], start)
    assert accessor["componentType"] == 5126 and 0 <= levels.min() and levels.max() <= 1
    scene = trimesh.load(io.BytesIO(glb), file_type="glb", force="mesh")
    assert len(scene.faces) > 100 and accessor["count"] == len(scene.vertices)


def reopen(visit, path):
    with visit.page.expect_file_chooser() as waiting:
        visit.page.get_by_role("button", name="Open a saved ZIP").click()
    waiting.value.set_files(str(path))


def test_the_zip_brings_everything_back(browser, url, done, whole):
    visit = Visit(browser, url)
    reopen(visit, whole)
    visit.wait_for("window.heard_steps.frames.length === 4")
    visit.with_colours()
    assert visit.steps("loss") == done.steps("loss") and visit.look("window.heard_steps.used") == 3
    assert visit.text(".spir-status") == "Step 3 is in use."
    assert visit.look("window.heard_steps.run") != done.look("window.heard_steps.run")
    assert visit.look(COLOURS) == done.look(COLOURS) and visit.look(PAINTING) == done.look(PAINTING)
    visit.note_says("transparency")
    # A damaged one takes nothing away.
    data = bytearray(whole.read_bytes())
    data[len(data) // 2 :] = b""
    damaged = whole.with_name("damaged.zip")
    damaged.write_bytes(data)
    before = visit.look(PAINTING), visit.look("window.heard_steps.run")
    reopen(visit, damaged)
    assert visit.toast()
    assert (visit.look(PAINTING), visit.look("window.heard_steps.run")) == before
    assert len(visit.steps("step")) == 4
    visit.run(4)
    assert visit.ran(4) == list(range(5)), "what was brought back goes on"
    assert visit.complaints == []
    visit.close()


def test_two_visitors_never_see_each_other(browser, url, done, links, temporary, car_png):
    other = Visit(browser, url)
    assert other.steps("step") == [] and other.page.locator("#swatches input[type=color]").count() == 0
    other.choose(car_png)
    other.note_says("transparency")
    other.run(0)
    other.ran(0)
    mine, theirs = other.look("window.heard_steps.run"), done.look("window.heard_steps.run")
    assert mine and theirs and mine != theirs
    assert len(done.steps("step")) == 4 and len(other.steps("step")) == 1
    other.open("Downloads")
    assert other.page.locator("#files a").count() == 0
    page = other.page.content()
    assert theirs not in page and all(link not in page for link in links.values())
    # Whoever has the address of a file gets it; nobody guesses one, and no folder is listed.
    assert all(re.search("[0-9a-f]{32}", link) for link in links.values())
    for folder in [temporary / "gradio", *temporary.rglob("spir-*")]:
        assert not other.page.request.get(f"{url}/gradio_api/file={folder}").ok
    other.close()


def test_other_files_are_not_served_and_the_endpoints_have_names(browser, url):
    page = browser.new_page()
    for path in ("/etc/passwd", REPOSITORY / "app.py", REPOSITORY / "assets/style.css"):
        assert page.request.get(f"{url}/gradio_api/file={path}").status == 403
    named = page.request.get(f"{url}/gradio_api/info").json()["named_endpoints"]
    assert set(named) == {"/segment", "/reconstruct", "/recolour", "/export"}
    page.close()
