"""Weights on disk: files that hold their configuration, the authors' checkpoints, and downloads."""

from spir.errors import WeightsError
from spir.weights.files import WEIGHTS, Models, default_categories, load, load_models, save

__all__ = ["WEIGHTS", "Models", "WeightsError", "load", "load_models", "default_categories", "save"]
