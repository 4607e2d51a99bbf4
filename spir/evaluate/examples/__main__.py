"""`python -m spir.evaluate.examples`."""

import sys

from spir.evaluate.examples.make import main

sys.exit(main())
