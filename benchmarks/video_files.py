"""Frames as files: videos in the codecs that OpenCV's wheels write, y4m, folders of pictures."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np

from benchmarks.sensor import Pixels

CODECS: Mapping[str, str] = MappingProxyType(
    {
        "MJPG": ".avi",
        "XVID": ".avi",
        "FFV1": ".mkv",
        "mp4v": ".mp4",
        "VP80": ".webm",
        "VP90": ".webm",
        "y4m": ".y4m",
        "jpg": "",
        "png": "",
    }
)
"""The ending of the file's name; none for a folder of pictures."""


class CodecError(ValueError):
    """A video that this OpenCV cannot write; the message says in what."""


def write_video(path: Path, frames: Iterable[Pixels], rate: float, codec: str) -> Path:
    """Write frames, uint8 [H, W, 3] (BGR), with even H and W.

    Args:
        path: Where, without an ending, which the codec decides.
        frames: One at least.
        rate: Frames a second.
        codec: A name in `CODECS`.

    Returns:
        What was written: a file, or a folder of numbered pictures.

    Raises:
        CodecError: OpenCV has no encoder for it.
        OSError: The file cannot be written.
    """
    path = path.with_name(path.name + CODECS[codec])
    if codec == "y4m":
        _write_y4m(path, frames, rate)
    elif CODECS[codec]:
        _write_by_opencv(path, frames, rate, codec)
    else:
        path.mkdir(parents=True, exist_ok=True)
        for number, frame in enumerate(frames):
            _, content = cv2.imencode(f".{codec}", frame)
            (path / f"{number:05}.{codec}").write_bytes(content.tobytes())
    return path


def _write_by_opencv(path: Path, frames: Iterable[Pixels], rate: float, codec: str) -> None:
    writer = None
    for frame in frames:
        if writer is None:
            height, width = frame.shape[:2]
            code = cv2.VideoWriter.fourcc(*codec)
            writer = cv2.VideoWriter(str(path), code, rate, (width, height))
            if not writer.isOpened():
                raise CodecError(f"OpenCV {cv2.__version__} cannot write {codec} to {path}")
        writer.write(frame)
    if writer is not None:
        writer.release()


def _write_y4m(path: Path, frames: Iterable[Pixels], rate: float) -> None:
    """What Chromium takes for a camera: uncompressed, colours at half the resolution."""
    with path.open("wb") as file:
        for number, frame in enumerate(frames):
            height, width = frame.shape[:2]
            if not number:
                speed = f"F{round(1000 * rate)}:1000 Ip A1:1 C420mpeg2"
                file.write(f"YUV4MPEG2 W{width} H{height} {speed}\n".encode())
            planes = cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420)
            file.write(b"FRAME\n" + np.ascontiguousarray(planes).tobytes())
