"""The page: load the models, build it, serve it.

    python app.py

GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say where; SPIR_WEIGHTS names another folder of weights.
"""

import os
import sys

from spir.pipeline import Reconstructor
from spir.ui.layout import apology, build
from spir.ui.theme import serve
from spir.weights import WEIGHTS, WeightsError


def main() -> None:
    """Serve the page, or one that says why it cannot run."""
    try:
        page = build(Reconstructor.load("car", root=os.environ.get("SPIR_WEIGHTS", WEIGHTS)))
    except WeightsError as problem:
        print(problem, file=sys.stderr)
        page = apology(str(problem))
    serve(page)


if __name__ == "__main__":
    main()
