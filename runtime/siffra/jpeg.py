"""The markers of a JPEG file (ITU-T T.81, annex B), as libjpeg finds them."""

import re
import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

START_OF_SCAN, END = 0xDA, 0xD9

_MARKER = re.compile(rb"\xff[\x01-\xfe]")
_MOST = 4096  # markers; a made-up file has millions, to keep us busy


def markers(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the kind of each marker up to the end of the picture, and where its content begins."""
    at = 2
    ends: NDArray[np.intp] | None = None
    for _ in range(_MOST):
        found = _MARKER.search(data, at)  # whatever stands before is passed over
        if found is None:
            return
        kind, at = found[0][1], found.end()
        if kind == 0x01 or 0xD0 <= kind <= 0xD7:  # these stand alone
            continue
        yield kind, at
        if kind == END or not 0xC0 <= kind <= 0xFE:
            return
        if kind == START_OF_SCAN:
            ends = _ends_of_scans(data) if ends is None else ends
            after = np.searchsorted(ends, at)
            at = int(ends[after]) if after < len(ends) else len(data)
        elif at + 2 <= len(data):
            at += max(2, struct.unpack_from(">H", data, at)[0])


def scans_of(data: bytes) -> int | None:
    """Return how many scans a file has; None where it has no end."""
    kinds = [kind for kind, _ in markers(data)]
    return kinds.count(START_OF_SCAN) if END in kinds else None


def _ends_of_scans(data: bytes) -> NDArray[np.intp]:
    """Return where markers stand that end a scan: no stuffed zero, no restart, no fill."""
    octets = np.frombuffer(data, np.uint8)
    found = np.flatnonzero(octets[:-1] == 0xFF)
    kinds = octets[found + 1]
    ends = (kinds != 0) & (kinds != 0xFF) & ((kinds < 0xD0) | (kinds > 0xD7))
    return np.asarray(found[ends], np.intp)
