"""Several categories: a page each, a bar that leads from one to the other, a whole run on one that is not the first."""

import shutil

import pytest

from spir.weights.import_checkpoint import import_checkpoint
from tests.app.toy import ROOT
from tests.app.visits import IN_BROWSER, QUICK, Visit, served
from tests.weights.legacy_files import write_pair

pytestmark = IN_BROWSER


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The app over the toy cars and birds of an imported checkpoint, which the authors see orthographically."""
    root = tmp_path_factory.mktemp("weights")
    shutil.copytree(ROOT / "car", root / "car")
    import_checkpoint(*write_pair(root, "cub"), "cub", root)
    with served(QUICK, tmp_path_factory.mktemp("server"), SPIR_WEIGHTS=str(root)) as address:
        yield address


def test_a_photo_becomes_an_object_of_the_other_category(browser, two, car_png):
    visit = Visit(browser, two)
    assert "photo of a car" in visit.text("#head")
    visit.page.get_by_role("link", name="cub").click()
    visit.page.wait_for_url("**/cub**")
    visit.ready()
    assert "photo of a bird" in visit.text("#head")
    visit.choose(car_png)
    visit.note_says("transparency")
    visit.run(1)
    assert visit.ran(1) == [0, 1]
    visit.turned()
    assert len(visit.look("window.heard_palette.colours")) == 10
    visit.open("Pose")
    assert visit.page.locator("#pose-azimuth").count() and not visit.page.locator("#pose-focal").is_visible()
    assert visit.complaints == [] and visit.outside == [] and visit.violations() == []
    visit.close()
