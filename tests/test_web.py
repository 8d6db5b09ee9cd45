"""The server of the page, as programs, browsers and attackers speak to it: over sockets."""

import http.client
import json
import select
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

pytest.importorskip("starlette", reason="needs siffra[web]")
pytest.importorskip("uvicorn", reason="needs siffra[web]")

from siffra import Reader
from tests.conftest import EXAMPLES, ROOT
from tests.drawing import blank, two_lines, write
from tests.serving import Server, serving, start

TOKEN = "correct-horse-battery"
SMALL = {
    "limits": {
        "body": 200_000, "pause": 0.8, "whole": 1.0, "taken": 2, "refused": 2_000_000,
        "head": 1.0, "streams": 1, "viewers": 1,
    }
}  # fmt: skip
NOTE = EXAMPLES / "pen-two-lines.jpg"


class Answer:
    """What a server answered."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    server: Server,
    path: str,
    body: bytes | Iterator[bytes] | None = None,
    headers: dict[str, str] | None = None,
    *,
    method: str | None = None,
) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request(method or ("GET" if body is None else "POST"), path, body, headers or {})
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


def connect(server: Server, first: bytes = b"") -> socket.socket:
    raw = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    raw.sendall(first)
    return raw


def png(picture: np.ndarray[Any, Any]) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


def listen_to(server: Server, path: str) -> http.client.HTTPResponse:
    """Open a stream; the response reads on as it comes."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", path)
    response = connection.getresponse()
    assert response.status == 200
    return response


def pictures(stream: http.client.HTTPResponse) -> Iterator[np.ndarray[Any, Any]]:
    """Yield the pictures of a multipart stream, decoded."""
    while line := stream.readline():
        if line.lower().startswith(b"content-length"):
            stream.readline()
            data = np.frombuffer(stream.read(int(line.split(b":")[1])), np.uint8)
            picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
            assert picture is not None
            yield picture


def states(stream: http.client.HTTPResponse) -> Iterator[Any]:
    """Yield the states that server-sent events carry."""
    while line := stream.readline():
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One without a camera."""
    with serving(why_no_camera="no camera 0") as running:
        yield running


@pytest.fixture(scope="module")
def small() -> Iterator[Server]:
    """One that takes on little."""
    with serving(**SMALL) as running:
        yield running


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    """One that wants a token."""
    with serving(token=TOKEN) as running:
        yield running


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A folder of twelve frames: first 1, then 2, then 3."""
    for number, label in enumerate("1" * 4 + "2" * 4 + "3" * 4):
        page = blank(240, 320)
        write(page, label * 2, at=(100, 80), height=80)
        (tmp_path / f"{number:02}.png").write_bytes(png(page))
    return tmp_path


# What it answers


def test_read_answers_as_the_command_line_does(server: Server) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "siffra", "read", "--jsonl", "-"],
        input=NOTE.read_bytes(), capture_output=True, check=True, cwd=ROOT,
    )  # fmt: skip
    expected, got = json.loads(done.stdout), ask(server, "/read", NOTE.read_bytes()).json
    assert list(got) == list(expected)
    assert set(got.pop("timings")) == set(expected.pop("timings"))
    assert got == expected


