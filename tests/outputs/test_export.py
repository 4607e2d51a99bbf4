"""Files opened again: by trimesh, and GLB by its own bytes."""

import json
import math
import struct
from io import BytesIO

import numpy as np
import pytest
import torch
import trimesh

from spir.geometry.camera import project
from spir.geometry.pose import camera_from_pose, look_at_pose
from spir.outputs.export.plain import EXPORTS, glb, linear_from_srgb, stl
from spir.outputs.mesh import mesh
from spir.types import Mesh
from tests.outputs.analytic import Balls

BALL = mesh(Balls(((0.3, 0.1, -0.2, 0.4),)), resolution=24)


def parts(data: bytes) -> tuple[dict, bytes]:
    """The JSON and the binary chunk of a GLB."""
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack_from("<I4s", data, 12)
    assert (size % 4, kind) == (0, b"JSON")
    rest, tag = struct.unpack_from("<I4s", data, 20 + size)
    assert (rest % 4, tag) == (0, b"BIN\0")
    assert 28 + size + rest == length
    return json.loads(data[20 : 20 + size]), data[28 + size :]


def accessor(document, binary, number):
    entry = document["accessors"][number]
    view = document["bufferViews"][entry["bufferView"]]
    kind = {5126: "<f4", 5125: "<u4", 5123: "<u2"}[entry["componentType"]]
    width = {"VEC3": 3, "VEC2": 2, "SCALAR": 1}[entry["type"]]
    array = np.frombuffer(binary, kind, entry["count"] * width, view["byteOffset"])
    assert array.nbytes == view["byteLength"]
    return array.reshape(-1, width)


def look(focal=1.2, scale=0.8):
    some = torch.tensor([1.0])
    return camera_from_pose(
        look_at_pose(
            35 * some,
            12 * some,
            5 * some,
            focal=None if focal is None else focal * some,
            scale=scale * some,
            shift=torch.tensor([[0.1, -0.05]]),
        )
    )


@pytest.mark.parametrize("name", ["glb", "ply", "obj"])
def test_every_format_opens_with_the_same_shape(name):
    shape = trimesh.load(BytesIO(EXPORTS[name](BALL, look())), file_type=name, force="mesh")
    assert shape.volume == pytest.approx(4 / 3 * math.pi * 0.4**3, rel=0.1)
    # +Y up and the front towards +Z, as the field has it.
    assert shape.bounds.mean(0) == pytest.approx([0.3, 0.1, -0.2], abs=0.02)


@pytest.mark.parametrize("longest", [100.0, 42.5])
def test_stl_is_in_millimetres_and_stands_on_its_wheels(longest):
    assert EXPORTS["stl"](BALL) == stl(BALL, look(), 100.0)
    shape = trimesh.load(BytesIO(stl(BALL, longest_mm=longest)), file_type="stl")
    assert shape.extents.max() == pytest.approx(longest, rel=1e-5)
    # Our up, +Y, is the printer's +Z; our front, +Z, looks to its -Y.
    scale = longest / float((BALL.vertices.amax(0) - BALL.vertices.amin(0)).max())
    assert shape.bounds.mean(0) / scale == pytest.approx([0.3, 0.2, 0.1], abs=0.02)
    assert shape.volume / scale**3 == pytest.approx(4 / 3 * math.pi * 0.4**3, rel=0.1)


@pytest.mark.parametrize("tall", ["x", "y", "z"])
def test_stl_turns_every_axis_to_its_place(tall):
    size = torch.ones(3)
    size["xyz".index(tall)] = 2.0
    longer = Mesh(BALL.vertices * size, BALL.faces, BALL.colours)
    shape = trimesh.load(BytesIO(stl(longer)), file_type="stl")
    place = {"x": 0, "y": 2, "z": 1}[tall]
    assert shape.extents == pytest.approx([100.0 if axis == place else 50.0 for axis in range(3)], rel=0.01)


@pytest.mark.parametrize("name", ["ply", "obj"])
def test_colours_are_srgb_bytes_elsewhere(name):
    shape = trimesh.load(BytesIO(EXPORTS[name](BALL)), file_type=name, process=False)
    wanted = ((BALL.colours.numpy() + 1) * 127.5).round()
    assert np.abs(shape.visual.vertex_colors[:, :3] - wanted).max() <= 1


