"""The commands: a legacy pair becomes weights, weights a mesh of a photo."""

import json

import pytest
import torch
import trimesh
from PIL import Image

import spir.__main__
from spir.weights.__main__ import main
from tests.tiny import car_photo, quick_pictures
from tests.weights.legacy_files import write_pair

KINDS = ("cub", "p3d_car", "carla")
"""Without and with perspective, both of them textured, and colours that depend on the direction of view: all of the
authors' categories are imported by `test_legacy`."""


@pytest.fixture
def photo(tmp_path):
    pixels, mask = car_photo(64)
    Image.fromarray(torch.cat((pixels, (mask * 255).byte()[..., None]), -1).numpy()).save(
        tmp_path / "photo.png"
    )
    return tmp_path / "photo.png"


@pytest.mark.parametrize("category", KINDS)
def test_a_legacy_pair_makes_a_mesh_of_a_photo(tmp_path, photo, category, monkeypatch):
    quick_pictures(monkeypatch)
    root = tmp_path / "weights"
    first, second = write_pair(tmp_path, category)
    assert main(["--weights", str(root), "import", str(first), str(second), "--category", category]) == 0
    out = tmp_path / "out"
    options = f"--category {category} --steps 1 --loss encoder --mesh-resolution 24 --frames 3 --device cpu"
    options += "" if category in ("cub", "p3d_car") else " --texture none"
    code = spir.__main__.main([str(photo), *options.split(), "--weights", str(root), "--out", str(out)])
    assert code == 0
    folder = next(path for path in out.iterdir() if path.is_dir())
    mesh = trimesh.load(folder / "mesh.glb", force="mesh")
    assert len(mesh.faces) > 50 and mesh.is_watertight
    assert json.loads((folder / "run.json").read_text())["category"] == category


def test_the_list_says_what_is_ready(tmp_path, capsys):
    root = tmp_path / "weights"
    first, second = write_pair(tmp_path, "cub")
    assert main(["--weights", str(root), "import", str(first), "--category", "cub"]) == 0
    assert "import it too" in capsys.readouterr().out
    assert main(["--weights", str(root), "list"]) == 0
    assert "ready" not in capsys.readouterr().out
    assert main(["--weights", str(root), "import", str(first), str(second), "--category", "cub"]) == 0
    main(["--weights", str(root), "list"])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["cub", "bird", "ready"] in lines and ["carla", "car", "-"] in lines
    assert main(["--weights", str(root), "info", "cub"]) == 0
    known = json.loads(capsys.readouterr().out)
    assert known["extra"]["origin"] == second.name and known["category"]["orthographic"]


def test_bad_files_are_told_and_the_code_says_so(tmp_path, capsys):
    (tmp_path / "g.pth").write_bytes(b"no checkpoint")
    assert main(["--weights", str(tmp_path), "import", str(tmp_path / "g.pth"), "--category", "cub"]) == 1
    assert "g.pth" in capsys.readouterr().err
    assert main(["fetch", "nonsense"]) == 1
    assert main(["--weights", str(tmp_path), "info", "cub"]) == 1
    assert "spir.weights import" in capsys.readouterr().err
