"""`python -m spir.evaluate.paper`."""

import sys

from spir.evaluate.paper.run import main

sys.exit(main())
