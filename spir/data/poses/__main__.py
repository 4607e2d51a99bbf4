"""`python -m spir.data.poses`."""

import sys

from spir.data.poses.bootstrap import main

sys.exit(main())
