"""The cameras of a machine: what there is, and why one does not open."""

import os
import platform
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_NUMBERS = 6  # that are tried where the system lists no cameras
_VIDEO_CAPTURE = 0x1  # linux/videodev2.h: V4L2_CAP_VIDEO_CAPTURE
_DEVICE_CAPS = 0x80000000  # V4L2_CAP_DEVICE_CAPS: the node states its own, beside its device's
_QUERYCAP = 0x80685600  # VIDIOC_QUERYCAP: reads struct v4l2_capability, 104 bytes
_CAPABILITY = struct.Struct("16s32s32sIII12x")


@dataclass(frozen=True)
class Device:
    """A camera."""

    number: int
    """What `siffra webcam` takes."""
    name: str
    path: str
    """Of its device; empty where cameras have none."""
    driver: str
    """Of the system, or what of OpenCV opened it."""
    width: int = 0
    """Of its frames, in pixels, as it comes; 0 where it does not open."""
    height: int = 0
    fps: float = 0.0
    """As it states them; 0 if it does not."""
    problem: str | None = None
    """Why it cannot be used just now."""

    def to_dict(self) -> dict[str, Any]:
        """Return the camera as JSON types."""
        return asdict(self)


def cameras() -> list[Device]:
    """Find the cameras of this machine; each is opened for a moment, so that its light may flash.

    Raises:
        DependencyError: OpenCV is not installed.
    """
    from .opencv import cv2  # before anything is opened

    del cv2
    if sys.platform == "linux":
        return [_tried(number, *what) for number, *what in _video_nodes()]
    found = (_tried(number, f"camera {number}", "", "") for number in range(_NUMBERS))
    return [device for device in found if device.problem is None]


def hints() -> list[str]:
    """Return what helps on this system where a camera is missing."""
    if sys.platform == "darwin":
        return [
            "macOS asks once whether the terminal may use the camera: System Settings, Privacy & "
            "Security, Camera; start the terminal again afterwards",
        ]
    if sys.platform == "win32":
        return [
            "Windows: Settings, Privacy & security, Camera, let desktop apps access your camera",
            "cameras are opened by DirectShow first, then by Media Foundation",
        ]
    found = [
        "a camera in use by another program is busy until that ends; fuser /dev/video* names it",
        "may you use it? sudo usermod -aG video $USER, then log in again",
    ]
    if _is_raspberry_pi():
        found.append(
            "a Raspberry Pi's own camera speaks libcamera, which OpenCV does not: start siffra by "
            "libcamerify, or stream: rpicam-vid -t 0 --inline --listen -o tcp://127.0.0.1:8888 "
            "and siffra webcam tcp://127.0.0.1:8888"
        )
    if _is_container():
        found.append("a container sees only the devices it is given: --device /dev/video0")
    if "microsoft" in platform.release().lower():
        found.append("WSL sees USB cameras only when usbipd attaches them")
    return found


def why_not(device: int | str) -> str:
    """Say in one line why a camera does not open, and what to do."""
    name = f"camera {device}"
    if sys.platform != "linux":
        return f"{name} does not open; siffra cameras lists what there is. {hints()[0]}"
    path = Path(f"/dev/video{device}" if isinstance(device, int) else device)
    if not path.exists():
        return f"{name}: there is no {path}; siffra cameras lists what there is"
    if not os.access(path, os.R_OK | os.W_OK):
        return f"{name}: no permission for {path}; sudo usermod -aG video $USER, then log in again"
    users = _users_of(path)
    if users:
        return f"{name}: {path} is in use by {', '.join(users)}; end that and try again"
    capability = _capability(path)
    if capability is None:
        return f"{name}: {path} is not a camera"
    if not capability[2]:
        return (
            f"{name}: {path} belongs to {capability[0]} but gives no pictures; its neighbours may, "
            "siffra cameras lists them"
        )
    return f"{name}: {path} ({capability[0]}) does not open; unplug it and plug it in again"


def _video_nodes() -> Iterator[tuple[int, str, str, str]]:
    """Yield number, name, path and driver of each device of Linux that gives pictures."""
    nodes = [path for path in Path("/dev").glob("video*") if path.name[5:].isdecimal()]
    for path in sorted(nodes, key=lambda path: int(path.name[5:])):
        number = int(path.name[5:])
        capability = _capability(path)
        if capability is None:  # may not be asked; its name can still be read
            named = Path("/sys/class/video4linux") / path.name / "name"
            with suppress(OSError):
                yield number, named.read_text().strip(), str(path), ""
        elif capability[2]:
            yield number, capability[0], str(path), capability[1]


def _capability(path: Path) -> tuple[str, str, bool] | None:
    """Ask a device of Linux for its name, its driver and whether it gives pictures."""
    from fcntl import ioctl

    try:
        opened = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        answer = ioctl(opened, _QUERYCAP, bytes(_CAPABILITY.size))
    except OSError:
        return None
    finally:
        os.close(opened)
    driver, card, _, _, whole, node = _CAPABILITY.unpack(answer)
    gives = (node if whole & _DEVICE_CAPS else whole) & _VIDEO_CAPTURE
    return _text(card), _text(driver), bool(gives)


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode(errors="replace")


def _tried(number: int, name: str, path: str, driver: str) -> Device:
    """Open a camera for a moment to see what it gives."""
    from .camera import open_device
    from .errors import CameraError
    from .frames import Wishes
    from .opencv import cv2

    try:
        capture: Any = open_device(number, Wishes())
    except CameraError as error:
        return Device(number, name, path, driver, problem=str(error))
    try:
        done, pixels = capture.read()
        height, width = pixels.shape[:2] if done and pixels is not None else (0, 0)
        problem = None if width else f"camera {number} is open but gives no frames"
        fps = max(0.0, float(capture.get(cv2.CAP_PROP_FPS)))
        by = driver or str(capture.getBackendName()).lower()
        return Device(number, name, path, by, width, height, fps, problem)
    finally:
        capture.release()


def _users_of(path: Path) -> list[str]:
    """Return what programs of the same user, or all for root, have a device open."""
    target = os.path.realpath(path)
    users = set()
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        with suppress(OSError):  # it has ended, or is somebody else's
            if any(os.path.realpath(link) == target for link in (process / "fd").iterdir()):
                users.add(f"{(process / 'comm').read_text().strip()} (process {process.name})")
    return sorted(users)


def _is_raspberry_pi() -> bool:
    with suppress(OSError):
        return "raspberry pi" in Path("/proc/device-tree/model").read_text().lower()
    return False


def _is_container() -> bool:
    return Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()
