"""`python -m spir.train.autodecoder`."""

import sys

from spir.train.autodecoder.train import main

sys.exit(main())
