"""Reading cars from files: frame, colours, textures, parts, and files that are none."""

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from spir.categories import CAR_PALETTE
from spir.data.meshes.paint import random_palette, repaint, tint
from spir.data.meshes.parts import classify_parts
from spir.data.meshes.read import MeshError, MeshFile, axis, box_corners, canonical, fit, read_mesh
from spir.formulas import FORMULAS
from tests.data.shapes import box

BODY, GLASS, TYRES = (CAR_PALETTE.index(name) for name in ("body paint", "glass", "tyres"))

OBJ = """mtllib car.mtl
v 1 0 0
v 1 8 0
v 5 8 0
v 1 0 2
vt 0 0
vt 1 0
vt 1 1
usemtl Paint
f 1/1 2/2 3/3
usemtl Windows
f 1/1 2/2 4/3
"""
MTL = """newmtl Paint
map_Kd model://somewhere/else/Skin.PNG
newmtl Windows
Kd 0.2 0.4 0.6
"""


@pytest.fixture
def folder(tmp_path):
    """A car of two triangles, 8 long in y, up z; its texture lies beside the folder of the mesh."""
    (tmp_path / "car/meshes").mkdir(parents=True)
    (tmp_path / "car/textures").mkdir()
    (tmp_path / "car/meshes/car.obj").write_text(OBJ)
    (tmp_path / "car/meshes/car.mtl").write_text(MTL)
    Image.new("RGB", (4, 2), (255, 0, 0)).save(tmp_path / "car/textures/skin.png")
    return tmp_path


CAR = MeshFile("car/meshes/car.obj", up="+z", front="-y")


def test_an_obj_with_its_texture_in_our_frame(folder):
    mesh = read_mesh(folder, CAR)
    low, high = mesh.vertices.amin(0), mesh.vertices.amax(0)
    assert torch.allclose(low + high, torch.zeros(3), atol=1e-6)
    assert torch.allclose(high - low, 1.8 / 8 * torch.tensor((4.0, 2.0, 8.0)), atol=1e-6)
    # The file's corner (1, 0, 2) is at the front (-y), at the top (z), and where x is least; up x front = x.
    corner = mesh.vertices[mesh.faces[mesh.parts == GLASS][0]]
    assert any(torch.allclose(c, torch.tensor((-0.45, 0.225, 0.9)), atol=1e-5) for c in corner)
    assert sorted(mesh.parts.tolist()) == sorted([BODY, GLASS])
    assert len(mesh.textures) == 1 and mesh.textures[0].shape == (2, 4, 3)
    assert torch.equal(mesh.textures[0][0, 0], torch.tensor((1.0, -1, -1)))
    assert mesh.texture[mesh.parts == BODY].tolist() == [0]
    assert mesh.texture[mesh.parts == GLASS].tolist() == [-1]
    glass = mesh.colours[mesh.parts == GLASS][0, 0]
    assert torch.allclose(glass, 2 * torch.tensor((0.2, 0.4, 0.6)) - 1, atol=0.01)


def test_nodes_are_placed_named_and_left_out(tmp_path):
    scene = trimesh.Scene()
    for name, place in (("Body", 0.0), ("FrontWheel", 2.0), ("Sphere.001", 50.0)):
        shape = trimesh.creation.box((1, 1, 2))
        shape.visual = trimesh.visual.ColorVisuals(shape, vertex_colors=np.full((8, 4), (0, 255, 0, 255)))
        move = np.eye(4)
        move[2, 3] = place
        scene.add_geometry(shape, node_name=name, transform=move)
    scene.export(tmp_path / "car.glb")
    whole = read_mesh(tmp_path, MeshFile("car.glb"))
    mesh = read_mesh(tmp_path, MeshFile("car.glb", skip=("Sphere",)))
    assert (len(whole.faces), len(mesh.faces)) == (36, 24)
    wheel = mesh.vertices[mesh.faces[mesh.parts == TYRES]]
    assert wheel[..., 2].amin().item() == pytest.approx(0.0, abs=1e-6)
    assert torch.allclose(mesh.colours[0, 0], torch.tensor((-1.0, 1.0, -1.0)), atol=0.01)


