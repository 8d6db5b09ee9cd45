"""The page, as people use it: in a real browser, with mouse, finger, keys and a camera."""

import base64
import http.server
import re
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("starlette", reason="needs siffra[web]")
pytest.importorskip("uvicorn", reason="needs siffra[web]")
pytest.importorskip("playwright", reason="needs playwright, and the system's chromium")

from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.scenes import draw_scene
from tests.conftest import EXAMPLES
from tests.drawing import blank, cross, two_lines
from tests.serving import Server, serving

NOTE = EXAMPLES / "pen-two-lines.jpg"
PHONE = {"width": 320, "height": 640}
NOTHING, TIMES = "\N{EN DASH}", "\N{MULTIPLICATION SIGN}"
SOURCES = ["live", "device", "pad", "picture"]
Stroke = Sequence[tuple[float, float]]
SEVEN: list[Stroke] = [[(0.10, 0.25), (0.25, 0.25), (0.17, 0.75)]]
ONE: list[Stroke] = [[(0.40, 0.25), (0.40, 0.75)]]
FOUR: list[Stroke] = [[(0.60, 0.24), (0.54, 0.54), (0.72, 0.54)], [(0.69, 0.35), (0.69, 0.78)]]


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the browser takes for its camera: motion JPEG, a scene of two lines."""
    scene = draw_scene(["40718", "325"], size=(480, 640), seed=5)
    path = tmp_path_factory.mktemp("camera") / "scene.mjpeg"
    path.write_bytes(cv2.imencode(".jpg", scene.image)[1].tobytes() * 3)
    return path


@pytest.fixture(scope="module")
def browser(footage: Path) -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("chromium is not on PATH")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={footage}",
                # A name of this machine that is not localhost, as others on the network see it.
                "--host-resolver-rules=MAP siffra.test 127.0.0.1",
            ],
        )
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of a still scene, with a camera's noise."""
    folder = tmp_path_factory.mktemp("film")
    rng = np.random.default_rng(0)
    for number in range(8):
        noisy = two_lines() + rng.normal(0, 3, two_lines().shape)
        frame = np.clip(noisy, 0, 255).astype(np.uint8)
        data = cv2.imencode(".png", frame)[1].tobytes()
        for again in range(40):
            (folder / f"{again:02}-{number}.png").write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One without a camera."""
    with serving(why_no_camera="camera 0 is missing") as running:
        yield running


@pytest.fixture(scope="module")
def with_camera(film: Path) -> Iterator[Server]:
    with serving(source=str(film), how={"fps": 10}) as running:
        yield running


class Visit:
    """A visit to a page, which must not complain on its console."""

    def __init__(self, browser: Browser, **context: Any) -> None:
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self._hear(message.type, message.text))

    def _hear(self, kind: str, text: str) -> None:
        # What the server refuses, the page shows; the browser notes it as well.
        if kind in ("error", "warning") and not text.startswith("Failed to load resource"):
            self.complaints.append(text)

    def __enter__(self) -> Page:
        return self.page

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.context.close()
        if error is None:
            assert self.complaints == []


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The page of a server without a camera, on a desktop."""
    with Visit(browser) as opened:
        opened.goto(server.url)
        yield opened


def draw(page: Page, strokes: Sequence[Stroke]) -> None:
    """Draw with the mouse, in shares of the pad."""
    page.locator("#pad-ink").wait_for()
    frame = page.locator("#pad-ink").bounding_box()
    assert frame
    for stroke in strokes:
        points = [(frame["x"] + x * frame["width"], frame["y"] + y * frame["height"])
                  for x, y in stroke]  # fmt: skip
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=5)
        page.mouse.up()


def expect_text(page: Page, text: str) -> None:
    expect(page.locator("#text")).to_have_text(text, use_inner_text=False)


