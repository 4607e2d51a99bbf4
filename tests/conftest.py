"""What all tests share: two threads, as on the machine that serves the page."""

import torch

torch.set_num_threads(2)
