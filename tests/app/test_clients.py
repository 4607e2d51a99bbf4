"""The endpoints in the real app, as programs reach them: the README's own lines, gradio_client, HTTP, and MCP."""

import ast
import asyncio
import base64
import json
import re
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
import trimesh
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from spir.app import text
from spir.app.api import Api
from tests.app.visits import served as server

HOME = Path(__file__).parents[2]
README = (HOME / "docs/api.md").read_text(encoding="utf-8")
NAMES = ["segment", "reconstruct", "recolour", "export"]
IN_README = "http://127.0.0.1:7860"
META = {"_type": "gradio.FileData"}
LONG = 180
"""Seconds to wait, on a machine that others use too."""
WITHOUT_MCP = """import runpy, sys
sys.modules.pop('gradio.mcp', None)
sys.modules['mcp'] = None
runpy.run_path('app.py', run_name='__main__')"""


@contextmanager
def served(folder, *command):
    """Where the app answers, and the file of what it prints; toy weights, files of its own in `folder`."""
    with server(command, folder) as url:
        yield url, folder / "server.log"


@pytest.fixture(scope="module", autouse=True)
def no_proxy():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        yield


@pytest.fixture(scope="module")
def client(url, tmp_path_factory):
    client = Client(url, verbose=False, download_files=str(tmp_path_factory.mktemp("got")))
    yield client
    client.close()


@pytest.fixture
def http(url):
    with httpx.Client(base_url=f"{url}/gradio_api", trust_env=False, timeout=LONG) as client:
        yield client


def upload(http, path):
    """Where the server put a file, as an argument."""
    (there,) = http.post("/upload", files={"files": (Path(path).name, Path(path).read_bytes())}).json()
    return {"path": there, "meta": META}


def call(http, endpoint, **values):
    """The last event of an endpoint, its name and its data."""
    begun = http.post(f"/call/v2/{endpoint}", json=values)
    assert begun.is_success, begun.text
    stream = http.get(f"/call/v2/{endpoint}/{begun.json()['event_id']}").text
    *_, (event, data) = re.findall(r"^event: (\w+)\ndata: (.*)$", stream, re.MULTILINE)
    return event, json.loads(data)


def refused(http, endpoint, **values):
    event, data = call(http, endpoint, **values)
    assert event == "error"
    return data["error"]


def from_readme(language, url):
    """The README's example in a language, with our address and a run that is quick."""
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert IN_README in block
    return block.replace(IN_README, url).replace("steps=10", "steps=1").replace('"steps": 10', '"steps": 1')


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def opens(path):
    """Whether a mesh is what its name says."""
    assert len(trimesh.load(path, force="mesh").faces) > 100


def test_the_readmes_python(client, url, monkeypatch):
    monkeypatch.chdir(HOME)
    names = {}
    exec(from_readme("python", url), names)
    assert len(names["found"]["steps"]) == 2 and names["found"]["verdict"]["level"] in (
        "good",
        "fair",
        "poor",
    )
    assert names["colours"] == names["found"]["colours"] | {"body paint": "#1144cc"}
    assert pixels(names["cutout"]).shape == pixels(names["picture"]).shape == (128, 128, 3)
    opens(names["mesh"])
    assert Path(names["mesh"]).name == "car.glb"


def test_the_readmes_curl(url, tmp_path):
    if not shutil.which("curl") or not shutil.which("bash"):
        pytest.skip("curl is not installed")
    (tmp_path / "assets").symlink_to(HOME / "assets")
    command = ["bash", "-euo", "pipefail", "-c", from_readme("bash", url)]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=LONG)
    assert told.returncode == 0, told.stderr
    assert "verdict" in told.stdout
    opens(tmp_path / "car.glb")


def test_a_client_gets_words_colours_and_every_format(client, car_png, wrong_files):
    with pytest.raises(AppError, match="not a picture"):
        client.predict(handle_file(wrong_files["text"]), api_name="/segment")
    told, cutout = client.predict(handle_file(car_png), api_name="/segment")
    assert "transparency" in told["segmenter"]
    with pytest.raises(AppError) as caught:
        client.predict(told["run"], api_name="/export")
    assert text.NO_RESULT in str(caught.value)
    found, before = client.predict(told["run"], steps=1, api_name="/reconstruct")
    assert [row["step"] for row in found["steps"]] == [0, 1]
    green = json.dumps(dict.fromkeys(found["colours"], "#00ff00"))
    colours, after = client.predict(told["run"], green, api_name="/recolour")
    assert set(colours.values()) == {"#00ff00"}
    assert (pixels(before) != pixels(after)).any()
    for ending in ("glb", "materials.glb", "mesh.glb", "ply", "obj", "stl"):
        opens(client.predict(told["run"], ending, resolution=64, api_name="/export"))


def test_exactly_four_endpoints_are_named_and_explain_themselves(http, client):
    told = http.get("/info").json()
    assert list(told["named_endpoints"]) == [f"/{name}" for name in NAMES]
    assert told["unnamed_endpoints"] == {}
    for name, endpoint in told["named_endpoints"].items():
        assert endpoint["description"] in " ".join(getattr(Api, name[1:]).__doc__.split())
        assert len(endpoint["description"]) > 40
    steps = told["named_endpoints"]["/reconstruct"]["parameters"][1]
    assert (steps["parameter_name"], steps["parameter_default"]) == ("steps", 10)
    seen = client.view_api(print_info=False, return_format="dict")["named_endpoints"]
    assert list(seen) == list(told["named_endpoints"])