def test_classify_answers_as_the_command_line_does(server: Server) -> None:
    path = EXAMPLES / "single-3-pen.png"
    done = subprocess.run(
        [sys.executable, "-m", "siffra", "classify", "--jsonl", "-"],
        input=path.read_bytes(), capture_output=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert ask(server, "/classify", path.read_bytes()).json == json.loads(done.stdout)


def test_read_turns_pictures(server: Server, reader: Reader) -> None:
    turned = png(np.ascontiguousarray(np.rot90(two_lines(), 2)))
    for how in ("180", "auto"):
        answer = ask(server, f"/read?rotate={how}", turned).json
        assert (answer["text"], answer["rotation"]) == ("40718\n325", 180)
    wrong = ask(server, "/read?rotate=45", turned)
    assert wrong.status == 400
    assert "0, 90, 180, 270 or auto, not '45'" in wrong.json["error"]


@pytest.mark.parametrize("kind", ["image/jpeg", "IMAGE/PNG; x=y", "application/octet-stream"])
def test_pictures_may_say_what_they_are(server: Server, kind: str) -> None:
    assert ask(server, "/read", NOTE.read_bytes(), {"Content-Type": kind}).status == 200


def test_a_body_in_chunks_is_read(server: Server) -> None:
    data = NOTE.read_bytes()
    chunks = (data[at : at + 5000] for at in range(0, len(data), 5000))
    assert ask(server, "/read", chunks).json["text"] == "31415\n92653"


def test_health_says_what_there_is(server: Server, reader: Reader) -> None:
    health = ask(server, "/health").json
    assert (health["status"], health["model"]) == ("ok", reader.metadata["name"])
    assert (health["camera"], health["why_no_camera"]) == (None, "no camera 0")
    for path in ("/stream", "/events"):
        answer = ask(server, path)
        assert (answer.status, answer.json) == (404, {"error": "no camera 0"})


def test_answers_come_at_once(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    spent = []
    for _ in range(20):
        started = time.perf_counter()
        connection.request("GET", "/health")
        connection.getresponse().read()
        spent.append(time.perf_counter() - started)
    connection.close()
    assert sorted(spent)[10] < 0.02  # delayed acknowledgements would take twice that


def test_a_viewers_frames_are_read_in_each_others_light(server: Server) -> None:
    frame = png(two_lines())
    texts = [ask(server, "/look?viewer=0123456789ab", frame).json["text"] for _ in range(5)]
    assert texts[0] == ""  # once is never
    assert texts[-1] == "40718\n325"
    alone = ask(server, "/look", frame).json
    assert (alone["text"], alone["width"], alone["height"]) == ("40718\n325", 420, 300)
    assert [len(line) for line in alone["lines"]] == [5, 3]
    assert ask(server, "/look?viewer=../etc", frame).status == 400


def test_a_viewers_frames_are_turned(server: Server) -> None:
    turned = png(np.ascontiguousarray(np.rot90(two_lines())))
    where = "/look?viewer=0123456789cd&rotate="
    answers = [ask(server, where + "90", turned).json for _ in range(5)]
    assert (answers[-1]["text"], answers[-1]["rotation"]) == ("40718\n325", 90)
    assert ask(server, where + "0", turned).json["text"] == ""  # begins anew


def test_no_more_viewers_are_kept_than_that(small: Server) -> None:
    frame = png(two_lines())
    alone = [ask(small, "/look?viewer=0123456789ab", frame).json["text"] for _ in range(5)]
    assert alone[-1] == "40718\n325"
    for _ in range(5):  # two take each other's place, so that each of them begins anew
        for name in ("0123456789ef", "0123456789gh"):
            assert ask(small, f"/look?viewer={name}", frame).json["text"] == ""


# What it refuses


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "the body is empty"),
        (b"hello", 400, "not a picture"),
        (b"%PDF-1.7 ...", 400, "render its pages"),
        (b"\0\0\0\x18ftypheic....", 400, "HEIC"),
        (b"\x89PNG\r\n\x1a\n", 400, "damaged"),
        (NOTE.read_bytes()[:2000], 400, "damaged"),
    ],
)
def test_what_is_no_picture_is_refused(server: Server, body: bytes, status: int, said: str) -> None:
    for path in ("/read", "/classify", "/look"):
        answer = ask(server, path, body)
        assert answer.status == status
        assert said in answer.json["error"]


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/json",
        "text/html",
        "text/plain",
    ],
)
def test_what_says_that_it_is_no_picture_is_refused(server: Server, kind: str) -> None:
    answer = ask(server, "/read", NOTE.read_bytes(), {"Content-Type": kind})
    assert answer.status == 415
    assert "image/jpeg" in answer.json["error"]


def test_other_places_and_methods_are_refused(server: Server) -> None:
    for path in ("/nope", "/static/nope.css", "/static/../app.py", "/static/%2e%2e/app.py"):
        answer = ask(server, path)
        assert answer.status == 404
        assert "error" in answer.json
    for method, path in (("GET", "/read"), ("PUT", "/read"), ("POST", "/"), ("DELETE", "/health")):
        answer = ask(server, path, method=method)
        assert answer.status == 405
        assert f"does not take {method}; use " in answer.json["error"]


