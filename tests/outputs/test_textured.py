"""Textured surfaces opened again: by trimesh, by the bytes, by Khronos's validator, by assimp and by pxr."""

import json
import re
import shutil
import struct
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import trimesh
from PIL import Image

from spir.appearance.layers import enlarged, texture
from spir.appearance.view import sample
from spir.categories import CAR_PALETTE
from spir.errors import ExportError
from spir.outputs.export.factors import factor_texture
from spir.outputs.export.gltf import container, linear_from_srgb, srgb_from_linear
from spir.outputs.export.parts import (
    MIN_ISLAND_AREA,
    at_borders,
    faces_in_texture,
    neighbours,
    part_of_faces,
    part_of_texels,
)
from spir.outputs.export.plain import glb
from spir.outputs.export.subdivide import subdivide
from spir.outputs.export.textured import LARGEST, TEXTURED
from spir.types import Appearance
from tests.outputs.test_export import BALL, accessor, look, parts

NAMES = ("body paint", "glass", "tyres", "headlights", "shade", "highlight")
PALETTE = torch.tensor(
    [
        [0.8, -1.0, -0.7],
        [-0.75, -0.7, -0.6],
        [-0.9, -0.9, -0.9],
        [0.7, 0.7, 0.5],
        [-1.0, -1.0, -1.0],
        [1, 1, 1],
    ]
)
SIZE = 256
"""Of the textures, texels a side."""
GAP = 0.006
"""Between charts, of the texture's width."""
ALMOST = 3 / 255


def ball(charts: int = 4, across: int = 6, down: int = 6, radius: float = 0.4):
    """vertices, normals, faces and uv of a ball cut into charts x charts rectangles of longitude and latitude."""
    points, uv, faces = [], [], []
    for place in range(charts * charts):
        column, row = place % charts, place // charts
        s = torch.linspace(0, 1, across + 1).expand(down + 1, -1)
        t = torch.linspace(0, 1, down + 1)[:, None].expand(-1, across + 1)
        angle, fall = 2 * torch.pi * (column + s) / charts, torch.pi * (row + t) / charts
        points.append(torch.stack((fall.sin() * angle.sin(), fall.cos(), fall.sin() * angle.cos()), -1))
        inner = torch.stack((s, t), -1) * (1 / charts - 2 * GAP) + GAP
        uv.append(inner + torch.tensor([column, row]) / charts)
        corner = torch.arange((down + 1) * (across + 1)).view(down + 1, -1) + place * (down + 1) * (
            across + 1
        )
        a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]
        faces += [torch.stack((a, d, c), -1).reshape(-1, 3), torch.stack((a, c, b), -1).reshape(-1, 3)]
    normals, faces = torch.cat([part.reshape(-1, 3) for part in points]), torch.cat(faces)
    # Rounded, so that both sides of a seam are the same point; at the poles triangles have no area.
    vertices = (radius * normals * 2**12).round() / 2**12
    first, second, third = vertices[faces].unbind(1)
    solid = torch.linalg.vector_norm(torch.cross(second - first, third - first, dim=-1), dim=-1) > 1e-6
    return vertices, normals, faces[solid], torch.cat([part.reshape(-1, 2) for part in uv])


def smooth(generator, channels: int, knots: int, size: int):
    """Seeded noise in [0, 1] whose grain is a `knots`-th of the texture."""
    noise = torch.rand(1, channels, knots, knots, generator=generator)
    return F.interpolate(noise, (size, size), mode="bicubic", align_corners=False)[0].permute(1, 2, 0)


def surface(size: int = SIZE, values: int = 6, negative: bool = True, **shape) -> Appearance:
    """A ball whose layers are smooth noise; its parts are bands of latitude, with some of all others mixed in."""
    generator = torch.Generator().manual_seed(7)
    vertices, normals, faces, uv = ball(**shape)
    coarse = size // 4
    band = torch.linspace(0, values - 1e-3, coarse)[:, None].expand(-1, coarse).long()
    weights = 0.9 * F.one_hot(band, values) + 0.1 * smooth(generator, values, 4, coarse).softmax(-1)
    rest = 0.12 * (smooth(generator, 3, 5, size) - (0.5 if negative else 0.0))
    return Appearance(
        vertices,
        normals,
        faces,
        uv,
        0.5 + 0.55 * smooth(generator, 1, 6, size)[..., 0].clamp(0, 1),
        rest if negative else rest.clamp(min=0),
        weights,
        PALETTE[:values],
        weights.flip(0),
        PALETTE[:values].flip(1),
        torch.ones(coarse, coarse, 2),
    )


