"""No picture takes long, whatever is on it: what is more than a page can hold is given up in time.

Time is compared with that of a dense page of digits, in the same process, so that slow machines
pass as well; what takes far more would be seen on any.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import worst
from benchmarks.patterns import PATTERNS, draw
from siffra import Reader, watch

ROOT = Path(__file__).parents[1]
PATIENCE = 300  # seconds, for what takes some: a hang

# Reads its questions, a line each; answers each, with seconds on the processor, a line each.
_PROGRAM = """
import json, sys
from time import process_time
import cv2
from benchmarks.patterns import draw
from siffra import Reader

cv2.setNumThreads(1)
reader = Reader()
reader.read(draw("digits", 300, 300), rotate="auto")
for name, height, width, scale in json.load(sys.stdin):
    picture = draw(name, height, width, scale)
    started = process_time()
    reading = reader.read(picture)
    spent = process_time() - started
    print(json.dumps([name, spent, sum(digit.accepted for digit in reading.digits)]), flush=True)
"""
_DENSE = ("digits", 1000, 1000, 1)  # 1,944 digits

# Neither digits nor what resembles one, however it falls on the grid.
_REGULAR = (
    *("chequers", "dots", "holes", "stripes", "upright stripes", "slanted stripes", "comb"),
    *("winding line", "boxes in boxes", "triangles", "squares, 3 px", "squares, 5 px"),
    *("squares, 9 px", "squares, 20 px", "dashes", "slanted dashes", "gradient", "coarse JPEG"),
)


def asked(questions: list[tuple[str, int, int, int]]) -> list[tuple[str, float, int]]:
    """Return each pattern, with the seconds that it took and the digits that were accepted."""
    run = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        input=json.dumps(questions),
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
        check=True,
        cwd=ROOT,
    )
    answers: list[Any] = [json.loads(line) for line in run.stdout.splitlines()]
    return [(name, spent, accepted) for name, spent, accepted in answers]


def test_no_pattern_takes_much_longer_than_a_dense_page_of_digits() -> None:
    (_, dense, accepted), *others = asked([_DENSE, *((name, 1280, 1280, 2) for name in PATTERNS)])
    assert accepted > 1400  # each OpenCV writes in a way of its own
    assert not [(name, spent) for name, spent, _ in others if spent > 10 * dense]
    assert not [(name, count) for name, _, count in others if name in _REGULAR and count]


def test_time_does_not_grow_faster_than_pixels() -> None:
    """What is linear in pixels takes four times as long for four times as many."""
    names = ("chequers", "holes", "noise, 5 %", "dashes", "letters")
    sides = (500, 1000, 2000)
    answers = asked([(name, side, side, 2) for side in sides for name in names])
    spent = [spent for _, spent, _ in answers]
    slowest = [max(spent[start : start + len(names)]) for start in range(0, len(spent), len(names))]
    # Below a megapixel more is tried, for which larger copies leave no room.
    assert slowest[2] < 6 * max(slowest[:2])


@pytest.mark.parametrize("shape", [(1, 10**6), (10**6, 1), (2, 300_000), (64, 100_000), (3, 3)])
@pytest.mark.parametrize("name", ["noise, 20 %", "upright stripes", "digits"])
def test_odd_shapes_are_read_as_any(reader: Reader, name: str, shape: tuple[int, int]) -> None:
    picture = draw(name, *shape)
    reading = reader.read(picture, rotate="auto")
    assert not [digit for digit in reading.digits if digit.accepted]
    assert reading.draw().ndim == reader.explain(picture).ndim == 3
    assert not reader.classify(picture).accepted


def test_more_than_a_page_can_hold_is_no_page_of_digits(reader: Reader) -> None:
    assert len(reader.read(draw("digits", 1000, 1000)).digits) > 1900
    reading = reader.read(draw("digits", 1400, 1400))  # 3,850
    assert not reading.digits
    assert reading.text == ""
    assert reader.explain(draw("digits", 1400, 1400)).ndim == 3


def test_digits_are_read_where_the_larger_copy_is_a_texture(reader: Reader) -> None:
    """Small digits that are many are left to a larger copy, if it shows them."""
    page = draw("digits", 2560, 2560, scale=4)
    plain = sum(digit.accepted for digit in reader.read(page).digits)
    page[::2, ::2] //= 3
    rough = sum(digit.accepted for digit in reader.read(page).digits)
    assert plain > 700
    assert rough > 0.8 * plain


def test_texture_is_no_digit_and_not_blank(reader: Reader) -> None:
    digit = reader.classify(draw("chequers", 640, 640, scale=2))
    assert (digit.label, digit.reason) == (None, "not_a_digit")
    assert reader.classify(np.full((600, 600), 255, np.uint8)).reason == "blank"


def test_a_camera_that_shows_noise_is_kept_up_with(reader: Reader) -> None:
    """Of thousands of marks none is followed; digits that come into view after them are."""
    crowd = [draw("digits", 480, 640, seed=seed) for seed in range(4)]
    noise = [draw("noise, 20 %", 480, 640, 2, seed) for seed in range(4)]
    few = [draw("digits", 480, 640, 6)] * 6
    readings = [reading for _, reading in watch([*crowd, *noise, *few], reader=reader)]
    assert [len(reading.digits) for reading in readings[:4]] == 4 * [len(readings[0].digits)]
    assert len(readings[0].digits) > 500
    assert readings[-1].text == reader.read(few[0]).text != ""


_MEMORY = """
import resource, sys
from pathlib import Path
import cv2
import numpy as np
from siffra import Reader

def peak():
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # The other tells of the parent too, which is pytest with all that it has loaded.
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])

shape = [int(side) for side in sys.argv[1].split("x")]
page = np.full(shape, 230, np.uint8)
for left in range(300, shape[1] - 600, 900):
    cv2.putText(page, "407", (left, 2000), cv2.FONT_HERSHEY_SIMPLEX, 9, (20,) * 3, 30)
reader = Reader()
reader.explain(np.ascontiguousarray(page[1600:2200, :900]), rotate="auto")
before = peak()
digits = reader.read(page, rotate="auto").digits
reader.explain(page)
print(len(digits), (peak() - before) / (shape[0] * shape[1]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no getrusage")
@pytest.mark.parametrize("shape", ["6000x6000", "5000x5000x3"])
def test_memory_is_a_few_bytes_for_a_pixel(shape: str) -> None:
    """Measured 2.2 for grey pictures and 5.0 for colour."""
    run = subprocess.run(
        [sys.executable, "-c", _MEMORY, shape],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
        cwd=ROOT,
    )
    digits, needed = run.stdout.split()
    assert int(digits) >= 12
    assert 0.1 < float(needed) < 8


def test_the_benchmark_tells_what_took_longest(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "worst.json"
    options = ["--size", "60x40", "--size", "1x500", "--top", "2", "--search", "0.2"]
    assert worst.main(["--model", "ann", *options, "--json", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("read, ")] == [
        "read, 60x40: ms, MiB beside the picture, pattern",
        "read, 1x500: ms, MiB beside the picture, pattern",
    ]
    results = json.loads(file.read_text(encoding="utf-8"))
    assert len(results) > 2 * len(PATTERNS)
    assert all(result["milliseconds"] >= 0 for result in results)
    assert {result["picture"]["pattern"] for result in results} == set(PATTERNS)


def test_the_benchmark_refuses_what_is_no_size(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        worst.main(["--size", "0x9"])
    assert "'0x9' is not pixels across and down" in capsys.readouterr().err
    assert worst.main(["--model", "nothing"]) == 2
