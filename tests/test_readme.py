"""The documents: the README is short and its Python runs, every path and command that they name is there."""

import re
from pathlib import Path

import pytest
import trimesh

from tests.app.toy import ROOT as WEIGHTS

HOME = Path(__file__).parents[1]
README = HOME / "README.md"
DOCUMENTS = [README, HOME / "CONTRIBUTING.md", *sorted((HOME / "docs").glob("*.md"))]
MOST_WORDS = 900
PATH = re.compile(r"`((?:spir|tests|weights|docs|assets)/[\w./*-]+)`")
LINK = re.compile(r"(?:\]\(|src=\")([^)\"#]+)")
MODULE = re.compile(r"-m ((?:spir|tests)[\w.]*)|`(spir(?:\.\w+)+)`")


def named(pattern, text):
    return {next(filter(None, found.groups())) for found in pattern.finditer(text)}


def test_the_readme_is_short():
    assert len(README.read_text(encoding="utf-8").split()) <= MOST_WORDS


def test_the_readmes_python_makes_a_mesh(tmp_path, monkeypatch):
    (block,) = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.M | re.S)
    (tmp_path / "car.jpg").symlink_to(HOME / "assets/examples/red-hatchback.jpg")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(block.replace('load("car")', f'load("car", root={str(WEIGHTS)!r})'), names)
    assert names["picture"].shape == (1, 256, 256, 3)
    assert names["step"].index == 10
    assert len(trimesh.load(tmp_path / "car.glb", force="mesh").faces) > 100


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_names_is_there(document):
    text = document.read_text(encoding="utf-8")
    for path in named(PATH, text):
        assert list(HOME.glob(path.rstrip("/"))), path
    for link in named(LINK, text):
        assert "://" in link or (document.parent / link).exists(), link
    for module in named(MODULE, text):
        file = HOME.joinpath(*module.split("."))
        assert file.with_suffix(".py").is_file() or (file / "__main__.py").is_file(), module
