"""`python -m spir.train.gan`."""

import sys

from spir.train.gan.train import main

sys.exit(main())
