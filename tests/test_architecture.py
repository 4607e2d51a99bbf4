"""The map of the house, as a test: who may import whom, how big a file may be, what the Space loads."""

import ast
import shutil
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SPIR = ROOT / "spir"

# Each room may import the rooms named here, and itself. Nothing else.
BASE = {"types", "errors", "categories", "geometry", "limits", "validation", "imagenet"}
SCIENCE = BASE | {"generator", "rendering", "metrics"}
STAGES = {"photo", "bootstrap", "inversion", "formulas", "appearance", "outputs"}
SERVED = {
    "types",
    "errors",
    "categories",
    "limits",
    "validation",
    "runtime",
    "photo",
    "outputs",
    "weights",
    "pipeline",
    "session",
}
MAY_IMPORT = {
    "types": set(),
    "errors": set(),
    "limits": set(),
    "validation": set(),
    "imagenet": set(),
    "runtime": set(),
    "categories": {"types", "geometry"},
    "geometry": {"types"},
    "photo": BASE,
    "generator": BASE,
    "rendering": BASE,
    "metrics": BASE | {"bootstrap", "generator", "rendering"},
    "bootstrap": BASE | {"generator", "rendering"},
    "inversion": BASE | {"generator", "rendering"},
    "formulas": BASE,
    "appearance": SCIENCE | {"formulas"},
    "outputs": SCIENCE | {"appearance"},
    "weights": SCIENCE | {"photo", "bootstrap", "inversion", "formulas"},
    "pipeline": SCIENCE | STAGES | {"weights", "runtime"},
    "session": SCIENCE | STAGES | {"weights", "pipeline", "runtime"},
    "__init__": {"types", "errors", "pipeline", "weights"},
    "batch": SERVED | {"appearance"},
    "__main__": SERVED | {"batch"},
    "app": SERVED,
    "data": SCIENCE | STAGES | {"weights", "pipeline"},
    "evaluate": SCIENCE | STAGES | {"data", "weights", "pipeline", "session"},
    "train": SCIENCE | STAGES | {"data", "weights"},
}
WORKSHOP = ("data", "train", "evaluate")  # never shipped to the Space
OUTSIDERS = {
    "gradio": {"app"},
    "cv2": {"photo", "bootstrap", "appearance", "data"},
    "trimesh": {"outputs", "data"},
    "ray": {"batch"},
    "pxr": {"outputs"},
    "xatlas": {"appearance"},
    "fast_simplification": {"appearance"},
}
HEAVY = {"gradio", "tensorboard", "matplotlib", "lpips", "rembg", "beartype", "ray", "pxr"}
"""`import spir` loads none of these."""
FILES = sorted(SPIR.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(SPIR).parts[0].removesuffix(".py")


def imports(path: Path):
    """Yield (room or None, top-level package or None) for every import statement in a file."""
    parents = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = parents[: len(parents) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{module}.{a.name}" for a in node.names] if module == "spir" else [module]
        else:
            continue
        for name in names:
            top, *rest = name.split(".")
            yield (rest[0] if rest else "__init__", None) if top == "spir" else (None, top)


def test_the_map_has_no_cycle():
    TopologicalSorter(MAY_IMPORT).prepare()


def test_imports_follow_the_map():
    for path in FILES:
        here = room(path)
        for target, outsider in imports(path):
            assert target is None or target == here or target in MAY_IMPORT[here], f"{path}: {target}"
            assert outsider not in OUTSIDERS or here in OUTSIDERS[outsider], f"{path}: {outsider}"


def test_one_idea_per_file():
    for path in FILES:
        text = path.read_text()
        assert text.count("\n") <= 300, f"{path} is too long"
        assert ast.get_docstring(ast.parse(text)), f"{path}: say in one sentence what lives here"


def test_the_space_runs_without_the_workshop(tmp_path):
    shutil.copytree(SPIR, tmp_path / "spir", ignore=shutil.ignore_patterns(*WORKSHOP, "__pycache__"))
    shutil.copy(ROOT / "app.py", tmp_path)
    code = f"import spir, sys; bad = {HEAVY} & set(sys.modules); assert not bad, bad; import app"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_sessions_know_no_gradio():
    rooms = ("actions", "surfaces", "store", "record", "archive.convert", "archive.writer", "archive.reader")
    loading = "; ".join(f"import spir.session.{room}" for room in rooms)
    code = f"import sys; sys.modules['gradio'] = None; {loading}"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
