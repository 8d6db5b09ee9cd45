"""A page read: ink, regions, cells and answers; in another way too where one may not do."""

from dataclasses import dataclass, replace
from math import inf
from time import perf_counter

import numpy as np

from . import order
from .broken import mend
from .cells import to_cells
from .clutter import is_slim, stands_out, strays
from .doubt import DOUBT, second_look
from .found import Found, found_of
from .ink import Ink, find_ink
from .lighting import light_of
from .locate import MIN_SIDE, locate
from .median import median
from .network import Classify, log_odds
from .pieces import Region
from .results import Box, Pixels
from .scale import halved, reduce
from .skew import Straight, fall_of, straighten
from .surfaces import find_ink_on_surfaces, has_surfaces
from .touching import is_wide, take_apart

_WIDE = 1.25  # width over height of what is hardly one digit
_MAYBE_WIDE = 0.55  # the same of what may be two, where the network is not sure of it
_SURE = 0.98
_ENOUGH = 4  # regions of which all are accepted: a page without doubt
_SMALL_SIDE = 512  # px at most of a copy for a first look
_SPECK = 3  # px in it; what is larger may be small print, which a closer look is for
_PEN = 0.6  # of the pen, that the stroke of a 1 is broad
_SMALL = 24  # px; smaller digits are looked for in a larger copy, if there is one
_FINE = 28  # px that digits have in that copy
_MANY = 400  # regions: on a page with more of them, letters mostly, none is taken apart
_FINER = 2  # times that a larger copy is looked at
_LARGEST = 4_096  # px of the longer side of such a copy
_GRAIN = 0.4  # of the height that digits are expected to have
_UNSEEN = 3  # times the size of the copy, that is looked at where nothing was found
_REJECTED = 0.5  # digits that one rejected costs, when ways of reading a page are compared
_CLEAN = 0.8  # of what was found on a page, that is accepted where it is not littered
_LITTER = 24  # regions: a page with more of them may be littered with strokes
_PIECES = 3 * _MANY  # on a page that a glance may do for
_CUT = 120  # digits that regions may be wide together, to be taken apart
_PER_CUT = 8  # regions that can be read in the time that cutting off a digit takes
_WORK = 1_000  # regions read, after which a page is not read in yet another way


@dataclass(frozen=True)
class Page:
    """What was found on a page, in one way of reading it."""

    grey: Pixels
    """uint8 [H, W]: the copy that it was found in, turned if lines were askew; boxes are in its
    pixels."""
    ink: Ink
    lines: tuple[tuple[Found, ...], ...]
    left_out: tuple[Region, ...]
    """Ink with the shape of a digit that is texture, an edge or a crease."""
    seconds: tuple[float, float, float]
    """Spent on finding, on bringing into cells, on inference."""
    score: float
    """How well it was read: digits accepted, less what was rejected."""
    straight: Straight | None = None
    """How the copy was turned; None if it was not."""
    unread: tuple[Region, ...] = ()
    """Regions so many and so small that a larger copy of them is to be read."""
    work: int = 0
    """What it took, in regions read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height and width of the copy before it was turned."""
        return self.grey.shape if self.straight is None else self.straight.shape

    def box_before(self, found: Found) -> Box:
        """Return the box of something found in the pixels of the copy before it was turned."""
        return found.box if self.straight is None else self.straight.box_before(found.region)


def read_page(grey: Pixels, classify: Classify, threshold: float) -> Page:
    """Read a page, in as many ways as it takes.

    Args:
        grey: uint8 [H, W], at full size.
        classify: The network.
        threshold: Probability from which a digit is accepted.
    """
    grey = halved(grey, 2 * _LARGEST - 1)  # no copy needs more, and all begin with this
    page = _glance(grey, classify, threshold)
    return _look(grey, classify, threshold) if page is None else page


