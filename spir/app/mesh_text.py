"""Define every sentence of the Mesh tab: short, plain, without jargon."""

from spir.app.text import duration

BUTTON = "Make the mesh"
FINENESS = "Fineness"
FINENESS_INFO = "Samples along each side of the object's box: more is finer and slower."
DETAIL = "Photo detail"
DETAIL_INFO = "1 shows everything your photo shows; 0 shows the plain colours, which change as you pick them."
LABEL = "Mesh"
TRUE_COLOURS = "True colours"
TRUE_COLOURS_BUTTON = "Show true colours"
HINT = (
    "With photo detail at 0 the viewer adds a little contrast of its own; “true colours” shows every plain colour as it "
    "is. A button with a file type makes that file in the colours you chose. “By part” has one material for each part, "
    "to recolour elsewhere; the plain ones have no detail of the photo, and STL has no colours."
)
FORMATS = {
    "glb": "GLB",
    "materials.glb": "GLB by part",
    "obj.zip": "OBJ + picture",
    "usdz": "USDZ",
    "mesh.glb": "Plain GLB",
    "ply": "Plain PLY",
    "obj": "Plain OBJ",
}
"""The labels of the format buttons; other formats show their file extension."""
PHOTO_DETAIL_OFF = "The fit is poor, so the photo's detail is left off."
MIXED = "A mixed object has no photo of its own, so it has plain colours."
STALE = "The colours have changed. Press “Make the mesh” to see them here."
NO_TEXTURE = "This result can't take the photo's detail. Choose a plain format."
BAD_DETAIL = "The photo detail must be a number from 0 to 1."


def size(triangles: int, seconds: float) -> str:
    return f"{triangles:,} triangles in {duration(seconds)}."


def button(form: str) -> str:
    return FORMATS.get(form, form.upper())
