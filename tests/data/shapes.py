"""Meshes of a few triangles with known answers."""

import torch

from spir.data.meshes.read import PaintedMesh


def box(half=(0.4, 0.3, 0.9), part=0, centre=(0.0, 0.0, 0.0), colour=0.5) -> PaintedMesh:
    """A closed box of 12 triangles in one colour, faces outwards."""
    signs = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 3)
    quads = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    faces = torch.tensor([tri for a, b, c, d in quads for tri in ((a, b, c), (a, c, d))])
    return PaintedMesh(
        vertices=signs * torch.tensor(half) + torch.tensor(centre),
        faces=faces,
        colours=torch.full((12, 3, 3), colour),
        parts=torch.full((12,), part),
        uv=torch.zeros(12, 3, 2),
        texture=torch.full((12,), -1),
    )


def joined(*meshes: PaintedMesh) -> PaintedMesh:
    """Several meshes without textures as one."""
    starts = torch.tensor([0] + [len(mesh.vertices) for mesh in meshes]).cumsum(0)
    cat = lambda name: torch.cat([getattr(mesh, name) for mesh in meshes])  # noqa: E731
    faces = torch.cat([mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)])
    return PaintedMesh(cat("vertices"), faces, cat("colours"), cat("parts"), cat("uv"), cat("texture"))
