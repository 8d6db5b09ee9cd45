"""Files appear whole or not at all."""

import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from siffra.files import leftovers, replace_all, replacing

posix = pytest.mark.skipif(os.name != "posix", reason="permissions, links and pipes of POSIX")


def test_a_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")
    with replacing(target) as path:
        assert path.suffix == ".json"
        path.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_failure_keeps_the_old_file_and_leaves_no_rest(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")

    def fail() -> None:
        with replacing(target) as path:
            path.write_text("half")
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        fail()
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_others_may_read_it_as_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with replacing(tmp_path / "ours") as path:
        path.write_text("x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    code = (
        "import sys, time\nfrom siffra.files import replacing\n"
        "with replacing(sys.argv[1]) as path:\n"
        "    path.write_text('half'); print('ready', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.kill()
    assert target.read_text() == "old"
    assert [path.read_text() for path in leftovers(tmp_path)] == ["half"]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_of_a_user_is_no_leftover(tmp_path: Path) -> None:
    for name in (".notes-20261123.md", ".a-siffra-1.png", "a-siffra-0123abcd.png"):
        (tmp_path / name).touch()
    (tmp_path / ".a-siffra-0123abcd.png").mkdir()
    assert not leftovers(tmp_path)


@posix
def test_what_is_there_keeps_its_permissions(tmp_path: Path) -> None:
    target = tmp_path / "private.json"
    target.touch()
    target.chmod(0o640)
    with replacing(target) as path:
        assert path.stat().st_mode & 0o777 == 0o640, "from the first byte on"
        path.write_text("new")
    assert target.stat().st_mode & 0o777 == 0o640


@posix
def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.json"
    link.symlink_to("there/a.json")
    for text in ("made", "made anew"):
        with replacing(link) as path:
            path.write_text(text)
        assert link.is_symlink()
        assert (tmp_path / "there" / "a.json").read_text() == text


@posix
def test_what_is_no_file_is_written_to_itself(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    with replacing(pipe) as path:
        path.write_text("through")
    reader.join(10)
    assert read == ["through"]
    assert pipe.is_fifo()


@posix
def test_what_may_not_be_changed_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "kept.json"
    target.write_text("old")
    target.chmod(0o444)
    if os.access(target, os.W_OK):
        pytest.skip("root may write anything")
    with pytest.raises(PermissionError, match=r"kept\.json"), replacing(target) as path:
        path.write_text("new")
    assert target.read_text() == "old"
    tmp_path.chmod(0o555)
    with pytest.raises(PermissionError, match=r"/new\.json"), replacing(tmp_path / "new.json"):
        pytest.fail("it may not be made")
    tmp_path.chmod(0o755)


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"), replacing(tmp_path / "folder") as path:
        path.write_text("new")
    assert (tmp_path / "folder").is_dir()


def test_the_longest_names_do(tmp_path: Path) -> None:
    for name in (250 * "n" + ".json", 83 * "\N{EURO SIGN}" + ".json"):
        with replacing(tmp_path / name) as path:
            path.write_text("whole")
        assert (tmp_path / name).read_text() == "whole"


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), OSError("3 of 9 written")]
)
def test_an_error_names_the_file_that_was_wanted(tmp_path: Path, error: OSError) -> None:
    def fail() -> None:
        with replacing(tmp_path / "a.npy"):
            raise error

    with pytest.raises(OSError, match=r"No space left|3 of 9 written") as caught:
        fail()
    assert caught.value.filename == str(tmp_path / "a.npy")
    assert not list(tmp_path.iterdir())


def test_an_error_about_another_file_stays_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"), replacing(tmp_path / "a.npy"):
        np.load(tmp_path / "missing.npy")
    with pytest.raises(FileNotFoundError, match=r"nowhere.a\.npy"):
        replacing(tmp_path / "nowhere" / "a.npy").__enter__()


def test_files_that_belong_together_are_replaced_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[Path] = []

    def replace(path: Path, target: Path) -> None:
        order.append(target)
        path.rename(target)

    monkeypatch.setattr(Path, "replace", replace)
    first, second, last = paths = [tmp_path / name for name in ("c", "a", "b")]
    replace_all(dict.fromkeys(paths, b"old"))
    assert [path.read_bytes() for path in paths] == [b"old"] * 3
    assert order == paths

    last.unlink()
    last.mkdir()  # which cannot be written
    with pytest.raises(OSError, match="b"):
        replace_all(dict.fromkeys(paths, b"new"))
    assert [first.read_bytes(), second.read_bytes()] == [b"old"] * 2
    assert len(list(tmp_path.iterdir())) == 3


def test_files_that_belong_together_are_on_the_disk_before_one_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk may say that it is full as late as when what was written is brought to it."""
    targets = [tmp_path / name for name in "abc"]
    for target in targets:
        target.write_text("old")
    done: list[int] = []

    def fsync(handle: int) -> None:
        done.append(handle)
        if len(done) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="No space left"):
        replace_all(dict.fromkeys(targets, b"new"))
    assert [target.read_text() for target in targets] == ["old"] * 3
    assert sorted(tmp_path.iterdir()) == targets


@posix
def test_a_file_is_brought_to_the_disk_before_it_has_its_name_and_its_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.json"
    brought: list[tuple[bool, bool]] = []  # whether it was a folder, and whether the name was there

    def fsync(handle: int) -> None:
        brought.append((stat.S_ISDIR(os.fstat(handle).st_mode), target.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    with replacing(target) as path:
        path.write_text("new")
    assert brought == [(False, False), (True, True)]
