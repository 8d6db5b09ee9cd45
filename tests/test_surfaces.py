"""Hard shadows, tables, dark panels: paper that is not lit alike, and ink on all of it."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from benchmarks.scenes import Around, draw_scene
from siffra import Reader
from siffra.lighting import light_of
from siffra.surfaces import find_ink_on_surfaces, has_surfaces
from tests.drawing import Pixels, blank, digit_ink, inked, two_lines


def on_table(page: Pixels) -> Pixels:
    """A sheet that ends before the picture does, on a dark table."""
    page[:20], page[-30:], page[:, :18], page[:, -26:] = 50, 50, 50, 50
    return page


def half_in_shadow(page: Pixels) -> Pixels:
    """Something between the lamp and the page: an edge as sharp as a stroke's."""
    mask = np.zeros(page.shape, np.uint8)
    cv2.fillConvexPoly(mask, np.array([[190, 0], [419, 0], [419, 299], [250, 299]]), 1)
    return np.where(mask, page * 0.4, page).astype(np.uint8)


def with_panel(page: Pixels) -> Pixels:
    """The upper line light on dark, the lower one dark on light."""
    page[10:150, 10:410] = 255 - page[10:150, 10:410]
    return page


@pytest.mark.parametrize("surround", [on_table, half_in_shadow, with_panel])
def test_surfaces_are_noticed_and_ink_on_them_is_found(
    surround: Callable[[Pixels], Pixels],
) -> None:
    page = two_lines()
    grey = surround(page.copy())
    assert has_surfaces(light_of(grey))
    writing = (slice(60, 230), slice(80, 340))  # without the edges of the surfaces
    mask = find_ink_on_surfaces(grey).mask
    strokes = inked(page)
    found = (mask[writing] > 0) & strokes[writing]
    assert found.sum() > 0.85 * strokes.sum()
    paper = ~cv2.dilate(strokes.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    # The edge of a shadow or of a panel may be seen as a line, no more.
    assert (mask[writing][paper[writing]] > 0).mean() < 0.03


def test_ink_in_a_shadow_is_as_strong_as_in_the_light() -> None:
    """A shadow takes the same share from paper and ink; what was grey ink is still."""
    page = two_lines()
    strokes = inked(page)
    grey = half_in_shadow(np.asarray(110 + page.astype(float) * 145 / 255, np.uint8))
    strength = find_ink_on_surfaces(grey).strength
    left, right = np.where(strokes, strength, 0)[:, :180], np.where(strokes, strength, 0)[:, 280:]
    light, shade = (float(np.median(part[part > 0])) for part in (left, right))
    assert shade == pytest.approx(light, rel=0.15)


@pytest.mark.parametrize(
    "page",
    [
        blank(),
        two_lines(),
        255 - two_lines(),
        np.pad(255 - digit_ink(8, 200), 20, constant_values=255),
    ],
    ids=["blank", "written", "blackboard", "large digit"],
)
def test_writing_is_no_surface(page: Pixels) -> None:
    """Reading a page the other way takes as long again."""
    assert not has_surfaces(light_of(page))


@pytest.mark.parametrize(
    "around",
    [
        Around(desk="dark", desk_share=0.8),
        Around(desk="wood", desk_share=0.8),
        Around(shadow=0.8),
        Around(panel=1),
        Around(vignette=1),
    ],
    ids=["dark table", "wood", "hard shadow", "dark panel", "vignette"],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_numbers_are_read_whatever_is_around_them(
    reader: Reader, around: Around, seed: int
) -> None:
    scene = draw_scene(["4071", "325"], size=(300, 400), around=around, noise=0.1, seed=seed)
    assert reader.read(scene.image).text == scene.text
