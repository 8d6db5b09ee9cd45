"""The camera: from where it looks at the page, and what it does to the picture."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

BoxTuple = tuple[int, int, int, int]
"""x, y, width and height, pixels."""

MARGIN = 0.06  # of the picture's shorter side, kept free of ink


@dataclass(frozen=True)
class Camera:
    """What a camera does beyond tilt, perspective, blur and noise; all off by default."""

    motion: float = 0
    """Motion blur: 0 none to 1, a digit's stroke smeared over several times its width."""
    jpeg: float = 0
    """Compression: 0 none to 1, blocks everywhere (quality 5)."""
    turns: int = 0
    """Quarter turns of the whole picture, anticlockwise."""


def view_of(
    size: tuple[int, int],
    points: NDArray[np.float64],
    tilt: float,
    perspective: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """The homography, float64 [3, 3], from the page to the picture that keeps points in view.

    Args:
        size: Height and width of the page and of the picture, pixels.
        points: What must stay in view, float64 [n, 2]: x, y on the page.
        tilt: Rotation, degrees.
        perspective: 0 from straight above to 1 from far aside.
        rng: Chooses from where.
    """
    height, width = size
    middle = np.array([width, height]) / 2
    corners = 2 * middle * [[0, 0], [1, 0], [1, 1], [0, 1]]
    inwards = (middle - corners) * perspective * rng.uniform(0.05, 0.4, (4, 1))
    lean = cv2.getPerspectiveTransform(
        corners.astype(np.float32), (corners + inwards).astype(np.float32)
    )
    turn = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), tilt, 1), [0, 0, 1]])
    view = np.asarray(turn @ lean, np.float64)
    seen = through(view, points)
    # The pen's half width and a rest; the photographer steps back, then moves aside.
    margin = MARGIN * min(size)
    room = np.array([width, height]) - 2 * margin
    scale = min(1.0, float((room / np.ptp(seen, axis=0)).min()))
    low = middle + (seen.min(axis=0) - middle) * scale
    high = middle + (seen.max(axis=0) - middle) * scale
    aside = np.clip(0, margin - low, margin + room - high)
    step = np.array([[scale, 0, 0], [0, scale, 0], [0, 0, 1]])
    step[:2, 2] = middle * (1 - scale) + aside
    return np.asarray(step @ view, np.float64)


def through(view: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points x, y, float64 [n, 2], seen through a homography."""
    lifted = np.column_stack([points, np.ones(len(points))]) @ view.T
    return np.asarray(lifted[:, :2] / lifted[:, 2:], np.float64)


def scale_at(view: NDArray[np.float64], point: NDArray[np.float64]) -> float:
    """How many pixels of the picture one pixel of the page becomes around a point."""
    origin, right, down = through(view, point + np.array([[0, 0], [1, 0], [0, 1]]))
    area = np.linalg.det(np.array([right - origin, down - origin]))
    return float(np.sqrt(abs(area)))


def photograph(
    picture: NDArray[np.float64],
    blur: float,
    noise: float,
    camera: Camera,
    rng: np.random.Generator,
    extras: np.random.Generator,
) -> NDArray[np.uint8]:
    """What a camera makes of a picture, float64 [height, width, 3]: uint8, turned.

    Args:
        picture: What is before it; not kept.
        blur: 0 sharp to 1 clearly out of focus.
        noise: 0 none to 1 a bad sensor in the dark.
        camera: What else it does.
        rng: Makes the noise.
        extras: Decides about what else.
    """
    height, width = picture.shape[:2]
    if blur > 0:
        picture[...] = cv2.GaussianBlur(picture, (0, 0), blur * 0.006 * min(height, width))
    if camera.motion > 0:
        picture = _smear(picture, camera.motion, extras)
    if noise > 0:
        # Mostly in brightness: colour noise is what cameras smooth away.
        picture += noise * rng.normal(0, 24, (height, width, 1))
        picture += noise * rng.normal(0, 8, (height, width, 3))
    image = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    if camera.jpeg > 0:
        image = _compress(image, camera.jpeg)
    return np.ascontiguousarray(np.rot90(image, camera.turns))


def _smear(
    picture: NDArray[np.float64], strength: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Move the camera while the shutter is open: the length is up to 3 % of the shorter side."""
    length = 1 + strength * 0.03 * min(picture.shape[:2])
    side = 2 * int(np.ceil(length / 2)) + 1
    angle = rng.uniform(0, np.pi)
    way = length / 2 * np.array([np.cos(angle), np.sin(angle)])
    kernel = np.zeros((side, side), np.float64)
    for share in np.linspace(-1, 1, 8 * side):
        x, y = np.rint(side // 2 + share * way).astype(int)
        kernel[y, x] += 1
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.float64)


def _compress(image: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
    """What is left of a picture, uint8 [height, width, 3], after JPEG."""
    quality = round(95 - 90 * strength)
    _, content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)


def turned(box: BoxTuple, size: tuple[int, int], turns: int) -> BoxTuple:
    """A box after quarter turns, anticlockwise, of a picture of some height and width."""
    x, y, w, h = box
    height, width = size
    for _ in range(turns % 4):
        x, y, w, h = y, width - x - w, h, w
        height, width = width, height
    return x, y, w, h
