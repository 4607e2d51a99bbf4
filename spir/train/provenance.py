"""How an exported file was made: the command line, all of its options, and every number of the training.

    python -m spir.train.provenance weights/car/generator.safetensors weights/shared/segmenter.onnx

The record lies in the metadata of the file itself, of safetensors and of ONNX files alike.
"""

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from spir.weights import WeightsError
from spir.weights.files import PROVENANCE, read


def provenance(module: str, argv: Sequence[str] | None, options: Any, config: Any = None) -> dict[str, Any]:
    """The record of a file that `python -m module` writes, as JSON can hold it.

    `argv` is what the command was called with (none = this process's own arguments), `options` the dataclass
    that they were parsed into, `config` the dataclass of the training's numbers (none = the options are
    all)."""
    command = shlex.join(["python", "-m", module, *(sys.argv[1:] if argv is None else argv)])
    record = {"command": command, "options": asdict(options), "config": asdict(config) if config else {}}
    return json.loads(json.dumps(record, default=str))


def add_to_onnx(path: Path, record: dict[str, Any]) -> None:
    """Write the record into the metadata of an ONNX file; needs the package onnx."""
    import onnx

    model = onnx.load(path)
    onnx.helper.set_model_props(model, {PROVENANCE: json.dumps(record)})
    onnx.save(model, path)


def read_provenance(path: Path) -> dict[str, Any] | None:
    """The record of a file, or none for a file that was written without one.

    Raises WeightsError for a file that is no weights file; ONNX files need the package onnx."""
    if path.suffix == ".onnx":
        import onnx

        stored = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
        return json.loads(stored[PROVENANCE]) if PROVENANCE in stored else None
    return json.loads(read(path)[1].get("extra", "{}")).get(PROVENANCE)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the records of the files that are named."""
    for path in map(Path, sys.argv[1:] if argv is None else argv):
        try:
            record = read_provenance(path)
        except (WeightsError, OSError) as problem:
            sys.exit(str(problem))
        print(f"{path}:", json.dumps(record, indent=2) if record else "no record of how it was made")


if __name__ == "__main__":
    main()
