"""What the figures of a run have in common: size, colours, and how they become files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from siffra.files import replacing

RIGHT, WRONG = "#1a7f37", "#cf222e"
TRAINING, VALIDATION = "#1f6feb", "#e36209"


@contextmanager
def figure(folder: Path, name: str, width: float, height: float) -> Iterator[Figure]:
    """Give a figure of that size in inches to draw on, then write it into the folder."""
    with mpl.rc_context(
        {
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.constrained_layout.h_pad": 0.08,
            "figure.constrained_layout.w_pad": 0.08,
            "figure.dpi": 110,
            "font.size": 10,
        }
    ):
        # Figure is used without pyplot: no window, no state that outlives the call.
        # "constrained" would cut names beside a sheet off, as it does not know its shape.
        drawn = Figure(figsize=(width, height), layout="compressed")
        yield drawn
        with replacing(folder / f"{name}.png") as path:
            drawn.savefig(path)
