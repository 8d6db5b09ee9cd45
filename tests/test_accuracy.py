"""The accuracy benchmark: its statistics by hand, and the command on data drawn here."""

import csv
import gzip
import json
import math
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import nondigits
from benchmarks.accuracy import main
from benchmarks.evaluation import Model
from benchmarks.measures import (
    Answers,
    auroc,
    calibration_error,
    mean_accuracy,
    mean_estimate,
    score,
    wilson,
)
from benchmarks.scenes import draw_digit
from benchmarks.summary import Summary, spreads
from siffra import Reader
from siffra.single import one_cell

from .conftest import EXAMPLES, ROOT

COUNT = 20


def test_wilson_interval_of_a_proportion() -> None:
    # By hand: (8.5 + 1.92) / 13.84 for the middle of 8 of 10, and so on.
    estimate = wilson(8, 10)
    assert estimate.value == 0.8
    assert (estimate.low, estimate.high) == pytest.approx((0.490162, 0.943318), abs=1e-5)
    none = wilson(0, 10)
    assert (none.value, none.low) == (0, 0)
    assert none.high == pytest.approx(0.277533, abs=1e-5)


def test_a_share_of_nothing_is_unknown() -> None:
    estimate = wilson(0, 0)
    assert math.isnan(estimate.value)
    assert (estimate.low, estimate.high, estimate.n) == (0, 1, 0)


def test_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    confidences = np.array([0.9, 0.9, 0.6, 0.6])
    right = np.array([True, False, True, True])
    # Gaps of |0.9 - 0.5| and |0.6 - 1.0|, half of the answers each.
    assert calibration_error(confidences, right) == pytest.approx(0.4)
    assert calibration_error(np.ones(3), np.ones(3, bool)) == 0
    assert math.isnan(calibration_error(np.zeros(0), np.zeros(0, bool)))


def test_a_bin_of_calibration_holds_its_upper_end() -> None:
    # 0.2 is the end of the third of 15 bins, 0.21 lies in the fourth: (0.2 + 0.79) / 2. In one bin
    # they would make up for each other: |0.41 - 1| / 2.
    error = calibration_error(np.array([0.2, 0.21]), np.array([False, True]))
    assert error == pytest.approx(0.495)
    # Of ten bins, one would hold both of these.
    error = calibration_error(np.array([0.26, 0.28]), np.array([False, True]))
    assert error == pytest.approx((0.26 + 0.72) / 2)


def test_auroc_and_its_error_by_hanley_and_mcneil() -> None:
    estimate = auroc(np.array([0.9, 0.8, 0.7]), np.array([0.6, 0.75]))
    # 5 of 6 pairs are in order. Q1 = 0.714286, Q2 = 0.757576, so that the squared error is
    # (0.138889 + 2 * 0.019841 + 0.063131) / 6 = 0.040284.
    assert estimate.value == pytest.approx(5 / 6)
    assert estimate.low == pytest.approx(5 / 6 - 1.96 * math.sqrt(0.040284), abs=1e-4)
    assert estimate.high == 1


def test_auroc_counts_a_tie_as_half() -> None:
    assert auroc(np.array([0.0, 1.0]), np.array([0.0, 0.0])).value == 0.75
    assert math.isnan(auroc(np.zeros(0), np.ones(3)).value)


def test_families_of_the_same_cells_do_not_count_as_more_cells() -> None:
    one = np.arange(200).reshape(1, -1) % 5 > 0
    single = mean_accuracy(one)
    plain = wilson(160, 200)
    assert (single.value, single.low, single.high) == pytest.approx(
        (plain.value, plain.low, plain.high)
    )
    again = mean_accuracy(np.repeat(one, 4, axis=0))
    assert (again.low, again.high) == pytest.approx((single.low, single.high))
    # Where the families fail on other cells each, their mean does say more.
    others = mean_accuracy(np.array([np.roll(one[0], shift) for shift in range(4)]))
    assert others.value == pytest.approx(0.8)
    assert others.high - others.low < 0.8 * (single.high - single.low)


def test_mean_of_estimates_keeps_the_mean_interval() -> None:
    estimate = mean_estimate([wilson(8, 10), wilson(0, 10)])
    assert estimate.value == pytest.approx(0.4)
    assert estimate.high == pytest.approx((0.943318 + 0.277533) / 2, abs=1e-5)


