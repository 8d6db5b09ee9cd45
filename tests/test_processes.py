"""A reader in other processes: forked, spawned, pickled, served by gunicorn; and in event loops."""

import asyncio
import copy
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from benchmarks.growth import draw_page
from benchmarks.questions import draw_questions, told
from siffra import ModelError, Reader, __version__
from siffra.network import released
from tests.gunicorns import serving

ROOT = Path(__file__).parents[1]
QUESTIONS = draw_questions(20)
CELLS = np.random.default_rng(0).integers(0, 256, (500, 28, 28), dtype=np.uint8)

forks = pytest.mark.skipif(
    not sys.platform.startswith("linux"),
    reason="Windows has no fork, and on macOS the system's own libraries do not bear it",
)
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def answers(reader: Reader) -> list[bytes]:
    """What it says to some twenty questions, to the last bit."""
    return [told(question.answer(reader)) for question in QUESTIONS]


def own_model(folder: Path) -> Path:
    path = folder / "own.onnx"
    path.write_bytes(released()["cnn-int8"].read_bytes())
    return path


def fork(work: Callable[[], bool], seconds: int = 30) -> int:
    """Return the exit status of a child that does some work: 0 well, 1 not; -14 it hung."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)
        status = 1
        try:
            status = 0 if work() else 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


_FORKED_IN_SPITE_OF_CTRL_C = """
import os, signal, sys, threading, time
import numpy as np, onnxruntime
from siffra import Reader
reader, cells = Reader("ann"), np.zeros((3, 28, 28), np.uint8)
expected = reader.probabilities(cells)
session, at_work = onnxruntime.InferenceSession, threading.Event()
def slow(*arguments, **more):
    at_work.set()
    time.sleep(2)
    return session(*arguments, **more)
onnxruntime.InferenceSession = slow
other = threading.Thread(target=Reader, args=("cnn",))
other.start()
at_work.wait()
onnxruntime.InferenceSession = session
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 0.3)
child = os.fork()
signal.signal(signal.SIGALRM, signal.SIG_DFL)
signal.alarm(20)
for grandchild in range(2 if child == 0 else 1):
    assert (reader.probabilities(cells) == expected).all()
    assert (Reader("ann").probabilities(cells) == expected).all()
    if child == 0 and (below := os.fork()):
        assert os.waitpid(below, 0)[1] == 0
if child == 0:
    os._exit(0)