def tops(page: Page) -> dict[str, float]:
    """Return the font sizes of what is on the page, in pixels."""
    sizes: dict[str, float] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('#text, h1, h2, p, button, li b')]
            .filter((e) => e.offsetParent)
            .map((e) => [e.id || e.tagName, parseFloat(getComputedStyle(e).fontSize)]))"""
    )
    return sizes


# The drawing pad


def test_what_is_drawn_with_the_mouse_is_read_after_each_stroke(page: Page) -> None:
    expect(page.get_by_role("tab", name="Draw")).to_have_attribute("aria-selected", "true")
    draw(page, SEVEN)
    expect_text(page, "7")
    draw(page, ONE)
    expect_text(page, "71")
    draw(page, FOUR)
    expect_text(page, "714")
    bars = page.locator("#digits li")
    expect(bars).to_have_count(3)
    expect(bars.first).to_contain_text("%")
    assert tops(page)["text"] == max(tops(page).values())  # the reading is the largest thing


def test_strokes_are_taken_back_one_by_one_or_all_at_once(page: Page) -> None:
    draw(page, [*SEVEN, *ONE, *FOUR])
    expect_text(page, "714")
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Undo").click()
    expect_text(page, "71")
    page.keyboard.press("Control+z")
    expect_text(page, "7")
    page.get_by_role("button", name="Clear").click()
    expect_text(page, NOTHING)
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_a_finger_draws_on_a_phone(browser: Browser, server: Server) -> None:
    with Visit(browser, viewport=PHONE, has_touch=True, is_mobile=True) as page:
        page.goto(server.url)
        frame = page.locator("#pad-ink").bounding_box()
        assert frame
        finger = page.context.new_cdp_session(page)

        def touch(kind: str, *points: tuple[float, float]) -> None:
            at = [
                {"x": frame["x"] + x * frame["width"], "y": frame["y"] + y * frame["height"]}
                for x, y in points
            ]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

        for stroke in [*SEVEN, *ONE]:
            touch("touchStart", stroke[0])
            for before, after in pairwise(stroke):
                for share in np.linspace(0.1, 1, 10):
                    x, y = ((1 - share) * a + share * b for a, b in zip(before, after, strict=True))
                    touch("touchMove", (x, y))
            touch("touchEnd")
        expect_text(page, "71")
        assert page.evaluate("scrollY") == 0  # the page did not scroll along


def test_what_is_doubtful_says_so(page: Page) -> None:
    draw(page, [*SEVEN, [(0.5, 0.3), (0.8, 0.7)], [(0.8, 0.3), (0.5, 0.7)], *ONE])
    unsure = page.locator("#digits li.unsure")
    expect(unsure).to_have_count(1)
    expect(unsure).to_contain_text("?")


# Pictures


def test_a_picture_is_uploaded(page: Page) -> None:
    page.get_by_role("tab", name="Picture").click()
    page.get_by_label("Choose picture").set_input_files(NOTE)
    expect_text(page, "31415\n92653")
    expect(page.locator("#picture-facts")).to_contain_text(f"pen-two-lines.jpg · 640 {TIMES} 480")
    green = page.evaluate(
        """() => {
            const canvas = document.getElementById('picture-boxes');
            const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            let count = 0;
            for (let i = 0; i < data.length; i += 4) count += data[i + 1] > 120 && data[i] < 60;
            return count;
        }"""
    )
    assert green > 1000  # boxes


def transfer(page: Page, data: bytes, name: str, kind: str) -> Any:
    return page.evaluate_handle(
        """([text, name, type]) => {
            const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name, {type}));
            return transfer;
        }""",
        [base64.b64encode(data).decode(), name, kind],
    )


def test_a_picture_is_dropped_anywhere(page: Page) -> None:
    files = transfer(page, NOTE.read_bytes(), "note.jpg", "image/jpeg")
    page.dispatch_event("h1", "dragenter", {"dataTransfer": files})
    expect(page.get_by_text("Drop the picture to read it")).to_be_visible()
    page.dispatch_event("h1", "drop", {"dataTransfer": files})
    expect_text(page, "31415\n92653")
    expect(page.get_by_text("Drop the picture to read it")).to_be_hidden()
    expect(page.get_by_role("tab", name="Picture")).to_have_attribute("aria-selected", "true")


def test_a_picture_is_pasted_from_anywhere(page: Page) -> None:
    files = transfer(page, NOTE.read_bytes(), "image.jpg", "image/jpeg")
    page.evaluate(
        """(clipboardData) => document.body.dispatchEvent(
            new ClipboardEvent('paste', {clipboardData, bubbles: true, cancelable: true}))""",
        files,
    )
    expect_text(page, "31415\n92653")


def test_a_page_that_lies_on_its_side_is_read_if_that_is_said(page: Page) -> None:
    turned = np.ascontiguousarray(np.rot90(two_lines()))
    file: Any = {
        "name": "side.png", "mimeType": "image/png",
        "buffer": cv2.imencode(".png", turned)[1].tobytes(),
    }  # fmt: skip
    page.get_by_role("tab", name="Picture").click()
    page.get_by_label("Choose picture").set_input_files(file)
    page.get_by_label("may lie on its side").check()
    expect_text(page, "40718\n325")
    expect(page.locator("#picture-facts")).to_contain_text("turned by 90°")


def test_what_cannot_be_read_is_said(page: Page, tmp_path: Path) -> None:
    page.get_by_role("tab", name="Picture").click()
    notice = page.locator("#picture-notice")
    text = tmp_path / "note.txt"
    text.write_text("hello")
    page.get_by_label("Choose picture").set_input_files(text)
    expect(notice).to_contain_text("note.txt is not a picture that OpenCV can decode")
    expect_text(page, NOTHING)
    large = tmp_path / "large.png"
    large.write_bytes(bytes(21_000_000))
    page.get_by_label("Choose picture").set_input_files(large)
    expect(notice).to_contain_text("This file has 21 MB; at most 20 MB")
    empty = tmp_path / "empty.png"
    page_without_digits = blank(200, 300)
    cross(page_without_digits, 60, 70)
    empty.write_bytes(cv2.imencode(".png", page_without_digits)[1].tobytes())
    page.get_by_label("Choose picture").set_input_files(empty)
    expect(page.locator("#hint")).to_have_text("No digits found in this picture.")


# The server's camera


def test_the_live_picture_and_its_reading(browser: Browser, with_camera: Server) -> None:
    with Visit(browser) as page:
        page.goto(with_camera.url)
        expect(page.get_by_role("tab", name="Camera", exact=True)).to_have_attribute(
            "aria-selected", "true"
        )
        expect_text(page, "40718\n325")
        expect(page.locator("#digits li")).to_have_count(8)
        expect(page.locator("#live-facts")).to_contain_text(f"420 {TIMES} 300")
        expect(page.locator("#live-facts")).to_contain_text(re.compile(r"read in (\d\d|[1-9])"))
        assert page.evaluate("document.getElementById('live-picture').naturalWidth") == 420
        # Spoken digit by digit, once it stands still, and not again in every frame.
        page.evaluate(
            """() => {
                window.spoken = 0;
                const count = () => { window.spoken += 1; };
                new MutationObserver(count).observe(document.getElementById('said'),
                    {childList: true, characterData: true, subtree: true});
            }"""
        )
        expect(page.locator("#said")).to_have_text("4 0 7 1 8; next line: 3 2 5")
        page.wait_for_timeout(1500)
        assert page.evaluate("window.spoken") <= 1


def viewers(page: Page) -> int:
    count: int = page.evaluate("fetch('health').then((a) => a.json()).then((h) => h.viewers)")
    return count


def wait_for_viewers(page: Page, count: int) -> None:
    deadline = time.monotonic() + 5
    while viewers(page) != count and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert viewers(page) == count


def test_a_paused_or_hidden_page_costs_the_server_nothing(
    browser: Browser, with_camera: Server
) -> None:
    with Visit(browser) as page:
        page.goto(with_camera.url)
        expect_text(page, "40718\n325")
        wait_for_viewers(page, 1)
        page.get_by_role("button", name="Pause").click()
        wait_for_viewers(page, 0)
        expect(page.locator("#live-still")).to_be_visible()
        expect_text(page, "40718\n325")
        page.get_by_role("button", name="Pause").click()
        wait_for_viewers(page, 1)
        page.get_by_role("tab", name="Draw").click()
        wait_for_viewers(page, 0)
        page.get_by_role("tab", name="Camera", exact=True).click()
        wait_for_viewers(page, 1)
        page.evaluate(
            """() => {
                Object.defineProperty(document, 'hidden', {get: () => true});
                document.dispatchEvent(new Event('visibilitychange'));
            }"""
        )
        wait_for_viewers(page, 0)


def test_a_server_without_a_camera_says_why(page: Page) -> None:
    page.get_by_role("tab", name="Camera", exact=True).click()
    expect(page.locator("#live-notice")).to_have_text("Camera 0 is missing.")
    expect(page.get_by_role("button", name="Pause")).to_be_disabled()


def test_a_camera_that_is_lost_is_said(browser: Browser) -> None:
    with serving(source="unplugged") as server, Visit(browser) as page:
        page.goto(server.url)
        expect(page.locator("#live-notice.problem")).to_be_visible(timeout=10_000)
        expect(page.locator("#live .stage")).to_have_class("stage faded")


def test_a_server_that_has_gone_is_said_and_found_again(browser: Browser, film: Path) -> None:
    with Visit(browser) as page:
        with serving(source=str(film), how={"fps": 10}) as server:
            page.goto(server.url)
            expect_text(page, "40718\n325")
            port = server.port
        expect(page.locator("#live-notice")).to_contain_text("The server does not answer")
        expect_text(page, NOTHING)
        with serving(source=str(film), how={"fps": 10}, port=port):
            expect_text(page, "40718\n325")
            expect(page.locator("#live-notice")).to_be_hidden()


# The browser's camera


def test_the_browsers_own_camera_is_read(browser: Browser, server: Server) -> None:
    with Visit(browser, permissions=["camera"]) as page:
        page.goto(server.url)
        page.get_by_role("tab", name="My camera").click()
        page.get_by_role("button", name="Start camera").click()
        expect_text(page, "40718\n325")
        expect(page.locator("#device-facts")).to_contain_text(f"640 {TIMES} 480")
        page.get_by_role("button", name="Stop camera").click()
        expect_text(page, NOTHING)
        assert page.evaluate("document.getElementById('device-video').srcObject") is None


ASKS_FIRST = """() => {
    const devices = navigator.mediaDevices;
    const give = devices.getUserMedia.bind(devices);
    const questions = [];
    window.streams = [];
    window.allow = () => Promise.all(questions.splice(0).map((answer) => answer()));
    window.live = () => streams.flatMap((stream) => stream.getTracks())
        .filter((track) => track.readyState === 'live').length;
    devices.getUserMedia = (wanted) => new Promise((done, failed) => {
        questions.push(() => give(wanted).then((stream) => {
            window.streams.push(stream);
            done(stream);
        }, failed));
    });
}"""
"""Has a person ask whether the page may have the camera, until `allow` is called."""


@pytest.fixture
def asked(browser: Browser, server: Server) -> Iterator[Page]:
    """My camera, before anybody has allowed it."""
    with Visit(browser, permissions=["camera"]) as page:
        page.goto(server.url)
        page.evaluate(ASKS_FIRST)
        page.get_by_role("tab", name="My camera").click()
        yield page


def test_a_camera_that_is_allowed_too_late_stays_off(asked: Page) -> None:
    sent: list[str] = []
    asked.on("request", lambda request: sent.append(request.url))
    asked.get_by_role("button", name="Start camera").click()
    asked.get_by_role("tab", name="Draw").click()
    asked.evaluate("allow()")
    asked.wait_for_timeout(700)
    assert sent == []
    assert asked.evaluate("streams.length") == 1
    assert asked.evaluate("live()") == 0
    asked.get_by_role("tab", name="My camera").click()
    expect(asked.locator("#device-notice")).to_contain_text("are read there and not kept")
    asked.get_by_role("button", name="Start camera").click()
    asked.evaluate("allow()")
    expect_text(asked, "40718\n325")


def test_a_camera_that_is_changed_twice_leaves_none_on(asked: Page) -> None:
    asked.get_by_role("button", name="Start camera").click()
    asked.evaluate("allow()")
    expect_text(asked, "40718\n325")
    choose = "document.getElementById('device-which').dispatchEvent(new Event('change'))"
    asked.evaluate(f"() => {{ {choose}; {choose}; }}")
    asked.evaluate("allow()")
    expect(asked.get_by_role("button", name="Stop camera")).to_be_enabled()
    asked.wait_for_timeout(300)
    assert asked.evaluate("[streams.length, live()]") == [3, 1]
    expect_text(asked, "40718\n325")
    asked.get_by_role("button", name="Stop camera").click()
    assert asked.evaluate("live()") == 0
    expect(asked.locator("#device-choice")).to_be_hidden()


def test_a_camera_that_is_stopped_while_it_starts_is_off(asked: Page) -> None:
    asked.evaluate(
        """() => {
            const video = document.getElementById('device-video');
            const play = video.play.bind(video);
            window.playing = new Promise((plays) => {
                video.play = () => play().then(() => {
                    plays();
                    return new Promise((done) => { window.go = done; });
                });
            });
        }"""
    )
    sent: list[str] = []
    asked.on("request", lambda request: sent.append(request.url))
    asked.get_by_role("button", name="Start camera").click()
    asked.evaluate("allow()")
    asked.evaluate("playing")
    asked.get_by_role("button", name="Stop camera").click()
    asked.evaluate("go()")
    asked.wait_for_timeout(500)
    assert sent == []
    assert asked.evaluate("live()") == 0
    expect(asked.get_by_role("button", name="Start camera")).to_be_enabled()
    expect(asked.locator("#device-choice")).to_be_hidden()


def test_a_browser_that_denies_its_camera_is_explained(browser: Browser, server: Server) -> None:
    with Visit(browser, permissions=[]) as page:
        page.goto(server.url)
        page.get_by_role("tab", name="My camera").click()
        page.get_by_role("button", name="Start camera").click()
        expect(page.locator("#device-notice")).to_contain_text("does not give its camera")
        expect(page.get_by_role("button", name="Start camera")).to_be_enabled()


def test_over_plain_http_the_page_says_how_to_get_the_camera(browser: Browser) -> None:
    lan = serving(host="0.0.0.0", token="correct-horse")
    with lan as server, Visit(browser, viewport=PHONE) as page:
        page.goto(f"http://siffra.test:{server.port}/?token=correct-horse")
        page.get_by_role("tab", name="My camera").click()
        notice = page.locator("#device-notice")
        expect(notice).to_contain_text("--certificate")
        expect(notice).to_contain_text(f"ssh -L {server.port}:localhost:{server.port} siffra.test")
        expect(page.get_by_role("button", name="Start camera")).to_be_disabled()
        words, stage = notice.bounding_box(), page.locator("#device .stage").bounding_box()
        assert words
        assert stage
        assert words["y"] + words["height"] <= stage["y"] + stage["height"]  # all of it is seen


# Who may


def test_the_token_leaves_the_address_and_stays_in_a_cookie(browser: Browser) -> None:
    with serving(token="correct-horse") as server, Visit(browser) as page:
        bare = server.url.partition("?")[0]
        page.goto(bare)
        page.get_by_label("Token").fill("wrong-horse")
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_label("Token")).to_be_visible()
        page.get_by_label("Token").fill("correct-horse")
        page.get_by_role("button", name="Open").click()
        draw(page, SEVEN)
        expect_text(page, "7")
        assert page.url == bare
        assert page.evaluate("document.cookie") == ""
        page.reload()
        expect(page.get_by_role("tab", name="Draw")).to_be_visible()


@pytest.fixture
def other_site() -> Iterator[str]:
    """A page of somebody else's, on the same machine, so that the browser itself minds less."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>other</title>")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{site.server_port}/"
        site.shutdown()
        thread.join()