def bombs(width: int, height: int) -> dict[str, bytes]:
    """Files that state a size, with nothing behind it that would have to be decoded."""
    names = ("png", "bmp", "tiff", "webp", "jpg", "gif")
    found = {}
    for name in names[:5]:
        done, data = cv2.imencode(f".{name}", blank(8, 8))
        assert done
        found[name] = data.tobytes()
    small = {"png": (16, ">II"), "bmp": (18, "<ii"), "webp": (26, "<HH")}
    for name, (at, form) in small.items():
        file = bytearray(found[name])
        if name == "webp" and file[12:16] != b"VP8 ":
            struct.pack_into("<I", file, 21, (width - 1) | (height - 1) << 14)
        else:
            struct.pack_into(form, file, at, width, height)
        found[name] = bytes(file)
    frame = found["jpg"].index(b"\xff\xc0")
    jpeg = bytearray(found["jpg"])
    struct.pack_into(">HH", jpeg, frame + 5, height, width)
    found["jpg"] = bytes(jpeg)
    stated = {256: width, 257: height, 262: 1, 273: 8, 279: 100}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in stated.items())
    found["tiff"] = struct.pack("<2sHIH", b"II", 42, 8, len(stated)) + entries + bytes(40)
    found["gif"] = b"GIF89a" + struct.pack("<HH", width, height) + bytes(40)
    extended = b"VP8X" + struct.pack("<II", 10, 0)
    extended += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    found["webp, extended"] = b"RIFF" + struct.pack("<I", 100) + b"WEBP" + extended + bytes(70)
    return found


@pytest.mark.parametrize("name", ["png", "bmp", "tiff", "webp", "jpg", "gif", "webp, extended"])
def test_pictures_that_unfold_to_too_much_are_refused_unread(server: Server, name: str) -> None:
    answer = ask(server, "/read", bombs(16000, 12000)[name])
    assert answer.status == 413
    assert "16000x12000 pixels, more than 100 million" in answer.json["error"]


def tiff(width: tuple[int, int, int], *others: tuple[int, int, int]) -> bytes:
    """A file of 16000x12000 pixels; entries are a tag, its kind, and a value."""
    entries = [width, (257, 4, 12000), *others, (262, 3, 1), (273, 4, 8), (279, 4, 100)]
    head = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    packed = [struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries]
    return head + b"".join(packed) + bytes(40)


def test_no_second_size_hides_the_one_that_counts(server: Server) -> None:
    answer = ask(server, "/read", tiff((256, 4, 16000), (256, 4, 10), (257, 4, 10)))
    assert answer.status == 413
    elsewhere = tiff((256, 16, 100))  # 64 bits, which stand at byte 100
    assert ask(server, "/read", elsewhere).status == 400


@pytest.mark.parametrize("begin", [b"\xff\xd8", b"II*\0\x08\0\0\0\xff\xff"])
@pytest.mark.parametrize("rest", [b"\xff", b"\xff\xe0\0\x02"])
def test_a_header_without_end_keeps_nobody_waiting(
    server: Server, begin: bytes, rest: bytes
) -> None:
    body = begin + rest * (19_000_000 // len(rest))
    answers: list[Answer] = []
    sender = threading.Thread(target=lambda: answers.append(ask(server, "/read", body)))
    sender.start()
    slowest = 0.0
    while sender.is_alive():
        started = time.perf_counter()
        ask(server, "/health")
        slowest = max(slowest, time.perf_counter() - started)
    assert slowest < 0.5
    assert answers[0].status == 400
    assert "damaged" in answers[0].json["error"]


def test_pictures_of_every_format_within_the_limits_are_read(server: Server) -> None:
    for name in (".png", ".bmp", ".tiff", ".webp", ".jpg"):
        data = cv2.imencode(name, two_lines())[1].tobytes()
        assert ask(server, "/read", data).json["text"] == "40718\n325", name


def test_a_file_that_is_too_large_is_refused_and_its_sender_hears_so(server: Server) -> None:
    for body in (bytes(40_000_000), iter([bytes(1_000_000)] * 40)):
        answer = ask(server, "/read", body)
        assert answer.status == 413
        assert answer.json["error"].startswith("the picture is larger than 20 MB")


@pytest.mark.parametrize(
    ("path", "kind", "size", "status"),
    [
        ("/read", "image/png", 20_000_001, 413),
        ("/read", "image/png", 60_000_000, 413),
        ("/read", "text/plain", 5_000_000, 415),
        ("/read?rotate=1", "image/png", 5_000_000, 400),
        ("/nope", "image/png", 5_000_000, 404),
    ],
)
def test_who_will_hear_one_answer_alone_hears_it(
    server: Server, path: str, kind: str, size: int, status: int
) -> None:
    """As urllib has it, which says `Connection: close`, and listens when it has sent all."""
    url = f"http://127.0.0.1:{server.port}{path}"
    request = urllib.request.Request(url, bytes(size), {"Content-Type": kind})
    for _ in range(3):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=20)
        assert refused.value.code == status
        assert "error" in json.load(refused.value)


