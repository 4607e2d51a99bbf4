"""The contact sheet and the table: complete, safe with any name, in need of nothing else."""

import csv
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from spir.batch import report
from spir.batch.jobs import jobs
from spir.batch.process import BatchContext, process_job
from spir.batch.report import write_report
from spir.batch.store import Store
from tests.batch.conftest import drawn_photos, quick_settings

EVIL = '"><img src=x onerror=alert(1)><b>&amp;#%20?'


class Tags(HTMLParser):
    """Every tag with its attributes, and all text."""

    def __init__(self, page):
        super().__init__()
        self.found, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def done(engine, weights, tmp_path_factory):
    """The store after two cars, one with an evil name, and two failures, one with an evil name."""
    root = tmp_path_factory.mktemp("report")
    photos = drawn_photos(root / "photos")
    for suffix in (".png", ".mask.png"):
        (photos / f"car1{suffix}").rename(photos / f"{EVIL}{suffix}")
    (photos / f"{EVIL}{EVIL}.jpg").write_bytes(b"no")
    context = BatchContext(engine, quick_settings(weights), Store(str(root / "out")))
    for name in ("car0.png", f"{EVIL}.png", f"{EVIL}{EVIL}.jpg", "broken.jpg"):
        process_job(context, jobs([str(photos / name)])[0])
    write_report(context.store)
    return context.store


def test_the_page_shows_all_and_asks_nobody(done):
    page = Path(done.root, "index.html").read_text()
    tags = Tags(page)
    images = [attributes for tag, attributes in tags.found if tag == "img"]
    assert len(images) == 2 and all(image["loading"] == "lazy" and image["alt"] for image in images)
    assert "cut out by mask car0.mask.png" in tags.text and f"mask {EVIL}.mask.png" in tags.text
    assert EVIL + ".png" in tags.text and "2 done, 2 failed" in tags.text and "not a picture" in tags.text
    assert {tag for tag, _ in tags.found}.isdisjoint({"script", "link", "iframe", "b onerror"})
    addresses = [attributes.get("src", attributes.get("href")) for _, attributes in tags.found]
    addresses = [address for address in addresses if address]
    assert len(addresses) > 20 and "http" not in page
    for address in addresses:
        assert Path(done.root, unquote(address)).is_file(), address
    assert not any(key.startswith("on") for _, attributes in tags.found for key in attributes)


def test_the_table_holds_every_number(done):
    with Path(done.root, "table.csv").open(newline="") as file:
        rows = {row["photo"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"car0.png", f"{EVIL}.png", f"{EVIL}{EVIL}.jpg", "broken.jpg"}
    good = rows["car0.png"]
    assert 0 <= float(good["iou"]) <= 1 and good["verdict"] and good["segmenter"] == "mask car0.mask.png"
    assert float(good["azimuth_deg"]) and good["device"] == "cpu" and not good["failure"]
    assert rows["broken.jpg"]["failure"] and not rows["broken.jpg"]["iou"]


def test_many_photos_are_several_pages(done, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "PER_PAGE", 1)
    shutil.copytree(done.root, tmp_path / "out")
    copied = Store(str(tmp_path / "out"))
    copied.write("foreign/run.json", b'{"some": "other program"}')
    write_report(copied)
    first, second = (Tags((tmp_path / "out" / name).read_text()) for name in ("index.html", "index-2.html"))
    shown = [tags.text for tags in (first, second)]
    assert "not a picture" in shown[0] and "not a picture" not in shown[1]
    assert [sum(tag == "article" for tag, _ in tags.found) for tags in (first, second)] == [1, 1]
    assert ("a", {"href": "index-2.html"}) in first.found
