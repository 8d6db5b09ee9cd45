"""What is written on: paper and screens, their rulings, and what is printed on them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.camera import through

Paper = Literal[
    "white",
    "cream",
    "ruled",
    "squared",
    "whiteboard",
    "blackboard",
    "screen",
    "screen-dark",
    "yellow",
    "pink",
    "blue",
    "kraft",
]
Colour = tuple[int, int, int]
"""Blue, green and red, 0 to 255."""

# Paper varies slowly: a large picture has it drawn smaller, or it would take most of the time.
LARGEST_DRAWN = 1_600_000


class Surface(NamedTuple):
    """A kind of paper, board or screen."""

    colour: Colour
    fibre: float  # standard deviation of the texture, grey levels
    smears: float  # the same for broad unevenness: stains, wiped ink, chalk dust
    rulings: Colour | None = None
    squares: int = 0  # to a line of writing; 0 for rulings across only


class Grid(NamedTuple):
    """Where the rulings of a page are."""

    origin: tuple[float, float]  # x, y in pixels of the page, where rulings cross
    pitch: float  # pixels from baseline to baseline


class Segment(NamedTuple):
    """A straight line that is printed on the page."""

    ends: NDArray[np.float64]  # x, y of both, pixels of the page: [2, 2]
    width: float  # pixels of the page
    tone: float  # 0 paper to 1 as dark as ink


SURFACES: Mapping[str, Surface] = MappingProxyType(
    {
        "white": Surface((244, 246, 247), 1.5, 1.5),
        "cream": Surface((208, 232, 242), 2.5, 2.5),
        "ruled": Surface((242, 246, 246), 1.5, 1.5, rulings=(226, 208, 190)),
        "squared": Surface((240, 244, 244), 1.5, 1.5, rulings=(228, 214, 200), squares=2),
        "whiteboard": Surface((240, 238, 236), 0.5, 3.0),
        "blackboard": Surface((52, 60, 50), 2.5, 6.0),
        "screen": Surface((255, 255, 255), 0, 0),
        "screen-dark": Surface((38, 30, 28), 0, 0),
        "yellow": Surface((120, 226, 248), 1.5, 2.0),
        "pink": Surface((206, 190, 244), 1.5, 2.0),
        "blue": Surface((232, 208, 168), 1.5, 2.0),
        "kraft": Surface((116, 160, 190), 5.0, 4.0),
    }
)


def draw_paper(
    surface: Surface,
    size: tuple[int, int],
    grid: Grid,
    view: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """The empty page as the camera sees it, float64 [height, width, 3], BGR."""
    height, width = size
    shrink = int(np.ceil(np.sqrt(height * width / LARGEST_DRAWN)))
    if shrink > 1:
        smaller = round(height / shrink), round(width / shrink)
        zoom = np.diag([width / smaller[1], height / smaller[0], 1])
        x, y = grid.origin
        small = draw_paper(
            surface,
            smaller,
            Grid((x / shrink, y / shrink), grid.pitch / shrink),
            np.linalg.inv(zoom) @ view @ zoom,
            rng,
        )
        return np.asarray(cv2.resize(small, (width, height)), np.float64)
    # Half a page more on every side, for a tilted camera sees beyond the edges.
    rows, columns = 2 * height, 2 * width
    left, top = width // 2, height // 2
    texture = clouds((rows, columns), min(size) / 8, rng)
    fibres = rng.normal(0, surface.fibre, (rows, columns))
    # Of which only what is seen need be coloured.
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    back = np.asarray(np.linalg.inv(view), np.float64)
    seen = through(back, corners) + np.array([left, top])
    x0, y0 = np.clip(np.floor(seen.min(axis=0)).astype(int) - 4, 0, (columns - 8, rows - 8))
    x1, y1 = np.clip(np.ceil(seen.max(axis=0)).astype(int) + 4, (x0 + 8, y0 + 8), (columns, rows))
    page = np.full((y1 - y0, x1 - x0, 3), surface.colour, np.float64)
    if surface.rulings is not None:
        x, y = grid.origin
        distance = grid.pitch / surface.squares if surface.squares else grid.pitch
        _rule(page, (y + top) % distance, distance, y0, surface.rulings)
        if surface.squares:
            down = page.transpose(1, 0, 2)
            _rule(down, (x + left) % distance, distance, x0, surface.rulings)
    page += surface.smears * texture[y0:y1, x0:x1, None]
    page += fibres[y0:y1, x0:x1, None]
    into_picture = view @ np.array([[1, 0, x0 - left], [0, 1, y0 - top], [0, 0, 1]])
    return np.asarray(
        cv2.warpPerspective(page, into_picture, (width, height), borderMode=cv2.BORDER_REFLECT_101),
        np.float64,
    )


def print_segments(
    picture: NDArray[np.float64],
    segments: Sequence[Segment],
    colour: Colour,
    view: NDArray[np.float64],
) -> None:
    """Print lines on a page that the camera sees, float64 [height, width, 3], in place.

    Args:
        picture: The page, BGR.
        segments: What to print.
        colour: Of a segment whose tone is 1.
        view: From the page to the picture.
    """
    for tone in sorted({segment.tone for segment in segments}):
        mask = np.zeros(picture.shape[:2], np.uint8)
        for segment in segments:
            if segment.tone == tone:
                corners = np.rint(16 * through(view, _outline(segment)) - 8).astype(np.int32)
                cv2.fillConvexPoly(mask, corners, 255, cv2.LINE_AA, 4)
        rows = np.flatnonzero(mask.any(axis=1))
        if len(rows):
            part = slice(rows[0], rows[-1] + 1)
            covered = tone / 255 * mask[part, :, None]
            picture[part] += covered * (np.array(colour, np.float64) - picture[part])


def clouds(size: tuple[int, int], grain: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Smooth noise of standard deviation 1 whose spots measure about `grain` pixels."""
    height, width = size
    coarse = rng.normal(0, 1, (int(height / grain) + 2, int(width / grain) + 2))
    return np.asarray(
        cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float64
    )


def _rule(
    part: NDArray[np.float64], first: float, distance: float, start: int, colour: Colour
) -> None:
    """Rule a part of a page, float64 [rows, columns, 3], which begins at the row `start` of it.

    A line runs across the page at the row `first`, and every `distance` rows.
    """
    for y in np.arange(first, start + len(part), distance):
        row, share = int(y), y % 1
        # Two rows share a line between them, so that lines do not jump to whole pixels.
        for place, covered in ((row - start, 1 - share), (row - start + 1, share)):
            if 0 <= place < len(part):
                part[place] += (np.array(colour) - part[place]) * covered


def _outline(segment: Segment) -> NDArray[np.float64]:
    """The four corners of a line, float64 [4, 2]."""
    start, end = segment.ends
    along = (end - start) / np.linalg.norm(end - start)
    across = segment.width / 2 * np.array([-along[1], along[0]])
    return np.array([start + across, end + across, end - across, start - across])