def test_another_sites_page_sees_and_sends_nothing(
    browser: Browser, with_camera: Server, server: Server, other_site: str
) -> None:
    visit = Visit(browser)
    with visit as page:
        page.goto(other_site)
        for path in ("stream", "static/icon.svg"):
            loaded = page.evaluate(
                """(address) => new Promise((done) => {
                    const image = new Image();
                    image.onload = () => done(true);
                    image.onerror = () => done(false);
                    image.src = address;
                })""",
                f"{with_camera.url}{path}",
            )
            assert not loaded
        for mode in ("cors", "no-cors"):
            got = page.evaluate(
                """([address, mode]) => fetch(address, {method: 'POST', body: 'x', mode})
                    .then(() => true, () => false)""",
                [f"{server.url}read", mode],
            )
            assert not got
        with page.expect_navigation() as sent:
            page.evaluate(
                """(address) => {
                    const form = document.createElement('form');
                    Object.assign(form, {method: 'post', action: address, enctype: 'text/plain'});
                    document.body.append(form);
                    form.submit();
                }""",
                f"{server.url}read",
            )
        assert sent.value
        assert sent.value.status == 403
        assert all("CORS" in complaint for complaint in visit.complaints)
        visit.complaints.clear()


# For everybody


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_stand_out_from_their_ground(browser: Browser, server: Server, scheme: Any) -> None:
    with Visit(browser, color_scheme=scheme) as page:
        page.goto(server.url)
        draw(page, [*SEVEN, [(0.5, 0.3), (0.8, 0.7)], [(0.8, 0.3), (0.5, 0.7)], *ONE])
        expect(page.locator("#digits li.unsure")).to_have_count(1)
        grounds = set()
        for source in SOURCES:
            page.click(f"#tab-{source}")
            for words, ratio, ground in page.evaluate(CONTRASTS):
                assert ratio >= 4.5, words
                grounds.add(ground)
        bright = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (int(bright.removeprefix("rgb(").partition(",")[0]) > 127) == (scheme == "light")
        assert len(grounds) > 1


