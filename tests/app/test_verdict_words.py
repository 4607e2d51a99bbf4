"""The page has words for whatever the verdict may say."""

import math

import pytest

from spir.app import text
from spir.session.verdict import CRITERIA


@pytest.mark.parametrize("code", CRITERIA)
@pytest.mark.parametrize("value", [0.0, 0.123, 1.0, 37.0, math.inf])
def test_every_reason_is_a_sentence(code, value):
    said = text.verdict_reason(code, value)
    assert said[0].isupper() and said.endswith(".") and "nan" not in said
    assert not {"NOCS", "IoU", "PnP", "loss", "inf"} & set(said.split())


def test_every_action_and_level_has_words():
    assert {worth.action for worth in CRITERIA.values()} | {"none"} == set(text.VERDICT_ACTIONS)
    assert text.verdict_action("none") == ""
    for level in ("good", "fair", "poor"):
        assert text.verdict_line(level).endswith(".")
