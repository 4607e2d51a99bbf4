"""`python -m spir.train.segmenter`."""

import sys

from spir.train.segmenter.train import main

sys.exit(main())
