"""What all tests share: two threads, as on the machine that serves the page, unless the environment says."""

import os

import torch

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 2)))
