"""Weights on disk: files that carry their configuration, the authors' checkpoints, what can be fetched."""

from spir.errors import WeightsError
from spir.weights.files import WEIGHTS, Models, default_categories, load, load_models, save

__all__ = ["WEIGHTS", "Models", "WeightsError", "load", "load_models", "default_categories", "save"]
