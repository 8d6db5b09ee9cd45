"""What siffra leaves alone in the process, on the disk and on the network of its host.

Each test runs a program of its own, in which every warning is an error.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

import siffra
from tests.conftest import ROOT

PACKAGE = Path(siffra.__file__).parents[1]
USE = """
    import siffra, siffra.check
    reader = siffra.Reader()
    assert_is(reader.read(SINGLE).text, "3")
    assert_is(reader.classify(SINGLE).label, 3)
    assert_is([each.passed for each in siffra.check.check()], [True] * 4)
"""
HOST = """
    import cv2, numpy, onnxruntime
    cv2.setNumThreads(1)
    numpy.random.seed(7)
    state()
"""
PREAMBLE = """
    import sys
    sys.path.insert(0, {package!r})
    SINGLE = {single!r}

    def assert_is(value, expected):  # without assert, which -O takes out
        if value != expected:
            raise SystemExit(f"{{value!r}} is not {{expected!r}}")
"""
STATE = '''
    import decimal, faulthandler, gc, locale, logging, multiprocessing, os, random, signal
    import socket, threading, warnings

    def logged():
        """Who listens to which logger from which level on."""
        loggers = [logging.root, *map(logging.getLogger, sorted(logging.root.manager.loggerDict))]
        return [(each.name, each.level, list(each.handlers), list(each.filters), each.disabled,
                 each.propagate) for each in loggers]

    def descriptors():
        return sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None

    def mask():
        now = os.umask(0)
        os.umask(now)
        return now

    def libraries():
        """What a host may have set in NumPy and OpenCV, where it has loaded them."""
        if "numpy" not in sys.modules or "cv2" not in sys.modules:
            return None
        import cv2, numpy
        level = getattr(cv2, "getLogLevel", None) or cv2.utils.logging.getLogLevel
        options = {name: str(value) for name, value in numpy.get_printoptions().items()}
        return (numpy.geterr(), options, str(numpy.random.get_state()), cv2.getNumThreads(),
                cv2.useOptimized(), cv2.ocl.useOpenCL(), level())

    def state():
        """All that a host may have set, and would miss."""
        return {
            "environment": dict(os.environ), "arguments": list(sys.argv),
            "directory": os.getcwd(), "umask": mask(), "descriptors": descriptors(),
            "search path": list(sys.path), "finders": list(map(str, sys.meta_path)),
            "path hooks": len(sys.path_hooks), "streams": [sys.stdin, sys.stdout, sys.stderr],
            "exception hooks": [sys.excepthook, sys.unraisablehook, threading.excepthook],
            "display hook": sys.displayhook, "trace": [sys.gettrace(), sys.getprofile()],
            "recursion": sys.getrecursionlimit(), "switching": sys.getswitchinterval(),
            "locale": locale.setlocale(locale.LC_ALL), "filters": list(warnings.filters),
            "showing": warnings.showwarning, "loggers": logged(), "random": random.getstate(),
            "signals": list(map(signal.getsignal, sorted(signal.valid_signals()))),
            "faulthandler": faulthandler.is_enabled(), "decimals": str(decimal.getcontext()),
            "collector": [gc.isenabled(), gc.get_threshold()],
            "processes": multiprocessing.get_start_method(allow_none=True),
            "timeout": socket.getdefaulttimeout(), "libraries": libraries(),
            "threads": sorted(map(str, threading.enumerate())),
            "tasks": len(os.listdir("/proc/self/task")) if os.path.isdir("/proc") else None,
        }

    def changes(before):
        after = state()
        return {key: [before[key], after[key]] for key in before if before[key] != after[key]}
'''


def run(
    *parts: str,
    single: Path,
    options: tuple[str, ...] = ("-W", "error"),
    environment: dict[str, str] | None = None,
    directory: Path | None = None,
    prefix: tuple[str, ...] = (),
) -> subprocess.CompletedProcess[str]:
    """Run a program; it must end well. Without `environment` it has this process's own."""
    preamble = PREAMBLE.format(package=str(PACKAGE), single=str(single))
    code = "\n".join(map(dedent, (preamble, *parts)))
    own = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run(
        [*prefix, sys.executable, *options, "-c", code],
        env=own if environment is None else {**own, **environment},
        cwd=directory, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def prints_nothing(done: subprocess.CompletedProcess[str]) -> bool:
    return (done.stdout, done.stderr) == ("", "")


@pytest.fixture
def single(examples: dict[Path, str]) -> Path:
    return next(path for path, text in examples.items() if text == "3")


def test_importing_changes_nothing(single: Path) -> None:
    """Nothing that a host could notice, and nothing heavy is loaded."""
    done = run(
        STATE,
        """
        loaded, before = set(sys.modules), state()
        import siffra
        assert_is(changes(before), {})
        new = {name.partition(".")[0] for name in set(sys.modules) - loaded}
        assert_is(new & {"cv2", "numpy", "onnxruntime", "socket", "ssl", "asyncio"}, set())
        """,
        single=single,
    )
    assert prints_nothing(done)


def test_every_module_can_be_imported_without_a_change(single: Path) -> None:
    """Those that need an extra too: where it is missing, they say so."""
    done = run(
        STATE,
        HOST,
        """
        import importlib, pkgutil, siffra
        import starlette.applications, uvicorn, uvicorn.protocols.http.h11_impl
        names = [each.name for each in pkgutil.walk_packages(siffra.__path__, "siffra.")]
        names = [name for name in names if not name.endswith(("__main__", ".plot"))]
        before = state()
        for name in names:
            importlib.import_module(name)
        assert_is(len(names) > 40, True)
        assert_is(changes(before), {})
        """,
        single=single,
        environment={"ORT_DISABLE_TELEMETRY": "1"},
    )
    assert prints_nothing(done)


def test_reading_changes_nothing(single: Path) -> None:
    """No thread is left, no handle, no setting of NumPy's, OpenCV's or Python's."""
    done = run(
        STATE,
        HOST,
        "before = state()",
        USE,
        "assert_is(changes(before), {})",
        single=single,
        environment={"ORT_DISABLE_TELEMETRY": "1"},
    )
    assert prints_nothing(done)


@pytest.mark.parametrize("chosen", [None, "0"], ids=["unset", "the host's choice"])
def test_the_first_reader_sets_one_variable(chosen: str | None, single: Path) -> None:
    environment = {} if chosen is None else {"ORT_DISABLE_TELEMETRY": chosen}
    done = run(
        "import os, cv2, numpy\nbefore = dict(os.environ)",
        USE,
        "print({name: v for name, v in os.environ.items() if before.get(name) != v})",
        single=single,
        environment=environment,
    )
    assert done.stdout.strip() == str({"ORT_DISABLE_TELEMETRY": "1"} if chosen is None else {})


def test_nothing_is_written_and_no_network_asked_for(single: Path, tmp_path: Path) -> None:
    """Python's own account of it: whatever would open a file for writing or a socket raises.

    Without siffra's word to it, onnxruntime 1.31 keeps a data base in the cache folder and a file
    in the temporary one, for what it means to report.
    """
    places = {name: tmp_path / name for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "here")}
    for place in places.values():
        place.mkdir()
    done = run(
        '''
        import os
        FORBIDDEN = ("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "webbrowser.",
                     "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn",
                     "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink",
                     "os.chmod", "os.truncate", "shutil.", "tempfile.", "pickle.")
        WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC

        def watch(event, arguments):
            """Refuse what reading a picture has no need of."""
            if event == "open":
                name, mode, flags = arguments
                if set(mode or "") & set("wax+") or flags & WRITING:
                    raise RuntimeError(f"{name} is opened to write ({mode}, {flags})")
            elif event.startswith(FORBIDDEN):
                raise RuntimeError(f"{event} {arguments}")

        sys.addaudithook(watch)
        ''',
        USE,
        single=single,
        options=("-W", "error", "-B"),
        environment={name: str(place) for name, place in places.items()},
        directory=places["here"],
    )
    assert prints_nothing(done)
    assert sorted(tmp_path.rglob("*")) == sorted(places.values())


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_the_system_is_asked_for_no_network_and_no_file_to_write(
    single: Path, tmp_path: Path
) -> None:
    """The kernel's account of it, of native code too, from the start of the interpreter on."""
    calls = "network,open,openat,creat,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat"
    trace = tmp_path / "trace"
    prefix = ("strace", "-f", "-qq", "-o", str(trace), "-e", f"trace={calls}")
    allowed = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    if allowed.returncode:
        pytest.skip("strace may not trace here")
    run(USE, single=single, options=("-W", "error", "-B"), prefix=prefix)
    lines = trace.read_text(errors="replace").splitlines()
    assert any(str(single) in line for line in lines)
    reading = [line for line in lines if "open" in line and "O_RDONLY" in line]
    assert [line for line in lines if line not in reading and "/dev/null" not in line] == []