SURFACE = surface()
FACES_6K = {"charts": 10, "across": 6, "down": 5}


def picture(document: dict, binary: bytes, number: int) -> np.ndarray:
    """Texture `number` of a GLB, in [0, 1]."""
    view = document["bufferViews"][document["images"][document["textures"][number]["source"]]["bufferView"]]
    data = binary[view["byteOffset"] :][: view["byteLength"]]
    return np.asarray(Image.open(BytesIO(data))).astype(np.float32) / 255


def viewed(data: bytes) -> np.ndarray:
    """What a viewer makes of a GLB by parts at its texels' centres, by the glTF formula, in [0, 1]; size x size x 3."""
    document, binary = parts(data)
    detail, shine = (linear_from_srgb(picture(document, binary, number)) for number in (0, 1))
    material = primitive_of_texels(document, binary, len(detail))
    factors = [entry["pbrMetallicRoughness"]["baseColorFactor"][:3] for entry in document["materials"]]
    colour = np.array(factors, np.float32)[material] * detail + shine
    return srgb_from_linear(colour.clip(0, 1))


def primitive_of_texels(document: dict, binary: bytes, size: int) -> np.ndarray:
    """The material of each texel's face, -1 outside the charts."""
    materials = [
        (entry["material"], corners(document, binary, entry)) for entry in document["meshes"][0]["primitives"]
    ]
    faces = np.concatenate([rows for _, rows in materials])
    owner = np.concatenate([np.full(len(rows), material) for material, rows in materials])
    uv = torch.from_numpy(rows_of(document, binary, "TEXCOORD_0"))
    face = faces_in_texture(uv, torch.from_numpy(faces.astype(np.int64)), size).numpy()
    return np.where(face >= 0, owner[face], -1)


def rows_of(document: dict, binary: bytes, attribute: str) -> np.ndarray:
    primitive = document["meshes"][0]["primitives"][0]
    return accessor(document, binary, primitive["attributes"][attribute]).copy()


def corners(document: dict, binary: bytes, primitive: dict) -> np.ndarray:
    return accessor(document, binary, primitive["indices"]).reshape(-1, 3)


def test_a_textured_glb_opens_with_its_texture_and_its_colours():
    data = TEXTURED["textured.glb"](SURFACE, look(), NAMES)
    scene = trimesh.load(BytesIO(data), file_type="glb", process=False)
    (shape,) = scene.geometry.values()
    assert scene.has_camera
    assert np.allclose(shape.vertices, SURFACE.vertices) and (shape.faces == SURFACE.faces.numpy()).all()
    assert np.allclose(shape.vertex_normals, SURFACE.normals, atol=1e-6)
    # trimesh's v runs upwards.
    assert np.allclose(shape.visual.uv, SURFACE.uv * torch.tensor([1, -1]) + torch.tensor([0, 1]))
    image = shape.visual.material.baseColorTexture
    assert image.size == (SIZE, SIZE)
    inside = torch.from_numpy(np.array(image.convert("RGB"))).float() / 255
    error = (sample(inside, SURFACE.uv) - sample(texture(SURFACE), SURFACE.uv)).abs()
    assert error.mean() < 1 / 255 and error.max() < 0.04
    document, _ = parts(data)
    assert document["materials"][0]["extensions"] == {"KHR_materials_unlit": {}}
    assert document["accessors"][document["meshes"][0]["primitives"][0]["indices"]]["componentType"] == 5123


@pytest.mark.parametrize("name", ["textured.glb", "materials.glb"])
@pytest.mark.parametrize("focal", [1.2, None])
def test_the_camera_node_is_that_of_the_vertex_colours(name, focal):
    document, _ = parts(TEXTURED[name](SURFACE, look(focal), NAMES))
    wanted, _ = parts(glb(BALL, look(focal)))
    assert document["cameras"] == wanted["cameras"] and document["nodes"] == wanted["nodes"]
    assert document["scenes"] == wanted["scenes"]


@pytest.mark.parametrize("noise", [0.0, 0.03, 0.3])
def test_a_textured_glb_of_six_thousand_faces_stays_small(noise):
    whole = surface(1024, **FACES_6K)
    assert len(whole.faces) > 5700 and len(whole.vertices) > 4000
    grain = torch.randn(1024, 1024, 3, generator=torch.Generator().manual_seed(1))
    data = TEXTURED["textured.glb"](replace(whole, rest=whole.rest + noise * grain), look(), NAMES)
    assert len(data) < LARGEST == 400_000
    wanted = 1024 if noise < 0.1 else 512
    assert picture(*parts(data), 0).shape == (wanted, wanted, 3)


