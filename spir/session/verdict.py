"""Judge how far a result can be trusted, from the run alone: good, fair or poor, why, and what to do about
it.

Nothing is compared with ground truth. A trustworthy fit covers its cut-out, agrees with the points that were
predicted for the photo, did not have to turn far, and shows an object that the photo did not cut off. Every
measure becomes a quality in [0, 1]; `CRITERIA` says what counts as good, what as bad, and how much. Reasons
are codes and numbers; the page has the sentences. Batches are of 1.
"""

import math
from dataclasses import dataclass

from spir.categories import Category
from spir.session.evidence import measures
from spir.session.record import plain
from spir.session.session import Session
from spir.types import Cutout, Fit, Guess, Rendering

GOOD, FAIR = 0.7, 0.4
"""The lowest scores of a good and of a fair result."""
REASON_THRESHOLD = 0.5
"""The quality below which a measure is a reason."""
MOST_REASONS = 3
MORE_STEPS = "more_steps"


@dataclass(frozen=True)
class Criterion:
    """A criterion says how a measure is judged."""

    good: float
    """The value from which the quality is 1."""
    bad: float
    """The value from which the quality is 0; larger than `good` where smaller values are better."""
    weight: float
    """The weight in the mean; with 0 it can be a reason but is not counted."""
    action: str
    """The advice where this is the worst measure."""


CRITERIA = {
    "cut_off": Criterion(0.30, 0.70, 1.0, "whole_object"),
    "straight_edge": Criterion(0.80, 0.95, 1.0, "mend_cutout"),
    "view_error": Criterion(0.015, 0.045, 1.0, "other_photo"),
    "points": Criterion(0.60, 0.05, 1.0, "other_photo"),
    "details": Criterion(0.45, 0.05, 1.0, "other_photo"),
    "overlap": Criterion(0.95, 0.80, 1.0, MORE_STEPS),
    "flat_map": Criterion(0.06, 0.03, 0.5, "other_photo"),
    "predicted_mask": Criterion(0.95, 0.85, 0.5, "mend_cutout"),
    "turned": Criterion(3.0, 12.0, 1.0, "set_view"),
    "progress": Criterion(0.10, 0.0, 0.0, "mend_cutout"),
    "lens": Criterion(0.90, 1.0, 0.0, "set_view"),
    "mirror": Criterion(0.05, -0.15, 0.0, "set_view"),
}
"""The criteria by measure, causes before symptoms: of two equally bad ones the first comes first.

They were chosen on photos outside the verdict's own evaluation: see `spir.evaluate.benchmarks.verdicts`."""


@dataclass(frozen=True)
class Measure:
    """A measure is one number about a run, with its quality."""

    code: str
    """A key of `CRITERIA`."""
    value: float
    quality: float
    """The quality in [0, 1]: 0 = as bad as possible, 1 = nothing wrong."""


@dataclass(frozen=True)
class Verdict:
    """A verdict says whether to trust the result."""

    level: str
    """The level: "good", "fair" or "poor"."""
    score: float
    """The score in [0, 1]; higher is better."""
    reasons: tuple[Measure, ...]
    """The weak measures, the worst first, at most three; a good result may have some, too."""
    action: str
    """An action of `CRITERIA`, or "none"."""
    measures: tuple[Measure, ...]
    """All measures, in the order of `CRITERIA`."""

    def record(self) -> dict:
        """Return the verdict as a dictionary for run.json and API clients."""
        return {
            "level": self.level,
            "score": round(self.score, 4),
            "reasons": [measure.code for measure in self.reasons],
            "action": self.action,
            "measures": {
                m.code: {"value": plain(m.value), "quality": round(m.quality, 4)} for m in self.measures
            },
        }


def compute_verdict(
    cutout: Cutout,
    guess: Guess,
    fit: Fit,
    photo_size: tuple[int, int],
    category: Category,
    seen: Rendering | None = None,
) -> Verdict:
    """Return the verdict on a fit with at least one step; the arguments are those of `evidence.measures`."""
    return score_measures(measures(cutout, guess, fit, photo_size, category, seen))


def verdict(category: Category, session: Session, seen: Rendering | None = None) -> Verdict | None:
    """Return the verdict on the object in use; None where there is no result, or where it was mixed and need
    not match the photo.

    `seen` is the rendering of `evidence.measures`."""
    if session.step is None:
        return None
    height, width = session.photo.rgb.shape[:2]
    return compute_verdict(
        session.fitted_cutout, session.first_guess, session.fit, (height, width), category, seen
    )


def score_measures(values: dict[str, float]) -> Verdict:
    """Return the verdict on measures by name, all of `CRITERIA`. The score is half the mean quality and half
    the worst, as one bad measure spoils the whole."""
    measures = tuple(Measure(code, values[code], quality(code, values[code])) for code in CRITERIA)
    counted = [measure for measure in measures if CRITERIA[measure.code].weight]
    total = sum(CRITERIA[measure.code].weight for measure in counted)
    mean = sum(CRITERIA[measure.code].weight * measure.quality for measure in counted) / total
    score = (mean + min(measure.quality for measure in counted)) / 2
    weak = sorted((m for m in measures if m.quality < REASON_THRESHOLD), key=lambda measure: measure.quality)
    reasons = tuple(weak[:MOST_REASONS])
    actions = [CRITERIA[reason.code].action for reason in reasons if score < GOOD] or ["none"]
    # More steps improve only the overlap, so any other action comes first.
    action = next((action for action in actions if action != MORE_STEPS), actions[0])
    return Verdict(level(score), score, reasons, action, measures)


def photo_detail(verdict: Verdict) -> float:
    """Return the share of the photo's detail that the surface may take: 0 where the fit is poor, as the
    detail would be misplaced, otherwise 1."""
    return 0.0 if verdict.level == "poor" else 1.0


def level(score: float) -> str:
    return "good" if score >= GOOD else "fair" if score >= FAIR else "poor"


def quality(code: str, value: float) -> float:
    """Return the quality in [0, 1]: a ramp from 0 at `bad` to 1 at `good`; values that are not finite have
    0."""
    worth = CRITERIA[code]
    if not math.isfinite(value):
        return 0.0
    return min(max((value - worth.bad) / (worth.good - worth.bad), 0.0), 1.0)
