"""Drawn pictures that show no digit: many, various, the same from the same seed, and measurable."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.nondigit_strokes import LETTERS, SYMBOLS
from benchmarks.nondigits import KINDS, draw
from benchmarks.strokes import points_of, write
from siffra.single import one_cell

ROOT = Path(__file__).resolve().parent.parent


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.nondigits", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_gives_the_same_pictures(kind: str) -> None:
    first, again, other = draw(kind, 3, seed=1), draw(kind, 5, seed=1), draw(kind, 3, seed=2)
    assert len(again) == 5
    for picture, same in zip(first, again, strict=False):
        np.testing.assert_array_equal(picture, same)
    assert {p.tobytes() for p in first}.isdisjoint(p.tobytes() for p in other)


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_grey_small_and_all_different(kind: str) -> None:
    pictures = draw(kind, 12, seed=3)
    for picture in pictures:
        assert picture.dtype == np.uint8
        assert picture.ndim == 2
        assert 64 <= min(picture.shape) <= max(picture.shape) <= 160
    assert len({picture.shape for picture in pictures}) > 8
    alike = [cv2.resize(picture, (16, 16), interpolation=cv2.INTER_AREA) for picture in pictures]
    for number, one in enumerate(alike):
        assert all(np.abs(one.astype(int) - other).mean() > 1 for other in alike[:number])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "texture"])
def test_ink_is_dark_on_light_paper(kind: str) -> None:
    for picture in draw(kind, 10, seed=4):
        paper, ink = np.percentile(picture, [95, 1])
        assert paper > 190
        assert ink < paper - 50


@pytest.mark.parametrize("forms", [LETTERS, SYMBOLS], ids=["letters", "symbols"])
def test_every_form_can_be_written(forms: dict[str, str]) -> None:
    for form in forms.values():
        rng = np.random.default_rng(5)
        strokes = write(points_of(form), slant=5, width=1, wobble=0.02, rng=rng)
        low, high = (f([f(s, axis=0) for s in strokes], axis=0) for f in (np.min, np.max))
        np.testing.assert_allclose(low, 0, atol=1e-9)
        assert high.max() == pytest.approx(1)
        assert high.min() > 0.25


def test_letters_are_many_and_none_is_near_a_digit() -> None:
    letters = {name[0] for name in LETTERS}
    assert len(letters) >= 25
    assert letters.isdisjoint("0123456789OoQDCcIiLlJjTtYyZzSsBbGgqaedUuXxЧчЦЮЯЭθβδζΘΩ")


@pytest.mark.parametrize("kind", ["letters", "symbols", "shapes", "hatching", "crossed out"])
def test_nearly_all_that_a_pen_drew_reaches_the_network(kind: str) -> None:
    """What the runtime rejects by itself says nothing about a model."""
    cells = [one_cell(picture) for picture in draw(kind, 30, seed=6)]
    assert sum(cell is not None for cell in cells) >= 27


@pytest.mark.parametrize("kind", ["texture", "words", "stains"])
def test_of_the_rest_enough_reaches_the_network(kind: str) -> None:
    cells = [one_cell(picture) for picture in draw(kind, 30, seed=6)]
    assert sum(cell is not None for cell in cells) >= 15


def test_what_cannot_be_drawn_says_why() -> None:
    with pytest.raises(ValueError, match="no kind 'digits'; choose one of letters, symbols"):
        draw("digits", 1, seed=0)


def test_the_command_writes_a_sheet_of_each_kind(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "sheets"
    done = run(str(folder), "--count", "12")
    assert done.returncode == 0, done.stderr
    assert {file.stem for file in folder.iterdir()} == {kind.replace(" ", "-") for kind in KINDS}
    for file in folder.iterdir():
        picture = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        assert picture is not None, file
        assert picture.shape == (2 * 128, 10 * 128)
        # Twelve tiles hold a picture, the last eight nothing.
        tiles = picture.reshape(2, 128, 10, 128).swapaxes(1, 2).reshape(20, -1)
        assert [bool(np.ptp(tile)) for tile in tiles] == [True] * 12 + [False] * 8


@pytest.mark.parametrize(
    ("option", "message"), [("--count", "--count 1 or more"), ("--seed", "--seed 0 or more")]
)
def test_the_command_refuses_what_it_cannot_draw(option: str, message: str, tmp_path: Path) -> None:
    done = run(str(tmp_path), option, "-1")
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())