def test_every_part_is_one_material_by_its_name():
    document, binary = parts(TEXTURED["materials.glb"](SURFACE, None, NAMES))
    materials = document["materials"]
    assert [entry["name"] for entry in materials] == ["body paint", "glass", "tyres", "headlights"]
    assert [entry["material"] for entry in document["meshes"][0]["primitives"]] == [0, 1, 2, 3]
    found = np.concatenate(
        [corners(document, binary, entry) for entry in document["meshes"][0]["primitives"]]
    )
    whole = trimesh.Trimesh(rows_of(document, binary, "POSITION"), found.astype(int))
    before = trimesh.Trimesh(SURFACE.vertices.numpy(), SURFACE.faces.numpy())
    assert whole.is_watertight and len(whole.faces) > len(before.faces)
    assert (whole.area, whole.volume) == pytest.approx((before.area, before.volume), rel=1e-4)
    for entry, colour in zip(materials, PALETTE, strict=False):
        factor = entry["pbrMetallicRoughness"]["baseColorFactor"]
        assert factor == pytest.approx([*linear_from_srgb((colour.numpy() + 1) / 2), 1], abs=1e-6)
    assert "KHR_materials_clearcoat" in materials[0]["extensions"]
    assert document["extensionsUsed"] == ["KHR_materials_clearcoat"]
    rough = [entry["pbrMetallicRoughness"]["roughnessFactor"] for entry in materials]
    assert rough[1] < rough[0] < rough[2]


