"""Labelled pictures are read beside others, measured by plain rules, and mistakes shown."""

import csv
import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.pictures import main
from benchmarks.readers import PictureReader, Siffra
from benchmarks.reading import read_nondigits, read_pages, read_singles
from benchmarks.strings import as_label, edits, matches
from siffra import ImageError, Reader
from siffra.network import released
from tests.conftest import EXAMPLES, ROOT

ANN = released()["ann"]
ACCEPTED = (60, 160, 0)  # BGR of the boxes that `draw` lays around what is accepted


class Scripted(PictureReader):
    """Says what it was told to say of each file; None for a file that it cannot read."""

    name = "scripted"
    version = "1"

    def __init__(self, texts: Mapping[str, str | None], best: str = "") -> None:
        self._texts, self._best = texts, best

    def read(self, path: Path, several: bool) -> str:
        text = self._texts[path.name]
        if text is None:
            raise ImageError(f"{path.name} is torn")
        return text

    def best(self, path: Path) -> str:
        return self._best


def write_set(folder: Path, rows: Sequence[Mapping[str, str]], pictures: Sequence[bytes]) -> None:
    (folder / "images").mkdir(parents=True)
    for row, content in zip(rows, pictures, strict=True):
        (folder / "images" / row["file"]).write_bytes(content)
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def png(pixels: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


def example(name: str) -> bytes:
    return (EXAMPLES / name).read_bytes()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Sets made from the examples: of one digit, of several, of none."""
    with (EXAMPLES / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    singles = [row for row in rows if row["file"].startswith("single-")]
    pages = [row for row in rows if row["file"] in ("digital-dark-screen.png", "pen-squared.jpg")]
    for name, chosen in (("singles", singles), ("pages", pages)):
        write_set(tmp_path / name, chosen, [example(row["file"]) for row in chosen])
    blank = png(np.full((64, 64), 255, np.uint8))
    others = [
        {"file": "blank.png", "label": "none", "kind": "blank", "lookalike": "0"},
        {"file": "smooth.png", "label": "none", "kind": "smooth", "lookalike": "0"},
        {"file": "three.png", "label": "none", "kind": "smooth", "lookalike": "1"},
    ]
    write_set(tmp_path / "others", others, [blank, blank, example("single-3-pen.png")])
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[str, str]:
    assert main([str(argument) for argument in arguments]) == 0
    return capsys.readouterr()


@pytest.mark.parametrize(
    ("text", "label"),
    [("12\n34", "12/34"), ("1 2\n\n x \n?3\n", "12/?3"), ("", ""), ("\n\n", ""), ("²x१", "")],
)
def test_what_is_read_is_written_as_labels_are(text: str, label: str) -> None:
    assert as_label(text) == label


@pytest.mark.parametrize(
    ("a", "b", "distance", "common"),
    [
        ("", "", 0, 0),
        ("", "123", 3, 0),
        ("123", "123", 0, 3),
        ("13", "123", 1, 2),
        ("1923", "123", 1, 3),
        ("193", "123", 1, 2),
        ("321", "123", 2, 1),
        ("9012", "0129", 2, 3),
    ],
)
def test_edits_and_matches(a: str, b: str, distance: int, common: int) -> None:
    assert edits(a, b) == edits(b, a) == distance
    assert matches(a, b) == matches(b, a) == common


def test_one_digit_is_right_when_it_is_accepted_and_right(tmp_path: Path) -> None:
    texts = {"a": "1", "b": "7", "c": "?", "d": "11", "e": ""}
    result, mistakes = read_singles(tmp_path, dict.fromkeys(texts, "1"), Scripted(texts, best="1"))
    assert (result.pictures, result.right, result.accepted) == (5, 1, 3)
    assert result.best == 2  # the best answer to c was right
    assert [(each.path.name, each.truth, each.answer) for each in mistakes] == [
        ("b", "1", "7"),
        ("c", "1", "? (1)"),
        ("d", "1", "11"),
        ("e", "1", ""),
    ]


def test_several_digits_are_compared_as_a_text_and_digit_by_digit(tmp_path: Path) -> None:
    labels = {"exact": "12/34", "joined": "12/34", "unsure": "567", "more": "89"}
    texts = {"exact": "12\n34", "joined": "1 234", "unsure": "5?7", "more": "8 1\n9"}
    result, mistakes = read_pages(tmp_path, labels, Scripted(texts))
    assert (result.pictures, result.exact) == (4, 1)
    assert [each.path.name for each in mistakes] == ["joined", "unsure", "more"]
    # Line breaks are characters, not digits; what is not accepted is not read.
    assert (result.digits, result.read, result.matched) == (13, 13, 12)
    assert result.precision == result.recall == result.f1 == pytest.approx(12 / 13)
    assert (result.characters, result.edits) == (15, 4)
    assert result.distance == pytest.approx(4 / 15)


def test_precision_recall_and_f1_differ(tmp_path: Path) -> None:
    result, _ = read_pages(tmp_path, {"a": "1234"}, Scripted({"a": "19"}))
    assert (result.precision, result.recall) == (0.5, 0.25)
    assert result.f1 == pytest.approx(1 / 3)
    result, _ = read_pages(tmp_path, {"a": "1234"}, Scripted({"a": "?"}))
    assert math.isnan(result.precision)
    assert (result.recall, result.f1) == (0, 0)


def test_an_unreadable_picture_is_wrong_and_named_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = Scripted({"a": None, "b": "2"})
    result, mistakes = read_singles(tmp_path, {"a": "1", "b": "2"}, reader)
    assert (result.right, result.accepted) == (1, 1)
    assert [each.answer for each in mistakes] == [""]
    assert capsys.readouterr().err == "scripted: a is torn\n"


def test_false_digits_by_kind_with_lookalikes_apart(tmp_path: Path) -> None:
    kinds = {"a": "letter", "b": "letter", "c": "photo", "d": "lookalike"}
    texts = {"a": "?\n3", "b": "??", "c": "", "d": "0"}
    results, mistakes = read_nondigits(tmp_path, kinds, Scripted(texts))
    assert [(each.kind, each.pictures, each.read) for each in results] == [
        ("letter", 2, 1),
        ("photo", 1, 0),
        ("together", 3, 1),
        ("lookalike", 1, 1),
    ]
    assert [each.path.name for each in mistakes] == ["a", "d"]


def test_a_model_is_read_as_the_package_reads_it() -> None:
    siffra, reader = Siffra("ann"), Reader("ann")
    page, single = EXAMPLES / "pen-two-lines.jpg", EXAMPLES / "single-3-pen.png"
    assert siffra.read(page, several=True) == reader.read(page).text
    assert siffra.read(single, several=False) == str(reader.classify(single))
    assert siffra.best(single) == "3"
    assert np.array_equal(siffra.draw(page, several=True), reader.read(page).draw())


def test_the_command_measures_all_readers_on_the_same_pictures(data: Path) -> None:
    file, sheets = data / "new" / "figures.json", data / "new" / "sheets"
    arguments: list[str | Path] = [
        "--data",
        data,
        "--model",
        "ann",
        "--peers",
        "tutorial",
        "--tutorial-model",
        ANN,
    ]
    arguments += ["--limit", "3", "--json", file, "--mistakes", sheets]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.pictures", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "At most 3 pictures of each set" in done.stdout
    for title in (
        "Pictures of one digit",
        "Pictures of several digits",
        "Pictures without digits",
    ):
        assert title in done.stdout

    document = json.loads(file.read_text("utf-8"))
    assert document["readers"].keys() == {"ann", "tutorial"}
    results = document["results"]
    for what, count in (("singles", 3), ("pages", 2)):
        ours, peers = (each for each in results if each["what"] == what)
        assert (ours["name"], ours["reader"], peers["reader"]) == (what, "ann", "tutorial")
        assert ours["pictures"] == peers["pictures"] == count
        assert 0 < ours["median_ms"] < 1000
        assert 0 < ours["mean_ms"] < 1000
        assert ours["accuracy"]["value"] > peers["accuracy"]["value"]
    assert {each["kind"] for each in results if each["what"] == "nondigits"} == {
        "blank",
        "smooth",
        "together",
        "lookalike",
    }
    misread = {
        (each["name"], each["reader"]): [one["file"] for one in each["misread"]]
        for each in document["mistakes"]
    }
    assert misread["others", "ann"] == ["three.png"]
    assert {path.name for path in sheets.iterdir()} == {
        f"{name}{'-false' if name == 'others' else ''}-{reader}-1.png"
        for (name, reader), files in misread.items()
        if files
    }


def test_a_limit_takes_pictures_from_all_over_a_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blank = png(np.full((40, 40), 255, np.uint8))
    rows = [{"file": f"{index}.png", "label": "5"} for index in range(9)]
    write_set(tmp_path / "blank", rows, [blank] * 9)
    arguments: list[str | Path] = [
        "--data",
        tmp_path,
        "--model",
        "ann",
        "--peers",
        "none",
        "--limit",
        "3",
    ]
    run(capsys, *arguments, "--json", tmp_path / "figures.json")
    (mistakes,) = json.loads((tmp_path / "figures.json").read_text("utf-8"))["mistakes"]
    assert [one["file"] for one in mistakes["misread"]] == ["0.png", "3.png", "6.png"]


def test_sets_can_be_chosen(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(capsys, "--data", data, "--model", "ann", "--peers", "none", "--set", "singles")
    assert "Pictures of one digit" in out
    assert "Pictures of several digits" not in out
    assert "without digits" not in out
    assert err == ""


def test_mistakes_show_what_the_reader_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_set(tmp_path / "wrong", [{"file": "a.png", "label": "8"}], [example("single-3-pen.png")])
    arguments: list[str | Path] = [
        "--data",
        tmp_path,
        "--model",
        "ann",
        "--mistakes",
        tmp_path / "sheets",
    ]
    run(capsys, *arguments, "--peers", "tutorial", "--tutorial-model", ANN)
    ours, peers = (
        cv2.imread(str(tmp_path / "sheets" / f"wrong-{name}-1.png")) for name in ("ann", "tutorial")
    )
    assert ours is not None
    assert peers is not None
    assert (ours == ACCEPTED).all(axis=2).sum() > 100
    assert not (peers == ACCEPTED).all(axis=2).any()


def test_many_mistakes_take_several_sheets_that_a_later_run_replaces(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = png(np.full((4, 4), 255, np.uint8))
    rows = [{"file": f"{index}.png", "label": "5"} for index in range(61)]
    write_set(tmp_path / "blank", rows, [tiny] * 61)
    sheets = tmp_path / "sheets"
    arguments: list[str | Path] = ["--data", tmp_path, "--peers", "none", "--mistakes", sheets]
    run(capsys, *arguments, "--model", "ann", "--model", "ann-int8")
    names = {f"blank-{model}-{sheet}.png" for model in ("ann", "ann-int8") for sheet in (1, 2)}
    assert {path.name for path in sheets.iterdir()} == names
    run(capsys, *arguments, "--model", "ann", "--limit", "60")
    assert {path.name for path in sheets.iterdir()} == names - {"blank-ann-2.png"}


def test_peers_that_are_missing_are_named_and_left_out(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in ("tesserocr", "rapidocr_onnxruntime"):
        monkeypatch.setitem(sys.modules, module, None)
    arguments: list[str | Path] = [
        "--data",
        data,
        "--set",
        "singles",
        "--model",
        "ann",
        "--tutorial-model",
        "no",
    ]
    out, err = run(capsys, *arguments)
    assert [line.split()[0] for line in err.splitlines()] == ["tesseract", "rapidocr", "tutorial"]
    assert err.count("is missing and left out") == 3
    assert err.count('pip install -e ".[peers]"') == 2
    assert "python -m train && python -m export runs/seed-0" in err
    assert "tesseract" not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "letters"], "there are others, pages, singles"),
        (["--limit", "0"], "no whole number from 1"),
        (["--peers", "tutorial,abbyy"], "names others than tesseract, rapidocr, tutorial, or none"),
        (["--peers", "tutorial", "--tutorial-model", "no.onnx"], "tutorial is missing: no model"),
        (["--model", "nobody"], "no model 'nobody'"),
        (["--data", "nowhere"], "has images/ and labels.csv"),
    ],
)
def test_wrong_usage_says_what_is_right(
    arguments: list[str], message: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--data", str(data), "--peers", "none", *arguments])
    assert message in capsys.readouterr().err


def test_without_data_the_command_says_how_to_name_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SIFFRA_DATA", raising=False)
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "give --data or set $SIFFRA_DATA" in capsys.readouterr().err
