"""Define every sentence on the page: short, plain, without jargon."""

from spir.types import Outcome, Segmentation

TITLE = "3D from one photo"
CANNOT = "Sides that the photo does not show are a guess."
PRIVACY = (
    "Your photo stays on this server. It is deleted minutes after you close the page, or after two unused hours. "
    "The log has stages and seconds, nothing of the photo."
)

PHOTO = "1. Photo"
PHOTO_ALT = "Your photo"
CUTOUT = "2. Cut-out"
AND_BRUSH = " and your brush"
SEGMENTERS = {
    "auto": "the best there is",
    "alpha": "the photo's own transparency",
    "rembg": "rembg",
    "trained": "our own network",
    "built-in": "colours alone",
}
STEPS = "3. Steps"
STEPS_INFO = "0 is the first guess, 10 is usually enough, 30 is the most faithful."
STEPS_SLIDER = "Any number of steps"
DEVICES = {"cpu": "the CPU", "cuda": "the GPU", "mps": "the Apple GPU"}
RECONSTRUCT = "Reconstruct"
STOP = "Stop"

TAB_RECOLOUR = "Recolour"
TAB_RACE = "Compare"
TAB_MIX = "Mix"
TAB_MESH = "Mesh"
TAB_DOWNLOADS = "Downloads"
RECOLOUR_HINT = (
    "The colours found in the photo. Change one and every view follows at once. "
    "Click the object to find out which colour it is."
)
NO_COLOURS = "Colours appear here after a run."
FILES_BUTTON = "Prepare everything"
FILES_LABEL = "Files"
FILES_HINT = (
    "One ZIP with the photo, the cut-out, every step, the views, the object in six files and run.json, which "
    "says how all of it was made. Open the ZIP here again, or drop it on the page, and everything is back."
)
OPEN_ZIP = "Open a saved ZIP"
ZIP_TOO_LARGE = "This ZIP is too large to be one of ours. Choose the one that was downloaded here."

EMPTY = "Add a photo to begin, or pick an example."
CUTTING = "Looking for the object …"
NOTHING_FOUND = "nobody: no object was found, so this is the whole picture. Fix the cut-out first"
READY = "Ready. Press Reconstruct."
READY_ANYWAY = "Press Reconstruct to go on all the same."
WAITING = "Waiting for a free place."
RUNNING = "Running."
TURNING = "Looking at it from all sides …"
TO_TURN = "The object to turn appears here."
NO_PHOTO = "Add a photo first, or pick an example."
TOO_FAR = "From here on, choose at least 1 step, and no more than 100 in all."
MIXED_IN_USE = "A mixed object is in use; how well it fits the photo is not judged."
NO_VERDICT = "Whether to trust the result is said here."
EXAMPLES = "Examples, ready to turn and recolour. Those in a dashed frame fail: click to read why."
NO_EXAMPLE = "There is no such example. Choose one of the pictures."
USE_STEP = "Use this step"
PROCEED = "Continue from here"
KEEP_POSE = "leave the camera where it is"
RACE = "Race 0, 10 and 30"
NO_RESULT = "Press Reconstruct first; this needs a result."
FORGOTTEN = "This result is no longer kept. Add the photo again."
BAD_COLOUR = "One of the colours could not be read. Reset the colours and try again."
BAD_MASK = "The cut-out could not be read. Press Automatic and paint again."
BAD_STEPS = "The number of steps must be a whole number from 0 to 100."
NO_SURFACE = "No closed surface was found in this result. Try more steps or another photo."
QUEUE_FULL = "So many are waiting already that no more fit in. Try again in a minute."
NO_MEMORY = "There was not enough memory for this just now. Nothing is lost: try again in a minute, or with fewer steps."
FAILED = "Something went wrong here, and this was ended. Nothing else is lost: try it again."


def does(category: str) -> str:
    return (
        f"Add the photo of a {category}. Its shape, pose and colours are found at first sight and refined "
        "step by step; then turn it, recolour it, take it home."
    )


