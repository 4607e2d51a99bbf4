"""Define what can be done with a session: every action takes one and returns the next, long ones yield
several.

The page, the API, the command line and the batch call the same functions. An `engine` is a
`pipeline.Reconstructor`, or an object with the same methods.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from spir.errors import ActionError, PhotoError
from spir.inversion.config import FINE_STEPS, InversionConfig
from spir.outputs.files import step_metrics
from spir.photo import read_mask, read_photo
from spir.photo.cutout import MARGIN
from spir.pipeline import PRESET_STEPS, Reconstructor, preset
from spir.session.session import Result, SecondPhoto, Session
from spir.session.trajectory import Segment, Trajectory
from spir.types import Code, Cutout, Fit, Guess, Photo, Pose, Segmentation, Step

MAX_STEPS = 100
"""The largest number that a step can have."""
NOT_FOUND = "none"
"""The segmenter's name where no object was found and the whole picture is the mask."""


def open_photo(
    engine: Reconstructor, upload: bytes, segmenter: str | None = None, margin: float = MARGIN
) -> Session:
    """Decode a photo and cut its object out; where none is found, the whole picture is the mask.

    Raises PhotoError where the file is no photo, or the segmenter cannot run."""
    photo = read_photo(upload)
    segmentation = engine.segment(photo, segmenter)
    mask, name, cutout = cut_out(engine, photo, segmentation, margin)
    return Session(engine.category.name, photo, upload, segmentation, mask, margin, cutout, name)


def open_masked(
    engine: Reconstructor, upload: bytes, mask: bytes, name: str, margin: float = MARGIN
) -> Session:
    """Decode a photo and the mask that came with it, and cut the object out. Raises PhotoError."""
    photo = read_photo(upload)
    found = Segmentation(read_mask(mask, photo), name)
    cutout = engine.cut(photo, found.mask, margin)
    return Session(engine.category.name, photo, upload, found, found.mask, margin, cutout, name)


def segment(engine: Reconstructor, session: Session, segmenter: str | None = None) -> Session:
    """Cut the object out again with another segmenter. Raises PhotoError where that one cannot run."""
    found = engine.segment(session.photo, segmenter)
    mask, name, cutout = cut_out(engine, session.photo, found, session.margin)
    return replace(session, segmentation=found, mask=mask, cutout=cutout, segmenter=name, mask_edited=False)


def cut_out(
    engine: Reconstructor, photo: Photo, segmentation: Segmentation, margin: float
) -> tuple[Float[Tensor, "height width"], str, Cutout]:
    """Return the mask in use, the name of its segmenter, and the cut-out."""
    try:
        cutout = engine.cut(photo, segmentation.mask, margin)
    except PhotoError:
        # No object was found: the brush starts from the whole picture.
        mask = torch.ones_like(segmentation.mask)
        return mask, NOT_FOUND, engine.cut(photo, mask, margin)
    return segmentation.mask, segmentation.segmenter, cutout


def paint(
    engine: Reconstructor,
    session: Session,
    mask: Float[Tensor, "height width"],
    margin: float,
    edited: bool,
) -> Session:
    """Use a painted mask in [0, 1]; an existing result stays. Raises PhotoError where the mask holds no
    object."""
    cutout = engine.cut(session.photo, mask, margin)
    return replace(session, mask=mask, margin=margin, cutout=cutout, mask_edited=edited)


def run(
    engine: Reconstructor,
    session: Session,
    config: InversionConfig,
    compare: bool = False,
) -> Iterator[Session]:
    """Fit the object from the encoder's first guess; yields the session with the guess, then with every step.

    `compare` also measures the perceptual distance at the paper's numbers of steps and at the last one."""
    guess = engine.initialise(session.cutout)
    yield replace(session, guess=guess)
    yield from refit(engine, replace(session, guess=guess), guess, config, compare)


def refit(
    engine: Reconstructor,
    session: Session,
    start: Guess,
    config: InversionConfig,
    compare: bool = False,
) -> Iterator[Session]:
    """Fit the object anew from `start`; yields the session with every step."""
    begun = Trajectory(session.cutout, session.mask, (Segment(start, config),))
    yield from run_segment(engine, session, begun, None, compare)


def resume(
    engine: Reconstructor,
    session: Session,
    steps: int,
    compare: bool = False,
) -> Iterator[Session]:
    """Continue after the last step of the result up to step number `steps`, bit for bit as a longer run would
    have."""
    trajectory = session.fitted.trajectory
    last = trajectory.steps[-1]
    if last.momentum is None:
        # The archive had no optimiser state: begin a new segment at the last step, without momentum.
        yield from branch(engine, session, last.index, preset(steps - last.index), compare)
        return
    yield from run_segment(engine, session, trajectory.planned_to(steps), last, compare)