def test_who_shows_no_token_hears_so_too(guarded: Server) -> None:
    url = f"http://127.0.0.1:{guarded.port}/read"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url, bytes(5_000_000), timeout=20)
    assert refused.value.code == 401
    refused.value.close()


@pytest.mark.parametrize("ask_for", ["POST /read", "POST /nope", "GET /health"])
def test_a_body_without_end_is_not_taken_in_without_end(small: Server, ask_for: str) -> None:
    head = f"{ask_for} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + bytes(1 << 16) + b"\r\n"
    sent = 0
    with connect(small, head.encode()) as raw, suppress(ConnectionError):
        while sent < 100_000_000:
            raw.sendall(chunk)
            sent += len(chunk)
    assert sent < 50_000_000  # 2 MB, and what the system buffers


def test_an_announced_size_is_refused_before_the_body_comes(small: Server) -> None:
    with socket.create_connection(("127.0.0.1", small.port), timeout=10) as raw:
        raw.sendall(
            b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("most", "said"), [(1, b"paused for 0.8 s after 1 bytes"), (12, b"took more than 1 s after ")]
)
def test_a_slow_sender_is_sent_away(small: Server, most: int, said: bytes) -> None:
    answer = b""
    for _ in range(5):
        # A byte that crosses the answer resets the connection, and the answer may be lost.
        with (
            suppress(ConnectionError),
            socket.create_connection(("127.0.0.1", small.port), timeout=10) as raw,
        ):
            raw.sendall(b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n")
            drops = 0
            while drops < most and not select.select([raw], [], [], 0.2 if drops else 0.0)[0]:
                raw.sendall(b"x")
                drops += 1
            answer = raw.makefile("rb").read()
            break
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert said in answer
    assert drops < 10


def test_who_comes_when_all_is_busy_is_asked_to_come_again(small: Server) -> None:
    busy = []
    for _ in range(2):
        raw = socket.create_connection(("127.0.0.1", small.port), timeout=10)
        raw.sendall(b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx")
        busy.append(raw)
    time.sleep(0.1)
    answer = ask(small, "/read", NOTE.read_bytes())
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert ask(small, "/health").status == 200
    for raw in busy:
        raw.close()
    time.sleep(0.1)
    assert ask(small, "/read", NOTE.read_bytes()).status == 200


def test_who_says_nothing_shuts_nobody_out_and_is_dropped(small: Server) -> None:
    silent = [connect(small, first) for first in [b"", b"GET /health HT"] * 60]
    started = time.monotonic()
    assert ask(small, "/health").status == 200
    assert ask(small, "/read", NOTE.read_bytes()).status == 200
    for raw in silent:
        with raw, suppress(ConnectionError):
            assert raw.recv(1) == b""
    assert time.monotonic() - started < 3


def test_who_speaks_too_slowly_is_dropped(small: Server) -> None:
    whole = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for first in (b"", whole):  # the second request of a connection has no more time
        with connect(small, first) as raw:
            if first:
                heard = b""
                while not heard.endswith(b"}"):
                    heard += raw.recv(1 << 16)
            started = time.monotonic()
            with suppress(ConnectionError):
                for byte in whole * 2:
                    raw.sendall(bytes([byte]))
                    if select.select([raw], [], [], 0.1)[0]:
                        assert raw.recv(1) == b""
                        break
            assert 0.8 < time.monotonic() - started < 2


def test_who_asks_again_and_again_is_not_dropped(small: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", small.port, timeout=20)
    connection.connect()
    mine = connection.sock
    for _ in range(4):
        time.sleep(0.4)
        connection.request("GET", "/health")
        assert connection.getresponse().read()
    assert connection.sock is mine
    connection.close()


# Who may ask


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9000", "[::1]:80", "LocalHost:8000"])
def test_this_machine_has_these_names(server: Server, host: str) -> None:
    assert ask(server, "/health", None, {"Host": host}).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "[", "a@b", ""]
)
def test_other_names_that_lead_here_are_refused(server: Server, host: str) -> None:
    for path in ("/", "/health", "/static/app.js"):
        answer = ask(server, path, None, {"Host": host})
        assert answer.status == 421
        assert "ask for localhost" in answer.json["error"]


def test_pages_of_other_sites_may_not_ask(server: Server) -> None:
    mine = {"Host": "localhost:8000"}
    others: list[dict[str, str]] = [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    ]
    for other in others:
        for path, body in (("/read", NOTE.read_bytes()), ("/stream", None), ("/events", None)):
            answer = ask(server, path, body, {**mine, **other})
            assert answer.status == 403, other
            assert "another site's page" in answer.json["error"]
    for same in ({"Origin": "http://localhost:8000"}, {"Sec-Fetch-Site": "same-origin"}):
        assert ask(server, "/read", NOTE.read_bytes(), {**mine, **same}).status == 200


def test_a_link_on_another_site_leads_to_the_page_alone(server: Server) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    link["Sec-Fetch-Dest"] = "document"
    assert ask(server, "/", None, link).status == 200
    assert ask(server, "/health", None, link).status == 403


def test_all_answers_carry_the_headers_that_keep_others_out(server: Server) -> None:
    answers = [
        ask(server, "/"), ask(server, "/static/app.js"), ask(server, "/health"),
        ask(server, "/nope"), ask(server, "/read", b"x"), ask(server, "/", None, {"Host": "evil"}),
    ]  # fmt: skip
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["permissions-policy"].startswith("camera=(self)")
        assert "server" not in answer.headers
        assert not any(name.startswith("access-control") for name in answer.headers)
    kept = [answer.headers["cache-control"] for answer in answers]
    assert kept == ["no-store", "no-cache", *["no-store"] * 4]


def test_what_the_page_is_made_of_is_sent_once(server: Server) -> None:
    first = ask(server, "/static/style.css")
    assert first.headers["content-type"].startswith("text/css")
    again = ask(server, "/static/style.css", None, {"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    page = ask(server, "/").body.decode()
    assert "//" not in page.replace("<!doctype html>", "").replace("http://www.w3.org", "")


def test_the_token_is_asked_for(guarded: Server) -> None:
    for path, body in (("/health", None), ("/read", NOTE.read_bytes()), ("/stream", None)):
        strange: list[dict[str, str]] = [
            {}, {"Authorization": "Bearer wrong-token"}, {"Authorization": f"Basic {TOKEN}"},
            {"Cookie": f"siffra-{guarded.port}={TOKEN}"}, {"Authorization": "Bearer"},
        ]  # fmt: skip
        for headers in strange:
            answer = ask(guarded, path, body, headers)
            assert answer.status == 401
            assert "Authorization: Bearer TOKEN" in answer.json["error"]
            assert answer.headers["www-authenticate"].startswith("Bearer")
    told = ask(guarded, "/read", NOTE.read_bytes(), {"Authorization": f"Bearer {TOKEN}"})
    assert told.json["text"] == "31415\n92653"


@pytest.mark.parametrize("host", ["x/static/", "x/?", "x/static/app.js?", "x/static/#"])
def test_no_host_name_opens_what_needs_the_token(host: str) -> None:
    with serving(host="0.0.0.0", token=TOKEN) as server:
        for path, body in (("/health", None), ("/read", NOTE.read_bytes()), ("/stream", None)):
            assert ask(server, path, body, {"Host": host}).status in (400, 401)


def test_a_token_where_none_is_needed_does_no_harm(server: Server) -> None:
    assert b'role="tablist"' in ask(server, "/?token=of-another-time").body


def test_the_page_makes_a_cookie_of_the_token(guarded: Server) -> None:
    assert guarded.url.endswith(f"/?token={TOKEN}")
    stranger, wrong = ask(guarded, "/"), ask(guarded, "/?token=wrong-token")
    for answer in (stranger, wrong):
        assert answer.status == 401
        assert b"Token" in answer.body
        assert "set-cookie" not in answer.headers
    assert ask(guarded, "/static/style.css").status == 200
    answer = ask(guarded, f"/?token={TOKEN}")
    cookie = answer.headers["set-cookie"]
    assert answer.status == 200
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    known = {"Cookie": cookie.partition(";")[0]}
    assert ask(guarded, "/health", None, known).status == 200
    assert b'role="tablist"' in ask(guarded, "/", None, known).body


def test_a_page_for_the_network_makes_a_token_and_says_who_can_see_it() -> None:
    with serving(host="0.0.0.0") as server:
        network, warning = server.say(), server.say()
        parts = urlsplit(server.url)
        assert parts.hostname not in (None, "0.0.0.0")
        token = parts.query.removeprefix("token=")
        assert len(token) > 20
        assert "everyone on this network" in network
        assert "https" in warning
        assert ask(server, "/health").status == 401
        known = {"Host": "any.name", "Authorization": f"Bearer {token}"}
        assert ask(server, "/health", None, known).status == 200


# The camera


def test_the_stream_shows_what_is_read_and_the_events_say_it(film: Path) -> None:
    with serving(source=str(film), how={"fps": 20, "steady": False}) as server:
        picture = next(pictures(listen_to(server, "/stream")))
        raw = cv2.imread(str(film / "00.png"))
        assert raw is not None
        assert picture.shape == raw.shape
        colourful = (np.ptp(picture, axis=2) > 60).sum()
        assert colourful > 200  # the boxes' green; the page is grey
        for state in states(listen_to(server, "/events")):
            if state["reading"] and state["reading"]["text"] == "33":
                break
        assert state["camera"]["name"] == film.name
        assert [digit["label"] for digit in state["reading"]["lines"][0]] == [3, 3]


def test_a_file_waits_for_somebody_who_looks_and_stays_at_its_end(film: Path) -> None:
    with serving(source=str(film), how={"fps": 20, "steady": False}) as server:
        time.sleep(0.7)  # longer than it takes
        seen = []
        for state in states(listen_to(server, "/events")):
            if state["reading"]:
                seen.append(state["reading"]["text"])
            if state["camera"]["ended"]:
                break
        assert sorted(set(seen)) == ["11", "22", "33"]
        # Its last picture is there for those who come late.
        for _ in range(2):
            stream = listen_to(server, "/stream")
            assert next(pictures(stream)).shape == (240, 320, 3)
            stream.close()
        assert next(states(listen_to(server, "/events")))["reading"]["text"] == "33"


def test_a_lost_camera_is_reported_and_the_server_goes_on() -> None:
    with serving(source="unplugged") as server:
        problem = None
        for state in states(listen_to(server, "/events")):
            problem = state["camera"]["problem"]
            if problem:
                break
        assert problem
        assert ask(server, "/health").json["camera"]["problem"]
        assert ask(server, "/read", NOTE.read_bytes()).status == 200


def test_those_who_leave_are_not_counted_any_more(film: Path) -> None:
    with serving(source=str(film), how={"fps": 5}) as server:
        streams = [listen_to(server, "/stream") for _ in range(3)]
        for stream in streams:
            next(pictures(stream))
        assert ask(server, "/health").json["viewers"] == 3
        for stream in streams:
            stream.close()
        deadline = time.monotonic() + 5
        while ask(server, "/health").json["viewers"] and time.monotonic() < deadline:
            time.sleep(0.05)
        assert ask(server, "/health").json["viewers"] == 0


def test_more_streams_than_that_are_refused(film: Path) -> None:
    with serving(source=str(film), how={"fps": 5}, limits={"streams": 2}) as server:
        streams = [listen_to(server, "/stream"), listen_to(server, "/events")]
        for path in ("/stream", "/events"):
            answer = ask(server, path)
            assert (answer.status, answer.headers["retry-after"]) == (503, "10")
            assert "2 streams are watched already" in answer.json["error"]
        assert ask(server, "/health").status == 200
        for stream in streams:
            stream.close()


def test_who_comes_late_sees_nothing_old() -> None:
    with serving(source="clock") as server:
        stream = listen_to(server, "/stream")
        before = next(pictures(stream)).mean()
        stream.close()
        time.sleep(3)  # thirty shades
        assert next(pictures(listen_to(server, "/stream"))).mean() > before + 20


def test_the_time_told_is_that_of_reading(tmp_path: Path) -> None:
    for number in range(40):  # stands still: most frames are not read
        (tmp_path / f"{number:02}.png").write_bytes(png(two_lines()))
    with serving(source=str(tmp_path), how={"fps": 40}) as server:
        for state in states(listen_to(server, "/events")):
            if state["camera"]["ended"]:
                break
    assert state["speed"]["ms"] == state["reading"]["ms"] > 0.5


def test_what_is_recorded_waits_for_nobody(film: Path, tmp_path: Path) -> None:
    video = tmp_path / "seen.avi"
    with serving(source=str(film), how={"fps": 20}, record=str(video)) as server:
        deadline = time.monotonic() + 10
        while not ask(server, "/health").json["camera"]["ended"] and time.monotonic() < deadline:
            time.sleep(0.05)
    capture = cv2.VideoCapture(str(video))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 12
    capture.release()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_once_with_streams_open_and_leaves_no_thread(
    film: Path, how: signal.Signals
) -> None:
    with serving(source=str(film), how={"fps": 5}) as server:
        stream, events = listen_to(server, "/stream"), listen_to(server, "/events")
        next(pictures(stream))
        started = time.monotonic()
        assert server.end(how) == "threads 1\nstatus 0\n"
        assert time.monotonic() - started < 2
        stream.read()  # ends
        events.read()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_viewer_who_does_not_take_what_comes_delays_nobody(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(40):  # large as JPEG
        noise = rng.integers(0, 255, (720, 960), dtype=np.uint8)
        (tmp_path / f"{number:02}.png").write_bytes(png(noise))
    film = {"fps": 20, "steady": False}
    with serving(source=str(tmp_path), how=film) as server, socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", server.port))
        deaf.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        seen = pictures(listen_to(server, "/stream"))
        assert sum(1 for _, _ in zip(range(8), seen, strict=False)) == 8
        started = time.monotonic()
        assert server.end() == "threads 1\nstatus 0\n"
        assert time.monotonic() - started < 3


# Where it listens


def failure(**options: Any) -> str:
    with start(**options) as process:
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "Traceback" not in errors
    return errors.strip()


def test_a_port_that_is_taken_is_said_with_one_that_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = failure(port=port)
    assert said.startswith(f"ServerError: port {port} of 127.0.0.1 is taken; try --serve 127.0.0.1")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"host": "no.such.host.invalid"}, "is no host that is known here; take 127.0.0.1"),
        ({"host": "192.0.2.1"}, "is no address of this machine"),
        ({"port": 70000}, "ports are from 0"),
        ({"token": "1234"}, "the token is too easy"),
        ({"certificate": "missing.pem"}, "missing.pem cannot be used as certificate"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(options: dict[str, Any], said: str) -> None:
    assert said in failure(**options)


def test_it_speaks_https(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    files = {"certificate": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", files["key"], "-out", files["certificate"]],
        check=True, capture_output=True,
    )  # fmt: skip
    with serving(token=TOKEN, **files) as server:
        assert server.url.startswith("https://")
        context = ssl.create_default_context(cafile=files["certificate"])
        connection = http.client.HTTPSConnection("localhost", server.port, context=context)
        connection.request("GET", f"/?token={TOKEN}")
        answer = connection.getresponse()
        assert answer.status == 200
        assert "Secure" in answer.headers["set-cookie"]


def test_without_its_packages_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['starlette'] = None; import siffra.web"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert 'pip install "siffra[web,headless]"' in done.stderr.splitlines()[-1]
    assert "DependencyError" in done.stderr
