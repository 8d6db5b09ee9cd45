"""The main class: pictures in, readings out."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks import nondigits
from benchmarks.scenes import Around, Form, Layout, Strays, draw_digit, draw_scene
from siffra import Box, Digit, ImageError, ModelError, Reader, Reading
from siffra.network import released
from tests.drawing import blank, cross, overlap, write

Pixels = NDArray[np.uint8]


def decoded(png: bytes) -> Pixels:
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR), dtype=np.uint8)


@pytest.mark.parametrize("model", released())
def test_every_model_reads_the_examples(model: str, examples: dict[Path, str]) -> None:
    reader = Reader(model)
    assert {path: reader.read(path).text for path in examples} == examples


def test_single_digits_are_classified(reader: Reader, examples: dict[Path, str]) -> None:
    singles = {path: text for path, text in examples.items() if len(text) == 1}
    assert len(singles) >= 3
    for path, text in singles.items():
        digit = reader.classify(path)
        assert str(digit.label) == text
        assert digit.accepted
        assert digit.reason is None


def test_scenes_it_has_not_seen_are_read(reader: Reader) -> None:
    """Drawn from seeds that no one chose; 97 % leaves room for the net, not for the locator."""
    right = total = 0
    for seed in range(12):
        scene = draw_scene(
            ["60718", "2394"], size=(480, 640), style="round", paper="cream", pen="blue pen",
            light=0.5, noise=0.3, blur=0.2, tilt=1.5, perspective=0.1, seed=1000 + seed,
        )  # fmt: skip
        text = reader.read(scene.image).text
        assert [len(line) for line in text.split("\n")] == [5, 4]
        right += sum(a == b for a, b in zip(text, scene.text, strict=True) if b != "\n")
        total += 9
    assert right / total >= 0.97


def test_all_kinds_of_input_give_the_same_reading(
    reader: Reader, examples: dict[Path, str]
) -> None:
    path = next(path for path in examples if path.suffix == ".png")
    image = Image.open(path)
    expected = reader.read(path)
    for source in (str(path), path.read_bytes(), io.BytesIO(path.read_bytes()), image):
        assert reader.read(source) == expected
    assert reader.read(decoded(path.read_bytes())) == expected


def test_the_box_is_in_pixels_of_the_picture(reader: Reader) -> None:
    """Large pictures are searched on a smaller copy; their boxes are not."""
    grey = np.full((3000, 4000), 255, dtype=np.uint8)
    grey[1000:1400, 2500:2900] = draw_digit(3, size=400, style="round", thickness=0.1, seed=3)
    for digit in (reader.classify(grey), *reader.read(grey).digits):
        assert digit.label == 3
        x, y, width, height = digit.box
        assert 2500 <= x < x + width <= 2900
        assert 1000 <= y < y + height <= 1400
        ink = grey[y - 4 : y + height + 4, x - 4 : x + width + 4] < 128
        assert ink.sum() == (grey < 128).sum()


def test_small_digits_on_a_large_picture_are_found_where_they_are(reader: Reader) -> None:
    """Much too small in the copy that is searched first."""
    grey = blank(2400, 3200)
    boxes = write(grey, "407285", at=(1500, 1300), height=18, gap=6, pen=0.12)
    reading = reader.read(cv2.GaussianBlur(grey, (0, 0), 0.8))
    assert reading.text == "407285"
    assert min(map(overlap, (digit.box for digit in reading.digits), boxes)) > 0.5


def test_what_the_network_saw_is_in_the_result(reader: Reader, examples: dict[Path, str]) -> None:
    digits = [digit for path in examples for digit in reader.read(path).digits]
    cells = np.stack([digit.cell for digit in digits if digit.cell is not None])
    assert len(cells) == len(digits)
    assert not any(digit.cell.flags.writeable for digit in digits if digit.cell is not None)
    np.testing.assert_allclose(
        reader.probabilities(cells), [digit.probabilities for digit in digits], atol=1e-6
    )


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (np.full((80, 80), 200, np.uint8), "blank"),
        (np.zeros((1, 1), np.uint8), "blank"),
        (cv2.circle(np.full((80, 80), 255, np.uint8), (40, 40), 1, 0, -1), "too_small"),
        (cv2.line(np.full((80, 80), 255, np.uint8), (10, 40), (70, 40), 0, 5), "not_a_digit"),
        (cv2.rectangle(np.full((80, 80), 255, np.uint8), (20, 20), (60, 60), 0, -1), "not_a_digit"),
    ],
    ids=["blank", "one-pixel", "dot", "dash", "block"],
)
def test_what_is_no_digit_is_a_value_with_a_reason(
    reader: Reader, picture: Pixels, reason: str
) -> None:
    digit = reader.classify(picture)
    assert digit.reason == reason
    assert digit.label is None
    assert not digit.accepted
    assert str(digit) == "?"
    assert digit.probabilities == ()
    assert reader.read(picture).text == ""
    assert digit.draw().ndim == 3


def test_the_threshold_decides_and_what_the_network_said_is_kept() -> None:
    # Half way between two digits there is always a cell that the network is not sure of.
    one, other = (
        draw_digit(digit, size=100, style="round", thickness=0.1, seed=1).astype(float)
        for digit in (3, 5)
    )
    mixed = np.asarray((one + other) / 2, dtype=np.uint8)
    strict, lenient = (Reader(threshold=threshold).classify(mixed) for threshold in (1.0, 0.0))
    assert strict.reason == "low_confidence"
    assert strict.label is None
    assert lenient.label == int(np.argmax(lenient.probabilities))
    assert strict.probabilities == lenient.probabilities
    assert strict.top(1) == [(lenient.label, lenient.confidence)]


def test_what_the_network_sees_no_digit_in_is_said_to_be_none(reader: Reader) -> None:
    letters = [reader.classify(letter) for letter in nondigits.draw("letters", 60, seed=3)]
    rejected = [letter for letter in letters if not letter.accepted]
    assert len(rejected) > 45
    assert all(letter.label is None for letter in rejected)
    assert sum(letter.reason == "not_a_digit" for letter in rejected) > 0.7 * len(rejected)


def test_an_unsure_digit_keeps_its_place_in_the_text(examples: dict[Path, str]) -> None:
    path, text = max(examples.items(), key=lambda item: len(item[1]))
    reading = Reader(threshold=1.0).read(path)
    assert "?" in reading.text
    assert len(reading.text) == len(text)
    assert all(a in ("?", b) for a, b in zip(reading.text, text, strict=True))


def test_wide_gaps_part_words(reader: Reader) -> None:
    scene = draw_scene(["40 718", "325", "9 60 4"], size=(300, 400), noise=0.1, seed=4)
    reading = reader.read(scene.image)
    assert reading.text == str(reading) == reading.to_dict()["text"] == "40 718\n325\n9 60 4"
    words = tuple(tuple("".join(map(str, word)) for word in line) for line in reading.words)
    assert words == scene.words
    assert [sum(line, ()) for line in reading.words] == list(reading.lines)


def test_digits_in_boxes_of_a_form_are_one_word(reader: Reader) -> None:
    scene = draw_scene(["4071", "32596"], size=(300, 400), form=Form(boxes=0.7), seed=2)
    assert reader.read(scene.image).text == "4071\n32596"


def test_words_in_which_nothing_resembles_a_digit_are_left_out_of_the_text(
    reader: Reader,
) -> None:
    page = blank(320, 480)
    write(page, "407", at=(40, 40))
    for place in ((320, 45), (390, 45), (60, 145), (130, 145)):
        cross(page, *place)
    write(page, "32", at=(40, 240))
    cross(page, 150, 245)
    reading = reader.read(page)
    assert reading.text == "407\n32?"
    assert [[len(word) for word in line] for line in reading.words] == [[3, 2], [2], [3]]
    crosses = [digit for digit in reading.digits if not digit.accepted]
    assert [digit.reason for digit in crosses] == ["not_a_digit"] * 5
    assert len(reading.to_dict()["digits"]) == 10


def nearly_sure(reader: Reader) -> Pixels:
    """A digit between two others of which the reader is sure enough, but not very."""
    five, six = (
        draw_digit(digit, size=100, style="round", seed=2).astype(float) for digit in (5, 6)
    )
    anything = Reader(threshold=0.0)
    for share in np.linspace(0.3, 0.7, 81):
        picture = np.asarray(share * five + (1 - share) * six, np.uint8)
        digits = anything.read(picture).digits
        if len(digits) == 1 and reader.threshold + 0.02 < digits[0].confidence < 0.88:
            return picture
    pytest.fail("no mixture of a 5 and a 6 is nearly sure")


def test_a_pages_only_digit_must_be_surer_than_others(reader: Reader) -> None:
    """Nothing beside it speaks for it; of letters, one in a hundred resembles a digit."""
    alone = nearly_sure(reader)
    reading = reader.read(alone)
    (digit,) = reading.digits
    assert not digit.accepted
    assert reader.threshold < digit.confidence < 0.9
    assert reading.text == "?", "it resembles a digit, unlike a scribble"

    beside = np.hstack([draw_digit(3, size=100, style="round", seed=1), alone])
    assert [one.accepted for one in reader.read(beside).digits] == [True, True]
    assert Reader(threshold=reader.threshold).read(alone).digits[0].accepted
    assert reader.classify(alone).accepted, "who asks for one digit knows that there is one"


@pytest.mark.parametrize(
    "knobs",
    [
        {"paper": "kraft", "pen": "marker", "light": 1},
        {"paper": "blackboard", "pen": "chalk", "noise": 0.3},
        {"paper": "screen-dark", "pen": "digital"},
        {"paper": "ruled", "pen": "pencil", "noise": 0.2},
        {"paper": "squared", "pen": "blue pen", "blur": 0.3},
        {"pale": 0.7, "noise": 0.2},
        {"thickness": 0.03},
        {"thickness": 0.2},
        {"tilt": 8, "perspective": 0.5, "light": 0.6},
        {"layout": Layout(slope=8)},
        {"layout": Layout(uneven=0.8)},
        {"strays": Strays(points=1, specks=1)},
        {"around": Around(desk="cloth", desk_share=0.7), "perspective": 0.4},
    ],
    ids=[
        "kraft paper", "chalk", "dark screen", "pencil", "squared paper", "pale", "thin", "fat",
        "askew", "climbing", "uneven", "points and specks", "table",
    ],
)  # fmt: skip
def test_numbers_are_read_as_people_write_and_photograph_them(reader: Reader, knobs: Any) -> None:
    scene = draw_scene(["4071", "325"], size=(300, 400), seed=3, **knobs)
    assert reader.read(scene.image).text == scene.text


@pytest.mark.parametrize(
    "knobs",
    [
        {"light": 0.5, "noise": 0.3},
        {"paper": "ruled"},
        {"paper": "blackboard", "pen": "chalk", "noise": 0.3},
        {"form": Form(rulings=0.8)},
        {"form": Form(boxes=0.8)},
        {"form": Form(table=0.8)},
        {"strays": Strays(specks=1)},
        {"around": Around(vignette=1)},
    ],
    ids=["light", "ruled", "board", "rulings", "boxes", "table", "specks", "vignette"],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_page_without_digits_gives_none(reader: Reader, knobs: Any, seed: int) -> None:
    scene = draw_scene([], size=(300, 400), digit_height=24, seed=seed, **knobs)
    assert reader.read(scene.image).text == ""


def test_results_can_be_printed_stored_and_compared(
    reader: Reader, examples: dict[Path, str]
) -> None:
    path, text = next(iter(examples.items()))
    reading = reader.read(path)
    assert isinstance(reading, Reading)
    assert str(reading) == text
    assert "".join(map(str, reading.digits)) == text.replace("\n", "")
    assert [len(line) for line in reading.lines] == [len(line) for line in text.split("\n")]
    assert reading == reader.read(path)
    assert reading != reader.read(list(examples)[1])
    assert "array(" not in repr(reading)

    stored = json.loads(reading.to_json())
    assert stored == reading.to_dict()
    assert stored["text"] == text
    first = reading.digits[0]
    assert isinstance(first, Digit)
    assert isinstance(first.box, Box)
    assert stored["digits"][0] == {
        "label": first.label,
        "confidence": pytest.approx(first.confidence, abs=1e-6),
        "accepted": True,
        "reason": None,
        "box": list(first.box),
    }
    stages = ["decode_ms", "locate_ms", "cells_ms", "inference_ms"]
    assert list(stored["timings"]) == [*stages, "total_ms"]
    assert all(stored["timings"][stage] > 0 for stage in stages)
    assert sum(json.loads(first.to_json())["probabilities"]) == pytest.approx(1, abs=1e-4)


def test_the_overlay_is_drawn_on_a_copy(reader: Reader, examples: dict[Path, str]) -> None:
    for path in examples:
        picture = decoded(path.read_bytes())
        before = picture.copy()
        reading = reader.read(picture)
        overlay = reading.draw()
        assert np.array_equal(picture, before)
        assert overlay.shape[2] == 3
        assert not np.array_equal(overlay, cv2.resize(before, overlay.shape[1::-1]))
        assert np.array_equal(decoded(reading._repr_png_()), overlay)


def test_probabilities_take_cells_in_batches(reader: Reader, examples: dict[Path, str]) -> None:
    digits = [digit for path in examples for digit in reader.read(path).digits]
    cells = np.stack([digit.cell for digit in digits if digit.cell is not None])
    probabilities = reader.probabilities(cells)
    assert probabilities.shape == (len(cells), 10)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    alone = np.concatenate([reader.probabilities(cell[None]) for cell in cells])
    np.testing.assert_allclose(probabilities, alone, atol=1e-6)
    assert reader.probabilities(cells[:0]).shape == (0, 10)


@pytest.mark.parametrize(
    "cells",
    [
        np.zeros((28, 28), np.uint8),
        np.zeros((2, 28, 28), np.float32),
        np.zeros((2, 20, 20), np.uint8),
    ],
    ids=["one cell", "floats", "20x20"],
)
def test_what_are_no_cells_is_refused(reader: Reader, cells: Pixels) -> None:
    with pytest.raises(ImageError, match=r"uint8 \[n, 28, 28\]"):
        reader.probabilities(cells)


def test_unknown_models_and_thresholds_are_refused() -> None:
    with pytest.raises(ModelError, match="ann, ann-int8, cnn, cnn-int8"):
        Reader("lenet")
    with pytest.raises(ValueError, match="from 0 to 1"):
        Reader(threshold=1.5)
    with pytest.raises(ValueError, match="from 1"):
        Reader(threads=0)


def run_python(code: str, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", *options, "-c", code],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_importing_siffra_loads_nothing_else() -> None:
    code = (
        "import sys, os; before = dict(os.environ); import siffra;"
        "print([m for m in ('numpy', 'cv2', 'onnxruntime') if m in sys.modules],"
        " before == dict(os.environ))"
    )
    assert run_python(code).split() == ["[]", "True"]


def test_cells_need_no_opencv_and_pictures_say_what_to_install() -> None:
    """As on a machine without OpenCV: `None` in sys.modules makes its import fail."""
    code = (
        "import sys; sys.modules['cv2'] = None\n"
        "import numpy, siffra\n"
        "reader = siffra.Reader()\n"
        "print(reader.probabilities(numpy.zeros((2, 28, 28), numpy.uint8)).shape)\n"
        "try: reader.read('x.png')\n"
        "except siffra.DependencyError as error: print(error)\n"
    )
    output = run_python(code)
    assert "(2, 10)" in output
    assert "siffra[headless]" in output
    assert "siffra[gui]" in output


def test_the_public_names_are_few_and_all_there() -> None:
    import siffra

    assert len([name for name in siffra.__all__ if not name.startswith("_")]) <= 10
    assert all(getattr(siffra, name) is not None for name in siffra.__all__)
    assert set(siffra.__all__) <= set(dir(siffra))
    absent = "nothing"
    with pytest.raises(AttributeError, match=absent):
        getattr(siffra, absent)
