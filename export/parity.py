"""Proof that a converted model answers as the trained one does, on the whole test set."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class Limits:
    """How far a variant may stray from Keras."""

    difference: float | None
    """Greatest difference of a probability; None: any."""

    flips: int | None
    """Cells whose label may change; None: any."""

    points: float
    """Percentage points of test accuracy that may be lost."""


LIMITS = {
    "fp32": Limits(difference=1e-5, flips=0, points=0.0),
    "int8": Limits(difference=None, flips=None, points=0.05),
}


@dataclass(frozen=True)
class Flip:
    """A test cell that the variant labels otherwise than Keras does."""

    index: int
    truth: int
    keras: int
    variant: int


@dataclass(frozen=True)
class VariantParity:
    """How one variant compares with Keras."""

    name: str
    precision: str
    graph_sha256: str
    """Digest of the model without its metadata, which states the digest of this report."""

    bytes: int
    """Size of the released file."""

    max_difference: float
    mean_difference: float
    accuracy: float
    points_lost: float
    """Test accuracy of Keras less that of the variant, in percentage points."""

    flips: tuple[Flip, ...]
    shortfalls: tuple[str, ...]
    """Why it may not be released; empty where it may."""


@dataclass(frozen=True)
class ParityReport:
    """How all variants of a run compare with Keras."""

    run: str
    cells: int
    keras_accuracy: float
    onnxruntime: str
    variants: tuple[VariantParity, ...]

    @property
    def passed(self) -> bool:
        """Whether every variant may be released."""
        return not any(variant.shortfalls for variant in self.variants)

    def to_json(self) -> str:
        """Return the report as JSON."""
        return json.dumps({**asdict(self), "passed": self.passed}, indent=2) + "\n"

    def table(self) -> str:
        """Return the report as lines for a terminal."""
        rows = [("variant", "accuracy", "lost", "flips", "greatest diff.", "KiB", "verdict")]
        rows.append(("keras", f"{self.keras_accuracy:.2%}", "", "", "", "", ""))
        for variant in self.variants:
            rows.append(
                (
                    variant.name,
                    f"{variant.accuracy:.2%}",
                    f"{variant.points_lost:.2f}",
                    str(len(variant.flips)),
                    f"{variant.max_difference:.1e}",
                    f"{variant.bytes / 1024:.0f}",
                    "falls short" if variant.shortfalls else "ok",
                )
            )
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        for variant in self.variants:
            if variant.flips:
                lines.append(f"{variant.name} flips, as cell:truth:keras>variant:")
                shown = [f"{f.index}:{f.truth}:{f.keras}>{f.variant}" for f in variant.flips]
                lines += [f"  {' '.join(shown[i : i + 6])}" for i in range(0, len(shown), 6)]
            lines += [f"{variant.name}: {shortfall}" for shortfall in variant.shortfalls]
        return "\n".join([f"parity with Keras on {self.cells:,} test cells", *lines])


def compare(
    name: str,
    precision: str,
    graph: bytes,
    size: int,
    keras: Probabilities,
    variant: Probabilities,
    labels: NDArray[np.uint8],
) -> VariantParity:
    """Compare a variant's answers with those of Keras.

    Args:
        name: Name of the variant.
        precision: `fp32` or `int8`, which sets the limits.
        graph: The serialised model, without metadata.
        size: Bytes of the file, with metadata.
        keras: float32 [n, 10], what the trained model says of the test cells.
        variant: float32 [n, 10], what the variant says of them.
        labels: uint8 [n], the truth.
    """
    limits = LIMITS[precision]
    difference = np.abs(keras.astype(np.float64) - variant)
    said, truth = keras.argmax(axis=1), labels.astype(np.int64)
    answered = variant.argmax(axis=1)
    flips = tuple(
        Flip(int(i), int(truth[i]), int(said[i]), int(answered[i]))
        for i in np.flatnonzero(said != answered)
    )
    # Counted, not averaged: 0.05 points of 10,000 cells are exactly five of them.
    fewer = int((said == truth).sum()) - int((answered == truth).sum())
    lost = 100.0 * fewer / len(truth)
    greatest = float(difference.max())
    return VariantParity(
        name=name,
        precision=precision,
        graph_sha256=sha256(graph).hexdigest(),
        bytes=size,
        max_difference=greatest,
        mean_difference=float(difference.mean()),
        accuracy=float((answered == truth).mean()),
        points_lost=lost,
        flips=flips,
        shortfalls=tuple(_shortfalls(limits, greatest, len(flips), fewer, len(truth))),
    )


def _shortfalls(
    limits: Limits, difference: float, flips: int, fewer: int, cells: int
) -> Sequence[str]:
    found = []
    if not np.isfinite(difference):
        found.append("it answers with values that are no numbers")
    if limits.difference is not None and difference > limits.difference:
        found.append(f"differs by {difference:.1e}, at most {limits.difference:.0e} is allowed")
    if limits.flips is not None and flips > limits.flips:
        found.append(f"flips {flips} labels, at most {limits.flips} are allowed")
    if 100 * fewer > limits.points * cells:
        found.append(
            f"loses {100 * fewer / cells:.2f} points of accuracy ({fewer} of {cells:,} cells), "
            f"at most {limits.points} are allowed"
        )
    return found