def test_spread_over_the_seeds_of_a_recipe() -> None:
    def summary(name: str, accuracy: float, ece: float) -> Summary:
        model = Model(f"runs/{accuracy}", name, "1", "fp32", threshold=0.5, kib=100)
        return Summary(model, {"MNIST": accuracy}, {"ECE": ece}, {})

    seeds = [summary("ann", 97, 1.5), summary("ann", 98, math.nan), summary("ann", 99, 0.5)]
    (spread,) = spreads([*seeds, summary("cnn", 50, 50)])
    assert (spread.name, spread.models) == ("ann", 3)
    assert spread.reading == ({"MNIST": 98}, {"MNIST": 1})
    assert math.isnan(spread.confidence[0]["ECE"])
    assert math.isnan(spread.confidence[1]["ECE"])


def test_a_picture_without_a_cell_is_wrong_and_never_accepted() -> None:
    answers = Answers(np.array([0, -1, 2, 3]), np.array([0.9, 0.0, 0.7, 0.2]))
    scores = score(answers, np.array([0, 0, 5, 3], np.uint8), threshold=0.0)
    assert scores.accuracy.value == 0.5
    assert scores.not_found == 1
    assert scores.coverage.value == 0.75
    assert scores.accepted.value == pytest.approx(2 / 3)
    # Its confidence is nobody's answer: gaps 0.1, 0.7 and 0.8 of three.
    assert scores.ece == pytest.approx(1.6 / 3)
    sure = score(answers, np.array([0, 0, 5, 3], np.uint8), threshold=0.7)
    assert sure.coverage.value == 0.5
    assert sure.accepted.value == 0.5