CONTRASTS = """() => {
    const colour = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
        .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (e) => {
        for (; e; e = e.parentElement) {
            const [r, g, b, alpha = 1] = colour(getComputedStyle(e).backgroundColor);
            if (alpha === 1) return [r, g, b];
        }
    };
    return [...document.querySelectorAll('body *')]
        .filter((e) => e.offsetParent && !e.disabled && !e.closest('.unseen')
            && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
        .map((e) => {
            const on = ground(e);
            const [a, b] = [light(colour(getComputedStyle(e).color)), light(on)];
            return [e.textContent, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), String(on)];
        });
}"""


@pytest.mark.parametrize("source", SOURCES)
def test_a_narrow_phone_needs_no_sideways_scrolling(
    browser: Browser, server: Server, source: str
) -> None:
    with Visit(browser, viewport=PHONE, is_mobile=True, has_touch=True) as page:
        page.goto(server.url)
        page.tap(f"#tab-{source}")
        if source == "picture":
            page.get_by_label("Choose picture").set_input_files(EXAMPLES / "page-four-lines.jpg")
            expect_text(page, "739150\n268401\n5573\n920486")
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        small = page.evaluate(
            """() => [...document.querySelectorAll('button, .button, select')]
                .filter((e) => e.offsetParent && e.offsetHeight < 44).map((e) => e.textContent)"""
        )
        assert small == []  # of what a finger has to hit


