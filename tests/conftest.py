"""What all tests share: two threads, as on the machine that serves the page, unless the environment says or workers
divide them."""

import os
from pathlib import Path

import pytest
import torch
from PIL import Image

from tests.tiny import car_photo

HERE = Path(__file__).parent

WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
torch.set_num_threads(int(os.environ.setdefault("OMP_NUM_THREADS", str(max(1, 2 // WORKERS)))))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A folder of tests stays with one worker: its servers, browsers and engines are made once, its files in order."""
    from xdist.scheduler import LoadScopeScheduling

    class Folders(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return nodeid.split("::")[0].removeprefix(f"{HERE.name}/").split("/")[0]

    return Folders(config, log)


@pytest.fixture(scope="session")
def drawn_cars(tmp_path_factory):
    """A folder of photos with masks: five drawn cars, and one that shows nothing; fronts of two of them."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(5):
        pixels, mask = car_photo(48 + 4 * number)
        Image.fromarray(pixels.numpy()).save(folder / f"car{number}.png")
        Image.fromarray((mask * 255).byte().numpy()).save(folder / f"car{number}.mask.png")
    blank = torch.zeros(40, 40, dtype=torch.uint8).numpy()
    Image.fromarray(blank).convert("RGB").save(folder / "nothing.png")
    Image.fromarray(blank).save(folder / "nothing.mask.png")
    (folder / "fronts.csv").write_text("name,side\ncar0,left\ncar1,right\n")
    return folder
