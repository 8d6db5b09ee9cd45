"""Reads millions of pictures on all cores of one machine or of many, with Ray Data.

    python examples/bulk_ray.py scans/ readings/
    python examples/bulk_ray.py 'tables/*.parquet' readings/ --column image --id path

In go pictures (a folder with all below it, a pattern, a file), or Parquet files with a column of
encoded pictures, plain or as the `bytes` of a struct. Out comes a folder of Parquet files, to be
read as one table of `READING`; a picture that cannot be read is a row with its `error`.

End it as you like, start it again with the same words, and it goes on. The input is listed once,
into parts; a worker reads a part into a file that gets its name when it is whole. What has its name
is done: nothing is torn, none is there twice, and read again is only a part that was cut short.
Pictures that come later want a folder of readings of their own, since the list stays as it is.

Each worker holds a picture, `_ROWS` readings and the names of one part; of a table `_CELLS`
pictures, and each row group is a part. On a cluster every machine needs siffra, and the same files
under the same names.

Ray's own checkpoints would need an id for each row, hold all of them in memory and read all the
pictures again, only to drop those that are done (github.com/ray-project/ray/issues/65891).
"""

import argparse
import glob
import hashlib
import json
import logging
import os
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from siffra import ImageError, Reader, SiffraError, __version__
from siffra.arguments import ROTATIONS, add_reader
from siffra.files import leftovers, replacing
from siffra.network import released
from siffra.sources import SUFFIXES

_ROWS = 1000  # that are written at once
_CELLS = 64  # of a table, read at once
_TRIES = 3  # of a part whose process dies; Ray itself would try for ever
_SETTINGS, _PARTS = "_settings.json", "_parts.parquet"  # "_": readers of Parquet pass them over

_DIGIT = {
    "label": pa.int8(),  # null unless accepted
    **{"confidence": pa.float32(), "accepted": pa.bool_(), "reason": pa.string()},
    "box": pa.list_(pa.int32()),  # x, y, width, height
}
_STAGES = ("decode_ms", "locate_ms", "cells_ms", "inference_ms", "total_ms")
READING = pa.schema(
    {
        "id": pa.string(),  # the path; in a table, what --id names, or else FILE#ROW
        "bytes": pa.int64(),  # of the encoded picture
        "error": pa.string(),  # why it cannot be read; if so, the next four are null
        "text": pa.string(),  # as `siffra read --json` has it, like the next three
        "rotation": pa.int16(),
        "digits": pa.list_(pa.struct(_DIGIT)),
        "timings": pa.struct([(stage, pa.float32()) for stage in _STAGES]),
        **{"model": pa.string(), "model_version": pa.string(), "model_sha256": pa.string()},
    }
)

_Source: TypeAlias = dict[str, Any]
_SOURCE = pa.schema({"path": pa.binary(), "group": pa.int32(), "first": pa.int64()})
"""A picture's file, or a row group of a table and the number of its first row."""