def test_srgb_is_made_linear():
    assert linear_from_srgb(np.array([0.0, 0.02, 0.5, 1.0])) == pytest.approx(
        [0, 0.02 / 12.92, 0.21404, 1], abs=1e-5
    )


def test_glb_holds_linear_colours_and_an_unlit_material():
    document, binary = parts(glb(BALL))
    primitive = document["meshes"][0]["primitives"][0]
    colours = accessor(document, binary, primitive["attributes"]["COLOR_0"])
    srgb = np.where(colours <= 0.0031308, 12.92 * colours, 1.055 * colours ** (1 / 2.4) - 0.055)
    assert np.abs(2 * srgb - 1 - BALL.colours.numpy()).max() < 1e-5
    assert (accessor(document, binary, primitive["attributes"]["POSITION"]) == BALL.vertices.numpy()).all()
    assert (accessor(document, binary, primitive["indices"]).reshape(-1, 3) == BALL.faces.numpy()).all()
    assert document["extensionsUsed"] == ["KHR_materials_unlit"]
    material = document["materials"][primitive["material"]]
    assert material["extensions"] == {"KHR_materials_unlit": {}}
    assert material["pbrMetallicRoughness"]["metallicFactor"] == 0
    assert "cameras" not in document
    position = document["accessors"][0]
    assert position["min"] == BALL.vertices.min(0).values.tolist()
    assert position["max"] == BALL.vertices.max(0).values.tolist()


def test_trimesh_reads_the_linear_colours():
    (shape,) = trimesh.load(BytesIO(glb(BALL)), file_type="glb", process=False).geometry.values()
    wanted = linear_from_srgb((BALL.colours.numpy() + 1) / 2)
    read = np.asarray(shape.visual.vertex_attributes["color"], float)[:, :3]
    assert np.abs(read - wanted).max() < 1e-5


@pytest.mark.parametrize("focal", [0.8, 2.5, None])
def test_the_camera_node_sees_what_the_photo_saw(focal):
    camera = look(focal)
    document, _ = parts(glb(BALL, camera))
    node = document["nodes"][document["scenes"][0]["nodes"][1]]
    assert node["name"] == "photo camera"
    matrix = np.array(node["matrix"]).reshape(4, 4).T
    assert matrix[:3, :3] @ matrix[:3, :3].T == pytest.approx(np.eye(3), abs=1e-5)
    points = torch.tensor([[[0.1, 0.2, 0.3], [-0.4, 0.3, 0.1], [0.0, 0.0, 0.0]]])
    local = np.c_[points[0].numpy(), np.ones(3)] @ np.linalg.inv(matrix).T
    optics = document["cameras"][node["camera"]]
    if focal is None:
        seen = local[:, :2] / [optics["orthographic"]["xmag"], optics["orthographic"]["ymag"]]
    else:
        seen = local[:, :2] / -local[:, 2:3] / math.tan(optics["perspective"]["yfov"] / 2)
        assert optics["perspective"]["aspectRatio"] == 1
    # glTF's picture reaches from -1 to 1, ours from -1/2 to 1/2.
    assert seen / 2 == pytest.approx(project(camera, points)[0][0].numpy(), abs=1e-5)


def test_trimesh_finds_the_camera_in_its_place():
    scene = trimesh.load(BytesIO(glb(BALL, look(focal=1.2))), file_type="glb")
    assert scene.has_camera
    assert scene.camera_transform == pytest.approx(look().cam2world[0].numpy(), abs=1e-5)
    assert scene.camera.fov[1] == pytest.approx(math.degrees(2 * math.atan(0.5 / 1.2)), abs=1e-3)


def test_a_mesh_of_one_triangle_is_padded_to_four_bytes():
    triangle = Mesh(torch.eye(3), torch.tensor([[0, 1, 2]]), torch.zeros(3, 3))
    document, binary = parts(glb(triangle))
    assert document["buffers"][0]["byteLength"] <= len(binary)
    assert accessor(document, binary, 2).ravel().tolist() == [0, 1, 2]
