"""Pages with digits, drawn from the package's own golden cells: the same pixels everywhere.

NumPy draws them, in whole numbers, so that results of machines with other versions of OpenCV are
comparable, and that what they cost does not depend on pictures that cannot be passed on.
"""

import numpy as np
from numpy.typing import NDArray

from ..check import FILE_NAME
from ..network import MODELS
from ..results import Pixels

_GRIDS = {1: (1, 1), 8: (2, 4), 40: (5, 8)}  # digits to lines and digits a line
_INK = 0.55  # of a place in the grid that the digit's cell is high
_SEED = 6


def golden_cells() -> tuple[Pixels, NDArray[np.int64]]:
    """Return the golden cells, uint8 [97, 28, 28], and their labels, int64 [97]."""
    with np.load(MODELS / FILE_NAME, allow_pickle=False) as golden:
        cells = golden["cells"]
        return cells, golden["cnn"][: len(cells)].argmax(axis=1)


def draw_scene(width: int, height: int, digits: int, frames: int = 1) -> tuple[Pixels, str]:
    """Draw ink on unevenly lit, slightly noisy paper, as a camera gives it.

    Args:
        width: Pixels across.
        height: Pixels down.
        digits: 1, 8 or 40.
        frames: How many; they differ in their noise.

    Returns:
        uint8 [frames, height, width, 3] (BGR), and the digits in reading order, without spaces.
    """
    random = np.random.default_rng(_SEED)
    cells, labels = golden_cells()
    lines, columns = _GRIDS[digits]
    # A page's only digit must not be a bare stroke, which may be the edge of something.
    fit = np.flatnonzero(labels != 1) if digits == 1 else np.arange(len(cells))
    chosen = random.choice(fit, digits, replace=False)
    place_height, place_width = height // lines, width // columns
    side = round(min(place_height * _INK, place_width * 0.8, height * 0.3))
    ink = np.zeros((height, width), dtype=np.int64)
    for number, index in enumerate(chosen.tolist()):
        line, column = divmod(number, columns)
        free_x, free_y = place_width - side, (place_height - side) // 4
        x = column * place_width + free_x // 4 + int(random.integers(0, free_x // 2 + 1))
        y = line * place_height + (place_height - side) // 2
        y += int(random.integers(-free_y // 2, free_y // 2 + 1))
        ink[y : y + side, x : x + side] = _enlarged(cells[index], side)
    across = 30 * np.arange(width) // width
    down = 20 * np.arange(height) // height
    paper = 232 - across[None, :] - down[:, None]
    grey = paper - paper * ink * 3 // (4 * 255)
    tint = np.array([-6, 0, 4])  # a warm lamp
    pictures = np.empty((frames, height, width, 3), dtype=np.uint8)
    for picture in pictures:
        noise = random.integers(-2, 3, (height, width, 3))
        picture[:] = np.clip(grey[:, :, None] + tint + noise, 0, 255)
    return pictures, "".join(map(str, labels[chosen]))


def _enlarged(cell: Pixels, side: int) -> NDArray[np.int64]:
    """Return a cell at another size, int64 [side, side], between its pixels in straight lines."""
    last = len(cell) - 1
    at = np.arange(side) * (last * 256) // max(1, side - 1)
    low, part = at // 256, at % 256
    high = np.minimum(low + 1, last)
    wide = cell.astype(np.int64)
    rows = wide[low] * (256 - part)[:, None] + wide[high] * part[:, None]
    both = rows[:, low] * (256 - part)[None, :] + rows[:, high] * part[None, :]
    return np.asarray(both // 65536, dtype=np.int64)
