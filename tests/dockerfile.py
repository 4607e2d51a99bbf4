"""The Dockerfile without Docker: its steps one by one in a folder that stands for the image, then its health check.

    python -m tests.dockerfile [--skip-install]

What the steps write lies in that folder: absolute paths below /home are moved there. The base image's Python is the
one that runs this; `--skip-install` takes that one's packages, too.
"""

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from dockerfile_parse import DockerfileParser

HERE = Path(__file__).parents[1]
PATIENCE = 180
"""Seconds until the image must be healthy."""


class StepError(RuntimeError):
    """A step that the Dockerfile should not have, or that failed."""


@dataclass
class Image:
    """A folder that stands for the image, and what the steps so far have set."""

    root: Path
    source: Path
    install: bool = True
    folder: Path = field(init=False)
    variables: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder = self.root
        # Of the machine's own variables only those that pip needs to find its packages.
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
        # A virtual environment takes no packages of a user.
        python = Path(sys.base_prefix, "bin") if self.install else Path(sys.executable).parent
        self.variables = {"PATH": f"{python}:/usr/sbin:/usr/bin:/sbin:/bin", **kept}

    def moved(self, text: str) -> str:
        """The text with paths of the image's home in our folder."""
        return re.sub(r"(?<![\w.])/home/", f"{self.root}/home/", text)

    def step(self, name: str, value: str) -> None:
        """Do one instruction. Raises StepError."""
        known = getattr(self, f"do_{name.lower()}", None)
        if known is None:
            raise StepError(f"nobody knows how to do {name}")
        print(f"{name} {value}", flush=True)
        known(value)

    def do_from(self, value: str) -> None:
        if "latest" in value or ":" not in value:
            raise StepError(f"{value} is another image tomorrow")

    def do_user(self, value: str) -> None:
        if value in ("root", "0"):
            raise StepError("the image must not run as root")

    def do_expose(self, value: str) -> None:
        self.port = value

    def do_arg(self, value: str) -> None:
        name, _, default = value.partition("=")
        self.variables[name] = os.environ.get(f"BUILD_{name}", default)

    def do_env(self, value: str) -> None:
        for name, text in re.findall(r"(\w+)=(\S+)", value):
            self.variables[name] = Template(self.moved(text)).safe_substitute(self.variables)

    def do_workdir(self, value: str) -> None:
        self.folder = Path(self.moved(value))
        self.folder.mkdir(parents=True, exist_ok=True)

    def do_copy(self, value: str) -> None:
        *sources, target = [word for word in value.split() if not word.startswith("--")]
        for source in sources:
            there = self.source / source
            if there.is_dir():
                shutil.copytree(there, self.folder / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(there, self.folder / target)

    def do_run(self, value: str) -> None:
        # The machine's own table of users stays as it is.
        value = self.moved(value.replace("useradd ", f"useradd --prefix {self.root} "))
        if "pip install" in value and not self.install:
            return
        done = subprocess.run(["bash", "-ec", value], cwd=self.folder, env=self.variables)
        if done.returncode:
            raise StepError(f"RUN {value} ended with {done.returncode}")

    def do_cmd(self, value: str) -> None:
        self.command = json.loads(value)

    def do_healthcheck(self, value: str) -> None:
        self.health = json.loads(value[value.index("CMD") + 3 :])

    def serve(self) -> float:
        """Run the command until the health check passes; seconds it took. Raises StepError."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        variables = {**self.variables, "GRADIO_SERVER_PORT": port, "GRADIO_SERVER_NAME": "127.0.0.1"}
        health = [word.replace(self.port, port) for word in self.health]
        began = time.monotonic()
        process = subprocess.Popen(self.command, cwd=self.folder, env=variables)
        try:
            while process.poll() is None and time.monotonic() < began + PATIENCE:
                if not subprocess.run(health, env=variables, capture_output=True).returncode:
                    return time.monotonic() - began
                time.sleep(0.5)
            raise StepError(f"{' '.join(self.command)} did not get healthy")
        finally:
            process.terminate()
            process.wait(20)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--skip-install", action="store_true")
    args = parser.parse_args(argv)
    steps = DockerfileParser(str(HERE / "Dockerfile"), cache_content=True).structure
    with tempfile.TemporaryDirectory() as root:
        for name in ("etc", "home"):
            Path(root, name).mkdir()
        for name in ("passwd", "group", "shadow"):
            Path(root, "etc", name).touch()
        image = Image(Path(root), HERE, not args.skip_install)
        for step in steps:
            if step["instruction"] != "COMMENT":
                image.step(step["instruction"], step["value"])
        print(f"healthy after {image.serve():.1f} s")


if __name__ == "__main__":
    main()