def duration(seconds: float) -> str:
    """Return a number of seconds as text, rounded as in speech."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"


def machine(device: str, steps: int, seconds: float, measured: bool, loss: str) -> str:
    """Return the line under the title: the device, the expected time, and the picture distance."""
    where = DEVICES.get(device.split(":")[0], device)
    how = "" if measured else " (not yet measured here)"
    count = {0: "The first guess takes", 1: "1 step takes"}.get(steps, f"{steps} steps take")
    return f"Runs on {where}. {count} about {duration(seconds)}{how}. Picture distance: {loss}."


def cut_by(segmenter: str, remark: str = "") -> str:
    return f"Cut out by {segmenter}. {remark}".strip()


def remark(wanted: str, segmentation: Segmentation) -> str:
    """Return what the visitor should know of a photo: that it clearly shows something else, or shows several
    objects."""
    said, kind = [], segmentation.kind
    if segmentation.kinds is not None and kind is None:
        said.append(
            f"No {wanted} is seen here. A {wanted} is all that can be made of it; better take another photo."
        )
    elif kind is not None and kind != wanted:
        said.append(
            f"This looks like a {kind}. Only a {wanted} can be made of it here; better take the photo of a {wanted}."
        )
    if segmentation.others:
        said.append("There are several objects: the largest one counts. Paint to take another.")
    return " ".join(said)


def ready(remark: str) -> str:
    return f"{remark} {READY_ANYWAY}" if remark else READY


def cutout_kept(reason: str) -> str:
    return f"{reason} Until then the last cut-out counts."


def rejected(reason: str) -> str:
    return f"{reason} Nothing else is lost: choose another photo."


def pose_note(outcome: Outcome) -> str:
    """Return what the visitor should know about the first pose; an empty string where it was found."""
    return "" if outcome is Outcome.SOLVED else f"The view could not be measured ({outcome}): it is a guess."


def done(step: int, seconds: float) -> str:
    if step == 0:
        return f"First guess after {duration(seconds)}."
    return f"Done: {step} step{'s' if step > 1 else ''} in {duration(seconds)}."


def stopped(step: int) -> str:
    return f"Stopped. Step {step} is kept."


def unknown_colours(names: tuple[str, ...]) -> str:
    return f"Give the colours as JSON, name to #rrggbb; the names are: {', '.join(names)}."


def unknown_segmenter(names: tuple[str, ...]) -> str:
    return f"There is no such segmenter. Choose among: {', '.join(names)}."


def unknown_format(endings: tuple[str, ...]) -> str:
    return f"There is no such format. Choose among: {', '.join(endings)}."


def repeat(command: str, key: str) -> str:
    """Return Markdown that says how to repeat the run without this page."""
    return f"""The same run again, from the files in the ZIP:

    {command}

On from here in a program, for as long as this page is open (`gradio_client`):

    client.predict(run="{key}", format="glb", api_name="/export")
