"""Every sentence on the page: short, plain, no jargon on the surface."""

TITLE = "3D from one photo"
CANNOT = "Sides that the photo does not show are a guess."
PRIVACY = "Your photo stays on this server and is deleted when you close the page."

PHOTO = "1. Photo"
PHOTO_ALT = "Your photo"
CUTOUT = "2. Cut-out"
STEPS = "3. Steps"
STEPS_INFO = "0 is the first guess, 10 is usually enough, 30 is the most faithful."
STEPS_SLIDER = "Any number of steps"
PRESETS = (("0", 0), ("10", 10), ("30", 30))
DEVICES = {"cpu": "the CPU", "cuda": "the GPU", "mps": "the Apple GPU"}
RECONSTRUCT = "Reconstruct"
STOP = "Stop"

TAB_RECOLOUR = "Recolour"
TAB_MESH = "Mesh"
TAB_DOWNLOADS = "Downloads"
RECOLOUR_HINT = (
    "The colours found in the photo. Change one and every view follows; the mesh and the files do "
    "when they are made again."
)
MESH_BUTTON = "Make the mesh"
MESH_RESOLUTION = "Fineness"
MESH_RESOLUTION_INFO = "Samples along each side of the object's box: more is finer and slower."
MESH_LABEL = "Mesh"
FILES_BUTTON = "Prepare the files"
FILES_LABEL = "Files"
FILES_HINT = (
    "The mesh as GLB (with the photo's camera), PLY, OBJ and STL; the turning object as MP4 and GIF; "
    "run.json says how all of it was made."
)

EMPTY = "Add a photo to begin."
READY = "Ready. Press Reconstruct."
WAITING = "Waiting for a free place."
RUNNING = "Running."
TURNING = "Looking at it from all sides …"
TO_TURN = "The object to turn appears here."
NO_PHOTO = "Add a photo first."
NO_RESULT = "Press Reconstruct first; this needs a result."
FORGOTTEN = "This result is no longer kept. Add the photo again."
BAD_COLOUR = "One of the colours could not be read. Reset the colours and try again."
BAD_STEPS = "The number of steps must be a whole number from 0 to 100."
NO_SURFACE = "No closed surface was found in this result. Try more steps or another photo."
FAILED = "Something went wrong here, and the run was ended. Press Reconstruct to try again."


def does(category: str) -> str:
    return (
        f"Add the photo of a {category}. Its shape, pose and colours are found at first sight and refined "
        "step by step; then turn it, recolour it, take it home."
    )


def duration(seconds: float) -> str:
    """Rounded to what a person would say."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"


def machine(device: str, steps: int, seconds: float, measured: bool, loss: str) -> str:
    """The line under the title: where it runs, how long it takes, what it compares pictures with."""
    where = DEVICES.get(device.split(":")[0], device)
    how = "" if measured else " (not yet measured here)"
    count = {0: "The first guess takes", 1: "1 step takes"}.get(steps, f"{steps} steps take")
    return f"Runs on {where}. {count} about {duration(seconds)}{how}. Picture distance: {loss}."


def cut_by(segmenter: str) -> str:
    return f"Cut out by {segmenter}."


def rejected(reason: str) -> str:
    return f"{reason} Nothing else is lost: choose another photo."


def pose_note(outcome: str) -> str:
    """What the visitor should know about the first pose; nothing where it was found."""
    return (
        "" if outcome == "solved" else f"The view could not be measured ({outcome}), so it is a plain guess."
    )


def done(step: int, seconds: float) -> str:
    if step == 0:
        return f"First guess after {duration(seconds)}."
    return f"Done: {step} step{'s' if step > 1 else ''} in {duration(seconds)}."


def stopped(step: int) -> str:
    return f"Stopped. Step {step} is kept."


def mesh_size(triangles: int, seconds: float) -> str:
    return f"{triangles:,} triangles in {duration(seconds)}."


def out_of_order(message: str) -> str:
    """For the page that is shown when there is nothing to run."""
    return f"This page cannot run yet. {message}"
