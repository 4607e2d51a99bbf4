"""Reads cars and other objects as triangle meshes into the frame of the procedural cars.

In that frame +Y is up, the front is towards +Z, and the middle of the box around the object is at the origin.
A car is 1.8 object units long; other objects have that length along their longest side. Files stand any way
up, so a `MeshFile` says where the top and the front are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

import numpy as np
import torch
import trimesh
from jaxtyping import Float, Int
from PIL import Image
from torch import Tensor
from trimesh.resolvers import FilePathResolver

from spir.categories import CAR_PALETTE
from spir.data.meshes.parts import classify_parts
from spir.formulas.car_field import LENGTH_UNITS
from spir.types import Mesh, Movable

BODY = CAR_PALETTE.index("body paint")
GREY = (128, 128, 128)
"""Colour of pieces without one, bytes."""


class MeshError(ValueError):
    """A file or folder holds no usable mesh; the message says what to do."""


@dataclass(frozen=True)
class PaintedMesh(Movable):
    """A triangle mesh with a colour at every corner of a face, or a texture, and a part for every face."""

    vertices: Float[Tensor, "vertex 3"]
    faces: Int[Tensor, "face 3"]
    colours: Float[Tensor, "face 3 3"]
    """Colours of the corners in [-1, 1], which count where there is no texture."""
    parts: Int[Tensor, " face"]
    """Index into `CAR_PALETTE`."""
    uv: Float[Tensor, "face 3 2"]
    """Texture coordinates, from the lower left corner; the texture repeats outside [0, 1]."""
    texture: Int[Tensor, " face"]
    """Index into `textures`; -1 = none."""
    textures: tuple[Float[Tensor, "height width 3"], ...] = ()


@dataclass(frozen=True)
class MeshFile:
    """The file of a mesh, and how the object stands in it."""

    path: str
    """Path relative to the folder of all meshes."""
    up: str = "+y"
    front: str = "+z"
    skip: tuple[str, ...] = ()
    """Nodes whose names begin so are left out, such as collision shapes."""
    rotation: tuple[float, ...] = ()
    """Matrix, row by row, that rotates the file's points before its axes count; empty = no rotation."""
    car: bool = True
    """Whether the object is fitted by its length, else by its longest side."""
    label: str = ""
    """Name of the object where the file's own is not unique."""

    @property
    def name(self) -> str:
        """The label, or else the name of the file."""
        return self.label or PurePosixPath(self.path).stem


class NearbyFiles(FilePathResolver):
    """Finds textures and materials by file name alone, in the mesh's folder or the one above it."""

    def get(self, name: str) -> bytes:
        """The content of the file of that name. Raises FileNotFoundError where there is none."""
        wanted = PurePosixPath(name.replace("\\", "/")).name.lower()
        for folder in (Path(self.parent), Path(self.parent).parent):
            for path in sorted(folder.rglob("*")):
                if path.name.lower() == wanted and path.is_file():
                    return path.read_bytes()
        raise FileNotFoundError(name)


def from_surface(mesh: Mesh) -> PaintedMesh:
    """A mesh with colours at its vertices as a `PaintedMesh`, all of it body."""
    count = len(mesh.faces)
    faces = mesh.faces.long()
    return PaintedMesh(
        vertices=mesh.vertices,
        faces=faces,
        colours=mesh.colours[faces],
        parts=torch.full((count,), BODY),
        uv=mesh.vertices.new_zeros(count, 3, 2),
        texture=torch.full((count,), -1),
    )


def read_mesh(root: Path, file: MeshFile) -> PaintedMesh:
    """Read an object into the canonical frame, in the colours of its file. Raises MeshError where there is
    none."""
    path = root / file.path
    if not path.is_file():
        raise MeshError(f"there is no mesh {path}: is {root} the folder that holds {file.path}?")
    try:
        loaded = trimesh.load(path, force="scene", process=False, resolver=NearbyFiles(str(path)))
    except (ValueError, KeyError, ImportError) as problem:
        raise MeshError(f"{path} cannot be read: {problem}") from problem
    scene, turn = cast(trimesh.Scene, loaded), np.eye(4)
    if file.rotation:
        turn[:3, :3] = np.reshape(file.rotation, (3, 3))
    pieces = []
    for name in sorted(scene.graph.nodes_geometry):
        place, key = scene.graph[name]
        geometry = scene.geometry[key]
        # Files may also hold lines and loose points.
        if isinstance(geometry, trimesh.Trimesh) and not name.startswith(file.skip):
            pieces.append(piece(name, geometry, turn @ place))
    if not pieces:
        raise MeshError(f"{path} holds no triangles")
    return join(pieces, file)


@dataclass(frozen=True)
class Piece:
    """One node of a scene, in the file's frame."""

    name: str
    """Names of the node and its material."""
    vertices: Float[Tensor, "vertex 3"]
    faces: Int[Tensor, "face 3"]
    colours: Float[Tensor, "vertex 3"]
    uv: Float[Tensor, "vertex 2"]
    image: Image.Image | None


