"""Exports a textured surface as USDZ, for phones and film tools; its writer, usd-core, is an optional dependency."""

import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

from spir.appearance.layers import texture
from spir.errors import ExportError
from spir.outputs.views import png_bytes, to_uint8
from spir.outputs.zip import LONG_AGO
from spir.types import Appearance, Camera

LENGTH_M = 0.3
"""Length of the longest side of the object's bounding box, in metres: a model on a table."""
ALIGNMENT = 64
"""The files inside a USDZ begin at multiples of this many bytes."""
HEADER = 30
"""Bytes of a ZIP entry's local header, before its name."""


def usdz(
    appearance: Appearance,
    camera: Camera | None = None,
    names: Sequence[str] = (),
    length_m: float = LENGTH_M,
) -> bytes:
    """Return a USDZ with one emissive texture, so that it looks as in the photo; it has no camera.

    Raises ExportError where usd-core is not installed."""
    picture = png_bytes(to_uint8(2 * texture(appearance) - 1))
    return aligned({"object.usdc": crate(appearance, length_m), "texture.png": picture})


def crate(appearance: Appearance, length_m: float) -> bytes:
    """Return the scene as a binary USD file that refers to `texture.png` beside it."""
    Sdf, Usd, UsdGeom, UsdShade, Vt = modules()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "object.usdc")
        stage = Usd.Stage.CreateNew(str(path))
        UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
        extent = appearance.vertices.amax(0) - appearance.vertices.amin(0)
        UsdGeom.SetStageMetersPerUnit(stage, length_m / float(extent.max()))
        root = UsdGeom.Xform.Define(stage, "/object").GetPrim()
        Usd.ModelAPI(root).SetKind("component")
        stage.SetDefaultPrim(root)
        surface = shape(stage, appearance, Sdf, UsdGeom, Vt)
        UsdShade.MaterialBindingAPI.Apply(surface.GetPrim()).Bind(shining(stage, Sdf, UsdShade))
        stage.GetRootLayer().Save()
        return path.read_bytes()


def modules() -> tuple[Any, ...]:
    """Return Sdf, Usd, UsdGeom, UsdShade and Vt of usd-core, which is compiled and has no type information.

    Raises ExportError where it is not installed."""
    try:
        from pxr import Sdf, Usd, UsdGeom, UsdShade, Vt
    except ImportError as missing:
        raise ExportError('USDZ needs usd-core: pip install "spir[usd]"') from missing
    return Sdf, Usd, UsdGeom, UsdShade, Vt


def shape(stage, appearance: Appearance, Sdf, UsdGeom, Vt):
    """Add the mesh to a stage; in USD, v runs upwards."""
    points = Vt.Vec3fArray.FromNumpy(appearance.vertices.numpy())
    surface = UsdGeom.Mesh.Define(stage, "/object/surface")
    surface.CreatePointsAttr(points)
    surface.CreateExtentAttr(UsdGeom.PointBased.ComputeExtent(points))
    surface.CreateFaceVertexCountsAttr(Vt.IntArray(len(appearance.faces), 3))
    surface.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(appearance.faces.int().numpy().reshape(-1)))
    surface.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(appearance.normals.numpy()))
    surface.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    surface.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    places = appearance.uv * appearance.uv.new_tensor((1, -1)) + appearance.uv.new_tensor((0, 1))
    primvars = UsdGeom.PrimvarsAPI(surface)
    st = primvars.CreatePrimvar("st", Sdf.ValueTypeNames.TexCoord2fArray, UsdGeom.Tokens.vertex)
    st.Set(Vt.Vec2fArray.FromNumpy(places.numpy()))
    return surface


def shining(stage, Sdf, UsdShade):
    """Add a UsdPreviewSurface without diffuse colour or gloss, which emits the texture."""
    types = Sdf.ValueTypeNames
    material = UsdShade.Material.Define(stage, "/object/material")
    place, picture, look = (
        UsdShade.Shader.Define(stage, f"/object/material/{name}") for name in ("place", "picture", "look")
    )
    place.CreateIdAttr("UsdPrimvarReader_float2")
    place.CreateInput("varname", types.String).Set("st")
    picture.CreateIdAttr("UsdUVTexture")
    picture.CreateInput("file", types.Asset).Set("texture.png")
    picture.CreateInput("sourceColorSpace", types.Token).Set("sRGB")
    for wrap in ("wrapS", "wrapT"):
        picture.CreateInput(wrap, types.Token).Set("clamp")
    st = place.CreateOutput("result", types.Float2)
    picture.CreateInput("st", types.Float2).ConnectToSource(st)
    look.CreateIdAttr("UsdPreviewSurface")
    look.CreateInput("useSpecularWorkflow", types.Int).Set(1)
    look.CreateInput("specularColor", types.Color3f).Set((0.0, 0.0, 0.0))
    look.CreateInput("diffuseColor", types.Color3f).Set((0.0, 0.0, 0.0))
    look.CreateInput("roughness", types.Float).Set(1.0)
    colour = picture.CreateOutput("rgb", types.Float3)
    look.CreateInput("emissiveColor", types.Color3f).ConnectToSource(colour)
    material.CreateSurfaceOutput().ConnectToSource(look.CreateOutput("surface", types.Token))
    return material


def aligned(contents: dict[str, bytes]) -> bytes:
    """Return a ZIP as USDZ requires it: the scene first, nothing compressed, every file at a multiple of `ALIGNMENT`."""
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        for name, data in contents.items():
            entry = ZipInfo(name, LONG_AGO)
            # An extra field of unknown kind fills the gap; its own four bytes count.
            gap = -(file.tell() + HEADER + len(name) + 4) % ALIGNMENT
            entry.extra = b"\x86\x19" + gap.to_bytes(2, "little") + bytes(gap)
            archive.writestr(entry, data)
    return file.getvalue()
