"""§3.1: the unconditional generator, Code to Field."""

from spir.generator.generator import COMPACT, PAPER, Generator, GeneratorConfig
from spir.generator.sdf import PlaneField

__all__ = ["COMPACT", "PAPER", "Generator", "GeneratorConfig", "PlaneField"]
