"""Procedural cars as a `Field`: z to distance and lit colours at any point.

Computed in metres, queried in object units: every car is 1.8 units long and centred in the cube."""

import torch
from jaxtyping import Float
from torch import Tensor

from spir.categories import CATEGORIES
from spir.formulas import car_parts
from spir.formulas.car import distances, wheel_positions
from spir.formulas.car_parameters import TABLE, palette, repaint, traits
from spir.formulas.parameters import Parameters
from spir.formulas.shapes import inside, length2
from spir.geometry.density import LaplaceDensity
from spir.types import FieldSample

LENGTH_UNITS = 1.8
"""Length of every car in object units."""
WHEEL_EDGE = 0.03
"""Softness of the wheels' mask, in metres."""


def distance(p: Parameters, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Return the signed distance to the whole car, in metres."""
    return distances(p, x, y, z).car


def labels(
    p: Parameters, x: Tensor, y: Tensor, z: Tensor, normals: Tensor, facing: Tensor | None = None
) -> Float[Tensor, "batch point 10"]:
    """Return the weight of each palette entry at each point, light included; sums to 1."""
    return car_parts.attention(p, distances(p, x, y, z), x.abs(), y, z, normals, facing)


class CarField:
    """A batch of procedural cars as a `Field`."""

    distance, labels = staticmethod(distance), staticmethod(labels)

    def __init__(self, parameters: Parameters, alpha: float = 0.005, beta: float = 0.005):
        length = parameters["length"]
        self.parameters = parameters
        self.palette = palette(parameters)
        self.scene_range = CATEGORIES["car"].scene_range
        self.units = LENGTH_UNITS / length
        self.density = LaplaceDensity(length.new_tensor([alpha]), length.new_tensor([beta]))
        self.optical_depth = self.density.optical_depth

    def metres(self, points: Float[Tensor, "batch point 3"]) -> tuple[Tensor, Tensor, Tensor]:
        """Convert object units to x, y above the ground, z, in metres."""
        x, y, z = (points / self.units[..., None]).unbind(-1)
        return x, y + 0.5 * self.parameters["height"], z

    def sdf(self, points: Float[Tensor, "batch point 3"]) -> Float[Tensor, "batch point"]:
        return self.distance(self.parameters, *self.metres(points)) * self.units

    def sdf_grid(self, resolution: int) -> Float[Tensor, "batch x y z"]:
        axis = torch.linspace(-self.scene_range, self.scene_range, resolution, device=self.palette.device)
        points = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1).reshape(1, -1, 3)
        points = points.expand(len(self.palette), -1, -1)
        return self.sdf(points).reshape(-1, resolution, resolution, resolution)

    def normals(self, points: Float[Tensor, "batch point 3"]) -> tuple[Tensor, Tensor]:
        """Return the distance and its unit gradient, detached; the gradient is finite everywhere."""
        with torch.enable_grad():
            points = points.detach().requires_grad_()
            sdf = self.sdf(points)
            (gradient,) = torch.autograd.grad(sdf.sum(), points)
        return sdf.detach(), gradient / gradient.norm(dim=-1, keepdim=True).clamp(min=1e-3)

    def attention(
        self, points: Tensor, normals: Tensor, facing: Tensor | None = None
    ) -> Float[Tensor, "batch point 10"]:
        """Return the weight of each palette entry at each point, light included; sums to 1.

        `facing` are the normals used for lighting, where they are not those of the formula's own surface."""
        return self.labels(self.parameters, *self.metres(points), normals, facing)

    def sdf_and_attention(
        self, points: Float[Tensor, "batch point 3"], normals: Tensor
    ) -> tuple[Float[Tensor, "batch point"], Float[Tensor, "batch point 10"]]:
        """Return the distance and the attention, which share most of their computation."""
        x, y, z = self.metres(points)
        pieces = distances(self.parameters, x, y, z)
        attention = car_parts.attention(self.parameters, pieces, x.abs(), y, z, normals)
        return pieces.car * self.units, attention

    def twins(
        self, points: Float[Tensor, "point 3"]
    ) -> list[tuple[Float[Tensor, " point"], Float[Tensor, "3"]]]:
        """Return parts of the first car that look alike: each point's membership in one, in [0, 1], and the offset from
        there to its twin, in object units. These are the front and the rear wheels."""
        p, units = self.parameters, self.units[0, 0]
        x, y, z = (part[0] for part in self.metres(points[None]))
        axles = [axle[0, 0] for axle in wheel_positions(p)]
        radius, inner = (
            p["wheel_radius"][0, 0],
            0.5 * p["width"][0, 0] - p["inset"][0, 0] - p["wheel_width"][0, 0],
        )
        found = []
        for own, other in (axles, axles[::-1]):
            rim = length2(z - own, y - radius) - radius
            wheel = inside(torch.maximum(rim, inner - x.abs()), WHEEL_EDGE)
            found.append((wheel, torch.stack((0 * own, 0 * own, (other - own) * units))))
        return found

    def __call__(
        self, points: Float[Tensor, "batch point 3"], directions: Float[Tensor, "batch point 3"] | None = None
    ) -> FieldSample:
        sdf, normals = self.normals(points)
        attention = self.attention(points.detach(), normals)
        inside = (points.abs() <= self.scene_range).all(dim=-1)
        return FieldSample(sdf, self.density(sdf) * inside, attention @ self.palette, attention)


class ProceduralCars:
    """The procedural category "car"."""

    table = TABLE
    z_dim = TABLE.z_dim
    classes = tuple(TABLE.classes)
    of_parameters = staticmethod(CarField)
    repaint = staticmethod(repaint)
    traits = staticmethod(traits)

    @staticmethod
    def field(z: Float[Tensor, "batch z"]) -> CarField:
        """Return the cars that z encodes."""
        return CarField(TABLE.decode(z))

    @staticmethod
    def compile() -> None:
        """Compile the formulas of every car of this process: minutes once (a C++ compiler is needed), then several times
        faster. Worth it for training, never for a page."""
        CarField.distance = staticmethod(torch.compile(distance, dynamic=True))
        CarField.labels = staticmethod(torch.compile(labels, dynamic=True))

    @staticmethod
    def palette(z: Float[Tensor, "batch z"]) -> Float[Tensor, "batch 10 3"]:
        """Return the ten named colours of the cars, in [-1, 1]."""
        return palette(TABLE.decode(z))

    @staticmethod
    def one_per_class(generator: torch.Generator) -> Float[Tensor, "batch z"]:
        """Return a random car of each body class: the logits of its class are raised, everything else is random."""
        count = len(TABLE.classes)
        z = torch.randn(count, TABLE.z_dim, generator=generator)
        z[:, :count] = 0.3 * z[:, :count] + 2.2 * torch.eye(count)
        return z
