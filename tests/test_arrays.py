"""Arrays of any type, order and shape: the answer that their plain copy has, or an ImageError."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from siffra import ImageError, Reader
from siffra.images import load
from tests.drawing import blank, write

# The same examples in each run: what fails in CI fails at the desk.
often = settings(max_examples=150, deadline=None, derandomize=True, database=None)
seldom = settings(often, max_examples=30)

Array = NDArray[Any]


class Own(np.ndarray[Any, Any]):
    """A subclass, as those of other packages."""


def read_only(array: Array) -> Array:
    array = array.copy()
    array.flags.writeable = False
    return array


def unaligned(array: Array) -> Array:
    octets = np.empty(array.nbytes + 1, np.uint8)
    apart = octets[1:].view(array.dtype).reshape(array.shape)
    apart[...] = array
    return apart


# The same values otherwise in memory.
LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "plain": lambda a: a,
    "Fortran": np.asfortranarray,
    "negative strides": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "every second": lambda a: a.repeat(2, axis=0).repeat(3, axis=1)[::2, ::3],
    "transposed": lambda a: a.swapaxes(0, 1).copy().swapaxes(0, 1),
    "a part": lambda a: np.pad(a, [(3, 2), (1, 4)] + [(0, 0)] * (a.ndim - 2))[3:-2, 1:-4],
    "read-only": read_only,
    "unaligned": unaligned,
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "a subclass": lambda a: a.view(Own),
    "a record array": lambda a: a.view(np.recarray),
}
# The same brightness as numbers of another type.
TYPES: dict[str, Callable[[Array], Array]] = {
    "uint8": lambda a: a,
    "uint16": lambda a: a.astype(np.uint16) * 256 + 255 - a,  # the low byte does not count
    "int16": lambda a: a.astype(np.int16),
    "uint32": lambda a: a.astype(np.uint32),
    "int64": lambda a: a.astype(np.int64),
    "float32": lambda a: (a / 255).astype(np.float32),
    "float64": lambda a: a / 255,
    "long double": lambda a: a.astype(np.longdouble) / 255,
}
FORMS = ((), (1,), (3,), (4,))  # what follows height and width
ANY_TYPE = st.one_of(npst.scalar_dtypes(), npst.unicode_string_dtypes(max_len=2))


@st.composite
def pictures(draw: st.DrawFn) -> Array:
    """uint8 [H, W] with whatever may follow, any pixels."""
    shape = (draw(st.integers(1, 12)), draw(st.integers(1, 12)), *draw(st.sampled_from(FORMS)))
    return draw(npst.arrays(np.uint8, shape))


def page() -> Array:
    """uint8 [H, W]: 407, with paper around."""
    paper = blank(90, 220)
    write(paper, "407", at=(20, 20), height=45)
    return paper


@often
@given(pictures(), st.sampled_from(list(LAYOUTS)), st.sampled_from(list(TYPES)))
def test_neither_layout_nor_type_makes_a_difference(plain: Array, layout: str, kind: str) -> None:
    array = LAYOUTS[layout](TYPES[kind](plain))
    before = array.tobytes()
    pixels = load(array)
    assert np.array_equal(pixels, load(plain.copy()))
    assert pixels.dtype == np.uint8
    assert type(pixels) is np.ndarray
    assert pixels.flags.c_contiguous
    assert array.tobytes() == before


@often
@given(npst.arrays(ANY_TYPE, npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6)))
def test_any_array_is_pixels_or_an_image_error(array: Array) -> None:
    before = array.tobytes()
    try:
        pixels = load(array)
    except ImageError:
        pass
    else:
        assert pixels.dtype == np.uint8
        assert pixels.shape[:2] == array.shape[:2]
        assert pixels.ndim == 2 or pixels.shape[2] == 3
    assert array.tobytes() == before


@pytest.mark.parametrize("kind", ["O", "V3", [("red", "u1"), ("green", "u1")], "S1"], ids=str)
def test_what_are_no_numbers_is_refused(kind: Any, reader: Reader) -> None:
    for ask in (reader.read, reader.classify, reader.probabilities):
        with pytest.raises(ImageError, match="uint8"):
            ask(np.zeros((1, 28, 28), np.uint8)[0].astype(kind))


@often
@given(
    npst.arrays(np.float64, (3, 4), elements=st.floats(0, 1)),
    st.sampled_from([np.nan, np.inf, -np.inf, -0.5, 1.5, 255.0, 1e300]),
    st.integers(0, 11),
)
def test_one_value_out_of_range_is_enough(array: Array, odd: float, place: int) -> None:
    array.reshape(-1)[place] = odd
    with pytest.raises(ImageError, match=r"0 to 1.*scale it"):
        load(array)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_page_reads_the_same_however_it_lies_in_memory(
    layout: str, kind: str, reader: Reader
) -> None:
    plain = page()
    array = LAYOUTS[layout](TYPES[kind](plain))
    before = array.tobytes()
    reading = reader.read(array)
    assert reading.text == "407"
    assert reading == reader.read(plain)
    assert reader.classify(array[:, :80]) == reader.classify(plain[:, :80])
    assert array.tobytes() == before


def test_a_memory_mapped_page(tmp_path: Path, reader: Reader) -> None:
    np.save(tmp_path / "page.npy", page())
    mapped = np.load(tmp_path / "page.npy", mmap_mode="r")
    assert isinstance(mapped, np.memmap)
    assert reader.read(mapped).text == "407"


def test_a_masked_array_is_refused(reader: Reader) -> None:
    with pytest.raises(ImageError, match="fill"):
        reader.read(np.ma.masked_less(page(), 50))


@pytest.mark.parametrize(
    "value", [np.uint8(0), np.True_, np.uint16(0), np.float64(0), np.float64(np.nan)], ids=repr
)
@pytest.mark.parametrize("form", FORMS)
def test_an_array_of_more_pixels_than_allowed_takes_no_memory(
    value: Any, form: tuple[int, ...]
) -> None:
    endless = np.broadcast_to(value, (100_000, 100_000, *form))  # one value, 80 GB if copied
    tracemalloc.start()
    try:
        with pytest.raises(ImageError, match="100,000,000"):
            load(endless)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_the_limit_of_pixels_is_what_the_reader_was_told() -> None:
    strict = Reader(max_pixels=100)
    assert strict.read(np.zeros((10, 10), np.uint8)).text == ""
    for ask in (strict.read, strict.classify, strict.explain):
        with pytest.raises(ImageError, match="100"):
            ask(np.zeros((1, 101), np.uint8))


@pytest.mark.parametrize(
    "shape", [(1, 200_000), (200_000, 1), (1, 200_000, 3), (1, 1), (2, 50_000)]
)
def test_long_thin_arrays_have_an_answer(shape: tuple[int, ...], reader: Reader) -> None:
    rng = np.random.default_rng(0)
    for array in (np.zeros(shape, np.uint8), rng.integers(0, 256, shape).astype(np.uint8)):
        reader.read(array)
        reader.classify(array)


@seldom
@given(npst.arrays(np.uint8, st.tuples(st.integers(0, 4), st.just(28), st.just(28))))
def test_cells_may_lie_in_any_order(reader: Reader, cells: Array) -> None:
    expected = reader.probabilities(cells.copy())
    assert expected.shape == (len(cells), 10)
    for layout in ("Fortran", "negative strides", "every second", "read-only", "a subclass"):
        assert np.array_equal(reader.probabilities(LAYOUTS[layout](cells)), expected)


@often
@given(
    npst.arrays(
        ANY_TYPE,
        st.sampled_from(
            [(), (28,), (28, 28), (1, 28, 28), (0, 28, 28), (1, 28, 29), (1, 28, 28, 1)]
        ),
    )
)
def test_what_are_no_cells_is_refused(reader: Reader, array: Array) -> None:
    if array.dtype == np.uint8 and array.shape[1:] == (28, 28):
        return
    with pytest.raises(ImageError, match="uint8"):
        reader.probabilities(array)
