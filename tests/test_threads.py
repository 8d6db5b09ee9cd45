"""One reader for many threads; and the same question gives the same answer, whatever runs it."""

import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.growth import draw_page
from benchmarks.questions import Question, draw_questions, told
from siffra import Reader
from siffra.network import released

ROOT = Path(__file__).parents[1]
THREADS = 16
CALLS = 100_000


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    return draw_questions(80)


def costs_little(question: Question) -> bool:
    return question.way == "probabilities" and len(question.given) <= 1


def test_threads_share_readers_and_each_gets_what_it_would_get_alone(
    questions: list[Question],
) -> None:
    """A hundred thousand calls, mixed; nine of ten are of one cell, where calls meet most often."""
    readers = [Reader(), Reader("ann-int8"), Reader("cnn-int8", threads=2)]
    alone = [[told(question.answer(reader)) for question in questions] for reader in readers]
    little = [place for place, question in enumerate(questions) if costs_little(question)]
    together = threading.Barrier(THREADS)

    def ask(thread: int) -> list[tuple[int, int]]:
        chance = random.Random(thread)
        wrong = []
        together.wait()
        for _ in range(CALLS // THREADS):
            which = 0 if chance.random() < 0.6 else chance.randrange(len(readers))
            place = chance.choice(little if chance.random() < 0.9 else range(len(questions)))
            if told(questions[place].answer(readers[which])) != alone[which][place]:
                wrong.append((which, place))
        return wrong

    before = threading.active_count()
    with ThreadPoolExecutor(THREADS) as pool:
        assert [wrong for wrong in pool.map(ask, range(THREADS)) if wrong] == []
    assert threading.active_count() == before


@contextmanager
def opencv_threads(count: int) -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(count)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def test_an_answer_does_not_depend_on_how_many_threads_work_on_it(
    questions: list[Question],
) -> None:
    """OpenCV cuts large pictures in as many parts as it has threads, onnxruntime many cells."""
    page = draw_page(2000, 1500, 20)
    cells = np.random.default_rng(0).integers(0, 256, (300, 28, 28), dtype=np.uint8)
    asked = [*questions[:20], Question("read", page), Question("probabilities", cells)]
    with opencv_threads(1):
        expected = [told(question.answer(Reader())) for question in asked]
    for opencv, own in ((2, 1), (8, 2), (1, 4)):
        reader = Reader(threads=own)
        with opencv_threads(opencv):
            assert [told(question.answer(reader)) for question in asked] == expected


@pytest.mark.parametrize("name", released())
def test_cells_are_answered_alike_in_batches_of_any_size(name: str) -> None:
    """To the last bit on the processors measured; kernels that differ by batch may round apart."""
    reader = Reader(name)
    cells = np.random.default_rng(1).integers(0, 256, (130, 28, 28), dtype=np.uint8)
    alone = np.concatenate([reader.probabilities(cell[None]) for cell in cells])
    for size in (2, 3, 16, 63, 64, 65, 130):
        parts = [reader.probabilities(cells[at : at + size]) for at in range(0, 130, size)]
        answers = np.concatenate(parts)
        np.testing.assert_allclose(answers, alone, atol=1e-6, rtol=0)


def test_every_run_gives_the_same_bytes() -> None:
    program = (
        "from hashlib import sha256\n"
        "from benchmarks.questions import draw_questions, told\n"
        "from siffra import Reader\n"
        "reader = Reader()\n"
        "answers = [told(question.answer(reader)) for question in draw_questions(40)]\n"
        "print(sha256(b''.join(answers)).hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True, cwd=ROOT, timeout=120,
        ).stdout
        for seed in ("0", "1", "12345")
    }  # fmt: skip
    assert len(digests) == 1