def piece(name: str, geometry: trimesh.Trimesh, place: Float[np.ndarray, "4 4"]) -> Piece:
    """A node as a piece, with its colours and texture; grey where it has none."""
    vertices = trimesh.transform_points(np.asarray(geometry.vertices), np.asarray(place))
    material = getattr(geometry.visual, "material", None)
    image = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
    uv = getattr(geometry.visual, "uv", None)
    if image is None or uv is None or len(uv) != len(vertices):
        image, uv = None, np.zeros((len(vertices), 2))
    colours = np.broadcast_to(colours_of(geometry.visual), (len(vertices), 3))
    return Piece(
        name=f"{name} {getattr(material, 'name', None) or ''}",
        vertices=torch.from_numpy(np.array(vertices, dtype=np.float64)),
        faces=torch.from_numpy(np.array(geometry.faces, dtype=np.int64)),
        colours=torch.from_numpy(np.array(colours, dtype=np.float32)) / 127.5 - 1,
        uv=torch.from_numpy(np.array(uv, dtype=np.float32)),
        image=image,
    )


def colours_of(visual: Any) -> np.ndarray:
    """The colour of a visual, or one for each vertex, in [0, 255]."""
    material = getattr(visual, "material", None)
    if material is not None:
        return np.asarray(material.main_color)[:3]
    return visual.vertex_colors[:, :3] if visual.defined else np.asarray(GREY)


def join(pieces: Sequence[Piece], file: MeshFile) -> PaintedMesh:
    """All pieces of a file as one mesh in the canonical frame."""
    # Pieces share textures; a picture is the same only if it is the same object.
    images = list({id(one.image): one.image for one in pieces if one.image is not None}.values())
    places = {id(image): number for number, image in enumerate(images)}
    counts = torch.tensor([len(one.faces) for one in pieces])
    starts = np.cumsum([0] + [len(one.vertices) for one in pieces]).tolist()
    areas = [float(area_vectors(one.vertices, one.faces).norm(dim=-1).sum()) for one in pieces]
    parts = torch.tensor(classify_parts([one.name for one in pieces], areas))
    texture = torch.tensor([places.get(id(one.image), -1) for one in pieces])
    return PaintedMesh(
        vertices=canonical(torch.cat([one.vertices for one in pieces]), file.up, file.front, file.car),
        faces=torch.cat([one.faces + start for one, start in zip(pieces, starts, strict=False)]),
        colours=torch.cat([one.colours[one.faces] for one in pieces]),
        parts=parts.repeat_interleave(counts),
        uv=torch.cat([one.uv[one.faces] for one in pieces]),
        texture=texture.repeat_interleave(counts),
        textures=tuple(pixels(image) for image in images),
    )


def pixels(image: Image.Image) -> Float[Tensor, "height width 3"]:
    """A texture in [-1, 1], its alpha ignored."""
    return torch.from_numpy(np.array(image.convert("RGB"), dtype=np.float32)) / 127.5 - 1


def area_vectors(
    vertices: Float[Tensor, "vertex 3"], faces: Int[Tensor, "face 3"]
) -> Float[Tensor, "face 3"]:
    """The normal of each face, whose length is the area of the face."""
    first, second, third = vertices[faces].unbind(1)
    return torch.cross(second - first, third - first, -1) / 2


def axis(name: str) -> Float[Tensor, "3"]:
    """The vector of an axis: "-y" is (0, -1, 0). Raises MeshError for any other name."""
    if len(name) != 2 or name[0] not in "+-" or name[1] not in "xyz":
        raise MeshError(f"an axis is one of +x -x +y -y +z -z, not {name!r}")
    return (1 if name[0] == "+" else -1) * torch.eye(3, dtype=torch.float64)["xyz".index(name[1])]


def canonical(
    vertices: Float[Tensor, "vertex 3"], up: str, front: str, car: bool = True
) -> Float[Tensor, "vertex 3"]:
    """Vertices rotated so that the file's axes `up` and `front` are +Y and +Z, then fitted, see `fit`.

    Raises MeshError for axes that are none, or the same."""
    top, ahead = axis(up), axis(front)
    if top @ ahead != 0:
        raise MeshError(f"up {up} and front {front} must be two different axes")
    turn = torch.stack((torch.linalg.cross(top, ahead), top, ahead))
    return fit(vertices @ turn.T, car).float()


def fit(vertices: Float[Tensor, "vertex 3"], car: bool = True) -> Float[Tensor, "vertex 3"]:
    """Vertices with the middle of their box at the origin, as long as every procedural car.

    The length of a car is along z, that of other objects along their longest side. Raises MeshError without
    length."""
    low, high = vertices.amin(0), vertices.amax(0)
    length = high[2] - low[2] if car else (high - low).max()
    if length <= 0:
        raise MeshError("a mesh without length along its front axis")
    return (vertices - (low + high) / 2) * (LENGTH_UNITS / length)


def box_corners(mesh: PaintedMesh) -> Float[Tensor, "1 8 3"]:
    """The corners of the box around the mesh."""
    low, high = mesh.vertices.amin(0), mesh.vertices.amax(0)
    return torch.cartesian_prod(*torch.stack((low, high), 1))[None]
