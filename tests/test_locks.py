"""One process at a time, where several would write the same files."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from train.locks import locked

HOLDER = """
import pathlib, sys
from train.locks import locked
with locked(pathlib.Path(sys.argv[1]), waiting=None):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has the lock until it is killed, or its standard input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_lock_that_another_has_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with another_process(path), pytest.raises(TimeoutError), locked(path, waiting=None):
        pytest.fail("two have it")


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with another_process(path) as process:
        process.kill()
        process.wait()
        with locked(path, waiting=None):
            pass


def test_a_lock_is_waited_for_and_then_had(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / ".lock"
    with another_process(path) as process:
        # It ends by itself in a moment, after this process has begun to wait.
        ender = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(1)"], stdout=process.stdin
        )
        assert process.stdin is not None
        process.stdin.close()
        with locked(path, waiting="waiting for it"):
            assert process.wait(10) == 0, "the other has ended"
        ender.wait()
    assert capsys.readouterr().out == "waiting for it\n"
