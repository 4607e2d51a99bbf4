"""The single benchmarks, one file for each kind of ground truth."""
