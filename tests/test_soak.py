"""The soak: a sound reader passes, and each thing that may go wrong with months is noticed."""

import gc
import json
import mmap
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import soak
from benchmarks.questions import Question
from siffra import Reader

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="measures by Linux's /proc"
)


@pytest.fixture(autouse=True)
def _nothing_of_other_tests_is_collected() -> Iterator[None]:
    """A soak collects garbage often: what lived before would make that slow."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def test_a_reader_keeps_all_bounds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(soak, "DIFFERENT", 20)
    monkeypatch.setattr(soak, "_MOST_DRIFT", 10)  # a machine that runs tests is a busy one
    file = tmp_path / "soak.json"
    assert soak.main(["--frames", "1200", "--model", "ann", "--json", str(file)]) == 0
    found = json.loads(file.read_text(encoding="utf-8"))
    assert (found["model"], found["frames"], found["warm_up"]) == ("ann", 1140, 60)
    assert len(found["tenths"]) == 10
    assert found["broken"] == []
    assert "all bounds kept" in capsys.readouterr().out


KEPT: list[Any] = []


def keep_memory() -> None:
    pages = mmap.mmap(-1, 160_000)  # for an array other tests may have left room
    pages.write(b"\1" * 160_000)
    KEPT.append(pages)


def keep_a_file() -> None:
    KEPT.append(os.open(__file__, os.O_RDONLY))


def keep_a_thread() -> None:
    ended = threading.Event()
    threading.Thread(target=ended.wait, daemon=True).start()
    KEPT.append(ended)


def take_longer() -> None:
    KEPT.append("")
    for _ in range(300 * len(KEPT)):
        pass


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (keep_memory, "memory grew by"),
        (keep_a_file, "more open files"),
        (keep_a_thread, "more threads"),
        (take_longer, "times as long"),
    ],
)
def test_what_a_reader_leaves_behind_is_noticed(fault: Callable[[], None], said: str) -> None:
    class Faulty(Reader):
        def probabilities(self, cells: Any) -> Any:
            fault()
            return super().probabilities(cells)

    questions = [Question("probabilities", np.zeros((1, 28, 28), np.uint8))] * 5
    try:
        found = soak.soak(Faulty("ann"), questions, 300)
    finally:
        for kept in KEPT:
            if isinstance(kept, threading.Event):
                kept.set()
            elif isinstance(kept, int):
                os.close(kept)
        KEPT.clear()
    assert any(said in what for what in found.broken())


def test_an_answer_that_changes_is_noticed() -> None:
    class Moody(Reader):
        asked = 0

        def probabilities(self, cells: Any) -> Any:
            self.asked += 1
            return super().probabilities(cells) * (2 if self.asked == 200 else 1)

    questions = [Question("probabilities", np.zeros((1, 28, 28), np.uint8))] * 5
    assert soak.soak(Moody("ann"), questions, 300).changed == 1


def test_what_cannot_be_measured_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert soak.main(["--frames", "100"]) == 2
    assert "4800 frames at least" in capsys.readouterr().err
    assert soak.main(["--model", "nothing"]) == 2
    assert "no model 'nothing'" in capsys.readouterr().err
