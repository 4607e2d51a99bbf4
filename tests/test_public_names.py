"""The front door: every public name exists, is listed in order, and costs nothing until it is used."""

import subprocess
import sys
from pathlib import Path

import pytest

import spir


def test_names_are_sorted_and_listed():
    assert list(spir.__all__) == sorted(spir.__all__) and set(spir.__all__) <= set(dir(spir))


@pytest.mark.parametrize("name", spir.__all__)
def test_every_name_exists(name):
    assert getattr(spir, name) is not None


def test_other_names_do_not():
    with pytest.raises(AttributeError, match="beauty"):
        _ = spir.beauty


def test_importing_loads_nothing_heavy():
    code = "import sys, spir; assert not {'torch', 'cv2', 'gradio'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(spir.__file__).parents[1])
