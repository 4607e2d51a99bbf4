"""`python -m spir.train.distill`."""

import sys

from spir.train.distill.train import main

sys.exit(main())