class Worker:
    """Reads parts in a process of its own, with a reader that is made once.

    Args:
        out: The folder of readings.
        settings: What `_SETTINGS` in it holds.
    """

    def __init__(self, out: Path, settings: dict[str, Any]) -> None:
        import cv2

        cv2.setNumThreads(1)  # there is a process for each core already
        pa.set_cpu_count(1)
        self._out, self._settings = out, settings
        self._reader = Reader(settings["model"], threshold=settings["threshold"])
        self._model = identity(self._reader)
        if self._model != settings["identity"]:
            raise RuntimeError(f"{self._reader.model} is not the model that the run began with")
        self._parts = pq.ParquetFile(out / _PARTS)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """Read the part that has this number; return how much it held, or why it stays unread."""
        (part,) = map(int, batch["part"])
        said: dict[str, list[Any]] = {
            "pictures": [0],
            "errors": [0],
            "failed": [""],
            "unread": [""],
        }
        if len(list(self._out.glob(f".{_file(self._out, part).stem}-*"))) >= _TRIES:
            said["unread"] = [f"part {part} of {_PARTS}: a picture in it ends the process"]
            return said
        try:
            pictures, errors = self._read(part)
        except OSError as error:  # of which Ray would make a page
            return said | {"failed": [str(error)]}
        return said | {"pictures": [pictures], "errors": [errors]}

    def _read(self, part: int) -> tuple[int, int]:
        """Read a part into its file; return how many pictures it held, and how many unreadable.

        Raises:
            OSError: The file cannot be written.
        """
        sources = self._parts.read_row_group(part).to_pylist()
        rows = (self._row(*picture) for source in sources for picture in self._pictures(source))
        pictures = errors = 0
        with (
            replacing(_file(self._out, part)) as temporary,
            pq.ParquetWriter(temporary, READING) as writer,
        ):
            while block := list(islice(rows, _ROWS)):
                writer.write_table(pa.Table.from_pylist(block, READING))
                pictures += len(block)
                errors += sum("error" in row for row in block)
        return pictures, errors

    def _pictures(self, source: _Source) -> Iterator[tuple[str, bytes | Exception]]:
        """Yield the pictures of a source with their ids; in place of what cannot be had, why."""
        path = os.fsdecode(source["path"])
        name = path.encode(errors="backslashreplace").decode()  # a name may not be Unicode
        column, key = self._settings["column"], self._settings["id"]
        try:
            if source["group"] is None:
                yield name, Path(path).read_bytes()
                return
            # Arrow would hold the whole row group, unless told to read piece by piece.
            with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file:
                columns = [column, key] if key else [column]
                batches = file.iter_batches(_CELLS, [source["group"]], columns)
                rows = (row for batch in batches for row in batch.to_pylist())
                for number, row in enumerate(rows, source["first"]):
                    cell = row[column]["bytes"] if isinstance(row[column], dict) else row[column]
                    lacking = ImageError("its row holds no encoded picture")
                    data = cell if isinstance(cell, bytes) else lacking
                    yield str(row[key]) if key else f"{name}#{number}", data
        except (OSError, pa.ArrowException) as error:
            yield name, error

    def _row(self, name: str, data: bytes | Exception) -> dict[str, Any]:
        row: dict[str, Any] = {"id": name, **self._model}
        if isinstance(data, Exception):
            return {**row, "error": str(data)}
        row["bytes"] = len(data)
        try:
            reading = self._reader.read(data, rotate=ROTATIONS[self._settings["rotate"]])
        except (ImageError, MemoryError) as error:
            return {**row, "error": str(error)}
        return {**row, **reading.to_dict()}


def identity(reader: Reader) -> dict[str, str]:
    """Return which model reads, as columns of `READING`."""
    name, version = reader.metadata["name"], reader.metadata["version"]
    digest = hashlib.sha256(reader.model.read_bytes()).hexdigest()
    return {"model": name, "model_version": version, "model_sha256": digest}


def _file(out: Path, part: int) -> Path:
    return out / f"part-{part:07}.parquet"


def listed(options: argparse.Namespace) -> Iterator[list[_Source]]:
    """Yield what each part is made of: so many pictures, or a row group of a table."""
    pictures: list[_Source] = []
    for path in _files(Path(options.source), options.out):
        source = {"path": os.fsencode(path.absolute()), "group": None, "first": 0}
        if path.suffix.lower() == ".parquet":
            with pq.ParquetFile(path) as file:
                there = file.schema_arrow.names
                if not {options.column, options.id or options.column} <= set(there):
                    raise ValueError(f"{path}: has columns {there}; see --column and --id")
                for group in range(file.num_row_groups):
                    yield [{**source, "group": group}]
                    source["first"] += file.metadata.row_group(group).num_rows
            continue
        pictures.append(source)
        if len(pictures) == options.batch_size:
            yield pictures
            pictures = []
    if pictures:
        yield pictures


def _files(source: Path, out: Path) -> Iterator[Path]:
    """Yield pictures and tables, folder by folder, so that their names need not all be held."""

    def stop(error: OSError) -> None:
        raise error

    if not source.is_dir():
        found = [source] if source.exists() else map(Path, glob.iglob(str(source), recursive=True))
        yield from (path for path in found if path.is_file())
        return
    for folder, folders, names in os.walk(source, onerror=stop):
        folders[:] = sorted(name for name in folders if Path(folder, name).resolve() != out)
        for path in (Path(folder, name) for name in sorted(names) if not name.startswith(".")):
            if path.suffix.lower() in (*SUFFIXES, ".parquet"):
                yield path


