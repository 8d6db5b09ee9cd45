"""The figures of a run, and the calibration error that one of them states."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from train import confidence_figures, figures
from train.data import Dataset
from train.evaluate import calibration_bins, expected_calibration_error
from train.run import Epoch

BLUE, ORANGE, GREEN, RED = (31, 111, 235), (227, 98, 9), (26, 127, 55), (207, 34, 46)
Colour = tuple[int, int, int]
Answers = tuple[NDArray[np.float32], NDArray[np.uint8]]


def answers(*given: tuple[float, bool]) -> Answers:
    """Probabilities and labels of cells read with that confidence, rightly or wrongly."""
    probabilities = np.array([[sure] + [(1 - sure) / 9] * 9 for sure, _ in given], np.float32)
    return probabilities, np.array([0 if right else 1 for _, right in given], np.uint8)


def random_answers(seed: int, number: int = 400) -> Answers:
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.2, 1, number)
    right = rng.random(number) < confidence
    return answers(*zip(confidence.tolist(), right.tolist(), strict=True))


def filled(*ink: int) -> NDArray[np.uint8]:
    """A cell of even ink for each value, so that the figure shows where each one went."""
    return np.array([np.full((28, 28), value) for value in ink], np.uint8)


def dataset(fills: list[int], labels: NDArray[np.uint8]) -> Dataset:
    train = np.random.default_rng(0).integers(0, 256, (40, 28, 28)).astype(np.uint8)
    return Dataset(
        train_cells=train,
        train_labels=np.arange(40).astype(np.uint8) % 10,
        test_cells=filled(*fills),
        test_labels=labels,
        source="drawn",
        hashes={},
    )


HISTORY = [Epoch(1, 0.5, 0.8, 0.6, 0.7, 1.0), Epoch(2, 0.3, 0.9, 0.4, 0.8, 1.0)]


def shown(path: Path) -> NDArray[np.uint8]:
    """The pixels of a figure, RGB."""
    picture = cv2.imread(str(path))
    assert picture is not None, f"{path.name} is no picture"
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def places(picture: NDArray[np.uint8], colour: Colour | int, size: int = 3) -> NDArray[np.int64]:
    """Rows and columns [n, 2] of the colour or grey, where it fills a square of `size` pixels.

    The edges of letters have all kinds of colours, but fill no square.
    """
    # Resampling may miss a colour by one.
    mask = np.asarray(np.isclose(picture, colour, rtol=0, atol=1).all(axis=2), np.uint8)
    return np.argwhere(cv2.erode(mask, np.ones((size, size))))


DRAWN: dict[str, Callable[[Path, int], None]] = {
    "reliability": lambda folder, seed: confidence_figures.reliability(
        folder, {"test": random_answers(seed), "augmented validation": random_answers(9, 99_999)}
    ),
    "risk_coverage": lambda folder, seed: confidence_figures.risk_coverage(
        folder, {"test": random_answers(seed), "augmented validation": random_answers(9)}, 0.75
    ),
    "augmentation": lambda folder, seed: figures.augmentation(
        folder, filled(*range(200, 210)), np.full((10, 9, 28, 28), 200 + seed, np.uint8)
    ),
    "negatives": lambda folder, seed: figures.negatives(
        folder, {"two digits in one cell": filled(*[100 + seed] * 12), "letters": filled(80)}
    ),
    "scores": lambda folder, seed: confidence_figures.scores(
        folder,
        random_answers(seed)[0].max(axis=1),
        {"two digits in one cell": random_answers(9)[0].max(axis=1)},
        0.75,
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_is_whole_and_depends_on_what_it_is_given_alone(name: str, tmp_path: Path) -> None:
    contents = []
    for seed in (1, 1, 2):
        DRAWN[name](tmp_path, seed)
        contents.append((tmp_path / f"{name}.png").read_bytes())
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.png"]

    picture = shown(tmp_path / f"{name}.png")
    height, width = picture.shape[:2]
    assert 200 < height < 1000
    assert 400 < width < 1300, "a page of the report has no more room"
    assert (picture < 128).mean() > 0.005, "it shows next to nothing"
    edge = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    assert (edge == 255).all(), "something is cut off"


@pytest.mark.parametrize("kinds", [1, 9])
@pytest.mark.parametrize("cells", [1, 12])
def test_no_name_of_a_kind_is_cut_off(kinds: int, cells: int, tmp_path: Path) -> None:
    by_kind = {f"two digits in one cell {kind}": filled(*[90] * cells) for kind in range(kinds)}
    figures.negatives(tmp_path, by_kind)
    picture = shown(tmp_path / "negatives.png")
    assert (picture[:, :3] == 255).all()
    assert (picture[:, -3:] == 255).all()


def test_every_run_has_its_five_figures(tmp_path: Path) -> None:
    probabilities, labels = random_answers(0, 60)
    figures.draw_all(tmp_path, dataset([200] * 60, labels), HISTORY, probabilities)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("data.png", "curves.png", "confusion.png", "predictions.png", "mistakes.png"),
    }
    for path in tmp_path.iterdir():
        assert (shown(path) < 128).mean() > 0.005, f"{path.name} shows next to nothing"


def test_mistakes_come_most_confident_first_and_nothing_else_comes(tmp_path: Path) -> None:
    right, unsure, sure, between = 30, 60, 120, 180
    probabilities, labels = answers((0.99, True), (0.4, False), (0.9, False), (0.6, False))
    fills = [right, unsure, sure, between]
    figures.draw_all(tmp_path, dataset(fills, labels), HISTORY, probabilities)
    picture = shown(tmp_path / "mistakes.png")
    columns = [places(picture, 255 - fill)[:, 1].mean() for fill in (sure, between, unsure)]
    assert columns == sorted(columns)
    assert len(places(picture, 255 - right)) < 100


def test_a_run_without_mistakes_has_a_sheet_that_says_so(tmp_path: Path) -> None:
    probabilities, labels = answers((0.9, True), (0.8, True))
    figures.draw_all(tmp_path, dataset([90, 90], labels), HISTORY, probabilities)
    assert (shown(tmp_path / "mistakes.png") < 128).any()


def test_reliability_puts_overconfidence_below_the_diagonal(tmp_path: Path) -> None:
    low = [(0.8, number % 4 == 0) for number in range(400)]
    high = [(0.8, number % 40 != 0) for number in range(400)]
    confidence_figures.reliability(tmp_path, {"over": answers(*low), "under": answers(*high)})
    picture = shown(tmp_path / "reliability.png")
    upper = picture[: len(picture) // 2]  # below it are the numbers of cells
    over, under = (places(upper, colour)[:, 0].mean() for colour in (BLUE, ORANGE))
    # Accuracy 25 % and 97.5 %: that far apart on an axis of more than half the figure's height.
    assert over - under > 0.5 * len(upper)


def test_reliability_shows_each_number_of_cells_on_one_scale(tmp_path: Path) -> None:
    sets = {"many": answers(*[(0.8, True)] * 10_000), "few": answers(*[(0.8, True)] * 10)}
    confidence_figures.reliability(tmp_path, sets)
    picture = shown(tmp_path / "reliability.png")
    lower = picture[2 * len(picture) // 3 :]
    many, few = (len(places(lower, colour)) for colour in (BLUE, ORANGE))
    assert 2 < many / few < 6, "log 10,000 and log 10, from 0.5 on, are as 3.3 to 1"


def test_risk_coverage_marks_what_the_threshold_accepts(tmp_path: Path) -> None:
    some = answers(*[(0.9, True)] * 60, *[(0.7, False)] * 20, *[(0.3, False)] * 20)
    other = answers(*[(0.95 - number / 1000, False) for number in range(100)])  # sets the axes

    def picture(threshold: float) -> NDArray[np.uint8]:
        confidence_figures.risk_coverage(tmp_path, {"test": some, "other": other}, threshold)
        return shown(tmp_path / "risk_coverage.png")

    def marker(threshold: float) -> tuple[float, float]:
        marks = places(picture(threshold), BLUE, size=5)  # no line is so wide
        row, column = marks[marks[:, 0] < marks[:, 0].min() + 8].mean(axis=0)  # and no legend
        return float(row), float(column)

    strict, middle, lax = marker(0.8), marker(0.5), marker(0.1)
    assert strict[0] > middle[0] > lax[0], "none, 25 % and 40 % of them are wrong"
    assert strict[1] < middle[1] < lax[1], "60 %, 80 % and all are accepted"
    assert lax[1] - middle[1] == pytest.approx(middle[1] - strict[1], abs=2)
    assert marker(0.9) == strict, "what reaches the threshold is accepted"

    bare = places(picture(0.99), BLUE, size=1)
    curve = bare[bare[:, 0] < strict[0] + 3]
    assert curve[:, 1].min() == pytest.approx(strict[1], abs=3), "it begins with the surest"
    assert curve[:, 1].max() == pytest.approx(lax[1], abs=3), "and ends with all"
    for row, column in (middle, lax):
        nearby = curve[abs(curve[:, 1] - column) <= 2]
        assert nearby[:, 0].min() == pytest.approx(row, abs=3), "the marker is not on its curve"


@pytest.mark.parametrize("threshold", [0.5, 0.95])
def test_risk_coverage_has_a_place_for_no_mistakes_and_for_nothing_accepted(
    threshold: float, tmp_path: Path
) -> None:
    confidence_figures.risk_coverage(
        tmp_path, {"test": answers((0.9, True), (0.8, True))}, threshold
    )
    assert len(places(shown(tmp_path / "risk_coverage.png"), BLUE)) > 20


def test_cells_of_one_confidence_are_accepted_together(tmp_path: Path) -> None:
    drawn = []
    for order in (1, -1):
        tied = [(0.9, number < 50) for number in range(100)][::order]
        confidence_figures.risk_coverage(tmp_path, {"test": answers(*tied, (0.5, True))}, 0.7)
        drawn.append((tmp_path / "risk_coverage.png").read_bytes())
    assert drawn[0] == drawn[1], "the order in which the cells come changed the curve"


def test_augmentation_shows_each_original_once_and_every_version(tmp_path: Path) -> None:
    originals, augmented = filled(*[200] * 10), np.full((10, 7, 28, 28), 120, np.uint8)
    augmented[3] = 60
    figures.augmentation(tmp_path, originals, augmented)
    picture = shown(tmp_path / "augmentation.png")
    first, others, fourth = (places(picture, 255 - ink) for ink in (200, 120, 60))
    assert first[:, 1].max() < others[:, 1].min()
    assert len(others) / len(first) == pytest.approx(0.9 * 7, rel=0.05)
    assert len(fourth) / len(others) == pytest.approx(1 / 9, rel=0.05)
    tenth = (first[:, 0].max() - first[:, 0].min()) / 10
    assert fourth[:, 0].mean() == pytest.approx(first[:, 0].min() + 3.5 * tenth, abs=0.1 * tenth)


def test_negatives_shows_a_row_of_any_length_for_each_kind(tmp_path: Path) -> None:
    figures.negatives(tmp_path, {"letters": filled(*[200] * 2), "blobs": filled(*[60] * 5)})
    picture = shown(tmp_path / "negatives.png")
    letters, blobs = places(picture, 55), places(picture, 195)
    assert letters[:, 0].max() < blobs[:, 0].min()
    assert len(blobs) / len(letters) == pytest.approx(2.5, rel=0.05)


def test_scores_sets_digits_and_others_on_one_scale_of_confidence(tmp_path: Path) -> None:
    def even(low: float, high: float) -> NDArray[np.float32]:
        return np.linspace(low, high, 500, dtype=np.float32)

    by_kind = {"letters": even(0.11, 0.39), "blobs": even(0.11, 0.39)}
    confidence_figures.scores(tmp_path, even(0.61, 0.99), by_kind, 0.5)
    picture = shown(tmp_path / "scores.png")
    digits, others = places(picture, GREEN), places(picture, RED)
    assert digits[:, 0].max() < others[:, 0].min()
    assert others[:, 1].max() < digits[:, 1].min()
    left, right = others[:, 1].max(), digits[:, 1].min()  # 0.4 and 0.6, the edges of bins
    line = (picture[:, left + 3 : right - 3] < 128).all(axis=2).sum(axis=0).argmax() + 3
    assert line == pytest.approx((right - left) / 2, abs=2)


def test_scores_states_the_share_accepted_exactly(tmp_path: Path) -> None:
    drawn = []
    for confidence in (0.51, 0.52):  # of one bin, on the two sides of the threshold
        confidence_figures.scores(tmp_path, np.full(9, confidence, np.float32), {}, 0.515)
        drawn.append((tmp_path / "scores.png").read_bytes())
    assert drawn[0] != drawn[1]


def test_the_calibration_error_is_that_of_a_case_done_by_hand() -> None:
    # Two of confidence 0.9 and one right: 0.4 apart. One of 0.6, right: 0.4. One of 1.0: 0.
    given = answers((0.9, True), (0.9, False), (0.6, True), (1.0, True))
    assert expected_calibration_error(*given) == pytest.approx((2 * 0.4 + 0.4 + 0) / 4)
    # In one bin of four: confidence 0.85, accuracy 0.75.
    assert expected_calibration_error(*given, bins=1) == pytest.approx(0.85 - 0.75)


def test_the_calibration_error_follows_its_definition() -> None:
    probabilities, labels = random_answers(3)
    expected = 0.0
    for number in range(15):
        gaps = [
            (int(row.argmax()) == label) - float(row.max())
            for row, label in zip(probabilities, labels, strict=True)
            if number / 15 < float(row.max()) <= (number + 1) / 15
        ]
        expected += abs(sum(gaps)) / len(labels)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(expected)
    assert expected < 0.1, "the answers are right as often as they are sure"
    overconfident = (probabilities, (labels + 1).astype(np.uint8) % 10)
    assert expected_calibration_error(*overconfident) > 0.3


def test_a_bin_holds_its_upper_edge_and_an_empty_one_has_no_accuracy() -> None:
    given = answers((0.5, True), (0.5, False), (0.75, True))
    number, confidence, accuracy = calibration_bins(*given, bins=4)
    assert number.tolist() == [0, 2, 1, 0]
    np.testing.assert_allclose(confidence, [np.nan, 0.5, 0.75, np.nan])
    np.testing.assert_allclose(accuracy, [np.nan, 0.5, 1.0, np.nan])


def test_the_calibration_of_no_cells_is_refused() -> None:
    with pytest.raises(ValueError, match="no cells"):
        expected_calibration_error(np.empty((0, 10), np.float32), np.empty(0, np.uint8))
