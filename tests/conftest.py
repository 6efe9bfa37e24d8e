"""All tests compute with one thread, as the runs of the suites do: results repeat, and tests may run side by side."""

import torch

torch.set_num_threads(1)
