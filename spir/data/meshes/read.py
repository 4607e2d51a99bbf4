"""Cars and other objects as triangle meshes, from files into the frame of the procedural cars.

That frame: +Y up, the front towards +Z, the middle of the box around the object at the origin, 1.8 object units
long; what is no car has its longest side, whichever that is, of that length. Files stand any way up, so whoever reads one
says where its top and its front are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import torch
import trimesh
from jaxtyping import Float, Int
from PIL import Image
from torch import Tensor

from spir.categories import CAR_PALETTE
from spir.data.meshes.paint import part_of
from spir.formulas.car_field import LENGTH_UNITS
from spir.types import Mesh, Movable

BODY = CAR_PALETTE.index("body paint")
GREY = (128, 128, 128)


class MeshError(ValueError):
    """A file or folder that holds no mesh to use; the message says what to do."""


@dataclass(frozen=True)
class PaintedMesh(Movable):
    """Triangles with a colour for every corner, or a texture, and a part for every face."""

    vertices: Float[Tensor, "vertex 3"]
    faces: Int[Tensor, "face 3"]
    colours: Float[Tensor, "face 3 3"]
    """Of the corners; counts where there is no texture."""
    parts: Int[Tensor, " face"]
    """Index into `CAR_PALETTE`."""
    uv: Float[Tensor, "face 3 2"]
    """Place in the texture, from its lower left corner; repeats outside [0, 1]."""
    texture: Int[Tensor, " face"]
    """Index into `textures`; -1 = none."""
    textures: tuple[Float[Tensor, "height width 3"], ...] = ()


@dataclass(frozen=True)
class MeshFile:
    """Where a car lies and how it stands there."""

    path: str
    """Relative to the folder of all meshes."""
    up: str = "+y"
    front: str = "+z"
    skip: tuple[str, ...] = ()
    """Beginnings of the names of nodes that are no part of the picture, such as collision shapes."""
    rotation: tuple[float, ...] = ()
    """Nine numbers, a matrix row by row, that turns the file's points before its axes count; none = as they are."""
    car: bool = True
    """Fitted by its length; else by its longest side."""
    label: str = ""
    """Its name where the file's own is not enough."""

    @property
    def name(self) -> str:
        return self.label or PurePosixPath(self.path).stem


class NearbyFiles(trimesh.resolvers.FilePathResolver):
    """Finds textures and materials by file name alone in the mesh's folder or the one around it."""

    def get(self, name: str) -> bytes:
        wanted = PurePosixPath(name.replace("\\", "/")).name.lower()
        for folder in (Path(self.parent), Path(self.parent).parent):
            for path in sorted(folder.rglob("*")):
                if path.name.lower() == wanted and path.is_file():
                    return path.read_bytes()
        raise FileNotFoundError(name)


def from_surface(mesh: Mesh) -> PaintedMesh:
    """A mesh with colours at its vertices, all of it body."""
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
    """The object in the canonical frame with the colours of its file. Raises MeshError where there is none."""
    path = root / file.path
    if not path.is_file():
        raise MeshError(f"there is no mesh {path}: is {root} the folder that holds {file.path}?")
    try:
        scene = trimesh.load(path, force="scene", process=False, resolver=NearbyFiles(str(path)))
    except (ValueError, KeyError, ImportError) as problem:
        raise MeshError(f"{path} cannot be read: {problem}") from problem
    turn = np.eye(4)
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
    """Of the node and its material."""
    vertices: Float[Tensor, "vertex 3"]
    faces: Int[Tensor, "face 3"]
    colours: Float[Tensor, "vertex 3"]
    uv: Float[Tensor, "vertex 2"]
    image: Image.Image | None


def piece(name: str, geometry: trimesh.Trimesh, place: Float[np.ndarray, "4 4"]) -> Piece:
    """A node with whatever it has of colours and texture; grey and without a texture where it has none."""
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


def colours_of(visual: trimesh.visual.base.Visuals) -> np.ndarray:
    """One colour, or one for each vertex, [0, 255]."""
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
    parts = torch.tensor(part_of([one.name for one in pieces], areas))
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
    """A normal of each face, as long as the face is large."""
    first, second, third = vertices[faces].unbind(1)
    return torch.cross(second - first, third - first, -1) / 2


def axis(name: str) -> Float[Tensor, "3"]:
    """ "-y" -> (0, -1, 0)."""
    if len(name) != 2 or name[0] not in "+-" or name[1] not in "xyz":
        raise MeshError(f"an axis is one of +x -x +y -y +z -z, not {name!r}")
    return (1 if name[0] == "+" else -1) * torch.eye(3, dtype=torch.float64)["xyz".index(name[1])]


def canonical(
    vertices: Float[Tensor, "vertex 3"], up: str, front: str, car: bool = True
) -> Float[Tensor, "vertex 3"]:
    """Turned so that the file's axes `up` and `front` are +Y and +Z, then fitted, see `fitted`."""
    top, ahead = axis(up), axis(front)
    if top @ ahead != 0:
        raise MeshError(f"up {up} and front {front} must be two different axes")
    turn = torch.stack((torch.linalg.cross(top, ahead), top, ahead))
    return fitted(vertices @ turn.T, car).float()


def fitted(vertices: Float[Tensor, "vertex 3"], car: bool = True) -> Float[Tensor, "vertex 3"]:
    """The middle of the box at the origin; a car as long in z as every procedural car, all else along its longest side."""
    low, high = vertices.amin(0), vertices.amax(0)
    length = high[2] - low[2] if car else (high - low).max()
    if length <= 0:
        raise MeshError("a mesh without length along its front axis")
    return (vertices - (low + high) / 2) * (LENGTH_UNITS / length)


def box_corners(mesh: PaintedMesh) -> Float[Tensor, "1 8 3"]:
    """Of the box around the mesh."""
    low, high = mesh.vertices.amin(0), mesh.vertices.amax(0)
    return torch.cartesian_prod(*torch.stack((low, high), 1))[None]
