"""Objects as formulas: z ~ N(0, I) to a batched analytic signed distance field with named parts and lit colours."""

from spir.data.procedural.car_field import ProceduralCars

PROCEDURAL = {"car": ProceduralCars}
"""Category name to the class whose `field(z)` is a Field; `z_dim` is the length of z."""
