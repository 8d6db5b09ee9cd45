"""What Ray costs `examples/bulk_ray.py`: `python -m benchmarks.bulk PICTURES`.

Pictures a second of one worker and of one for each core, beside as many plain loops at once, in
shuffled turns. Starting is left out: a run is timed from its first part to its last. On Linux the
plain loops keep their memory, as the processes of Ray do, which saves taking it anew each time.
"""

import argparse
import os
import random
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

_EXAMPLE = Path(__file__).parents[1] / "examples" / "bulk_ray.py"
_PART = 100  # pictures
_KEPT = {f"MALLOC_{what}_THRESHOLD_": "100000000" for what in ("TRIM", "MMAP")}
_PLAIN = """
import sys, time, cv2
from pathlib import Path
from siffra import Reader
cv2.setNumThreads(1)
reader, files = Reader(), sorted(path for path in Path(sys.argv[1]).rglob("*") if path.is_file())
for file in files[:20]:
    reader.read(file)
began = time.perf_counter()
for file in files:
    reader.read(file).to_dict()
print(len(files) / (time.perf_counter() - began))
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 where it cannot be run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk", description=__doc__)
    parser.add_argument("pictures", type=Path, help="a folder of some thousand, and nothing else")
    parser.add_argument("--turns", type=int, default=3, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--python", default=sys.executable, help="one that has Ray; default: this one"
    )
    options = parser.parse_args(arguments)
    cores = os.cpu_count() or 1
    ways = [(plain, count) for plain in (True, False) for count in sorted({1, cores})]
    rates: dict[tuple[bool, int], list[float]] = {way: [] for way in ways}
    order = ways * options.turns
    random.Random(0).shuffle(order)
    try:
        for plain, count in order:
            measure = _plain if plain else _ray
            rates[plain, count].append(measure(options.python, options.pictures, count))
    except (subprocess.CalledProcessError, ValueError) as error:
        print(f"bulk: {error}", file=sys.stderr)
        return 2
    for (plain, count), found in rates.items():
        what = f"{count} {'plain' if plain else 'Ray'}"
        share = median(found) / median(rates[True, count])
        print(
            f"{what:>8}  {median(found):7.1f} pictures a second "
            f"({min(found):.1f} to {max(found):.1f}), {share:.0%} of plain"
        )
    return 0


def _plain(python: str, pictures: Path, count: int) -> float:
    """Pictures a second of loops in so many processes at once."""
    processes = [
        subprocess.Popen(
            [python, "-c", _PLAIN, str(pictures)],
            env={**os.environ, **_KEPT},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    printed = [process.communicate()[0] for process in processes]
    return sum(map(float, printed))


def _ray(python: str, pictures: Path, workers: int) -> float:
    """Pictures a second of the example with so many workers, by the lines that it prints."""
    command = [python, "-u", str(_EXAMPLE), str(pictures)]
    settings = ["--batch-size", str(_PART), "--concurrency", str(workers)]
    with TemporaryDirectory() as folder:
        began, before, end, done = 0.0, 0, 0.0, 0
        with subprocess.Popen(
            [*command, f"{folder}/readings", *settings], stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            for line in process.stderr:
                if found := re.search(r"parts; (\d+) pictures", line):
                    end, done = perf_counter(), int(found[1])
                    if not before:
                        began, before = end, done
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
    if done <= before:
        raise ValueError(f"{pictures}: has too few pictures to tell; {_PART} are a part")
    return (done - before) / (end - began)


if __name__ == "__main__":
    sys.exit(main())
