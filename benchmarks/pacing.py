"""What the loop costs: a camera that gives frames from memory, the processor's time, the memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter, process_time, sleep

import numpy as np

import siffra
from benchmarks.sensor import Pixels
from siffra import Reader

WARM_UP = 1.0
"""Seconds that do not count."""


class MemoryCamera:
    """Frames that are drawn already, at the rate of a camera, forwards and backwards.

    Args:
        frames: uint8 [H, W, 3], two at least.
        rate: Frames a second.
    """

    def __init__(self, frames: Sequence[Pixels], rate: float) -> None:
        self._frames = there_and_back(frames)
        self._rate = rate
        self._number = 0
        self._began = perf_counter()

    def read(self) -> tuple[bool, Pixels]:
        """Wait for the next frame, as `cv2.VideoCapture` does."""
        due = self._began + self._number / self._rate
        sleep(max(0.0, due - perf_counter()))
        self._number += 1
        return True, next(self._frames)


def there_and_back(frames: Sequence[Pixels]) -> Iterator[Pixels]:
    """Yield frames for ever, without a leap."""
    return cycle([*frames, *frames[-2:0:-1]])


@dataclass(frozen=True)
class Cost:
    """What a loop at a camera's rate takes."""

    seconds: float
    frames: int
    dropped: int
    processor: float
    """Share of one core that siffra takes: all threads, less what the camera takes itself."""
    camera: float
    """The latter."""
    p50_ms: float
    """From grabbing a frame to its reading: median."""
    p99_ms: float
    """The same of the slowest in a hundred."""


def measure_cost(
    frames: Sequence[Pixels], rate: float, reader: Reader, seconds: float, *, steady: bool = True
) -> Cost:
    """Watch frames, uint8 [H, W, 3], as a camera would give them."""
    alone = _processor_of_camera(frames, rate, seconds / 4)
    latencies = []
    with siffra.watch(MemoryCamera(frames, rate), reader=reader, steady=steady) as watch:
        for _ in islice(watch, round(WARM_UP * rate)):
            pass
        began, spent, dropped = perf_counter(), process_time(), watch.statistics.dropped
        for frame, _ in watch:
            now = perf_counter()
            latencies.append(1e3 * (now - frame.grabbed))
            if now - began >= seconds:
                break
        used, passed = process_time() - spent, perf_counter() - began
        dropped = watch.statistics.dropped - dropped
    p50, p99 = np.percentile(latencies, [50, 99]).tolist()
    return Cost(passed, len(latencies), dropped, used / passed - alone, alone, p50, p99)


def _processor_of_camera(frames: Sequence[Pixels], rate: float, seconds: float) -> float:
    camera = MemoryCamera(frames, rate)
    began, spent = perf_counter(), process_time()
    while perf_counter() - began < seconds:
        camera.read()
    return (process_time() - spent) / (perf_counter() - began)


@dataclass(frozen=True)
class Memory:
    """How much memory the process has while a loop runs."""

    frames: int
    seconds: float
    megabytes: tuple[float, ...]
    """Resident: at the start, and at each tenth of the time; empty where it cannot be told."""

    @property
    def growth(self) -> float | None:
        """Megabytes from the first tenth, when all is loaded, to the end."""
        return self.megabytes[-1] - self.megabytes[1] if self.megabytes else None


def measure_memory(
    frames: Sequence[Pixels], rate: float | None, reader: Reader, seconds: float
) -> Memory:
    """Watch frames again and again: at a rate, or as fast as they are read."""
    pictures = there_and_back(frames)
    source = MemoryCamera(frames, rate) if rate else pictures
    found = [_resident()]
    count = 0
    began = perf_counter()
    with siffra.watch(source, reader=reader) as watch:
        for _ in watch:
            count += 1
            passed = perf_counter() - began
            if passed >= len(found) * seconds / 10:
                found.append(_resident())
            if len(found) > 10:
                break
    known = [each for each in found if each is not None]
    return Memory(count, passed, tuple(known))


def _resident() -> float | None:
    """Megabytes in use; None where the system does not tell without more packages."""
    table = Path("/proc/self/status")
    if not table.exists():
        return None
    line = next(line for line in table.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
