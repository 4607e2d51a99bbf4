"""Values that the page or a program sends as JSON, and small changes to files: anything at all, and only words come back."""

import json
import math
import random

import pytest
import torch

from spir.app.api import parse_colours
from spir.app.widgets.cutout.masks import mask_uri, read_mask_uri
from spir.app.widgets.swatches import widget as swatches
from spir.errors import ArchiveError, PhotoError
from spir.photo import read_photo
from spir.session.archive.reader import read_archive
from spir.types import Photo
from spir.validation import checked_number
from tests.hostile.case import noise, saved
from tests.hostile.mutate import mutated

hypothesis = pytest.importorskip("hypothesis", reason="hypothesis is not installed")
st = hypothesis.strategies
# Time on a machine that others use too says nothing, and what failed once is to be found in the same way again.
HERE = hypothesis.settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.text(max_size=9), inner)
)
COLOURS = st.lists(st.from_regex(r"#?[0-9a-fA-F]{5,7}", fullmatch=True) | SCALARS, min_size=9, max_size=11)
PALETTE = torch.linspace(-1, 1, 30).reshape(10, 3)


def refuses(act, *errors):
    """What an act gives, or none where it refuses as it should; anything else fails."""
    try:
        return act()
    except errors:
        return None


@HERE
@hypothesis.given(JSON | st.integers(min_value=10**4000, max_value=10**5000))
def test_a_number_is_within_its_range_or_refused(value):
    found = refuses(lambda: checked_number(value, -1.5, 10), ValueError)
    assert found is None or (math.isfinite(found) and -1.5 <= found <= 10)


@HERE
@hypothesis.given(JSON | st.builds(lambda colours: {"colours": colours}, COLOURS | JSON))
def test_colours_are_a_palette_or_refused(value):
    found = refuses(lambda: swatches.chosen(value, PALETTE), ValueError)
    assert found is None or (found.shape == PALETTE.shape and bool((found.abs() <= 1).all()))


@HERE
@hypothesis.given(JSON | st.text() | st.integers(1, 10**5).map(lambda depth: "[" * depth))
def test_what_a_program_sends_is_parsed_or_nothing(value):
    parse_colours(value)


@HERE
@hypothesis.given(JSON | st.binary(max_size=200).map(lambda data: f"data:image/png;base64,{data.hex()}"))
def test_a_painted_mask_has_its_size_or_is_refused(value):
    found = refuses(lambda: read_mask_uri(value, (12, 16)), ValueError)
    assert found is None or found.shape == (12, 16)


@HERE
@hypothesis.given(st.integers(), st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"]))
@pytest.mark.filterwarnings("default")
def test_a_changed_picture_is_a_photo_or_refused(seed, form):
    data = mutated(saved(noise(), form), saved(noise(40, 40), "JPEG"), random.Random(seed))
    found = refuses(lambda: read_photo(data), PhotoError)
    assert found is None or (isinstance(found, Photo) and max(found.rgb.shape) <= 2048)


@HERE
@hypothesis.given(st.integers())
@pytest.mark.filterwarnings("default")
def test_a_changed_painting_is_a_mask_or_refused(seed):
    import base64

    good = mask_uri(torch.ones(12, 16, dtype=torch.bool).numpy())
    start, _, body = good.partition(",")
    changed = mutated(base64.b64decode(body), saved(noise()), random.Random(seed))
    text = start + "," + base64.b64encode(changed).decode()
    found = refuses(lambda: read_mask_uri(text, (12, 16)), ValueError)
    assert found is None or found.shape == (12, 16)


@hypothesis.given(
    st.dictionaries(st.sampled_from("margin segmenter metrics step_outcomes view_size".split()), JSON)
)
@hypothesis.settings(HERE, max_examples=40)
def test_words_of_a_zip_make_a_run_or_are_refused(changes):
    from tests.hostile.archives import engine, told, zipped

    try:
        text = told(**changes)
    except (ValueError, OverflowError):
        return
    known = engine()
    data = zipped({"run.json": text})
    kept = refuses(
        lambda: read_archive(data, known.category, known.generator, known.weights_hash), ArchiveError
    )
    assert kept is None or 0 <= kept.margin <= 0.5


def test_the_strategies_reach_both_ends():
    """Sound values do get through all of these doors."""
    assert checked_number(3, -1.5, 10) == 3
    assert swatches.chosen({"colours": ["#000000"] * 10}, PALETTE).eq(-1).all()
    assert parse_colours(json.dumps({"a": 1})) == {"a": 1}
    assert read_mask_uri(mask_uri(torch.ones(12, 16, dtype=torch.bool).numpy()), (12, 16)).all()