def cells_drawn() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    labels = np.arange(COUNT, dtype=np.uint8) % 10
    cells = [
        one_cell(draw_digit(int(label), style=("round", "slanted")[index // 10], seed=index))
        for index, label in enumerate(labels)
    ]
    return np.array([cell for cell in cells if cell is not None]), labels


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes()))


def write_set(folder: Path, pictures: dict[str, bytes], rows: list[dict[str, str]]) -> None:
    (folder / "images").mkdir(parents=True)
    for name, content in pictures.items():
        (folder / "images" / name).write_bytes(content)
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `--data` takes it: a few cells, and sets made from the examples."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "mnist").mkdir()
    cells, labels = cells_drawn()
    write_idx(folder / "mnist" / "t10k-images-idx3-ubyte.gz", cells)
    write_idx(folder / "mnist" / "t10k-labels-idx1-ubyte.gz", labels)

    with (EXAMPLES / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    singles = [row for row in rows if row["file"].startswith("single-")]
    pages = [row for row in rows if row["file"] in ("digital-dark-screen.png", "pen-squared.jpg")]
    for name, chosen in (("singles", singles), ("pages", pages)):
        files = {row["file"]: (EXAMPLES / row["file"]).read_bytes() for row in chosen}
        write_set(folder / "pictures" / name, files, chosen)

    letters = nondigits.draw("letters", 6, seed=1)
    blank = np.full((64, 64), 255, np.uint8)
    files = {
        f"{index}.png": cv2.imencode(".png", picture)[1].tobytes()
        for index, picture in enumerate([*letters, blank])
    }
    none = [
        {"file": name, "label": "none", "kind": kind, "lookalike": lookalike}
        for name, kind, lookalike in zip(files, ["letter"] * 6 + ["blank"], "0000100", strict=True)
    ]
    write_set(folder / "pictures" / "others", files, none)
    return folder


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.accuracy", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def ann() -> Reader:
    return Reader("ann")


def test_the_command_measures_every_section(data: Path, tmp_path: Path, ann: Reader) -> None:
    results = tmp_path / "new" / "results.json"
    options: list[str | Path] = [
        "--corruption-cells",
        "8",
        "--drawn",
        "2",
        "--model",
        "ann",
        "--json",
        results,
    ]
    run = command("--data", data, *options)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    for title in (
        "MNIST's test set: 20 cells",
        "Pictures of one digit",
        "Pictures of several digits",
        "Corrupted MNIST as pictures: accuracy on 8 cells",
        "Corrupted MNIST as cells: accuracy on 8 cells",
        "AUROC of the confidence against MNIST's test cells",
        "AUROC of the confidence against the real digits",
        "accepted as a digit at the model's threshold",
        "Summary: reading",
        "Summary: confidence in digits",
        "Summary: rejection of non-digits",
    ):
        assert title in run.stdout

    document = json.loads(results.read_text("utf-8"))
    assert document["models"]["ann"]["threshold"] == ann.threshold
    mnist, pictures, corruptions, others = (
        document["sections"][section]["ann"]
        for section in ("mnist", "pictures", "corruptions", "nondigits")
    )
    cells, labels = cells_drawn()
    right = int((ann.probabilities(cells).argmax(axis=1) == labels).sum())
    assert mnist["accuracy"]["n"] == COUNT
    assert mnist["accuracy"]["value"] == pytest.approx(right / COUNT)
    assert f"{100 * right / COUNT:.2f} (" in run.stdout

    assert pictures["sets"].keys() == {"singles"}
    assert pictures["sets"]["singles"]["accuracy"]["n"] == 3
    assert pictures["pages"].keys() == {"pages"}
    assert corruptions["clean"]["as_cells"]["value"] == pytest.approx(
        float((ann.probabilities(cells[:8]).argmax(axis=1) == labels[:8]).mean())
    )
    assert "rotate" in corruptions["seen"]
    assert "fog" in corruptions["unseen"]

    # What looks like a digit is left out; what is blank never reaches the network.
    assert others["pictures"]["others letter"]["accepted"]["n"] == 5
    assert others["pictures"]["others blank"]["not_found"] == 1
    assert others["pictures"]["others blank"]["against_mnist"]["value"] == 1
    assert others["drawn"].keys() == set(nondigits.KINDS)
    assert all(kind["accepted"]["n"] == 2 for kind in others["drawn"].values())
    for figure in (mnist["accuracy"], corruptions["unseen_mean"]["as_pictures"]):
        assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1


def run_main(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[str, str]:
    assert main([str(argument) for argument in arguments]) == 0
    return capsys.readouterr()


def test_sections_can_be_chosen(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run_main(capsys, "--data", data, "--only", "mnist", "--model", "ann")
    assert "MNIST's test set" in out
    assert "Pictures" not in out
    assert "Non-digits" not in out
    assert err == ""


def test_every_released_model_is_measured_by_default(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = run_main(capsys, "--data", data, "--only", "mnist")
    table = out.split("Summary")[0]
    assert "\nann  " in table
    assert "\nann-int8  " in table


def test_models_of_the_same_name_get_their_mean_and_deviation(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    released = ROOT / "runtime" / "siffra" / "models" / "ann.onnx"
    seeds = [tmp_path / f"ann-{seed}.onnx" for seed in range(2)]
    for seed in seeds:
        seed.write_bytes(released.read_bytes())
    models: list[str | Path] = ["--model", seeds[0], "--model", seeds[1], "--model", "ann-int8"]
    out, _ = run_main(capsys, "--data", data, "--only", "mnist", *models)
    accuracy = out.splitlines()[4].split()[1]
    assert ["ann:", "mean", "of", "2", accuracy] in [line.split()[:5] for line in out.splitlines()]
    assert ["ann:", "deviation", "0.00"] in [line.split()[:3] for line in out.splitlines()]
    assert "ann-int8: mean" not in out


def test_mistakes_are_drawn_for_a_person_to_look_at(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "data" / "mislabelled"
    content = (EXAMPLES / "single-3-pen.png").read_bytes()
    rows = [{"file": f"{label}.png", "label": label} for label in ("3", "8")]
    write_set(wrong, {row["file"]: content for row in rows}, rows)
    sheets = tmp_path / "sheets"
    options: list[str | Path] = ["--only", "pictures", "--model", "ann", "--mistakes", sheets]
    run_main(capsys, "--data", wrong.parent, *options)
    (sheet,) = sheets.iterdir()
    assert sheet.name == "mislabelled-ann.png"
    assert cv2.imread(str(sheet)) is not None
    # Where all is read rightly there is nothing to look at.
    run_main(capsys, "--data", data, *options[:-1], tmp_path / "none")
    assert not list((tmp_path / "none").iterdir())


def test_what_is_missing_is_left_out_and_said(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick: list[Any] = ["--model", "ann", "--drawn", "1"]
    out, err = run_main(capsys, "--data", data / "pictures", *quick)
    assert err.count("no MNIST test set") == 1
    assert "MNIST's test set" not in out
    assert "Pictures of one digit" in out
    out, err = run_main(capsys, "--data", data / "mnist", "--corruption-cells", "1", *quick)
    assert err.count("no folders with labels.csv") == 1
    assert "MNIST's test set" in out
    assert "Pictures" not in out


def test_an_unreadable_picture_is_wrong_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (EXAMPLES / "single-3-pen.png").read_bytes()
    rows = [{"file": name, "label": "3"} for name in ("good.png", "torn.png")]
    write_set(tmp_path / "some", {"good.png": content, "torn.png": content[:50]}, rows)
    out, err = run_main(capsys, "--data", tmp_path, "--only", "pictures", "--model", "ann")
    assert "torn.png" in err
    (row,) = (line for line in out.splitlines() if line.startswith("some"))
    assert row.split()[:5] == ["some", "ann", "2", "1", "50.00"]


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda folder: (folder / "mnist" / "t10k-labels-idx1-ubyte.gz").unlink(), "t10k-labels"),
        (
            lambda folder: (folder / "mnist" / "t10k-images-idx3-ubyte.gz").write_bytes(b"no"),
            "is no IDX file",
        ),
        (
            lambda folder: (folder / "pictures" / "a" / "labels.csv").write_text("x,y\n1,2\n"),
            "needs the columns file and label",
        ),
        (
            lambda folder: (folder / "pictures" / "a" / "labels.csv").write_text(
                "file,label\n1.png,x\n"
            ),
            "has the label 'x'",
        ),
    ],
    ids=["half of MNIST", "no IDX", "no columns", "no digit"],
)
def test_damaged_data_ends_with_one_line(
    break_it: Any, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mnist").mkdir()
    cells, labels = np.zeros((2, 28, 28), np.uint8), np.zeros(2, np.uint8)
    write_idx(tmp_path / "mnist" / "t10k-images-idx3-ubyte.gz", cells)
    write_idx(tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz", labels)
    write_set(tmp_path / "pictures" / "a", {}, [{"file": "1.png", "label": "1"}])
    break_it(tmp_path)
    assert main(["--data", str(tmp_path), "--only", "mnist,pictures"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "nobody"], "no model 'nobody'"),
        (["--data", "nowhere"], "holds neither MNIST's test set"),
    ],
)
def test_wrong_input_ends_with_one_line(
    arguments: list[str], message: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(data), *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "mnist,letters"], "names other sections than mnist"),
        (["--drawn", "0"], "no whole number from 1"),
        (["--only", "mnist", "--mistakes", "x"], "add pictures to --only"),
    ],
)
def test_wrong_usage_says_what_is_right(
    arguments: list[str], message: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--data", str(data), *arguments])
    assert message in capsys.readouterr().err


def test_without_data_the_command_says_how_to_name_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SIFFRA_DATA", raising=False)
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "give --data DIR or set $SIFFRA_DATA" in capsys.readouterr().err


def test_accuracy_on_all_of_mnist_is_what_the_model_states(tmp_path: Path, ann: Reader) -> None:
    folder = os.environ.get("SIFFRA_DATA")
    if not folder:
        pytest.skip("$SIFFRA_DATA is not set: no MNIST to measure on")
    results = tmp_path / "results.json"
    run = command("--data", folder, "--only", "mnist", "--model", "ann", "--json", results)
    if "no MNIST test set" in run.stderr:
        pytest.skip("$SIFFRA_DATA holds no MNIST test set")
    assert run.returncode == 0, run.stderr
    accuracy = json.loads(results.read_text("utf-8"))["sections"]["mnist"]["ann"]["accuracy"]
    assert accuracy["n"] == int(ann.metadata["test_cells"])
    assert accuracy["value"] == pytest.approx(float(ann.metadata["accuracy"]), abs=1e-4)
