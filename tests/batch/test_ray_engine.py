"""The same photos through Ray on this machine: the same files, and none done twice."""

import shutil
from importlib.util import find_spec

import pytest

from tests.batch.killing import command, contents

LONGEST = 170


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason='needs Ray: pip install "spir[ray]"')
def test_ray_goes_on_where_other_workers_ended(weights, photos, tmp_path):
    whole, out = tmp_path / "whole", tmp_path / "out"
    run = command(photos, whole, weights)
    told = run.communicate(timeout=LONGEST)[0]
    assert run.returncode == 1, told
    shutil.copytree(whole / "car0", out / "car0")
    run = command(photos, out, weights, "--engine", "ray")
    told = run.communicate(timeout=LONGEST)[0]
    assert run.returncode == 1 and "4 photos: 3 new, 1 from earlier, 1 failed" in told, told
    assert contents(out) == contents(whole)
