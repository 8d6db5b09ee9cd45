"""The files that fuzzing starts from, and those that it found: small, drawn and encoded here."""

from collections.abc import Iterator
from pathlib import Path

from .forms import forms

CORPUS = Path(__file__).with_name("corpus")
"""A folder for each target; names that begin with `found-` are of inputs that fuzzing found."""

TARGETS = ("load", "read")
FOUND = "found-"
_ROTATED = {"": 32, "-90": 16, "-180": 20, "-270": 24, "-auto": 28}  # the first is asked twice


def write_seeds() -> int:
    """Write anew what no fuzzer found; return how many files there are now."""
    made = {"load": forms(), "read": dict(_readings())}
    for target in TARGETS:
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            if not old.name.startswith(FOUND):
                old.unlink()
        for name, data in made[target].items():
            (folder / name).write_bytes(data)
    return sum(len(list((CORPUS / target).iterdir())) for target in TARGETS)


def _readings() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of what `harness.fuzz_read` makes pictures and arrays of."""
    files = forms()
    for name in ("png-8.png", "png-rgba.png", "jpeg-colour.jpg", "webp-lossless.webp"):
        for turn, what in _ROTATED.items():
            yield f"read{turn}-{name}", bytes([what]) + files[name]
        yield f"classify-{name}", b"\2" + files[name]
    seven = b"\xff" + bytes((60, 60, 180, 60, 110, 200))
    row = b"\xff" + b"".join(
        bytes((x, 90, x + 20, 90, x + 20, 90, x + 8, 160)) for x in range(20, 220, 40)
    )
    for dtype in range(14):
        for what, name, points in ((33, "read", row), (35, "classify", seven)):
            order = bytes([1 << dtype % 6])
            head = bytes([dtype, 60, 120 if what == 33 else 60, 40 * (dtype % 6), 0x26]) + order
            yield f"{name}-array-{dtype}", bytes([what]) + head + b"\0\0" + points
    yield "read-noise", b"\1" + bytes([0, 60, 90, 0, 0, 0, 0, 0]) + bytes(range(0, 250, 7)) * 3
    yield "read-blocks", b"\1" + bytes([0, 90, 90, 0, 0x91, 0, 0, 0]) + bytes(range(0, 250, 7))
