"""Ctrl-C comes when it comes: a reader is as good as before, and nothing is left behind."""

import json
import random
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="looks into Linux's /proc, and sends it signals"
)

# It asks for one interrupt after another, each with a line, and catches them.
_PROGRAM = """
import gc, json, pickle, random, signal, sys, tempfile
from pathlib import Path
from benchmarks.questions import Question, draw_questions, told
from siffra import ImageError, Reader
from siffra.check import FILE_NAME
from siffra.network import MODELS, released

def in_process():
    gc.collect()
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    files = len(list(Path("/proc/self/fd").iterdir()))
    return files, int(status["Threads"]), int(status["VmRSS"].split()[0])

picture = Path(sys.argv[1])
own = released()["ann"]
readers = [Reader(), Reader("ann-int8", threads=2)]
questions = [*draw_questions(40), Question("read", picture)]
ask = [lambda reader, q=q: told(q.answer(reader)) for q in questions]
ask += [lambda reader: told(reader.read(picture.open("rb")))] * 5
ask += [lambda reader: Reader("ann"), lambda reader: Reader(own, threads=2)] * 3
ask += [lambda reader: pickle.loads(pickle.dumps(reader))] * 3
expected = [[told(q.answer(reader)) for q in questions] for reader in readers]
for each in ask:
    each(readers[0])
caught, before, chance = 0, None, random.Random(0)
while caught < int(sys.argv[2]):
    try:
        print("now", flush=True)
        while True:
            chance.choice(ask)(chance.choice(readers))
    except KeyboardInterrupt:
        caught += 1
    if caught == 60:
        before = in_process()
signal.signal(signal.SIGINT, signal.SIG_IGN)
after = in_process()
same = [[told(q.answer(reader)) for q in questions] for reader in readers] == expected
print(json.dumps({"same": same, "before": before, "after": after}), flush=True)
"""


@pytest.mark.parametrize("interrupts", [300])
def test_whatever_is_interrupted_goes_on(interrupts: int, examples: dict[Path, str]) -> None:
    chance = random.Random(1)
    command = [sys.executable, "-c", _PROGRAM, str(min(examples)), str(interrupts)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, bufsize=1
    ) as process:
        assert process.stdout is not None
        try:
            while (line := process.stdout.readline()) == "now\n":
                time.sleep(chance.uniform(0, 0.02))
                process.send_signal(signal.SIGINT)
                # Python drops what is raised where nobody can catch it, as when an object goes.
                for _ in range(20):
                    if select.select([process.stdout], [], [], 5)[0]:
                        break
                    process.send_signal(signal.SIGINT)
                else:
                    pytest.fail("it does not go on")
        finally:
            process.kill()
        _, errors = process.communicate()
    assert line, errors
    found = json.loads(line)
    assert found["same"]
    (files, threads, memory), (files_after, threads_after, memory_after) = (
        found["before"],
        found["after"],
    )
    assert (files_after, threads_after) == (files, threads)
    assert memory_after - memory < 4096, "kB"
    notes = r"Exception ignored in.*\nTraceback (?:.*\n)*?KeyboardInterrupt:? *\n"
    assert "Traceback" not in re.sub(notes, "", errors)


def test_what_a_command_had_printed_when_it_was_interrupted_is_whole(
    examples: dict[Path, str],
) -> None:
    folder = str(next(iter(examples)).parent)
    command = [sys.executable, "-m", "siffra", "read", *[folder] * 10]
    whole = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    chance = random.Random(2)
    for _ in range(8):
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        ) as process:
            assert process.stdout is not None
            select.select([process.stdout], [], [], 60)
            time.sleep(chance.uniform(0, 0.1))
            process.send_signal(signal.SIGINT)
            printed, errors = process.communicate(timeout=60)
        assert process.returncode == 130
        assert whole.startswith(printed)
        assert printed.endswith("\n")
        assert errors == ""
