"""The page's JavaScript: its own tests in node, and eslint; both are installed by `.ci/run` where there is npm."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ESLINT = ROOT / "node_modules/eslint/bin/eslint.js"
LEAST_NODE = 20
SECONDS = 60


def node(*arguments: str | Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["node", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS
    )


@pytest.fixture(scope="module", autouse=True)
def recent_node():
    if shutil.which("node") is None:
        pytest.skip("there is no node")
    version = node("--version").stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < LEAST_NODE:
        pytest.skip(f"node {version} is older than {LEAST_NODE}")


def test_the_javascript_passes_its_tests():
    # File by file: what a folder means here differs between versions of node.
    done = node("--test", *sorted(HERE.glob("*.test.js")))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_javascript_passes_eslint():
    if not ESLINT.is_file():
        pytest.skip("eslint is not installed in node_modules")
    done = node(ESLINT, "--max-warnings", "0", "spir", "tests/javascript", "eslint.config.js")
    assert done.returncode == 0, done.stdout + done.stderr