def test_only_uploaded_files_are_taken(http, url):
    example = str(HOME / "assets/examples/red-hatchback.jpg")
    for path in ("/etc/passwd", example, "../../../etc/passwd"):
        assert "not uploaded" in refused(http, "segment", photo={"path": path, "meta": META})
    assert "127.0.0.1" in refused(http, "segment", photo={"path": url, "meta": META})
    for photo in ("a photo of a car", example, {"path": example}):
        assert "FileData" in refused(http, "segment", photo=photo)
    assert refused(http, "segment", photo=None) == text.NO_PHOTO


def test_values_that_make_no_sense_are_told_in_words(http, car_png):
    assert refused(http, "reconstruct", run="0" * 32) == text.FORGOTTEN
    assert refused(http, "reconstruct", run=["0"]) == text.FORGOTTEN
    event, data = call(http, "segment", photo=upload(http, car_png))
    run = data[0]["run"]
    assert event == "complete" and data[1]["url"].endswith("cutout.png")
    for steps in ("many", None, -1, 101, 2.5, [1], {}):
        assert refused(http, "reconstruct", run=run, steps=steps) == text.BAD_STEPS
    assert refused(http, "recolour", run=run, colours="{}") == text.NO_RESULT
    assert call(http, "reconstruct", run=run, steps=0)[0] == "complete"
    for colours in ("blue", "[" * 99_999, 3, {"wings": "#000000"}, None):
        assert "body paint" in refused(http, "recolour", run=run, colours=colours)
    assert refused(http, "recolour", run=run, colours={"glass": 7}) == text.BAD_COLOUR
    assert call(http, "recolour", run=run, colours={"glass": "#00ff00"})[1][0]["glass"] == "#00ff00"
    for form in ("fbx", None, ["glb"], "../glb"):
        assert "glb" in refused(http, "export", run=run, format=form)
    for resolution in ("fine", None, 63, 257, 99.5, [64]):
        assert refused(http, "export", run=run, resolution=resolution) == text.BAD_RESOLUTION


def in_mcp(url, script):
    """What `script` returns, run in a session with the server of the README's configuration."""
    mcp = pytest.importorskip("mcp")
    transport = pytest.importorskip("mcp.client.streamable_http")
    (server,) = json.loads(from_readme("json", url))["mcpServers"].values()

    async def main():
        async with transport.streamable_http_client(server["url"]) as (reads, writes, _):
            async with mcp.ClientSession(reads, writes) as session:
                await session.initialize()
                return await script(session)

    return asyncio.run(main())


def test_mcp_lists_four_tools_that_explain_themselves(url):
    schemas = pytest.importorskip("jsonschema")

    async def script(session):
        return (await session.list_tools()).tools

    tools = in_mcp(url, script)
    assert [tool.name for tool in tools] == NAMES
    for tool in tools:
        schemas.Draft202012Validator.check_schema(tool.inputSchema)
        assert len(tool.description) > 60 and "Returns: " in tool.description
        assert ",," not in tool.description and ". ." not in tool.description
        for name, parameter in tool.inputSchema["properties"].items():
            assert parameter["type"] in ("string", "integer", "number"), (tool.name, name)
            assert len(parameter["description"]) > 20, (tool.name, name)


def test_mcp_tells_the_whole_story(url, car_png):
    async def use(session, tool, **values):
        """With a word on the progress asked for, Gradio answers piece by piece; without, all in one text."""

        async def heard(progress, total, message):
            pass

        return await session.call_tool(tool, values, progress_callback=heard)

    async def script(session):
        photo = "data:image/png;base64," + base64.b64encode(car_png.read_bytes()).decode()
        begun = await use(session, "segment", photo=photo)
        run = ast.literal_eval(begun.content[0].text)["run"]
        found = await use(session, "reconstruct", run=run, steps=1)
        mesh = await session.call_tool("export", {"run": run, "format": "stl", "resolution": 64})
        plain = await session.call_tool("recolour", {"run": run, "colours": '{"glass": "#00ff00"}'})
        faults = [
            await session.call_tool(tool, values)
            for tool, values in (
                ("segment", {"photo": "/etc/passwd"}),
                ("segment", {"photo": url}),
                ("reconstruct", {"run": "nobody's"}),
                ("recolour", {"run": run, "colours": "blue"}),
            )
        ]
        return begun, found, mesh, plain, faults

    begun, found, mesh, plain, faults = in_mcp(url, script)
    assert [piece.type for piece in begun.content] == ["text", "image", "text"]
    assert base64.b64decode(begun.content[1].data)[:4] == b"\x89PNG"
    assert len(ast.literal_eval(found.content[0].text)["steps"]) == 2
    address = re.search(r"http\S+?car\.stl", mesh.content[0].text)[0]
    assert len(httpx.get(address, trust_env=False).content) > 10_000
    assert "#00ff00" in plain.content[0].text
    told = [fault.content[0].text for fault in faults]
    assert all(fault.isError for fault in faults)
    assert "http" in told[0] and "127.0.0.1" in told[1] and told[2] == text.FORGOTTEN and "tyres" in told[3]


def test_without_the_extra_the_page_runs_and_says_what_is_missing(tmp_path):
    with served(tmp_path, "-c", WITHOUT_MCP) as (url, log):
        assert list(httpx.get(f"{url}/gradio_api/info", trust_env=False).json()["named_endpoints"])
        assert httpx.post(f"{url}/gradio_api/mcp/", trust_env=False).status_code == 404
    told = log.read_text()
    assert "MCP" in told and "gradio[mcp]" in told and "Traceback" not in told


def test_health_is_answered_beside_the_page_and_the_log_is_json(url, temporary):
    told = httpx.get(f"{url}/healthz", trust_env=False).json()
    assert told["status"] == "ok" and told["loss"] and told["weights"]
    rows = (temporary / "server.log").read_text().splitlines()
    (line,) = [json.loads(row) for row in rows if '"ready"' in row]
    assert line["device"] == told["device"] and line["seconds_for_10_steps"] > 0
