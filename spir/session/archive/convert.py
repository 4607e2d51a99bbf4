"""Convert sessions to archives and back."""

from dataclasses import replace

from spir.errors import ArchiveError
from spir.outputs.layer_file import texture_size
from spir.outputs.views import VIEW_SIDE
from spir.photo import read_photo
from spir.pipeline import Reconstructor, preset
from spir.session.archive.segments import ArchivedSegment
from spir.session.archive.writer import SessionArchive
from spir.session.evidence import selected_index
from spir.session.session import Result, Session, TexturedSurface, Turntable
from spir.session.trajectory import Segment, Trajectory
from spir.types import Fit, Segmentation, Step

OF_ANOTHER_PHOTO = "The photo and the cut-out in this ZIP do not belong together. Download it again."


def to_archive(session: Session) -> SessionArchive:
    """Return the archive of a session with a result; of surfaces and views it keeps those of the fit in
    use."""
    result, fit = session.fitted, session.fit
    trajectory, textured, table = result.trajectory, session.textured, session.turntable
    if textured is not None and not textured.matches(session.unedited, trajectory.cutout, textured.size):
        textured = None
    return SessionArchive(
        photo=session.upload,
        mask=trajectory.mask,
        margin=session.margin,
        segmenter=session.segmenter,
        guess=session.first_guess,
        fit=replace(fit, code=result.code),
        metrics=trajectory.metrics,
        views=table.parts if table is not None and table.matches(fit) else (),
        view_size=VIEW_SIDE,
        palette=result.palette,
        segments=tuple(archived(session, segment) for segment in trajectory.segments),
        mask_edited=session.mask_edited,
        layers=None if textured is None else textured.layers,
    )


def archived(session: Session, segment: Segment) -> ArchivedSegment:
    """Return a segment without its steps; one that began at the first guess has no start of its own."""
    start, moved = segment.start, segment.start is not session.guess
    numbers = (segment.first_step, segment.first_seconds, segment.config)
    return ArchivedSegment(*numbers, *((start.code, start.pose) if moved else (None, None)))


def from_archive(engine: Reconstructor, kept: SessionArchive) -> Session:
    """Return the session that an archive restores. Raises PhotoError, and ArchiveError where its parts do not
    fit together."""
    photo = read_photo(kept.photo)
    if kept.mask.shape != photo.rgb.shape[:2]:
        raise ArchiveError(OF_ANOTHER_PHOTO)
    cutout = engine.cut(photo, kept.mask, kept.margin)
    trajectory = Trajectory(cutout, kept.mask, segments_of(kept), kept.metrics)
    session = Session(
        category=engine.category.name,
        photo=photo,
        upload=kept.photo,
        segmentation=Segmentation(kept.mask, kept.segmenter),
        mask=kept.mask,
        margin=kept.margin,
        cutout=cutout,
        segmenter=kept.segmenter,
        mask_edited=kept.mask_edited,
        guess=kept.guess,
        result=result_of(kept.fit, trajectory, kept),
        # Views of another size are made anew.
        turntable=Turntable(kept.fit.code.w, kept.fit.pose.quaternion, kept.views)
        if kept.views and kept.view_size == VIEW_SIDE
        else None,
    )
    if kept.layers is None:
        return session
    size, pose = texture_size(kept.layers), kept.fit.pose
    textured = TexturedSurface(kept.fit.code.w, pose.quaternion, cutout, size, kept.layers, 0.0)
    return replace(session, textured=textured)


def segments_of(kept: SessionArchive) -> tuple[Segment, ...]:
    """Return the segments with their steps; an older archive has one, from the first guess and with the usual
    configuration."""
    steps = kept.fit.trajectory
    given = kept.segments or (ArchivedSegment(steps[0].index, 0.0, preset(steps[-1].index - steps[0].index)),)
    ends = [segment.first_step for segment in given[1:]] + [steps[-1].index + 1]
    found = []
    for part, end in zip(given, ends, strict=True):
        start = kept.guess if part.code is None else replace(kept.guess, code=part.code, pose=part.pose)
        own = tuple(step for step in steps if part.first_step <= step.index < end)
        found.append(Segment(start, part.config, part.first_step, part.first_seconds, own))
    if sum(len(segment.steps) for segment in found) != len(steps):
        raise ArchiveError("The steps in this ZIP do not belong together. Download it again.")
    return tuple(found)


def result_of(fit: Fit, trajectory: Trajectory, kept: SessionArchive) -> Result:
    """Return the result with what is in use: one of its steps, or a code that was mixed."""
    place = selected_index(fit)
    if place is not None:
        return Result(trajectory, fit.trajectory[place].index, palette=kept.palette)
    return Result(trajectory, step_of_pose(fit).index, mixed=fit.code, palette=kept.palette)


def step_of_pose(fit: Fit) -> Step:
    """Return the step whose camera a mixed object has; the last step where none has it."""
    same = (step for step in fit.trajectory if step.pose.quaternion.equal(fit.pose.quaternion))
    return next(same, fit.trajectory[-1])
