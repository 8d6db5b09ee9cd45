"""Pictures by the thousand: `examples/bulk_ray.py` as a process that is killed and goes on.

Needs Ray in the Python of the tests, or in another one that $SIFFRA_RAY_PYTHON names.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import pytest

from tests.conftest import ROOT
from tests.drawing import two_lines

RAY_PYTHON = os.environ.get("SIFFRA_RAY_PYTHON", "") or (sys.executable if find_spec("ray") else "")

pytestmark = pytest.mark.skipif(
    not RAY_PYTHON, reason="no Ray here, and $SIFFRA_RAY_PYTHON names no Python that has it"
)

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "runtime")}
READ_TABLE = """
import json, sys, pyarrow.parquet as pq
print(json.dumps(pq.read_table(sys.argv[1]).to_pylist()))
"""
WRITE_TABLE = """
import sys, pyarrow as pa, pyarrow.parquet as pq
from pathlib import Path
cells = [Path(path).read_bytes() for path in sys.argv[2:]] + [None]
table = pa.table({"key": range(len(cells)), "scan": pa.array(cells, pa.binary())})
pq.write_table(table, sys.argv[1], row_group_size=2)
"""


def python(*arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [RAY_PYTHON, *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=180, cwd=ROOT, env=ENVIRONMENT,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    return done


def command(source: object, out: Path, *options: object) -> list[object]:
    return ["examples/bulk_ray.py", source, out, "--batch-size", 2, *options]


def rows(out: Path) -> dict[str, dict[str, Any]]:
    """The readings by their ids, without the times that they took; none is there twice."""
    table: list[dict[str, Any]] = json.loads(python("-c", READ_TABLE, out).stdout)
    found = {row["id"]: {**row, "timings": None} for row in table}
    assert len(found) == len(table)
    return found


def descendants(parent: int) -> list[int]:
    """The processes that a process started, and those that these started."""
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    started_by: dict[int, list[int]] = {}
    for line in listed.splitlines():
        pid, by = map(int, line.split())
        started_by.setdefault(by, []).append(pid)
    found = [parent]
    for pid in found:  # it grows meanwhile
        found.extend(started_by.get(pid, []))
    return found[1:]


@dataclass(frozen=True)
class Run:
    """Pictures, and the readings of a run that nobody disturbed."""

    scans: Path
    out: Path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, examples: dict[Path, str]) -> Run:
    """A folder in a folder; a name is not ASCII, a file is broken, one is no picture."""
    base = tmp_path_factory.mktemp("bulk")
    scans = base / "scans"
    (scans / "März").mkdir(parents=True)
    first, second = list(examples)[:2]
    shutil.copy(first, scans / "März" / f"数字 #1%20{first.suffix}")
    (scans / f"half{second.suffix}").write_bytes(second.read_bytes()[:500])
    (scans / "notes.txt").write_text("none of them", encoding="utf-8")
    picture = cv2.imencode(".png", two_lines())[1].tobytes()
    for number in range(300):
        (scans / f"{number:03}.png").write_bytes(picture)
    python(*command(scans, base / "readings"))
    return Run(scans, base / "readings")


def test_a_folder_gives_the_rows_that_the_reader_gives(run: Run) -> None:
    read = rows(run.out)
    document = json.loads(python("-m", "siffra", "read", "--json", run.scans, status=1).stdout)
    assert len(read) == len(document) == 302
    for expected in document:
        row = read[expected["source"]]
        assert row["bytes"] == Path(row["id"]).stat().st_size
        assert len(row["model_sha256"]) == 64
        if "error" in expected:
            assert "damaged or incomplete" in row["error"]
            assert row["text"] is row["digits"] is None
            continue
        assert (row["text"], row["error"]) == (expected["text"], None)
        for found, digit in zip(row["digits"], expected["digits"], strict=True):
            assert found == {**digit, "confidence": pytest.approx(digit["confidence"], abs=1e-6)}


def test_what_was_killed_goes_on_and_reads_nothing_twice(run: Run, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [RAY_PYTHON, *map(str, command(run.scans, tmp_path))],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT, env=ENVIRONMENT,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob("part-*")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        # All at once: workers that outlived the one that started them would end their parts well.
        for pid in [*descendants(process.pid), process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("part-*")}
    assert 0 < len(before) < 151
    assert rows(tmp_path).items() <= rows(run.out).items()  # whole, as far as they go

    python(*command(run.scans, tmp_path))
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert rows(tmp_path) == rows(run.out)
    assert [path.name for path in tmp_path.glob(".*")] == [".lock"]


def test_where_readings_cannot_be_written_it_says_so_and_goes_on_later(
    run: Run, tmp_path: Path
) -> None:
    out = tmp_path / "readings"
    shutil.copytree(run.out, out)
    part = out / "part-0000001.parquet"
    part.unlink()
    part.symlink_to(tmp_path / "gone" / "part.parquet")
    message = python(*command(run.scans, out), status=1).stderr
    assert "Traceback" not in message
    assert "No such file or directory" in message
    assert "started again with the same words, when that is mended, it goes on" in message
    part.unlink()
    python(*command(run.scans, out))
    assert rows(out) == rows(run.out)


def test_tables_of_pictures_are_read_by_their_ids(
    examples: dict[Path, str], tmp_path: Path
) -> None:
    table, out = tmp_path / "scans.parquet", tmp_path / "readings"
    paths = list(examples)[:3]
    python("-c", WRITE_TABLE, table, *paths)
    python(*command(table, out, "--column", "scan", "--id", "key"))
    read = rows(out)
    assert [read[str(key)]["text"] for key in range(3)] == [examples[path] for path in paths]
    assert "no encoded picture" in read["3"]["error"]


def test_readings_of_another_run_are_not_mixed_in(run: Run) -> None:
    before = rows(run.out)
    for other in (["--model", "ann"], ["--threshold", "0.5"], ["--rotate", "auto"]):
        message = python(*command(run.scans, run.out, *other), status=2).stderr
        assert "readings of another run" in message
        assert "choose a new folder" in message
    assert rows(run.out) == before


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine", encoding="utf-8")
    assert "holds other files" in python(*command(tmp_path, tmp_path), status=2).stderr
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_nothing_to_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    message = python(*command(tmp_path / "empty", tmp_path / "out"), status=2).stderr
    assert "there is no picture" in message
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").touch()
    message = python(*command(ROOT / "examples", tmp_path / "file"), status=2).stderr
    assert "is a file; name a folder" in message
