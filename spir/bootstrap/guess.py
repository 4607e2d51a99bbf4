"""§3.2 "Training and inference": a cut-out to a first guess of shape, colours and pose, in one forward pass."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from spir.bootstrap.encoder import Encoder, EncoderOutput
from spir.bootstrap.framing import upright_fallback
from spir.bootstrap.hypotheses import HypothesisConfig, rank_hypotheses
from spir.bootstrap.pnp import solve_pnp
from spir.categories import Category
from spir.types import Code, Cutout, Field, Guess, Outcome


@torch.no_grad()
def guess(
    cutout: Cutout,
    encoder: Encoder,
    generator: Callable[[Code], Field],
    category: Category,
    focal_guesses: Sequence[float] | None = None,
    half: bool = False,
    hypotheses: HypothesisConfig | None = None,
    compare: bool = True,
) -> Guess:
    """Return the first guess for the cut-outs, every item independently; never raises on a bad map.

    `focal_guesses`, in picture widths: the weights' own list; None = the category's. `half` runs the encoder in
    bfloat16. `compare=False` is the paper: the pose of PnP as it is, without other hypotheses."""
    seen = encode(encoder, cutout, category.symmetric, half)
    side, size = seen.mask.shape[1], cutout.mask.shape[1]
    # Use the intersection of both masks: the cut-out's may be inaccurate, and so may the prediction.
    agreed = seen.mask * resize(cutout.mask[..., None], side)[..., 0]
    solved = solve_pnp(
        seen.nocs,
        agreed,
        category.focal_guesses if focal_guesses is None else focal_guesses,
        category.pixel_centre,
        category.orthographic,
    )
    code, pose, outcome = Code(seen.w), solved.pose, solved.outcome
    if compare:
        pose, plausible = upright_fallback(pose, category.elevations_deg, category.rolls_deg)
        outcome = tuple(
            o if fine else Outcome.LEVELLED for o, fine in zip(outcome, plausible.tolist(), strict=True)
        )
        trusted = torch.tensor([o == Outcome.SOLVED for o in outcome], device=agreed.device)
        field = generator(code)
        pose = rank_hypotheses(field, pose, cutout, seen, trusted, category, encoder, hypotheses).ranked[0]
    return Guess(
        nocs=resize(seen.nocs, size),
        mask=resize(seen.mask[..., None], size)[..., 0],
        code=code,
        pose=pose,
        pnp_error=solved.error,
        outcome=outcome,
    )


def encode(encoder: Encoder, cutout: Cutout, symmetric: bool, half: bool = False) -> EncoderOutput:
    """Run the encoder; for symmetric categories also on the mirrored picture, and average both predictions.

    The mirrored picture shows the same object from the other side: x changes its sign and w stays. Where the two
    predictions differ they are wrong, and averaging reduces that error."""
    seen = encoder(cutout.rgb, cutout.mask, half)
    if not symmetric:
        return seen
    mirrored = encoder(cutout.rgb.flip(2), cutout.mask.flip(2), half)
    other_side = seen.nocs.new_tensor([-1.0, 1.0, 1.0])
    logits = (seen.mask_logits + mirrored.mask_logits.flip(2)) / 2
    front = None
    if seen.front is not None and mirrored.front is not None:
        front = (seen.front + mirrored.front * seen.front.new_tensor([-1.0, 1.0])) / 2
    return EncoderOutput(
        (seen.nocs + mirrored.nocs.flip(2) * other_side) / 2,
        logits.sigmoid(),
        logits,
        (seen.w + mirrored.w) / 2,
        front,
    )


def resize(maps: Float[Tensor, "batch h w channel"], side: int) -> Float[Tensor, "batch side side channel"]:
    """Resize bilinearly, averaging where it shrinks."""
    maps = maps.permute(0, 3, 1, 2)
    shrinks = side < maps.shape[-1]
    return F.interpolate(maps, (side, side), mode="bilinear", antialias=shrinks).permute(0, 2, 3, 1)
