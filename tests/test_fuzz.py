"""What fuzzing starts from, and what it has found, holds; `python -m tests.fuzz` looks for more."""

from pathlib import Path

import pytest

from siffra import Reader
from siffra.sizes import form_of
from tests.fuzz.corpus import CORPUS
from tests.fuzz.harness import MAX_PIXELS, fuzz_load, fuzz_read
from tests.fuzz.mutate import mutated


def corpus(target: str) -> list[Path]:
    return sorted((CORPUS / target).iterdir())


@pytest.fixture(scope="module")
def wary() -> Reader:
    return Reader(max_pixels=MAX_PIXELS)


@pytest.mark.parametrize("path", corpus("load"), ids=lambda path: path.name)
def test_each_file_is_pixels_or_an_image_error(path: Path) -> None:
    fuzz_load(path.read_bytes())


@pytest.mark.parametrize("path", corpus("read"), ids=lambda path: path.name)
def test_each_picture_has_an_answer_or_is_an_image_error(path: Path, wary: Reader) -> None:
    fuzz_read(path.read_bytes(), wary)


@pytest.mark.parametrize("path", corpus("load"), ids=lambda path: path.name)
def test_each_file_broken_in_fifty_places(path: Path) -> None:
    data = path.read_bytes()
    for seed in range(50):
        fuzz_load(mutated(data, seed, len(data) + 1000))


def test_the_corpus_is_small_and_holds_every_format() -> None:
    assert sum(path.stat().st_size for path in [*corpus("load"), *corpus("read")]) < 250_000
    formats = {form_of(path.read_bytes()) for path in corpus("load")}
    assert formats >= {"JPEG", "PNG", "WebP", "TIFF", "BMP", "GIF", "PNM"}
