"""The numbers and names of the contract between pictures and networks; `cells.py` defines it."""

VERSION = 1
"""A model states the version that it was trained for; the runtime refuses one it does not know."""

SIDE = 28
"""Pixels of a cell's side."""

INK_SIDE = 20
"""Pixels of the longer side of the ink in a cell."""

LABELS = tuple(range(10))
"""What the columns of the network's output stand for."""

INPUT = "cells"
"""Name of a model's input: uint8 [batch, 28, 28]."""

OUTPUT = "probabilities"
"""Name of a model's output: float32 [batch, 10]."""

SCORE = "max_probability"
"""What a model's threshold is for: the highest of the ten probabilities."""

DEFAULT_MODEL = "cnn"
"""The released model that is taken unless another is asked for."""
