"""Renders meshes lit like photos: a sky, a sun, darkness near the ground. Faces have two sides."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from spir.categories import CAR_PALETTE
from spir.data.meshes.read import PaintedMesh, area_vectors
from spir.geometry.camera import rays
from spir.geometry.raster import Fragments, rasterise, spread
from spir.types import Camera, Rendering

OVERSAMPLING = 3
"""Fine pixels along a pixel's side, which are averaged at the end."""
CREASE_DEG = 40.0
"""Edges sharper than this stay edges; the others are shaded smoothly."""
GLOSS = {"glass": 1.0, "headlights": 0.8, "tyres": 0.0, "dark trim": 0.1}
"""Gloss of the parts that are not as glossy as paint."""
PAINT_GLOSS = 0.5


@dataclass(frozen=True)
class Light:
    """The lighting of an object; strengths are factors of a surface's own colour."""

    sun: tuple[float, float, float]
    """Direction towards the sun in object axes, of any length."""
    sun_strength: float = 0.5
    sky: float = 0.6
    ground: float = 0.25
    contact: float = 0.5
    """How much darker a surface is next to the ground, in [0, 1]."""
    gloss: float = 0.5
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class GBuffer:
    """What one camera sees of a mesh before colours are applied, at the fine resolution."""

    fragments: Fragments
    nocs: Float[Tensor, "1 size size 3"]
    normals: Float[Tensor, "1 size size 3"]
    diffuse: Float[Tensor, "1 size size"]
    """Factor of the surface's own colour, about 0.1 to 1.1."""
    specular: Float[Tensor, "1 size size"]
    """Mirrored sky and sun, from 0, before the gloss of the part."""


def random_light(generator: torch.Generator) -> Light:
    """A random light as outdoors."""
    draw = lambda low, high: low + (high - low) * torch.rand(1, generator=generator).item()  # noqa: E731
    azimuth, height = draw(0, 2 * torch.pi), draw(0.35, 1.4)
    sun = (torch.sin(torch.tensor(azimuth)).item(), height, torch.cos(torch.tensor(azimuth)).item())
    strength = draw(0.0, 0.7)
    warm = draw(-0.06, 0.06)
    return Light(
        sun=sun,
        sun_strength=strength,
        sky=draw(1.0, 1.15) - 0.5 * strength,
        ground=draw(0.25, 0.55),
        contact=draw(0.2, 0.7),
        gloss=draw(0.2, 0.8),
        tint=(1 + warm, 1.0, 1 - warm),
    )


@torch.no_grad()
def render_mesh(
    mesh: PaintedMesh, camera: Camera, size: int, light: Light, background: float = 0.0
) -> Rendering:
    """Render the mesh: rgb on the background, alpha, and depth, normals and nocs, which are premultiplied by
    alpha.

    One camera takes about a tenth of a second."""
    normals = crease_normals(mesh.vertices, mesh.faces)
    pictures = []
    for row in range(len(camera.cam2world)):
        seen = render_gbuffer(mesh, normals, camera[row : row + 1], size * OVERSAMPLING, light)
        own = (albedo(mesh, seen.fragments) + 1) / 2 * torch.tensor(light.tint)
        lit = own * seen.diffuse[..., None] + (gloss(mesh, seen.fragments) * seen.specular)[..., None]
        hit = seen.fragments.hit[..., None]
        rgb = torch.where(hit, 2 * lit.clamp(0, 1) - 1, background)
        parts = torch.cat((rgb, hit, seen.fragments.depth[..., None], seen.normals, seen.nocs), -1)
        pictures.append(downsample(parts))
    rgb, alpha, depth, normal, nocs = torch.cat(pictures).split((3, 1, 1, 3, 3), -1)
    return Rendering(rgb, alpha[..., 0], depth[..., 0], normals=normal, nocs=nocs)


def downsample(
    values: Float[Tensor, "batch fine fine channel"],
) -> Float[Tensor, "batch size size channel"]:
    """The mean over each pixel's fine pixels."""
    return F.avg_pool2d(values.permute(0, 3, 1, 2), OVERSAMPLING).permute(0, 2, 3, 1)


def render_gbuffer(
    mesh: PaintedMesh, normals: Float[Tensor, "face 3 3"], camera: Camera, size: int, light: Light
) -> GBuffer:
    """Rasterise and shade the mesh for one camera; `normals` are those of `crease_normals`."""
    fragments = rasterise(mesh.vertices, mesh.faces, camera, size)
    nocs = fragments.interpolate(mesh.vertices[mesh.faces])
    _, directions = rays(camera, size, size)
    facing = area_vectors(mesh.vertices, mesh.faces)[fragments.face.clamp(min=0)]
    side = torch.where((facing * directions).sum(-1, keepdim=True) > 0, -1.0, 1.0)
    normal = side * F.normalize(fragments.interpolate(normals), dim=-1)
    low, high = mesh.vertices[:, 1].aminmax()
    height = (nocs[..., 1] - low) / (high - low)
    diffuse = diffuse_shading(normal, height, light)
    return GBuffer(fragments, nocs, normal, diffuse, specular_shading(normal, directions, light))


