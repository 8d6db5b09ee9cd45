"""The light on a page: what its paper would be like without ink."""

import numpy as np
import pytest

from siffra.lighting import light_of
from tests.drawing import Pixels, blank, digit_ink, put, two_lines


def lit(page: Pixels, *, brightest: float = 1, slope: float = 0, vignette: float = 0) -> Pixels:
    """A page in the light of a lamp at its left, through a lens that darkens corners."""
    height, width = page.shape
    down, across = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    light = brightest - slope * (across + 1) / 2 - vignette * (down**2 + across**2) / 2
    return np.asarray(page * light, np.uint8)


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"brightest": 0.3},
        {"slope": 0.6},
        {"vignette": 0.5},
        {"brightest": 0.9, "slope": 0.4, "vignette": 0.3},
    ],
    ids=["bright", "dark", "lamp", "vignette", "both"],
)
def test_writing_does_not_pull_the_light(setting: dict[str, float]) -> None:
    page = two_lines()
    for written in (page, 255 - page):  # light ink on black paper has no light to find
        paper = lit(np.full_like(page, written[0, 0]), **setting)
        found = light_of(lit(written, **setting))
        np.testing.assert_allclose(
            found.paper.astype(int), light_of(paper).page.astype(int), atol=7
        )


def test_a_digit_that_fills_the_picture_is_not_paper() -> None:
    page = blank(120, 100)
    put(page, digit_ink(0, 110, pen=0.2), 8, 5)
    assert light_of(page).paper.min() > 240


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (3, 2000)])
def test_pictures_of_any_shape_have_light(shape: tuple[int, int]) -> None:
    light = light_of(blank(*shape, level=130))
    assert light.page.shape == light.paper.shape
    assert np.abs(light.paper.astype(int) - 130).max() <= 1
