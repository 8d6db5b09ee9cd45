"""The command line, as a user runs it: in a process of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.scenes import draw_scene
from siffra import contract
from siffra.network import released
from tests.drawing import Pixels, blank, cross

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-W", "error", "-m", "siffra"]


def siffra(
    *arguments: object, stdin: bytes = b"", status: int = 0
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin, capture_output=True, check=False, timeout=60, cwd=ROOT,
    )  # fmt: skip
    result = subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    return result


def png(picture: Pixels) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


@pytest.fixture
def single(examples: dict[Path, str]) -> Path:
    return next(path for path, text in examples.items() if len(text) == 1)


def test_reading_the_examples_prints_the_right_numbers(examples: dict[Path, str]) -> None:
    output = siffra("read", "examples/").stdout
    for path, text in examples.items():
        shown = f"\n    {text}".replace("\n", "\n    ") if "\n" in text else f": {text}"
        assert f"examples/{path.name}{shown}\n".replace("\n        ", "\n    ") in output


def test_a_single_picture_gives_the_bare_text(examples: dict[Path, str]) -> None:
    path, text = next(iter(examples.items()))
    assert siffra("read", path).stdout == f"{text}\n"
    assert siffra("read", "-", stdin=path.read_bytes()).stdout == f"{text}\n"


def test_words_are_parted_by_spaces_and_lines_indented(tmp_path: Path) -> None:
    scene = draw_scene(["40 718", "325"], size=(300, 400), seed=4)
    for name in ("one.png", "two.png"):
        (tmp_path / name).write_bytes(png(scene.image))
    assert siffra("read", tmp_path / "one.png").stdout == "40 718\n325\n"
    lines = siffra("read", tmp_path).stdout.splitlines()
    assert lines[1:3] == ["    40 718", "    325"]


def test_what_resembles_no_digit_is_not_printed() -> None:
    page = blank(200, 400)
    cross(page, 60, 70)
    cross(page, 130, 70)
    assert siffra("read", "-", stdin=png(page)).stdout == "no digits\n"


def test_json_lines_for_read_and_classify(examples: dict[Path, str], single: Path) -> None:
    lines = siffra("read", "--jsonl", *examples).stdout.splitlines()
    documents = [json.loads(line) for line in lines]
    assert {Path(d["source"]): d["text"] for d in documents} == examples
    assert list(documents[0]) == ["source", "text", "rotation", "digits", "timings"]
    assert list(documents[0]["digits"][0]) == ["label", "confidence", "accepted", "reason", "box"]

    (document,) = json.loads(siffra("classify", "--json", single).stdout)
    assert {"source", "label", "confidence", "accepted", "reason", "probabilities"} <= set(document)
    assert str(document["label"]) == examples[single]
    assert len(document["probabilities"]) == 10


def test_json_lines_are_streamed(examples: dict[Path, str]) -> None:
    path, text = next(iter(examples.items()))
    arguments = [*COMMAND, "read", "--jsonl", str(path), "-"]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["text"] == text
        process.stdin.write(path.read_bytes())
        process.stdin.close()
        assert json.loads(process.stdout.readline())["text"] == text
    assert process.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs the pipes of a Unix shell")
def test_a_pipe_of_the_shell_is_read_and_one_that_lies_about_is_not_waited_for(
    single: Path, tmp_path: Path
) -> None:
    fifo = tmp_path / "never.png"
    os.mkfifo(fifo)
    assert "is a pipe" in siffra("read", fifo, status=1).stderr
    with subprocess.Popen(["cat", single], stdout=subprocess.PIPE) as cat:
        assert cat.stdout is not None
        handle = cat.stdout.fileno()
        arguments = [*COMMAND, "read", f"/dev/fd/{handle}"]
        done = subprocess.run(
            arguments, pass_fds=[handle], capture_output=True, text=True, check=True, timeout=60
        )
    assert done.stdout == "3\n"


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(single: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    truncated = tmp_path / "truncated.png"
    truncated.write_bytes(single.read_bytes()[:2000])
    bad = ["missing.png", "pyproject.toml", empty, "no*match.png", "a" * 300, "", truncated]
    sources = [*bad, single]
    done = siffra("classify", *sources, status=1)
    assert len(done.stdout.splitlines()) == 1
    assert len(done.stderr.splitlines()) == len(bad)
    assert all(line.startswith("siffra: ") for line in done.stderr.splitlines())

    done = siffra("classify", "--jsonl", *sources, status=1)
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert [document["source"] for document in documents] == list(map(str, sources))
    assert ["error" in document for document in documents] == [True] * len(bad) + [False]
    assert done.stderr == ""


def test_patterns_and_folders_are_expanded(examples: dict[Path, str], tmp_path: Path) -> None:
    nested = tmp_path / "a" / "b"
    nested.mkdir(parents=True)
    for number, path in enumerate(examples):
        shutil.copy(path, nested / f"{number:02}{path.suffix}")
    (nested / "notes.txt").write_text("no picture")
    (nested / ".hidden.png").write_text("no picture")
    assert len(siffra("read", "--jsonl", tmp_path).stdout.splitlines()) == len(examples)
    matched = siffra("read", "--jsonl", tmp_path / "**" / "0*.jpg").stdout.splitlines()
    assert len(matched) == len(list(nested.glob("0*.jpg")))


def test_saved_overlays_do_not_overwrite_one_another(single: Path, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        shutil.copy(single, tmp_path / folder / "digit.png")
    saved = tmp_path / "new" / "folder"
    siffra("classify", tmp_path / "one", tmp_path / "two", "--save", saved)
    assert sorted(path.name for path in saved.iterdir()) == [
        "digit-2.classify.png",
        "digit.classify.png",
    ]
    overlay = cv2.imread(str(saved / "digit.classify.png"))
    assert overlay is not None
    assert np.ptp(overlay) > 100


def test_saved_overlays_are_not_read_in_their_turn(single: Path, tmp_path: Path) -> None:
    shutil.copy(single, tmp_path / "digit.png")
    for source in (tmp_path, tmp_path / "*.png"):
        for _ in range(2):
            done = siffra("classify", "--jsonl", source, "--save", tmp_path)
            assert len(done.stdout.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digit.classify.png", "digit.png"]


def test_a_reading_that_cannot_be_saved_is_printed(
    single: Path, examples: dict[Path, str], tmp_path: Path
) -> None:
    named = tmp_path / ("a" * 246 + single.suffix)  # with .classify.png it is too long
    shutil.copy(single, named)
    done = siffra("classify", named, "--save", tmp_path / "saved", status=1)
    assert done.stdout.startswith(examples[single])
    assert "cannot be saved" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_explanation_is_saved_beside_what_is_printed(
    examples: dict[Path, str], tmp_path: Path
) -> None:
    path, text = next(iter(examples.items()))
    saved = tmp_path / "new" / "folder"
    done = siffra("read", path, path, "--explain", saved, "--save", saved, "--jsonl")
    assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == [text] * 2
    names = [f"{path.stem}{end}" for end in ("-explained.png", "-2-explained.png")]
    names += [f"{path.stem}{end}" for end in (".read.png", "-2.read.png")]
    assert sorted(file.name for file in saved.iterdir()) == sorted(names)
    explained, overlay = (cv2.imread(str(saved / name)) for name in (names[0], names[2]))
    assert explained is not None
    assert overlay is not None
    assert explained.shape[0] > 2 * overlay.shape[0]  # the overlay, the ink and the digits

    done = siffra("read", "-", "--explain", saved, stdin=path.read_bytes())
    assert done.stdout == f"{text}\n"
    assert (saved / "stdin-explained.png").is_file()


def test_explanations_are_not_read_in_their_turn(single: Path, tmp_path: Path) -> None:
    shutil.copy(single, tmp_path / "digit.png")
    for source in (tmp_path, tmp_path / "*.png"):
        for _ in range(2):
            done = siffra("read", "--jsonl", source, "--explain", tmp_path)
            assert len(done.stdout.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digit-explained.png", "digit.png"]


def test_what_cannot_be_explained_is_printed(
    single: Path, examples: dict[Path, str], tmp_path: Path
) -> None:
    saved = tmp_path / "saved"
    assert siffra("read", "-", "--explain", saved, stdin=png(blank(50, 50))).stdout == "no digits\n"
    done = siffra("read", "missing.png", single, "--explain", saved, "--json", status=1)
    assert ["error" in document for document in json.loads(done.stdout)] == [True, False]
    assert sorted(path.name for path in saved.iterdir()) == [
        f"{single.stem}-explained.png",
        "stdin-explained.png",
    ]
    named = tmp_path / ("a" * 250 + single.suffix)  # with what is added, both names are too long
    shutil.copy(single, named)
    done = siffra("read", named, "--explain", saved, "--save", saved, status=1)
    assert done.stdout == f"{examples[single]}\n"
    assert [line.count("cannot be saved") for line in done.stderr.splitlines()] == [1, 1]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["read"],
        ["read", "x.png", "--threshold", "2"],
        ["read", "x.png", "--threshold", "much"],
        ["read", "x.png", "--json", "--jsonl"],
        ["write", "x.png"],
        ["read", "x.png", "--model", "lenet"],
        ["read", "x.png", "--model", "a" * 300],
        ["read", "x.png", "--save", "README.md"],
        ["read", "x.png", "--explain", "README.md"],
        ["classify", "x.png", "--explain", "seen"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    stderr = siffra(*arguments, status=2).stderr
    assert "usage: siffra" in stderr or len(stderr.splitlines()) == 1
    assert "_" not in stderr.replace("__", "")


def test_an_unknown_model_names_the_known_ones(single: Path) -> None:
    done = siffra("read", "--model", "lenet", single, status=2)
    assert ", ".join(released()) in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_unsure_digit_says_what_it_might_be(single: Path, examples: dict[Path, str]) -> None:
    output = siffra("classify", "--threshold", "1", single, status=0).stdout
    assert examples[single] in output
    encoded = png(blank(50, 50))
    assert siffra("classify", "-", stdin=encoded).stdout == "?  blank\n"
    assert siffra("read", "-", stdin=encoded).stdout == "no digits\n"


def test_a_closed_pipe_ends_quietly(examples: dict[Path, str]) -> None:
    sources = [str(path) for path in examples] * 5
    with subprocess.Popen(
        [*COMMAND, "read", "--jsonl", *sources], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
def test_a_full_disk_is_one_line(single: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "read", str(single)], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"siffra: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell to close a stream")
def test_closed_streams_do_no_harm(single: Path) -> None:
    command = f"{sys.executable} -m siffra read"
    many = f"{single} " * 12
    for line, status in (
        (f"{command} {single} >&-", 0),
        (f"{command} - <&-", 1),
        (f"{command} {many} 2>&-", 0),
    ):
        done = subprocess.run(line, shell=True, cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == status
        assert b"Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are Linux's")
def test_a_name_that_is_no_text_is_read(single: Path, tmp_path: Path) -> None:
    name = bytes(tmp_path / "bad-") + b"\xff.png"
    Path(os.fsdecode(name)).write_bytes(single.read_bytes())
    done = subprocess.run(
        [*COMMAND, "read", name, str(single)], capture_output=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_bar_shows_progress_on_a_terminal_alone(examples: dict[Path, str]) -> None:
    import pty

    sources = [str(path) for path in examples]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "read", *sources], stdout=subprocess.DEVNULL, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while chunk := os.read(ours, 4096):
                shown += chunk
        except OSError:  # Linux's way of saying that the other end is closed
            pass
    os.close(ours)
    assert process.returncode == 0
    # Drawn before the first picture and after each; cleared just before a result is printed, so
    # that it is there while the next one is read; gone at the end.
    states = shown.replace(b"\r\x1b[2K", b"|").split(b"\r")
    bars = [f"{done}/{len(sources)}".encode() for done in range(len(sources) + 1)]
    assert len(states) == len(bars) + 1
    assert all(bar in state for bar, state in zip(bars, states[1:], strict=True))
    assert all(state.endswith(b"|") for state in states[1:])
    assert siffra("read", *sources).stderr == ""


def test_info_names_versions_and_models() -> None:
    output = siffra("info").stdout
    facts = json.loads(siffra("info", "--json").stdout)
    for name in ("siffra", "python", "numpy", "onnxruntime", "opencv"):
        assert facts["versions"][name] in output
    assert [model["name"] for model in facts["models"]] == list(released())
    assert all(model["accuracy"] > 0.99 for model in facts["models"])
    default = [line.split()[0] for line in output.splitlines() if line.endswith("(default)")]
    assert default == [contract.DEFAULT_MODEL]
    assert [model["name"] for model in facts["models"] if model["default"]] == default
    for model in facts["models"]:
        assert model["recipe"]["recipe"] == model["name"].removesuffix("-int8")


def test_help_names_every_command() -> None:
    output = siffra("--help").stdout
    assert all(command in output for command in ("read", "classify", "info", "check"))
    assert siffra("--version").stdout.startswith("siffra 0.")


def test_the_limit_of_pixels_can_be_set(single: Path) -> None:
    done = siffra("read", "--max-pixels", 1000, single, status=1)
    assert "128x128 pixels, more than 1,000" in done.stderr
    assert siffra("read", "--max-pixels", "2e4", single).stdout == "3\n"
    assert "from 1 to 1e+12" in siffra("read", "--max-pixels", 0, single, status=2).stderr
