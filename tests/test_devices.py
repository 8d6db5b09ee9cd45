"""What a machine says of its cameras, played by files and fake devices where it has none."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from siffra import CameraError, devices
from siffra.frames import open_frames

linux = pytest.mark.skipif(sys.platform != "linux", reason="asks devices of Linux")


class Ioctl:
    """Answers VIDIOC_QUERYCAP as drivers do."""

    def __init__(self, gives_pictures: bool) -> None:
        self.capabilities = 0x80000000 | (1 if gives_pictures else 0x00800000)

    def __call__(self, opened: int, request: int, data: bytes) -> bytes:
        assert request == 0x80685600
        assert len(data) == 104
        whole, node = 0x80A00001, self.capabilities & 0x7FFFFFFF
        return struct.pack("16s32s32sIII12x", b"uvcvideo", b"HD Webcam", b"usb-1", 6, whole, node)


class Closed:
    """A capture that does not open."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def isOpened(self) -> bool:  # noqa: N802, OpenCV's name
        return False

    def release(self) -> None:
        """Do nothing."""


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A device that OpenCV does not open."""
    monkeypatch.setattr(cv2, "VideoCapture", Closed)
    path = tmp_path / "video0"
    path.touch()
    return path


@linux
def test_a_camera_in_use_names_the_program(device: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fcntl.ioctl", Ioctl(gives_pictures=True))
    program = "import sys; it = open(sys.argv[1]); print(flush=True); input()"
    user = subprocess.Popen(
        [sys.executable, "-c", program, device], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert user.stdout is not None
        user.stdout.readline()
        said = devices.why_not(str(device))
    finally:
        user.kill()
        user.communicate()
    assert "is in use by python" in said
    assert f"(process {user.pid})" in said


@linux
def test_a_node_that_gives_no_pictures_is_told_from_a_camera(
    device: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fcntl.ioctl", Ioctl(gives_pictures=False))
    assert "HD Webcam but gives no pictures" in devices.why_not(str(device))
    monkeypatch.setattr("fcntl.ioctl", Ioctl(gives_pictures=True))
    assert "(HD Webcam) does not open" in devices.why_not(str(device))


@linux
def test_what_is_no_camera_is_named(device: Path) -> None:
    assert "is not a camera" in devices.why_not(str(device))
    with pytest.raises(CameraError, match="there is no /dev/video97; siffra cameras lists"):
        open_frames(97)


@linux
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may do anything")
def test_a_camera_without_permission_says_how_to_get_it(device: Path) -> None:
    device.chmod(0)
    assert "sudo usermod -aG video" in devices.why_not(str(device))


def test_cameras_are_listed_with_size_rate_and_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    class Webcam(Closed):
        def isOpened(self) -> bool:  # noqa: N802, OpenCV's name
            return self.arguments[0] in (0, 2)

        def set(self, number: int, value: float) -> bool:
            return True

        def get(self, number: int) -> float:
            return 30.0

        def getBackendName(self) -> str:  # noqa: N802, OpenCV's name
            return "DSHOW"

        def read(self) -> tuple[bool, Any]:
            return True, np.zeros((480, 640, 3), np.uint8)

    monkeypatch.setattr(cv2, "VideoCapture", Webcam)
    monkeypatch.setattr(sys, "platform", "win32")
    found = devices.cameras()
    assert [(each.number, each.width, each.height, each.fps) for each in found] == [
        (0, 640, 480, 30.0),
        (2, 640, 480, 30.0),
    ]
    assert found[0].driver == "dshow"


@pytest.mark.parametrize(
    ("platform", "says"), [("darwin", "Privacy"), ("win32", "DirectShow"), ("linux", "usermod")]
)
def test_hints_fit_the_system(platform: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert any(says in hint for hint in devices.hints())


def test_the_command_lists_cameras_or_says_what_helps() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "siffra", "cameras"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    found = json.loads(
        subprocess.run(
            [sys.executable, "-m", "siffra", "cameras", "--json"],
            capture_output=True, text=True, timeout=60, check=False,
        ).stdout
    )  # fmt: skip
    assert found["hints"]
    usable = [one for one in found["cameras"] if one["problem"] is None]
    assert done.returncode == (0 if usable else 1)
    assert bool(usable) or found["hints"][0] in done.stdout