def test_parts_without_names_are_numbered_and_all_of_the_car_differ():
    document, _ = parts(TEXTURED["materials.glb"](SURFACE, None, ()))
    assert [entry["name"] for entry in document["materials"]] == [f"part {k}" for k in range(1, 7)]
    assert "extensionsUsed" not in document
    wide = torch.cat((PALETTE, PALETTE.flip(1)[:4]))
    band = F.one_hot(torch.linspace(0, 9.999, SIZE // 4).long()[:, None].expand(-1, SIZE // 4), 10).float()
    car = replace(SURFACE, palette=wide, generated_palette=wide, weights=band, generated=band)
    document, _ = parts(TEXTURED["materials.glb"](car, None, CAR_PALETTE))
    assert [entry["name"] for entry in document["materials"]] == list(CAR_PALETTE[:8])


@pytest.mark.parametrize("detail", [1.0, 0.4])
@pytest.mark.parametrize("negative", [False, True])
def test_factor_times_texture_and_what_shines_make_the_colour(negative, detail):
    whole = replace(surface(negative=negative), detail=detail)
    part = part_of_texels(whole, part_of_faces(whole, NAMES), SIZE)
    layers = factor_texture(whole, part, np.zeros(6, np.float32))
    exact = srgb_from_linear(layers.factors[part] * layers.detail + layers.glow)
    assert np.abs(exact - texture(whole).numpy()).max() < 1.5 / 255
    data = TEXTURED["materials.glb"](whole, None, NAMES)
    inside = primitive_of_texels(*parts(data), SIZE) >= 0
    error = np.abs(viewed(data) - texture(whole).numpy())[inside]
    assert error.mean() < 1.5 / 255 and np.quantile(error, 0.99) < ALMOST


def test_one_factor_changed_in_the_file_recolours_that_part_alone():
    whole = surface(negative=False)
    data = TEXTURED["materials.glb"](whole, None, NAMES)
    document, binary = parts(data)
    green = torch.tensor([-0.6, 0.7, -0.4])
    factor = linear_from_srgb(((green + 1) / 2).numpy()).tolist()
    document["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"] = [*factor, 1.0]
    before, after = viewed(data), viewed(container(document, binary))
    material = primitive_of_texels(document, binary, SIZE)
    assert (before[material != 0] == after[material != 0]).all()
    # Where a face's texel is the part's own, paint goes along as if it had been lit in that colour.
    mine = (material == 0) & (enlarged(whole.weights, SIZE)[..., 0].numpy() > 0.9)
    assert mine.sum() > 0.8 * (material == 0).sum()
    palette = PALETTE.clone()
    palette[0] = green
    wanted = texture(replace(whole, palette=palette)).numpy()
    assert np.abs(after - wanted)[mine].mean() < 0.03
    assert (after[mine].argmax(-1) == 1).all() and (before[mine].argmax(-1) == 0).all()


def test_paint_that_is_merely_lit_has_grey_detail():
    red = torch.tensor([[1.0, -1.0, -1.0], [-1.0, -1.0, 1.0]])
    one = F.one_hot(torch.zeros(SIZE // 4, SIZE // 4, dtype=torch.long), 2).float()
    layers = {"weights": one, "generated": one, "palette": red, "generated_palette": red}
    lit = replace(SURFACE, rest=torch.zeros(SIZE, SIZE, 3), light=SURFACE.light.clamp(max=1), **layers)
    found = factor_texture(lit, np.zeros((SIZE, SIZE), np.int64), np.zeros(2, np.float32))
    assert np.ptp(found.detail, axis=-1).max() < 0.01
    assert np.abs(srgb_from_linear(found.detail[..., 1]) - lit.light.numpy()).max() < 0.01
    assert found.glow.max() < 0.01


def test_lamps_shine_and_keep_their_colour():
    document, binary = parts(data := TEXTURED["materials.glb"](SURFACE, None, NAMES))
    lamps = primitive_of_texels(document, binary, SIZE) == 3
    shine = linear_from_srgb(picture(document, binary, 1))
    colour = linear_from_srgb(texture(SURFACE).numpy())
    assert (shine[lamps] > 0.2 * colour[lamps]).mean() > 0.9
    assert np.abs(viewed(data) - texture(SURFACE).numpy())[lamps].mean() < ALMOST


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_smaller_faces_leave_no_cracks(share):
    some = np.random.default_rng(3).random(len(SURFACE.faces)) < share
    finer = subdivide(SURFACE, some)
    here, _ = neighbours(finer.vertices.numpy(), finer.faces.numpy())
    assert len(here) * 2 == 3 * len(finer.faces), "every edge is of two faces"
    assert len(finer.faces) >= len(SURFACE.faces) + 3 * some.sum()
    for points in ("vertices", "uv"):
        surfaces = (getattr(surface, points)[surface.faces] for surface in (SURFACE, finer))
        before, after = (torch.linalg.cross(*edges_of(corners)) for corners in surfaces)
        assert torch.allclose(before.norm(dim=1).sum(), after.norm(dim=1).sum(), rtol=1e-4)
    assert torch.allclose(finer.normals.norm(dim=1), torch.ones(len(finer.normals)))
    first, second = edges_of(finer.vertices[finer.faces])
    assert (torch.linalg.cross(first, second) * finer.normals[finer.faces[:, 0]]).sum(1).min() > 0


def edges_of(corners):
    """Two edges of each triangle, face x 3; of places in a texture with 0 behind."""
    corners = F.pad(corners, (0, 3 - corners.shape[-1]))
    return corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]


def test_a_speck_joins_its_neighbours_also_across_a_seam():
    fine = surface(**FACES_6K)
    here, there = neighbours(fine.vertices.numpy(), fine.faces.numpy())
    assert len(here) == 3 * len(fine.faces) // 2, "a closed surface has three edges for two faces"
    assert MIN_ISLAND_AREA * len(fine.faces) > 2
    spotted = fine.weights.clone()
    part = part_of_faces(fine, NAMES)
    lonely = np.flatnonzero(part == 0)[400]
    row, column = (fine.uv[fine.faces[lonely]].mean(0).flip(0) * 32).long().tolist()
    spotted[row, column] = F.one_hot(torch.tensor(2), 6)
    assert (part_of_faces(replace(fine, weights=spotted), NAMES)[lonely]) == 0


def test_a_zip_of_obj_opens_with_its_texture(tmp_path):
    data = TEXTURED["obj.zip"](SURFACE, look(), NAMES)
    assert data == TEXTURED["obj.zip"](SURFACE, look(), NAMES)
    ZipFile(BytesIO(data)).extractall(tmp_path)
    shape = trimesh.load(tmp_path / "object.obj", force="mesh", process=False)
    image = np.asarray(shape.visual.material.image.convert("RGB"))
    assert (image == (255 * texture(SURFACE)).round().byte().numpy()).all()
    # Readers may number vertices anew, so corners are compared.
    wanted = SURFACE.vertices[SURFACE.faces].numpy()
    assert np.abs(shape.vertices[shape.faces] - wanted).max() < 1e-5
    uv = SURFACE.uv[SURFACE.faces].numpy() * (1, -1) + (0, 1)
    assert np.abs(shape.visual.uv[shape.faces] - uv).max() < 1e-5


def test_khronos_finds_nothing_wrong(tmp_path):
    node, script = shutil.which("node"), Path(__file__).with_name("validate.js")
    if node is None:
        pytest.skip("node is not installed")
    if subprocess.run(
        [node, "-e", "require('gltf-validator')"], cwd=script.parent, capture_output=True
    ).returncode:
        pytest.skip("gltf-validator is not installed (npm install gltf-validator)")
    files = {
        f"{name}-{focal}": TEXTURED[name](SURFACE, look(focal), NAMES)
        for name in ("textured.glb", "materials.glb")
        for focal in (1.2, None)
    }
    files["mesh.glb"] = glb(BALL, look())
    files["bare.glb"] = TEXTURED["materials.glb"](SURFACE, None, ())
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    command = [node, str(script), *(str(tmp_path / name) for name in files)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert len(lines) == len(files)
    for name, line in zip(files, lines, strict=True):
        issues = json.loads(line)
        assert issues["numErrors"] == issues["numWarnings"] == 0, (name, issues["messages"])


@pytest.mark.parametrize("name", ["textured.glb", "materials.glb", "obj.zip"])
def test_assimp_counts_the_same(name, tmp_path):
    if shutil.which("assimp") is None:
        pytest.skip("assimp is not installed (apt install assimp-utils)")
    path = tmp_path / name
    path.write_bytes(TEXTURED[name](SURFACE, look(), NAMES))
    if name == "obj.zip":
        ZipFile(path).extractall(tmp_path)
        path = tmp_path / "object.obj"
    told = subprocess.run(["assimp", "info", str(path)], capture_output=True, text=True).stdout
    count = {
        key: int(value)
        for key, value in re.findall(r"^(Meshes|Faces|Materials|Cameras):\s+(\d+)", told, re.M)
    }
    meshes = 4 if name == "materials.glb" else 1
    faces = at_borders(SURFACE, NAMES).faces if name == "materials.glb" else SURFACE.faces
    assert (count["Meshes"], count["Faces"]) == (meshes, len(faces))
    if name != "obj.zip":
        assert count["Cameras"] == 1 and count["Materials"] == meshes


def test_usdz_opens_with_its_texture(tmp_path):
    pxr = pytest.importorskip("pxr", reason='usd-core is not installed (pip install "spir[usd]")')
    from pxr import Usd, UsdGeom, UsdShade

    data = TEXTURED["usdz"](SURFACE, look(), NAMES)
    assert pxr and data == TEXTURED["usdz"](SURFACE, look(), NAMES)
    (tmp_path / "object.usdz").write_bytes(data)
    stage = Usd.Stage.Open(str(tmp_path / "object.usdz"))
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath("/object/surface"))
    assert stage.GetDefaultPrim().GetPath() == "/object"
    assert np.allclose(np.array(mesh.GetPointsAttr().Get()), SURFACE.vertices)
    assert (np.array(mesh.GetFaceVertexIndicesAttr().Get()).reshape(-1, 3) == SURFACE.faces.numpy()).all()
    assert UsdGeom.GetStageMetersPerUnit(stage) == pytest.approx(0.3 / 0.8, rel=0.01)
    st = np.array(UsdGeom.PrimvarsAPI(mesh).GetPrimvar("st").Get())
    assert np.allclose(st, SURFACE.uv.numpy() * (1, -1) + (0, 1))
    material, _ = UsdShade.MaterialBindingAPI(mesh.GetPrim()).ComputeBoundMaterial()
    look_of_it = UsdShade.Shader(material.ComputeSurfaceSource()[0])
    source = look_of_it.GetInput("emissiveColor").GetConnectedSources()[0][0].source
    file = UsdShade.Shader(source).GetInput("file").Get()
    assert file.resolvedPath.endswith("object.usdz[texture.png]")
    with ZipFile(BytesIO(data)) as archive:
        assert archive.namelist() == ["object.usdc", "texture.png"]
        assert archive.testzip() is None
        image = np.asarray(Image.open(BytesIO(archive.read("texture.png"))))
        for entry in archive.infolist():
            name, extra = struct.unpack_from("<HH", data, entry.header_offset + 26)
            assert (entry.header_offset + 30 + name + extra) % 64 == 0 and entry.compress_type == 0
    assert (image == (255 * texture(SURFACE)).round().byte().numpy()).all()


def test_usdz_without_its_writer_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pxr", None)
    with pytest.raises(ExportError, match=r'pip install "spir\[usd\]"'):
        TEXTURED["usdz"](SURFACE, None, NAMES)