def _glance(grey: Pixels, classify: Classify, threshold: float) -> Page | None:
    """Read a page from a small copy; None where that leaves a doubt."""
    copy = halved(grey, _SMALL_SIDE)
    if copy.size == grey.size:
        return None
    light = light_of(copy, sparse=True)
    if has_surfaces(light):
        return None
    ink = find_ink(copy, light)
    started = perf_counter()
    regions = locate(ink, _SPECK, ruled=False, most=_PIECES)
    if not _ENOUGH <= len(regions) <= _MANY:
        return None
    if median([region.box.height for region in regions]) < _SMALL or any(map(is_wide, regions)):
        return None
    pens = [region.stroke_width for region in regions if not is_slim(region.box)]
    bare = [region.stroke_width for region in regions if is_slim(region.box)]
    if bare and (not pens or min(bare) < _PEN * median(pens)):
        return None  # a pixel or two are all there is of a crease, which then passes for a 1
    located = perf_counter()
    cells = to_cells(ink, regions)
    normalised = perf_counter()
    found = found_of(regions, cells, classify(cells))
    if min([each.sure for each in found]) < max(threshold, _SURE):
        return None
    whole = mend(ink, found, threshold, classify)
    if len(whole) < len(found) or any(strays(ink, regions, [True] * len(regions))):
        return None
    lines = tuple(tuple(line) for line in order.in_lines(found))
    if fall_of(lines):
        return None
    seconds = located - started, normalised - located, perf_counter() - normalised
    page = Page(copy, ink, lines, (), seconds, score=len(found))
    return None if _is_littered(page) else page


def _look(grey: Pixels, classify: Classify, threshold: float) -> Page:
    """Read a page that takes a closer look."""
    copy = reduce(grey)
    light = light_of(copy)
    surfaces, on_surfaces = has_surfaces(light), False
    spare = not surfaces and copy.size < grey.size
    page = _read(find_ink(copy, light), copy, classify, threshold, spare=spare)
    if surfaces and page.work < _WORK:
        other = _read(find_ink_on_surfaces(copy), copy, classify, threshold)
        on_surfaces = other.score > page.score
        page = _better(page, other)
    if _is_littered(page) and page.work < _WORK:
        other = _read(page.ink.stronger(), page.grey, classify, threshold)
        best = other if _is_clean(other, threshold) else page
        page = _with_time_of_both(best, page, other)
    way = find_ink_on_surfaces if on_surfaces else find_ink
    largest = min(max(grey.shape), _LARGEST)
    for _ in range(_FINER):
        side, tall = max(page.grey.shape), _height(page)
        if tall >= _SMALL or side >= largest or page.work >= _WORK:
            break
        finer = reduce(grey, min(largest, round(side * _FINE / tall)))
        # What is far smaller than the digits will be is grain, and there is much of it.
        least = round(_GRAIN * tall * max(finer.shape) / side)
        other = _read(way(finer), finer, classify, threshold, least)
        nothing = not (other.lines or other.left_out)
        if other.score < page.score or (nothing and page.unread):
            break
        page = _with_time_of_both(other, page, other)
    if page.unread:
        other = _read(page.ink, page.grey, classify, threshold)
        page = _with_time_of_both(other, page, other)
    fall = fall_of(page.lines)
    if fall and page.work < _WORK:
        page = _surer(page, _read_straight(page, fall, classify, threshold))
    return page


def _is_littered(page: Page) -> bool:
    """Whether bare strokes are so many that they are what a scan left of squared paper."""
    boxes = [each.box for line in page.lines for each in line]
    boxes += [region.box for region in page.left_out]
    return len(boxes) > _LITTER and 3 * sum(map(is_slim, boxes)) > len(boxes)


def _is_clean(page: Page, threshold: float) -> bool:
    """Whether nearly all that was found is digits."""
    found = [each for line in page.lines for each in line]
    good = sum(each.sure >= threshold for each in found)
    return good >= _ENOUGH and good > _CLEAN * (len(found) + len(page.left_out))