"""


def used(step: int) -> str:
    return f"Step {step} is in use." if step else "The first guess is in use."


def card(step: int) -> str:
    return f"{step} steps" if step else "First guess"


def race_hint(loss: str) -> str:
    return f"One run holds all three. PSNR: likeness in dB, more is better. Distance: {loss}, less is better."


def race_takes(seconds: float) -> str:
    return f"{RACE} (about {duration(seconds)})"


def out_of_order(message: str) -> str:
    """Return the sentence of the page that is shown when the server cannot run."""
    return f"This page cannot run yet. {message}"


# The tab Mix; the sentences of the tab Mesh are in `mesh_text`.
BAD_RESOLUTION = "The fineness must be a whole number from 64 to 256."
SECOND_PHOTO = "Second photo"
SECOND_PHOTO_ALT = "Your second photo"
SECOND_STEPS = "How long to look at it"
SECOND_CHOICES = ("First guess (fast)", "10 steps")
MIX_BUTTON = "Mix the two"
BORROW_BUTTON = "Take its colours"
MIX_EMPTY = "Add a second photo to mix its object with yours; width and height can be changed without one."
MIX_READY = "Ready. Press “Mix the two”."
CUTTING_SECOND = "Cutting out the second object …"
MIXING = "Mixing …"
MIX_DONE = "Pick one of the nine, or move the sliders."
BORROWED = "Your object now wears the colours of the second photo."
NO_SECOND = "Add a second photo and press “Mix the two” first."
MIX_AGAIN = "These blends are of an earlier result. Press “Mix the two” again."
NOTHING_PICKED = "Pick one of the blends first."
BAD_AMOUNT = "One of the sliders could not be read. Move it and try again."


def looking(step: int, steps: int) -> str:
    """Return the status while the second photo is fitted."""
    return (
        f"Looking at the second photo: step {step} of {steps}." if steps else "Looking at the second photo."
    )


# The tab Pose.
TAB_POSE = "Pose"
POSE_EMPTY = "After a run, the result is laid over your photo here, and you can move the camera."
POSE_SLIDERS = {
    "azimuth": ("Around", "Degrees: 0 front, 90 its left side."),
    "elevation": ("Up and down", "Degrees: 90 is from above."),
    "roll": ("Tilt", "Degrees, counter-clockwise."),
    "distance": ("Distance", "Times the one found."),
    "focal": ("Focal length", "Picture widths: large is a tele lens."),
}
POSE_BACK = "Back to the found pose"
POSE_REFIT = "Fit again from here"
SCENE_BUTTON = "Show the 3D scene"
SCENE_LABEL = "Object, camera and the points seen in the photo"
BAD_POSE = "The camera can not be put there. Press “Back to the found pose” and try again."


def pose_line(away: float | None, share: float, within: float, typical: float) -> str:
    """Return how well the points of the first guess fit the camera; numbers are in pixels, `away` in object
    units."""
    where = "" if away is None else f"The camera is {away:.1f} units away. "
    half = f", half of them within {typical:.1f}" if typical < 100 else ""
    return f"{where}{share:.0%} of the points seen land within {within:.1f} pixels of their place{half}."


# The verdict.
VERDICT_LEVELS = {
    "good": "Good fit.",
    "fair": "Fair fit: look twice.",
    "poor": "Poor fit: do not trust it.",
}
VERDICT_ACTIONS = {
    "none": "",
    "more_steps": "Try more steps.",
    "other_photo": "Try a photo that shows one whole object, sharp and from a little to the side.",
    "set_view": "Set the camera in the tab Pose, and fit again from there.",
    "mend_cutout": "Look at the cut-out, and mend it with the brush.",
    "whole_object": "Choose a photo on which the object is whole.",
}


def verdict_line(level: str) -> str:
    """Return the sentence of a verdict; `level` is that of `spir.session.verdict`."""
    return VERDICT_LEVELS[level]


def verdict_action(code: str) -> str:
    """Return the advice of a verdict; an empty string where there is none."""
    return VERDICT_ACTIONS[code]


def verdict_reason(code: str, value: float) -> str:
    """Return the sentence for a weak measure, with its number; `value` may be infinite where nothing could be
    measured."""
    if code == "view_error" and value == float("inf"):
        return "From where the photo was taken could not be measured."
    return {
        "overlap": f"Result and cut-out overlap by only {value:.0%}.",
        "points": f"Only {value:.0%} of the points seen in the photo agree with the camera.",
        "view_error": f"The points seen in the photo are {value:.1%} of its width off, even for the best camera.",
        "details": "Light and dark parts of the result are not where the photo has them.",
        "turned": f"It had to turn by {value:.0f}° from the first guess.",
        "predicted_mask": f"The first guess agrees with only {value:.0%} of the cut-out.",
        "cut_off": "The photo cuts the object off at its edge.",
        "straight_edge": "The cut-out ends in a straight line, as if a part were missing.",
        "flat_map": "What was seen in the photo has hardly any depth.",
        "progress": "The steps brought it hardly nearer to the photo.",
        "lens": "The lens that was found is as extreme as can be.",
        "mirror": "The two sides of the object do not look alike from the camera that was found.",
    }[code]