def diffuse_shading(
    normal: Float[Tensor, "*pixel 3"], height: Float[Tensor, "*pixel"], light: Light
) -> Float[Tensor, "*pixel"]:
    """Lambert's law under a sky that is brighter above and occluded near the ground; height in [0, 1]."""
    sun = F.normalize(normal.new_tensor(light.sun), dim=0)
    above = 0.5 + 0.5 * normal[..., 1]
    open_sky = 1 - light.contact * (1 - height / 0.6).clamp(0, 1) ** 2
    ambient = open_sky * (light.sky * above + light.ground * (1 - above))
    return ambient + light.sun_strength * (normal @ sun).clamp(min=0) * open_sky.sqrt()


def specular_shading(
    normal: Float[Tensor, "*pixel 3"], direction: Float[Tensor, "*pixel 3"], light: Light
) -> Float[Tensor, "*pixel"]:
    """Mirrored sky by Schlick's approximation to Fresnel's law, and the sun's highlight by Phong's."""
    away = (normal * direction).sum(-1, keepdim=True)
    reflection = direction - 2 * away * normal
    sun = F.normalize(normal.new_tensor(light.sun), dim=0)
    fresnel = 0.06 + 0.94 * (1 - away[..., 0].abs()).clamp(0, 1) ** 5
    sky = (reflection[..., 1] * 4 + 0.5).clamp(0, 1) * light.sky
    glare = light.sun_strength * (reflection @ sun).clamp(min=0) ** 60
    return light.gloss * (fresnel * sky + glare)


def gloss(mesh: PaintedMesh, fragments: Fragments) -> Float[Tensor, "batch size size"]:
    """The gloss of the part at each pixel, 0 on the background."""
    table = torch.tensor([GLOSS.get(name, PAINT_GLOSS) for name in CAR_PALETTE])
    return table[mesh.parts[fragments.face.clamp(min=0)]] * fragments.hit


def albedo(mesh: PaintedMesh, fragments: Fragments) -> Float[Tensor, "batch size size 3"]:
    """The surface's own colour, in [-1, 1], bilinear in its texture where it has one."""
    colour = fragments.interpolate(mesh.colours)
    if not mesh.textures:
        return colour
    uv = fragments.interpolate(mesh.uv)
    which = mesh.texture[fragments.face.clamp(min=0)]
    for number, texture in enumerate(mesh.textures):
        here = fragments.hit & (which == number)
        colour[here] = sample_texture(texture, uv[here])
    return colour


def sample_texture(
    texture: Float[Tensor, "height width 3"], uv: Float[Tensor, "point 2"]
) -> Float[Tensor, "point 3"]:
    """Sample a repeating texture bilinearly; (0, 0) is its lower left corner."""
    height, width, _ = texture.shape
    x, y = uv[:, 0] * width - 0.5, (1 - uv[:, 1]) * height - 0.5
    left, top = x.floor(), y.floor()
    across, down = (x - left)[:, None], (y - top)[:, None]
    columns = [(left.long() + step) % width for step in (0, 1)]
    rows = [(top.long() + step) % height for step in (0, 1)]
    upper = texture[rows[0], columns[0]] * (1 - across) + texture[rows[0], columns[1]] * across
    lower = texture[rows[1], columns[0]] * (1 - across) + texture[rows[1], columns[1]] * across
    return upper * (1 - down) + lower * down


def crease_normals(
    vertices: Float[Tensor, "vertex 3"], faces: Int[Tensor, "face 3"], crease_deg: float = CREASE_DEG
) -> Float[Tensor, "face 3 3"]:
    """Normals of the corners: the mean by area over the faces that meet there at less than the crease
    angle."""
    area = area_vectors(vertices, faces)
    unit = F.normalize(area, dim=-1)
    # Files repeat a vertex for every colour or texture that meets there.
    _, place = torch.unique((vertices * 1e5).round(), dim=0, return_inverse=True)
    place = place[faces].flatten()
    order = place.argsort()
    size = torch.bincount(place)
    start = size.cumsum(0) - size
    corner, other = spread(start[place], size[place])
    face, neighbour = corner // 3, order[other] // 3
    smooth = (unit[face] * unit[neighbour]).sum(-1) > torch.cos(torch.deg2rad(torch.tensor(crease_deg)))
    total = torch.zeros(len(place), 3).index_add_(0, corner[smooth], area[neighbour[smooth]])
    total = torch.where(total.norm(dim=-1, keepdim=True) > 0, total, unit.repeat_interleave(3, dim=0))
    return F.normalize(total, dim=-1).view(-1, 3, 3)
