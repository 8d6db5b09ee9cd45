"""gunicorn with workers that are forked from a process which has read already."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass
class Served:
    """One that runs `tests.wsgi_app`."""

    process: subprocess.Popen[bytes]
    log: Path

    def said(self, pattern: str, times: int = 1, seconds: float = 30) -> str:
        """Wait until its log has a pattern so many times; return the last."""
        ends = time.monotonic() + seconds
        while len(found := re.findall(pattern, self.log.read_text())) < times:
            assert time.monotonic() < ends, self.log.read_text()
            time.sleep(0.05)
        return str(found[-1])

    def read(self, picture: bytes) -> tuple[str, int]:
        """Send a picture; return its text and the process that read it."""
        url = self.said(r"Listening at: (http://\S+)")
        with urllib.request.urlopen(url, data=picture, timeout=20) as response:
            answer = json.load(response)
        return answer["text"], answer["process"]

    def workers(self, picture: bytes, text: str, count: int = 2) -> set[int]:
        """Send a picture until so many processes have read it, rightly."""
        seen: set[int] = set()
        ends = time.monotonic() + 30
        while len(seen) < count:
            assert time.monotonic() < ends, (seen, self.log.read_text())
            said, process = self.read(picture)
            assert said == text
            seen.add(process)
        return seen


@contextmanager
def serving(log: Path, *options: str) -> Iterator[Served]:
    """Run it while the body runs; it must end by itself when it is asked to."""
    command = [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", *options]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*command, "tests.wsgi_app:app"], stdout=output, stderr=output, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        ) as process,
    ):  # fmt: skip
        try:
            yield Served(process, log)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0, log.read_text()
        finally:
            process.kill()
