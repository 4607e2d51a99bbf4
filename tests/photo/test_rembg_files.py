"""Where rembg's networks are looked for: the places of its versions, by each of its environment variables."""

from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from spir.photo.segmenters import rembg as salient
from spir.photo.segmenters.rembg import Network, RembgSegmenter

VARIABLES = ("U2NET_HOME", "REMBG_HOME", "XDG_DATA_HOME")
SETTINGS = (
    {},
    {"XDG_DATA_HOME": "data"},
    {"REMBG_HOME": "home"},
    {"U2NET_HOME": "old", "REMBG_HOME": "home"},
)
PLACES = [
    ({}, ".u2net/u2net.onnx"),
    ({}, ".rembg/models/u2net/u2net.onnx"),
    ({"XDG_DATA_HOME": "data"}, "data/.u2net/u2net.onnx"),
    ({"XDG_DATA_HOME": "data"}, "data/rembg/models/u2net/u2net.onnx"),
    ({"REMBG_HOME": "home"}, ".u2net/u2net.onnx"),
    ({"REMBG_HOME": "home", "XDG_DATA_HOME": "data"}, "home/models/u2net/u2net.onnx"),
    ({"U2NET_HOME": "old", "REMBG_HOME": "home"}, "old/u2net.onnx"),
    ({"U2NET_HOME": "old", "REMBG_HOME": "home"}, "old/models/u2net/u2net.onnx"),
]


@pytest.fixture
def home(monkeypatch, tmp_path):
    """A home without networks; the function sets rembg's variables to folders inside."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (*VARIABLES, "SPIR_ALLOW_DOWNLOAD"):
        monkeypatch.delenv(name, raising=False)
    salient.network.cache_clear()

    def located(settings):
        for name, folder in settings.items():
            monkeypatch.setenv(name, str(tmp_path / folder))
        return tmp_path

    yield located
    salient.network.cache_clear()


@pytest.mark.parametrize("settings, place", PLACES)
def test_a_network_of_either_version_can_be_had_without_a_download(home, monkeypatch, settings, place):
    monkeypatch.setattr(salient, "find_spec", lambda name: object())
    file = home(settings) / place
    assert not Network("u2net").obtainable
    file.parent.mkdir(parents=True)
    file.write_bytes(b"a network")
    assert Network("u2net").obtainable and RembgSegmenter("u2net").at_hand()
    assert not Network("isnet-general-use").obtainable


@pytest.mark.parametrize("settings, place", PLACES)
def test_what_is_fetched_is_seen_in_the_temporary_file_of_either_version(home, settings, place):
    folder = (home(settings) / place).parent
    assert Network("u2net").fetched() == 0, "nothing is there yet, not even the folder"
    folder.mkdir(parents=True)
    (folder / "tmpk3v8a1").write_bytes(bytes(3_100_000))
    assert Network("u2net").fetched() == 3


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_installed_rembg_has_its_networks_where_they_are_looked_for(home, settings):
    found = find_spec("rembg")
    if found is None or not found.submodule_search_locations or find_spec("onnxruntime") is None:
        pytest.skip("rembg is not installed")
    home(settings)
    # This one module, as importing the package compiles for a minute.
    spec = spec_from_file_location("base", Path(found.submodule_search_locations[0], "sessions", "base.py"))
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    session = type("U2net", (module.BaseSession,), {"name": classmethod(lambda cls: "u2net")})
    folders = [session.u2net_home()]
    if hasattr(session, "model_dir"):
        folders = [session.model_dir(), session.legacy_home()]
    assert {Path(folder, "u2net.onnx") for folder in folders} <= set(Network("u2net").files)


def test_a_rembg_that_ends_the_program_at_its_import_has_failed(monkeypatch):
    def leave(model):
        raise SystemExit(1)

    monkeypatch.setattr(salient, "local_session", leave)
    network = Network("u2net")
    network.load()
    assert network.problem and not network.loading
