"""From nothing to the first reading, in fresh processes: `python -m benchmarks.cold`.

Time and memory beside those of a process that only imports NumPy, onnxruntime and OpenCV, and of
one that uses each of them once: loads a model and a picture, and takes the steps without which none
is read. The processes take turns, so that what disturbs the machine disturbs them all; the time on
the processor is disturbed least. The package is measured as pip installs it, compiled.
"""

import argparse
import compileall
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

import siffra
from benchmarks.options import add_json, write_json
from siffra import Reader, SiffraError
from siffra.contract import DEFAULT_MODEL
from siffra.network import released

PICTURE = Path(__file__).parents[1] / "examples" / "pen-two-lines.jpg"
BASE = "the three libraries"
_CASES = {
    "Python": "",
    "import siffra": "import siffra",
    BASE: "import numpy, onnxruntime, cv2",
    "each used once": """import numpy, onnxruntime, cv2
content = open({file!r}, "rb").read()
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(content, options)
picture = cv2.imdecode(numpy.fromfile({picture!r}, numpy.uint8), cv2.IMREAD_COLOR)
grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
_, ink = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
cv2.findContours(ink, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
cells = numpy.stack([cv2.resize(ink, (28, 28), interpolation=cv2.INTER_AREA)] * 10)
session.run(None, {{"cells": cells}})""",
    "one cell": (
        "from siffra import Reader\nreader = Reader({model!r})\n"
        "import numpy\nreader.probabilities(numpy.zeros((1, 28, 28), numpy.uint8))"
    ),
    "classify": (
        "from siffra import Reader\nreader = Reader({model!r})\n"
        "import numpy\nstroke = numpy.zeros((28, 28), numpy.uint8)\nstroke[4:24, 12:16] = 255\n"
        "reader.classify(stroke)"
    ),
    "read": "from siffra import Reader\nReader({model!r}).read({picture!r})",
}
# Imports nothing of its own, which would hide what the package's imports of the same cost.
_REPORT = """
import time
report = [1e3 * time.process_time()]
try:
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
except OSError:
    pass  # Linux alone has it
else:
    report += [int(status[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM")]
print(*report, flush=True)
"""


@dataclass(frozen=True)
class Cold:
    """What a process takes from its start until its work is done, medians."""

    process: str
    milliseconds: float
    best_milliseconds: float
    """The least of all turns."""
    cpu_milliseconds: float
    """On the processor, all threads."""
    resident_mib: float | None
    """Memory at the end; None where the system does not tell."""
    peak_mib: float | None
    """The most memory until then."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print a table; 2 where the model or the picture cannot be read."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cold", description="Measure fresh processes."
    )
    parser.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME_OR_PATH")
    parser.add_argument("--picture", type=Path, default=PICTURE, metavar="FILE")
    parser.add_argument("--turns", type=_positive, default=15, metavar="N", help="default: 15")
    add_json(parser)
    options = parser.parse_args(arguments)
    try:
        Reader(options.model).read(options.picture)
    except SiffraError as error:
        print(f"cold: {error}", file=sys.stderr)
        return 2
    results = measure(options.model, options.picture, options.turns)
    base = results[BASE]
    print(f"{'process':20} {'ms':>16} {'best':>16} {'on CPU':>16} {'MiB':>16} {'peak':>16}")
    for result in results.values():
        figures = [
            _beside(result.milliseconds, base.milliseconds),
            _beside(result.best_milliseconds, base.best_milliseconds),
            _beside(result.cpu_milliseconds, base.cpu_milliseconds),
            _beside(result.resident_mib, base.resident_mib),
            _beside(result.peak_mib, base.peak_mib),
        ]
        print(f"{result.process:20} {' '.join(figures)}")
    print(f"in brackets: times that of {BASE}, which are NumPy, onnxruntime and OpenCV")
    if options.json:
        write_json(options.json, [asdict(result) for result in results.values()])
    return 0


def measure(model: str, picture: Path, turns: int) -> dict[str, Cold]:
    """Run every process in turn, and once before for the disk's sake."""
    names = {
        "model": model,
        "file": os.fspath(released().get(model, model)),
        "picture": os.fspath(picture),
    }
    cases = {name: code.format(**names) for name, code in _CASES.items()}
    walls: dict[str, list[float]] = {name: [] for name in cases}
    reports: dict[str, list[list[float]]] = {name: [] for name in cases}
    with TemporaryDirectory() as folder:
        environment = _environment(Path(folder))
        for turn in range(turns + 1):
            for name, code in cases.items():
                wall, report = _run(code, environment)
                if turn:
                    walls[name].append(wall)
                    reports[name].append(report)
    results = {}
    for name in cases:
        wall = float(np.median(walls[name]))
        spent, *memory = np.median(reports[name], axis=0).tolist()
        resident, peak = memory or (None, None)
        results[name] = Cold(name, wall, min(walls[name]), spent, resident, peak)
    return results


def _environment(folder: Path) -> Mapping[str, str]:
    """Install the package there, compiled, for processes with the environment that is returned."""
    shutil.copytree(Path(siffra.__file__).parent, folder / "siffra")
    compileall.compile_dir(folder, quiet=1)
    return {
        name: value
        for name, value in (os.environ | {"PYTHONPATH": str(folder)}).items()
        # The one would compile libraries anew each time; the other is what users do not have set.
        if name not in ("PYTHONDONTWRITEBYTECODE", "ORT_DISABLE_TELEMETRY")
    }


def _run(code: str, environment: Mapping[str, str]) -> tuple[float, list[float]]:
    """Milliseconds until the work is done, and what is reported then: on CPU, MiB, peak MiB."""
    started = perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", code + _REPORT], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        report = process.stdout.readline()
        wall = 1e3 * (perf_counter() - started)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, code)
    return wall, [float(figure) for figure in report.split()]


def _beside(value: float | None, base: float | None) -> str:
    """A figure and what it is times the base, in 16 characters."""
    if value is None or base is None:
        return f"{'-':>16}"
    return f"{value:>8.1f} {f'({value / base:.2f})':>7}"


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be 1 at least, not {text}")
    return number


if __name__ == "__main__":
    sys.exit(main())
