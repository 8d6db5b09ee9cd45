"""The commands of the camera: parse, choose a way to see the result, call, print."""

import argparse
import ipaddress
import json
import os
import select
import signal
import sys
import threading
from contextlib import ExitStack, suppress
from importlib import import_module
from math import inf
from pathlib import Path
from time import perf_counter
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from .arguments import ROTATIONS, UsageError, add_reader, forget_output, reader_of
from .errors import CameraError, DependencyError

if TYPE_CHECKING:
    from .frames import Frame
    from .live import Watch
    from .reader import Reader
    from .record import Recorder
    from .results import Reading

_DEFAULT_HOST, _DEFAULT_PORT = "127.0.0.1", 8000
_PORTS = 65535
_BELONGS = {"every": "headless", "token": "serve", "certificate": "serve"}
"""Options that go with one way of seeing the result."""
_LOOK = 0.5  # seconds between looks at whether anybody still reads what is printed
_ENDS = (
    "It ends with its source, by Ctrl-C, SIGTERM or, with --headless, when what it prints to is "
    "closed: exit status 0. 1 where the source is missing, was lost or is damaged, 2 for wrong "
    "usage."
)


def add_webcam(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `webcam`."""
    command = commands.add_parser(
        "webcam",
        help="read digits from a camera, a stream or a video, as it comes",
        description="Read digits from a camera, a stream, a video or a folder of frames: in a "
        "window, on a page in a browser, or as lines of JSON. Without a flag it is a window where "
        "there can be one, else a page, else lines.",
        epilog=_ENDS,
    )
    command.add_argument(
        "source",
        nargs="?",
        metavar="SOURCE",
        help="number of a camera (siffra cameras lists them), path of its device, a video file, "
        "address of a stream (rtsp://, http://, tcp://), or a folder of pictures; default: 0",
    )
    ways = command.add_mutually_exclusive_group()
    ways.add_argument("--window", action="store_true", help="show it in a window; h shows the keys")
    ways.add_argument(
        "--serve",
        nargs="?",
        const=_address(""),
        type=_address,
        metavar="HOST:PORT",
        help="serve a page, a drawing pad and the reader over HTTP; also for the camera of whoever "
        f"opens it; default: {_DEFAULT_HOST}:{_DEFAULT_PORT}, which only this machine reaches",
    )
    ways.add_argument(
        "--headless",
        action="store_true",
        help="print the reading as a line of JSON, whenever its text changes",
    )
    add_reader(command)
    command.add_argument(
        "--rotate",
        choices=list(ROTATIONS),
        default="0",
        help="degrees that frames are turned clockwise before they are read; default: %(default)s",
    )
    command.add_argument(
        "--size", type=_size, metavar="WxH", help="size asked of a camera; default: 640x480"
    )
    command.add_argument(
        "--fps",
        type=_positive,
        metavar="N",
        help="frames a second asked of a camera; or that pictures of a folder are taken for",
    )
    command.add_argument(
        "--patience",
        type=_positive,
        metavar="SECONDS",
        help="how long a camera or stream that was lost is tried again; default: until you end it",
    )
    command.add_argument(
        "--frame-by-frame",
        action="store_true",
        help="read each frame for itself; else digits are followed, so that readings stay steady",
    )
    command.add_argument(
        "--record",
        type=Path,
        metavar="FILE",
        help="write what is seen as a video, .mp4, .mov, .mkv or .avi; it is there at the end",
    )
    command.add_argument("--every", action="store_true", help="with --headless: print every frame")
    command.add_argument(
        "--snapshots",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="with --window: where s saves what is seen; default: the current folder",
    )
    command.add_argument(
        "--token",
        help="with --serve: what browsers and programs must show; made by itself where others can "
        "reach the address; default: $SIFFRA_TOKEN",
    )
    command.add_argument(
        "--certificate", type=Path, metavar="PEM", help="with --serve: speak https with it"
    )
    command.add_argument(
        "--key", type=Path, metavar="PEM", help="with --certificate: its key, if not in its file"
    )
    command.set_defaults(run=_webcam)


def add_cameras(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `cameras`."""
    command = commands.add_parser(
        "cameras",
        help="list the cameras of this machine",
        description="List the cameras of this machine: number, name, size and frames a second as "
        "they come, driver. Each is opened for a moment.",
        epilog="Exit status: 0; 1 where there is no camera that can be used.",
    )
    command.add_argument("--json", action="store_true", help="print one JSON document")
    command.set_defaults(run=_cameras)


def _cameras(options: argparse.Namespace) -> int:
    from .devices import cameras, hints

    found = cameras()
    usable = [device for device in found if device.problem is None]
    if options.json:
        document = {"cameras": [device.to_dict() for device in found], "hints": hints()}
        print(json.dumps(document, indent=2))
        return 0 if usable else 1
    for device in found:
        size = f"{device.width}x{device.height}" if device.width else "-"
        fps = f"{device.fps:g} fps" if device.fps else "-"
        where = " ".join(part for part in (device.path, device.driver) if part)
        print(f"{device.number:>3}  {device.name:32}  {size:>9}  {fps:>7}  {where}")
        if device.problem:
            print(f"     {device.problem}")
    if not usable:
        print("no camera that can be used" if found else "no camera found")
        for hint in hints():
            print(f"  - {hint}")
    return 0 if usable else 1


def _webcam(options: argparse.Namespace) -> int:
    from .opencv import cv2

    way = _way(options)
    reader = reader_of(options)
    cv2.setNumThreads(1)  # frames are small: more threads cost more than they give
    with _Signals(), ExitStack() as stack:
        try:
            watch, why_not = _opened(options, reader)
            if watch is not None:
                stack.enter_context(watch)
            recorder = _recorder(options, watch, stack)
            if way == "serve":
                _serve(options, watch, reader, recorder, why_not)
            elif watch is not None:
                (_show if way == "window" else _print)(options, watch, recorder)
        except KeyboardInterrupt:
            return 0
        except BrokenPipeError:  # whoever read it has enough
            forget_output()
            return 0
        damaged = watch is not None and watch.ended and watch.problem is not None
    return 1 if damaged else 0


def _way(options: argparse.Namespace) -> str:
    """Return how the result is to be seen: as asked for, else as this machine can."""
    way = _asked(options)
    for option, needs in _BELONGS.items():
        if way is not None and way != needs and getattr(options, option):
            raise UsageError(f"--{option} goes with --{needs}")
    if options.key and not options.certificate:
        raise UsageError("--key goes with --certificate")
    if way == "window":
        problem = _why_no_window()
        if problem is not None:
            raise UsageError(f"--window: {problem}")
    if way is not None:
        return way
    problem = _why_no_window()
    if problem is None:
        return "window"
    way = "serve" if _can_serve() and sys.stdout.isatty() else "headless"
    print(f"siffra: no window: {problem}. This is --{way}", file=sys.stderr)
    return way


def _asked(options: argparse.Namespace) -> str | None:
    """Return the way that was asked for, if one was: by its flag, or by what goes with one."""
    if options.serve is not None:
        return "serve"
    for way in ("window", "headless"):
        if getattr(options, way):
            return way
    return next((way for option, way in _BELONGS.items() if getattr(options, option)), None)


def _why_no_window() -> str | None:
    from .window import why_no_window

    return why_no_window()


def _can_serve() -> bool:
    try:
        import_module(".web", __package__)
    except DependencyError:
        return False
    return True


def _opened(options: argparse.Namespace, reader: "Reader") -> "tuple[Watch | None, str | None]":
    """Open the source; a page can do without one that was not asked for, and then says why."""
    from .live import Watch

    try:
        watch = Watch(
            "0" if options.source is None else options.source,
            reader=reader,
            steady=not options.frame_by_frame,
            rotate=ROTATIONS[options.rotate],
            size=options.size,
            fps=options.fps,
            patience=options.patience,
            notify=_say,
        )
    except CameraError as error:
        if options.serve is None or options.source is not None or options.record is not None:
            raise
        return None, str(error)
    return watch, None


def _recorder(
    options: argparse.Namespace, watch: "Watch | None", stack: ExitStack
) -> "Recorder | None":
    if options.record is None or watch is None:
        return None
    from .record import Recorder

    source = Path(options.source or "")
    with suppress(OSError):
        if options.record.is_file() and source.samefile(options.record):
            raise UsageError(f"--record: {options.record} is what is read; name another file")

    return stack.enter_context(Recorder(options.record, watch.rate))


def _show(options: argparse.Namespace, watch: "Watch", recorder: "Recorder | None") -> None:
    from .window import show

    show(
        watch,
        recorder=recorder,
        folder=options.snapshots,
        threshold=options.threshold,
        announce=_say,
    )


def _serve(
    options: argparse.Namespace,
    watch: "Watch | None",
    reader: "Reader",
    recorder: "Recorder | None",
    why_not: str | None,
) -> None:
    from .web import Limits, serve

    host, port = options.serve
    serve(
        watch,
        reader,
        host=host,
        port=port,
        token=options.token or os.environ.get("SIFFRA_TOKEN"),
        certificate=options.certificate,
        key=options.key,
        why_no_camera=why_not,
        recorder=recorder,
        announce=_say,
        limits=Limits(pixels=options.max_pixels),
    )


def _print(options: argparse.Namespace, watch: "Watch", recorder: "Recorder | None") -> None:
    """Print readings until there are no more frames, or nobody reads them any more."""
    from .view import Status, view

    reader = watch.reader
    status = Status(model=reader.metadata["name"], threshold=reader.threshold, live=watch.live)
    text = None
    looked = 0.0
    try:
        while not watch.ended:
            found = watch.poll(_LOOK)
            now = perf_counter()
            if now - looked > _LOOK:
                looked = now
                if _reader_left(sys.stdout.fileno()):
                    raise BrokenPipeError
            if found is None:
                continue
            frame, reading = found
            if recorder is not None:
                recorder.write(view(reading, watch.statistics, status), frame.at)
            if options.every or reading.text != text:
                text = reading.text
                print(json.dumps(_document(frame, reading, now)), flush=True)
    finally:
        _say(_summary(watch))


def _document(frame: "Frame", reading: "Reading", now: float) -> dict[str, Any]:
    return {
        "frame": frame.number,
        "seconds": round(frame.at, 3),
        "latency_ms": round(1e3 * (now - frame.grabbed), 3),
        **reading.to_dict(),
    }


def _summary(watch: "Watch") -> str:
    frames, read, dropped, fps, p50, p99, _ = watch.statistics
    lost = f", {dropped} dropped" if watch.live else ""
    return (
        f"{watch.name}: {frames} frames{lost}, {fps:.1f} a second, of which {read} had to be read; "
        f"from frame to reading {p50:.1f} ms (p50), {p99:.1f} ms (p99)"
    )


def _reader_left(output: int) -> bool:
    """Whether what is printed to is a pipe that nobody reads any more; told where it can be."""
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(output, 0)
    return any(event & (select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))


class _Signals:
    """Makes SIGTERM end what runs as Ctrl-C does; a second signal does not disturb the ending."""

    def __init__(self) -> None:
        self._before: dict[signal.Signals, Any] = {}
        self._came = False

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._stop)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            # Once asked to end, the process is ending: nothing more is to disturb that.
            signal.signal(number, signal.SIG_IGN if self._came else handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if not self._came:
            self._came = True
            raise KeyboardInterrupt


def _say(message: str) -> None:
    print(f"siffra: {message}", file=sys.stderr, flush=True)


def _address(text: str) -> tuple[str, int]:
    """Read HOST:PORT, HOST, :PORT or PORT; a host without a port is an address or localhost."""
    if not text:
        return _DEFAULT_HOST, _DEFAULT_PORT
    if _is_ip(text):
        return text, _DEFAULT_PORT
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = ("", text) if text.isdecimal() else (text, str(_DEFAULT_PORT))
        if host and host != "localhost" and not _is_ip(host.strip("[]")):
            raise argparse.ArgumentTypeError(
                f"{text!r} is no address such as 127.0.0.1:8000; SOURCE stands before --serve"
            )
    if not port.isdecimal() or int(port) > _PORTS:
        raise argparse.ArgumentTypeError(f"{text!r} has no port from 0 to {_PORTS}")
    return host.strip("[]") or _DEFAULT_HOST, int(port)


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 1280x720")
    return int(width), int(height)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value
