"""A server of the page in a process of its own, as `siffra webcam --serve` runs it."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]

# What it prints at its end says what it left behind.
_PROGRAM = """
import json, sys, threading
from siffra import Reader, SiffraError
from siffra.live import watch
from siffra.record import Recorder
from siffra.web import Limits, serve
from tests.serving import Clock, Unplugged

options = json.loads(sys.argv[1])
limits = Limits(**options.pop("limits", {}))
source = options.pop("source", None)
how = options.pop("how", {})
source = {"unplugged": Unplugged, "clock": Clock}.get(source, lambda: source)()
reader = Reader()
camera = None if source is None else watch(source, reader=reader, **how)
record = options.pop("record", None)
if record:
    options["recorder"] = Recorder(record, camera.rate)
try:
    serve(camera, reader, limits=limits, announce=lambda line: print(line, flush=True), **options)
except SiffraError as error:
    sys.exit(f"{type(error).__name__}: {error}")
finally:
    if camera:
        camera.close()
    if record:
        options["recorder"].close()
print("threads", threading.active_count())
"""


class Unplugged:
    """A camera that gives ten pictures and is unplugged then."""

    def __init__(self) -> None:
        from tests.drawing import two_lines

        self._picture = two_lines()
        self._left = 10

    def read(self) -> tuple[bool, Any]:
        """Return a picture, as cv2.VideoCapture does."""
        self._left -= 1
        return self._left >= 0, self._picture


class Clock:
    """A camera whose grey gets lighter by ten shades a second."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def read(self) -> tuple[bool, Any]:
        """Return a picture, as cv2.VideoCapture does."""
        time.sleep(0.05)
        spent = time.monotonic() - self._began
        return True, np.full((48, 64), min(255, 50 + round(10 * spent)), np.uint8)


@dataclass
class Server:
    """One that runs."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def say(self) -> str:
        """Wait for the next line that it announces."""
        assert self.process.stdout is not None
        self.lines.append(self.process.stdout.readline().strip())
        return self.lines[-1]

    @property
    def url(self) -> str:
        """The address that it says to open."""
        found = re.search(r"https?://\S+", self.lines[0])
        assert found, self.lines
        return found[0]

    @property
    def port(self) -> int:
        """Where it listens."""
        found = re.search(r":(\d+)/", self.url)
        assert found
        return int(found[1])

    def end(self, how: signal.Signals = signal.SIGTERM) -> str:
        """End it; return what it had still to say, its exit status and its errors."""
        self.process.send_signal(how)
        said, errors = self.process.communicate(timeout=15)
        return f"{said}status {self.process.returncode}\n{errors}"


def start(**options: Any) -> subprocess.Popen[str]:
    """Start a server with the options of `siffra.web.serve`.

    `source` and `how` are what `siffra.watch` takes, `limits` the fields of `Limits`, `record` the
    path of a video.
    """
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", _PROGRAM, json.dumps({"port": 0, **options})],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip


@contextmanager
def serving(**options: Any) -> Iterator[Server]:
    """Run a server while the body runs; it must end without a word of complaint."""
    with start(**options) as process:
        server = Server(process)
        try:
            server.say()
            yield server
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    _, errors = process.communicate(timeout=15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    raise
                assert not errors, errors