def _height(page: Page) -> float:
    """Return how high digits are, or may be where none is to be seen."""
    heights = [each.box.height for line in page.lines for each in line]
    heights += [region.box.height for region in page.unread]
    return median(heights) if heights else _FINE / _UNSEEN


def _better(page: Page, other: Page) -> Page:
    """Return the page on which more was read, with the time that both took."""
    return _with_time_of_both(other if other.score > page.score else page, page, other)


def _surer(page: Page, other: Page) -> Page:
    """Return the page that was read more surely, with the time that both took.

    More digits say nothing here: strokes that lean fall into parts.
    """
    return _with_time_of_both(max(page, other, key=_sureness), page, other)


def _sureness(page: Page) -> tuple[float, float]:
    found = [each for line in page.lines for each in line]
    if not found:
        return 0.0, 0.0
    odds = log_odds(np.stack([each.probabilities for each in found]))
    return page.score / len(found), float(odds.mean())


def _with_time_of_both(best: Page, page: Page, other: Page) -> Page:
    a, b, c = (one + two for one, two in zip(page.seconds, other.seconds, strict=True))
    return replace(best, seconds=(a, b, c), work=page.work + other.work)


def _read_straight(page: Page, fall: float, classify: Classify, threshold: float) -> Page:
    """Read a page whose lines fall by some degrees again, with these made level."""
    straight = straighten(page.ink, page.grey, fall)
    return replace(_read(straight.ink, straight.grey, classify, threshold), straight=straight)


def _read(
    ink: Ink,
    grey: Pixels,
    classify: Classify,
    threshold: float,
    least: int = MIN_SIDE,
    *,
    spare: bool = False,
) -> Page:
    """Read a page in one way; with a larger copy to spare, not if its digits are many and small."""
    started = perf_counter()
    regions = locate(ink, max(least, MIN_SIDE))
    located = perf_counter()
    if spare and len(regions) > _MANY and median([r.box.height for r in regions]) < _SMALL:
        seconds = located - started, 0.0, 0.0
        return Page(grey, ink, (), (), seconds, -inf, unread=tuple(regions))
    cells = to_cells(ink, regions)
    normalised = perf_counter()
    read = mend(ink, found_of(regions, cells, classify(cells)), threshold, classify)
    accepted = [each.sure >= threshold for each in read]
    is_stray = strays(ink, [each.region for each in read], accepted)
    doubtful = len(read) < _ENOUGH or not all(accepted)
    alone = sum(accepted) < 2
    mask = ink.mask if doubtful else None
    cut = 0
    found: list[Found] = []
    left_out: list[Region] = []
    for each, stray in zip(read, is_stray, strict=True):
        if stray or (mask is not None and not stands_out(ink, mask, grey, each.region)):
            left_out.append(each.region)
            continue
        parts = None
        if len(read) <= _MANY and cut < _CUT and _may_be_several(each, alone):
            cut += max(1, each.box.width // each.box.height)
            parts = take_apart(ink, each.region, each.sure, classify, alone)
        found += [each] if parts is None else parts
    if any(each.sure < DOUBT for each in found):
        settled = second_look(
            np.stack([each.cell for each in found]),
            np.stack([each.probabilities for each in found]),
            classify,
        )
        found = found_of([each.region for each in found], [each.cell for each in found], settled)
    lines = tuple(tuple(line) for line in order.in_lines(found))
    good = sum(each.sure >= threshold for each in found)
    score = good - _REJECTED * (len(found) - good)
    done = perf_counter()
    seconds = located - started, normalised - located, done - normalised
    work = len(regions) + _PER_CUT * cut
    return Page(grey, ink, lines, tuple(left_out), seconds, score, work=work)


def _may_be_several(read: Found, alone: bool) -> bool:
    _, _, width, height = read.region.box
    if width > _WIDE * height:
        return True
    if alone:
        return False
    return width > height or (read.sure < _SURE and width > _MAYBE_WIDE * height)
