"""Objects as formulas: z ~ N(0, I) to a batched analytic signed distance field with named parts and lit colours."""

from spir.formulas.car_field import ProceduralCars

FORMULAS = {"car": ProceduralCars}
"""Category name to the class whose `field(z)` is a Field; `z_dim` is the length of z."""
