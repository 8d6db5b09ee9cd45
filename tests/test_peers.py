"""Other programs read the same files; those that are not installed say how to get them."""

import sys
from pathlib import Path
from shutil import which

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.peers import PEERS, PeerError, load_peer
from benchmarks.readers import PictureReader
from siffra import ImageError
from siffra.network import released

ANN = released()["ann"]


def printed(*words: tuple[str, int, int], size: tuple[int, int] = (260, 420)) -> NDArray[np.uint8]:
    """Draw dark words on light paper, as thick as any OpenCV writes alike, at left and baseline."""
    paper = np.full(size, 235, np.uint8)
    for text, left, baseline in words:
        cv2.putText(paper, text, (left, baseline), cv2.FONT_HERSHEY_SIMPLEX, 2.5, 30, 9)
    return paper


@pytest.fixture
def save(tmp_path: Path) -> Path:
    """A place for a picture."""
    return tmp_path / "picture.png"


@pytest.fixture(scope="module", params=PEERS)
def peer(request: pytest.FixtureRequest) -> PictureReader:
    """Each peer that is installed."""
    name: str = request.param
    if name == "tesseract":
        pytest.importorskip("tesserocr")
        if which("tesseract") is None:
            pytest.skip("there is no language data")
    if name == "rapidocr":
        pytest.importorskip("rapidocr_onnxruntime")
    return load_peer(name, ANN)


def test_a_peer_has_a_name_and_a_version(peer: PictureReader) -> None:
    assert peer.name in PEERS
    assert peer.version


def test_a_peer_reads_one_printed_digit(peer: PictureReader, save: Path) -> None:
    cv2.imwrite(str(save), printed(("3", 20, 75), size=(100, 90)))
    assert peer.read(save, several=False).strip() == "3"


def test_a_peer_reads_lines_of_printed_digits(peer: PictureReader, save: Path) -> None:
    if peer.name == "tutorial":
        pytest.skip("tutorials know no lines, and misread print")
    cv2.imwrite(str(save), printed(("3052", 60, 110), ("2503", 60, 220)))
    assert peer.read(save, several=True).split() == ["3052", "2503"]


def test_a_peer_finds_nothing_on_empty_paper(peer: PictureReader, save: Path) -> None:
    cv2.imwrite(str(save), printed())
    if peer.name != "tutorial":  # which answers with a digit whatever it is shown
        assert peer.read(save, several=False).strip() == ""
    if peer.name == "rapidocr":
        assert peer.read(save, several=True) == ""


def test_a_peer_says_that_a_file_is_no_picture(peer: PictureReader, save: Path) -> None:
    save.write_bytes(b"no picture")
    for several in (True, False):
        with pytest.raises(ImageError, match=r"picture\.png"):
            peer.read(save, several=several)
    with pytest.raises(ImageError):
        peer.read(save.with_name("missing.png"), several=True)


def test_rapidocr_reads_a_rising_line_from_left_to_right(save: Path) -> None:
    """Its own order is by the upper edge of the words, which would begin with the last."""
    pytest.importorskip("rapidocr_onnxruntime")
    rising = printed(("25", 20, 170), ("30", 260, 140), size=(260, 420))
    cv2.imwrite(str(save), rising)
    assert load_peer("rapidocr", ANN).read(save, several=True) == "2530"


def test_the_tutorial_reads_dark_outlines_from_left_to_right_without_specks(save: Path) -> None:
    tutorial = load_peer("tutorial", ANN)

    def read(*words: tuple[str, int, int]) -> str:
        paper = printed(*words)
        paper[100:106, 300:306] = 30
        cv2.imwrite(str(save), paper)
        return tutorial.read(save, several=True)

    three, four = read(("3", 60, 150)), read(("4", 60, 150))
    assert three == "3"
    assert four != three
    assert read(("4", 160, 110), ("3", 60, 200)) == three + four
    assert read(("4", 60, 110), ("3", 160, 200)) == four + three
    cv2.imwrite(str(save), 255 - printed(("3", 60, 150)))
    assert tutorial.read(save, several=True) != "3"


@pytest.mark.parametrize(
    ("name", "module"), [("tesseract", "tesserocr"), ("rapidocr", "rapidocr_onnxruntime")]
)
def test_a_missing_package_says_how_to_get_it(
    name: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(PeerError, match=r'pip install -e "\.\[peers\]"'):
        load_peer(name, ANN)


def test_a_missing_program_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tesserocr")
    monkeypatch.delenv("TESSDATA_PREFIX", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PeerError, match="apt-get install tesseract-ocr"):
        load_peer("tesseract", ANN)


def test_a_missing_network_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="python -m train && python -m export"):
        load_peer("tutorial", tmp_path / "none.onnx")
