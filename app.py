"""Load the models, build the page and serve it.

    python app.py

GRADIO_SERVER_NAME and GRADIO_SERVER_PORT set the address. SPIR_WEIGHTS names another folder of weights,
SPIR_CATEGORIES the categories to serve instead of all that are offered, and SPIR_SEGMENTER a segmenter other
than the best one. /healthz answers with the status.
"""

import os
import sys

from spir.app.layout import build_site, error_page
from spir.app.server.health import HealthService, unavailable
from spir.app.server.logging import log_to_stderr
from spir.app.theme import serve
from spir.errors import WeightsError
from spir.photo.segmenters.rembg import REMBG_MODEL, network
from spir.pipeline import Reconstructor
from spir.weights import WEIGHTS, default_categories


def main() -> None:
    """Serve the page, or a page that says why it cannot run."""
    log_to_stderr()
    if network(REMBG_MODEL).obtainable:
        network(REMBG_MODEL).begin()
    try:
        root, segmenter = os.environ.get("SPIR_WEIGHTS", WEIGHTS), os.environ.get("SPIR_SEGMENTER", "auto")
        named = os.environ.get("SPIR_CATEGORIES", "").replace(",", " ").split() or default_categories(root)
        whole, pages = build_site(
            [Reconstructor.load(name, root=root, segmenter=segmenter) for name in named]
        )
    except (WeightsError, ValueError) as problem:
        print(problem, file=sys.stderr)
        serve(error_page(str(problem)), unavailable)
        return
    service = HealthService(pages[0].context, pages[0].warm)
    service.begin()
    serve(whole, service.health)


if __name__ == "__main__":
    main()