other.join()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@forks
def test_a_child_forked_in_spite_of_ctrl_c_reads() -> None:
    """A fork waits for a thread that loads a model; Python goes on with it whatever comes then."""
    done = subprocess.run(
        [sys.executable, "-c", _FORKED_IN_SPITE_OF_CTRL_C],
        capture_output=True, text=True, timeout=60, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "KeyboardInterrupt" in done.stderr, "and it did come"


def system_threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


@pytest.mark.parametrize(
    "method", ["spawn", pytest.param("fork", marks=forks), pytest.param("forkserver", marks=forks)]
)
def test_a_reader_goes_to_other_processes(method: str, tmp_path: Path) -> None:
    path = own_model(tmp_path)
    readers = [Reader("ann", threshold=0.9), Reader(path)]
    expected = [answers(reader) for reader in readers]
    path.unlink()
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(answers, readers * 3) == expected * 3


def test_executors_and_event_loops_take_a_reader(reader: Reader) -> None:
    expected = answers(reader)
    spawn = multiprocessing.get_context("spawn")
    executors: list[Callable[[], Executor]] = [
        partial(ThreadPoolExecutor, 4),
        partial(ProcessPoolExecutor, 2, mp_context=spawn),
    ]
    for make in executors:
        with make() as executor:
            assert list(executor.map(answers, [reader] * 4)) == [expected] * 4

    async def read() -> list[list[bytes]]:
        return await asyncio.gather(*(asyncio.to_thread(answers, reader) for _ in range(8)))

    assert asyncio.run(read()) == [expected] * 8


@forks
@pytest.mark.parametrize("threads", [1, 2])
def test_children_and_their_children_use_the_reader_that_they_were_born_with(
    threads: int,
) -> None:
    reader = Reader(threads=threads)

    def work(generations: int = 3) -> bool:
        right = np.array_equal(reader.probabilities(CELLS), cells) and answers(reader) == expected
        return right and (not generations or fork(partial(work, generations - 1)) == 0)

    cells, expected = reader.probabilities(CELLS), answers(reader)
    assert fork(work) == 0
    assert work(), "and the parent as before"


@forks
def test_threads_of_a_child_share_what_they_rebuild() -> None:
    """A session for two threads has one of its own, beside the one that asks."""
    reader = Reader(threads=2)
    expected = answers(reader)

    def work() -> bool:
        together, before = threading.Barrier(8), system_threads()

        def ask(_: int) -> bool:
            together.wait()
            return bool(np.array_equal(reader.probabilities(CELLS[:1]), cell))

        with ThreadPoolExecutor(8) as pool:
            right = all(pool.map(ask, range(8)))
        ends = time.monotonic() + 5  # a thread that is joined may take a moment to go
        while system_threads() != before + 1 and time.monotonic() < ends:
            time.sleep(0.01)
        return right and system_threads() == before + 1 and answers(reader) == expected

    cell = reader.probabilities(CELLS[:1])
    assert [fork(work) for _ in range(5)] == [0] * 5


@forks
def test_a_child_of_a_process_that_loads_models_and_computes_just_then_reads() -> None:
    """Not of one whose other threads read pictures: OpenCV's locks may be taken at the fork."""
    reader = Reader(threads=2)
    expected = answers(reader)
    ended = threading.Event()

    def work(thread: int) -> None:
        while not ended.is_set():
            if thread == 0:
                Reader("ann")
            reader.probabilities(CELLS[: 1 + 9 * thread])

    workers = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
    for thread in workers:
        thread.start()
    try:
        assert [fork(lambda: answers(reader) == expected) for _ in range(60)] == [0] * 60
    finally:
        ended.set()
        for thread in workers:
            thread.join()


@forks
def test_a_child_reads_large_pages_whatever_threads_opencv_had_in_its_parent() -> None:
    reader, page = Reader(), draw_page(4000, 3000, 8)
    text = reader.read(page).text
    assert len(text.replace("\n", "")) == 8
    assert [fork(lambda: reader.read(page).text == text) for _ in range(5)] == [0] * 5


@forks
@pytest.mark.parametrize("end", ["sys.exit()", "del reader, answers; gc.collect(); sys.exit()"])
def test_a_child_comes_to_its_end(end: str) -> None:
    """Of an inherited session the threads are missing, for which destroying it would wait."""
    program = (
        "import gc, os, sys, signal, numpy\n"
        "from siffra import Reader\n"
        "reader, cells = Reader(threads=2), numpy.zeros((500, 28, 28), numpy.uint8)\n"
        "answers = reader.probabilities(cells)\n"
        "if child := os.fork():\n"
        "    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
        "signal.alarm(20)\n"
        "assert (reader.probabilities(cells) == answers).all()\n"
        f"{end}\n"
    )
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_released_model_is_pickled_by_its_name() -> None:
    reader = Reader("ann", threshold=0.9, threads=2)
    pickled = pickle.dumps(reader)
    assert len(pickled) < 1000
    other = pickle.loads(pickled)
    assert (other.threshold, other.model, other.metadata["name"]) == (0.9, reader.model, "ann")
    assert answers(other) == answers(reader)


@pytest.mark.parametrize("meanwhile", ["it is gone", "another took its place"])
def test_a_model_of_ones_own_is_pickled_with_all_that_it_is(meanwhile: str, tmp_path: Path) -> None:
    path = own_model(tmp_path)
    reader = Reader(path)
    pickled, expected = pickle.dumps(reader), answers(reader)
    if meanwhile == "it is gone":
        path.unlink()
    else:
        path.write_bytes(released()["ann"].read_bytes())
    other = pickle.loads(pickled)
    assert answers(other) == expected
    assert other.model == path, "where it came from"
    assert answers(pickle.loads(pickle.dumps(other))) == expected


def test_another_siffra_or_another_model_on_the_other_side_is_an_error() -> None:
    pickled = pickle.dumps(Reader("ann"))
    newer = pickled.replace(__version__.encode(), b"9" * len(__version__))
    with pytest.raises(ModelError, match=f"by siffra 9+, and here is {__version__}; have the same"):
        pickle.loads(newer)
    digest = sha256(released()["ann"].read_bytes()).hexdigest().encode()
    with pytest.raises(ModelError, match="is another ann than the one of the Reader"):
        pickle.loads(pickled.replace(digest, b"0" * len(digest)))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copies_read_as_the_reader_does(copied: Callable[[Reader], Reader], tmp_path: Path) -> None:
    path = own_model(tmp_path)
    reader = Reader(path, threshold=0.7)
    path.unlink()
    other = copied(reader)
    expected = answers(reader)
    del reader
    assert (other.threshold, answers(other)) == (0.7, expected)


@forks
def test_gunicorn_serves_a_reader_that_its_workers_were_forked_with(
    examples: dict[Path, str], tmp_path: Path
) -> None:
    pytest.importorskip("gunicorn")
    path, text = next(iter(examples.items()))
    picture = path.read_bytes()
    with serving(tmp_path / "log", "--preload", "--workers", "2", "--timeout", "20") as served:
        first = served.workers(picture, text)
        served.process.send_signal(signal.SIGHUP)
        served.said("Booting worker", times=4)
        served.said("Worker exiting", times=2)
        second = served.workers(picture, text)
        assert not first & second
    log = served.log.read_text()
    assert log.count("Worker exiting") == 4, log
    assert not any(
        word in log for word in ("TIMEOUT", "SIGKILL", "SIGABRT", "Traceback", "rror")
    ), log