def branch(
    engine: Reconstructor,
    session: Session,
    number: int,
    config: InversionConfig,
    compare: bool = False,
) -> Iterator[Session]:
    """Begin another segment at the step of that number; the steps before it stay. Raises ActionError."""
    step = step_at(session, number)
    if not config.steps or number + config.steps > MAX_STEPS:
        raise ActionError(f"a fit can go on for at least 1 step, and up to step {MAX_STEPS}")
    start = replace(session.first_guess, code=step.code, pose=step.pose)
    segment = Segment(start, config, step.index, step.seconds)
    begun = session.fitted.trajectory.truncated(number).with_segment(segment)
    yield from run_segment(engine, session, begun, None, compare)


def run_segment(
    engine: Reconstructor,
    session: Session,
    trajectory: Trajectory,
    after: Step | None,
    compare: bool,
) -> Iterator[Session]:
    """Yield the session with every step of the trajectory's last segment; where `after` is given, with the
    later steps only."""
    segment = trajectory.segments[-1]
    known = None if after is None else segment.to_local(after)
    found = engine.invert(trajectory.cutout, segment.start, segment.config, known)
    compared = {*PRESET_STEPS, segment.last_planned} if compare else set()
    yield from add_steps(engine, session, trajectory, map(segment.to_global, found), compared)


def refine(
    engine: Reconstructor,
    session: Session,
    config: InversionConfig = FINE_STEPS,
) -> Iterator[Session]:
    """Continue after the last step on a larger cut-out of the photo; yields the session with every step."""
    trajectory = session.fitted.trajectory
    last = trajectory.steps[-1]
    start = replace(session.first_guess, code=last.code, pose=last.pose)
    trajectory = trajectory.with_segment(Segment(start, config, last.index, last.seconds))
    steps = engine.refine(session.photo, trajectory.mask, last, config, session.margin)
    yield from add_steps(engine, session, trajectory, steps, set())


def add_steps(
    engine: Reconstructor, session: Session, trajectory: Trajectory, steps: Iterable[Step], compared: set[int]
) -> Iterator[Session]:
    """Yield the session with each of the steps at the end of the trajectory; those with a number in
    `compared` get their perceptual distance too."""
    for step in steps:
        (metrics,) = step_metrics([step], trajectory.cutout)
        if step.index in compared:
            metrics["distance"] = engine.distance(step, trajectory.cutout)
        trajectory = trajectory.add(step, metrics)
        yield replace(session, result=Result(trajectory, step.index))


def select(session: Session, number: int) -> Session:
    """Use the step of that number, in its own colours. Raises ActionError where there is none."""
    step_at(session, number)
    return replace(session, result=Result(session.fitted.trajectory, number))


def recolour(engine: Reconstructor, session: Session, palette: Float[Tensor, "values 3"]) -> Session:
    """Use another palette, in [-1, 1]; the palette that was found restores the found colours exactly."""
    result = replace(session.fitted, palette=None)
    found = engine.palette(replace(session, result=result).fit.code)[0]
    return replace(session, result=result if palette.equal(found) else replace(result, palette=palette))


def mix(session: Session, code: Code) -> Session:
    """Use a code that was edited by hand; the steps and the camera stay."""
    return replace(session, result=replace(session.fitted, mixed=code, palette=None))


def open_second(engine: Reconstructor, upload: bytes) -> SecondPhoto:
    """Cut the object out of another photo, to mix with. Raises PhotoError."""
    return SecondPhoto(engine.cut(read_photo(upload)))


def fit_second(engine: Reconstructor, second: SecondPhoto, config: InversionConfig) -> Iterator[SecondPhoto]:
    """Find the code of the second photo; yields it with the code of every step."""
    for step in engine.invert(second.cutout, engine.initialise(second.cutout), config):
        yield SecondPhoto(second.cutout, step.code, step.index)


def set_second(session: Session, second: SecondPhoto | None, mixed_with: Fit | None = None) -> Session:
    """Keep a second photo, and the fit that it was mixed with last; none takes it away."""
    if second is not None and mixed_with is not None:
        second = replace(second, mixed_with=mixed_with)
    return replace(session, second=second)


def move_camera(session: Session, pose: Pose | None) -> Session:
    """Set the camera by hand; None puts it back to the pose that was found."""
    return replace(session, camera=pose)


def guess_from_moved_camera(session: Session) -> Guess:
    """Return the start of a fit from the moved camera: the code in use, seen from there."""
    fit = session.fit
    return replace(session.first_guess, code=fit.code, pose=session.camera or fit.pose)


def step_at(session: Session, number: int) -> Step:
    """Return the step of that number. Raises ActionError where there is none."""
    try:
        return session.fitted.trajectory.at(number)
    except KeyError:
        raise ActionError(f"this result has no step {number}") from None