@pytest.mark.parametrize(
    "options",
    [
        ("-O",),
        ("-OO",),
        ("-I", "-W", "error"),
        ("-bb", "-W", "error"),
        ("-X", "dev", "-W", "error"),
    ],
    ids=" ".join,
)
def test_it_works_however_python_is_started(options: tuple[str, ...], single: Path) -> None:
    """Without assertions and docstrings, alone, strict about bytes, and in development mode."""
    assert prints_nothing(run(USE, single=single, options=options))


def test_warnings_are_none_where_the_environment_makes_them_errors(single: Path) -> None:
    done = run(USE, single=single, options=(), environment={"PYTHONWARNINGS": "error"})
    assert prints_nothing(done)


def test_the_command_keeps_to_its_two_streams(single: Path, tmp_path: Path) -> None:
    """The result on the one, nothing on the other, no file anywhere."""
    code = f"import sys\nsys.path.insert(0, {str(PACKAGE)!r})\nfrom siffra.cli import main\n"
    for arguments, shown in ((["read", str(single)], "3\n"), (["check", "--json"], None)):
        done = subprocess.run(
            [sys.executable, "-OO", "-B", "-c", f"{code}sys.exit(main({arguments!r}))"],
            env={**os.environ, "HOME": str(tmp_path / "missing"), "PYTHONWARNINGS": "error"},
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == shown if shown else len(json.loads(done.stdout)) == 4
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("why", "cure"),
    [
        ("numpy.core.multiarray failed to import", "numpy<2"),
        ("libGL.so.1: cannot open shared object file", "siffra[headless]"),
    ],
)
def test_an_opencv_of_the_host_that_does_not_load_says_what_would_help(
    why: str, cure: str, single: Path, tmp_path: Path
) -> None:
    (tmp_path / "cv2.py").write_text(f"raise ImportError({why!r})")
    done = run(
        f"sys.path.insert(0, {str(tmp_path)!r})",
        """
        import siffra
        try:
            siffra.Reader().read(SINGLE)
        except siffra.DependencyError as error:
            print(error)
        """,
        single=single,
    )
    (line,) = done.stdout.splitlines()
    assert why in line
    assert cure in line


def test_no_file_is_read_that_could_run_code() -> None:
    """What lets NumPy, Keras or PyTorch unpickle; imports of pickle and its like ruff refuses."""
    unsafe = {"allow_pickle": True, "safe_mode": False, "weights_only": False}
    sources = [*PACKAGE.glob("siffra/**/*.py")]
    sources += [path for stage in ("train", "export") for path in (ROOT / stage).rglob("*.py")]
    assert len(sources) > 80
    found = [
        (path.name, node.lineno)
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if isinstance(keyword.value, ast.Constant)
        and keyword.value.value is unsafe.get(keyword.arg or "", ...)
    ]
    assert found == []