def prepare(options: argparse.Namespace) -> tuple[dict[str, Any], int]:
    """Begin a folder of readings, or make sure that one is of this very run.

    Returns:
        The settings, and how many parts there are.

    Raises:
        ValueError: The folder holds something else, or there is nothing to read.
    """
    out: Path = options.out
    model = options.model if options.model in released() else str(Path(options.model).absolute())
    settings = {
        **{"siffra": __version__, "source": str(Path(options.source).absolute()), "model": model},
        **{key: getattr(options, key) for key in ("threshold", "rotate", "column", "id")},
        "identity": identity(Reader(model, threshold=options.threshold)),
    }
    if not out.exists() and next(_files(Path(options.source), out), None) is None:
        raise ValueError(f"{options.source}: there is no picture, and no table of them")
    if out.is_file():
        raise ValueError(f"{out}: is a file; name a folder")
    out.mkdir(parents=True, exist_ok=True)
    if not any(not path.name.startswith(".") for path in out.iterdir()):
        with replacing(out / _SETTINGS) as temporary:
            temporary.write_text(json.dumps(settings, indent=2), encoding="utf-8")
    if not (out / _SETTINGS).exists():
        raise ValueError(f"{out}: holds other files; choose a new folder")
    before = json.loads((out / _SETTINGS).read_text(encoding="utf-8"))
    for key, value in settings.items():
        if before[key] != value:
            raise ValueError(
                f"{out}: holds readings of another run: its {key} is {before[key]!r}, "
                f"not {value!r}; choose a new folder"
            )
    if not (out / _PARTS).exists():
        with replacing(out / _PARTS) as temporary, pq.ParquetWriter(temporary, _SOURCE) as writer:
            for part in listed(options):
                writer.write_table(pa.Table.from_pylist(part, _SOURCE))
    with pq.ParquetFile(out / _PARTS) as file:
        if not file.num_row_groups:
            raise ValueError(f"{options.source}: there is no picture, and no table of them")
        return settings, file.num_row_groups


def read_parts(
    parts: list[int], options: argparse.Namespace, settings: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Read parts on all the cores there are; yield what the worker said of each."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else Ray reports that it is used
    import ray.data

    ray.init(address=options.address, log_to_driver=False, logging_level="error")
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False  # they count no pictures
    workers = options.concurrency or int(ray.cluster_resources()["CPU"])
    numbers = ray.data.from_items(
        [{"part": part} for part in parts], override_num_blocks=len(parts)
    )
    read = numbers.map_batches(
        Worker,
        fn_constructor_args=(options.out, settings),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=min(workers, len(parts))),
        num_cpus=1,
    )
    try:
        yield from read.iter_rows()
    finally:
        ray.shutdown()


def _count(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Read millions of pictures with Ray Data.")
    parser.add_argument("source", metavar="IN", help="folder, pattern or file")
    parser.add_argument(
        "out", metavar="OUT", type=lambda name: Path(name).resolve(), help="folder of readings"
    )
    add_reader(parser)
    parser.add_argument(
        "--rotate", choices=list(ROTATIONS), default="0", help="as siffra read has it"
    )
    parser.add_argument(
        "--column", default="image", help="of a table: the pictures; default: %(default)s"
    )
    parser.add_argument("--id", help="of a table: what names them; default: file and row")
    parser.add_argument(
        "--batch-size", type=_count, default=1000, help="pictures a part; default: %(default)s"
    )
    parser.add_argument(
        "--concurrency", type=_count, metavar="N", help="workers; default: one for each core"
    )
    parser.add_argument("--address", help="of a Ray cluster, or auto; default: this machine alone")
    options = parser.parse_args()
    try:
        settings, count = prepare(options)
    except (SiffraError, OSError, ValueError) as error:
        print(f"bulk_ray: {error}", file=sys.stderr)
        return 2
    lock = FileLock(options.out / ".lock")  # the system frees it when this process ends
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"bulk_ray: {options.out}: another run is at work in it", file=sys.stderr)
        return 2
    for path in leftovers(options.out):  # of a run that was killed
        path.unlink()
    todo = [part for part in range(count) if not _file(options.out, part).exists()]
    started, done, pictures, errors = perf_counter(), count - len(todo), 0, 0
    unread: list[str] = []
    try:
        for read in read_parts(todo, options, settings) if todo else []:
            if read["failed"]:
                print(
                    f"bulk_ray: {options.out}: {read['failed']}\n"
                    "started again with the same words, when that is mended, it goes on",
                    file=sys.stderr,
                )
                return 1
            if read["unread"]:
                unread.append(read["unread"])
                continue
            done, pictures, errors = done + 1, pictures + read["pictures"], errors + read["errors"]
            rate = pictures / (perf_counter() - started)
            print(
                f"{done} of {count} parts; {pictures} pictures, "
                f"{errors} errors, {rate:.1f} pictures a second",
                file=sys.stderr,
                end="\r" if sys.stderr.isatty() else "\n",
            )
    except KeyboardInterrupt:
        print("bulk_ray: stopped; started again with the same words it goes on", file=sys.stderr)
        return 130
    for problem in unread:
        print(f"bulk_ray: {options.out}: {problem}", file=sys.stderr)
    if unread:
        return 1
    print(f"{options.out}: {count} parts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