def test_keys_alone_reach_and_do_everything(browser: Browser, server: Server) -> None:
    with Visit(browser, permissions=["camera"]) as page:
        page.on("filechooser", lambda chooser: chooser.set_files(NOTE))
        page.goto(server.url)

        def focused() -> str:
            name: str = page.evaluate("document.activeElement.id")
            return name

        def step_to(name: str) -> None:
            for _ in range(12):
                page.keyboard.press("Tab")
                if focused() == name:
                    return
            raise AssertionError(f"{name} is not reached")

        step_to("tab-pad")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"  # who tabs sees where
        page.keyboard.press("ArrowRight")
        assert focused() == "tab-picture"
        page.keyboard.press("Tab")
        assert focused() == "picture"  # the panel
        page.keyboard.press("Tab")
        assert focused() == "picture-file"
        page.keyboard.press("Enter")
        expect_text(page, "31415\n92653")
        expect(page.locator("#said")).to_have_text("3 1 4 1 5; next line: 9 2 6 5 3")
        page.locator("#tab-picture").focus()
        page.keyboard.press("Home")
        assert focused() == "tab-live"
        page.keyboard.press("ArrowRight")
        step_to("device-start")
        page.keyboard.press("Space")
        expect_text(page, "40718\n325")


def test_all_controls_have_names_and_motion_can_be_less(browser: Browser, server: Server) -> None:
    with Visit(browser, reduced_motion="reduce") as page:
        page.goto(server.url)
        draw(page, SEVEN)
        expect_text(page, "7")
        bar = page.locator("#digits .bar > span")
        assert bar.evaluate("(e) => getComputedStyle(e).transitionDuration") == "0s"
        for source in SOURCES:
            page.click(f"#tab-{source}")
            tree = page.locator("body").aria_snapshot()
            assert "- button\n" not in tree
            assert "- textbox\n" not in tree
        assert page.get_by_role("tabpanel").count() == 1
        assert page.locator("h1").inner_text() == "siffra"
