"""`python -m spir.train.encoder`."""

import sys

from spir.train.encoder.train import main

sys.exit(main())