def test_a_mesh_sits_as_a_procedural_car_does():
    """Middle of the length, the height and the width at the origin, as long as they are."""
    with torch.no_grad():
        grid = FORMULAS["car"].field(torch.zeros(1, FORMULAS["car"].z_dim)).sdf_grid(64)[0] < 0
    axis64 = torch.linspace(-1, 1, 64)
    points = axis64[grid.nonzero()]
    mesh = fit(points + 3)
    assert (mesh - points).abs().max() < 0.04
    assert box_corners(box())[0].amax(0).tolist() == pytest.approx([0.4, 0.3, 0.9])


def test_axes():
    assert axis("-y").tolist() == [0, -1, 0]
    points = torch.tensor(((0.0, 0, 0), (1, 2, 4)), dtype=torch.float64)
    # Right-handed: our X is up x front, here the file's z.
    turned = canonical(points, "+x", "+y")
    assert (turned[1] / turned[1, 2]).tolist() == pytest.approx([2.0, 0.5, 1.0])
    for up, front, words in (
        ("+y", "-y", "different"),
        ("y", "+z", "an axis is one of"),
        ("+y", "+x ", "axis"),
    ):
        with pytest.raises(MeshError, match=words):
            canonical(points, up, front)
    with pytest.raises(MeshError, match="without length"):
        fit(torch.zeros(3, 3))


def test_files_that_are_no_cars(folder):
    with pytest.raises(MeshError, match="there is no mesh"):
        read_mesh(folder, MeshFile("car/none.glb"))
    (folder / "bad.glb").write_bytes(b"not a mesh at all")
    with pytest.raises(MeshError, match="cannot be read"):
        read_mesh(folder, MeshFile("bad.glb"))
    (folder / "empty.obj").write_text("v 0 0 0\n")
    with pytest.raises(MeshError, match="no triangles|cannot be read"):
        read_mesh(folder, MeshFile("empty.obj"))


def test_parts_by_name():
    names = ["Cop Black", "FrontWheel Black", "FrontWheel Grey", "Cop White", "Cop Windows", "Cop Headlights",
             "Cop TailLights", "Cop Grey"]  # fmt: skip
    found = [CAR_PALETTE[part] for part in classify_parts(names, [9.0, 20.0, 3.0, 2.0, 1.0, 1.0, 1.0, 1.0])]
    assert found == [
        "body paint",
        "tyres",
        "rims",
        "second paint",
        "glass",
        "headlights",
        "tail lights",
        "rims",
    ]
    assert [CAR_PALETTE[p] for p in classify_parts(["a Black", "a White"], [1.0, 2.0])] == [
        "dark trim",
        "body paint",
    ]
    assert classify_parts([], []) == []


def test_new_paint_is_the_seed_s_and_leaves_tyres_black():
    mesh = box(part=TYRES)
    assert (repaint(mesh, 1).colours < -0.7).all()
    first, again = (repaint(box(), 1).colours for _ in range(2))
    assert torch.equal(first, again)
    assert len({tuple(repaint(box(), seed).colours[0, 0].tolist()) for seed in range(20)}) > 5
    palette = random_palette(torch.Generator().manual_seed(0))
    assert palette.shape == (10, 3) and palette.abs().max() <= 1
    red = palette[CAR_PALETTE.index("tail lights")]
    assert red[0] > red[1] + 0.5


def test_only_white_texels_are_painted(folder):
    white, black, red = (torch.tensor(c) for c in ((1.0, 1, 1), (-0.9, -0.9, -0.9), (1.0, -1, -1)))
    paint = torch.tensor((-1.0, 0.0, 1.0))
    painted = tint(torch.stack((white, black, red))[None], paint)[0]
    assert torch.allclose(painted, torch.stack((paint, black, red)))
    mesh = read_mesh(folder, CAR)
    assert torch.equal(repaint(mesh, 0).textures[0], mesh.textures[0])
