"""A snapshot is three files under one new name, or none."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from siffra import Reader, Reading, files
from siffra.snapshot import save_snapshot
from siffra.sources import expand
from tests.drawing import two_lines


@pytest.fixture(scope="module")
def reading(reader: Reader) -> Reading:
    return reader.read(two_lines())


def test_it_holds_the_picture_the_overlay_and_the_reading(tmp_path: Path, reading: Reading) -> None:
    path = save_snapshot(reading, tmp_path / "new" / "folder", {"source": "camera 0"})
    assert np.array_equal(np.asarray(cv2.imread(str(path)))[:, :, 0], two_lines())
    overlay = cv2.imread(str(path.with_suffix(".read.png")))
    assert np.array_equal(np.asarray(overlay), reading.draw())
    document = json.loads(path.with_suffix(".json").read_text())
    assert document == {"source": "camera 0", **reading.to_dict()}


def test_no_two_share_a_name(tmp_path: Path, reading: Reading) -> None:
    paths = {save_snapshot(reading, tmp_path, {}) for _ in range(5)}
    assert len(paths) == 5
    assert len(list(tmp_path.iterdir())) == 15


def test_a_name_that_only_one_of_the_files_has_is_left_alone(
    tmp_path: Path, reading: Reading
) -> None:
    first = save_snapshot(reading, tmp_path, {})
    first.unlink()
    first.with_suffix(".json").unlink()
    overlay = first.with_suffix(".read.png").read_bytes()
    save_snapshot(reading, tmp_path, {})
    assert first.with_suffix(".read.png").read_bytes() == overlay


def test_a_folder_of_them_is_read_without_the_overlays(tmp_path: Path, reading: Reading) -> None:
    paths = [save_snapshot(reading, tmp_path, {}) for _ in range(2)]
    assert [source.name for source in expand([str(tmp_path)])] == sorted(map(str, paths))


def test_where_one_file_fails_none_is_left(
    tmp_path: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    replacing = files.replacing

    @contextmanager
    def full_at_the_last(path: Path) -> Iterator[Path]:
        with replacing(path) as temporary:
            if path.suffix == ".json":
                raise OSError(28, "No space left on device")
            yield temporary

    monkeypatch.setattr(files, "replacing", full_at_the_last)
    with pytest.raises(OSError, match="No space left"):
        save_snapshot(reading, tmp_path, {})
    assert not list(tmp_path.iterdir())


def test_a_file_in_place_of_the_folder_says_so(tmp_path: Path, reading: Reading) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        save_snapshot(reading, tmp_path / "file", {})
