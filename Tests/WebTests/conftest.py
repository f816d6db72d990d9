"""Debian's Chromium with a fake camera, before a running suite (MIEN_TEST_URL) or the stub."""

import os
import pathlib
import re
import shutil

import pytest
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from stub import PAGE, Stub

PHOTO = pathlib.Path(__file__).parents[1] / "VisionTests" / "Photos" / "astronaut.png"

expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def photo():
    return PHOTO


def consented(choice):
    """A script that remembers somebody's choice, by the page's present text."""
    text = re.search(r'CONSENT_TEXT = "([^"]+)"', (PAGE / "memory.js").read_text())[1]
    return f"if (window === top) {{ localStorage.setItem('mien.consent', '{choice}'); localStorage.setItem('mien.consent.text', '{text}'); }}"


def camera_feed(path):
    """Writes what the fake camera sees: the photo in the middle of 1280 x 720, uncompressed and eight times a second, which costs
    hardly any time beside a video of thirty."""
    scene = Image.new("RGB", (1280, 720), (70, 72, 80))
    scene.paste(Image.open(PHOTO).convert("RGB").resize((720, 720)), (280, 0))
    light, blue, red = scene.convert("YCbCr").split()
    planes = [light, blue.resize((640, 360)), red.resize((640, 360))]
    path.write_bytes(b"YUV4MPEG2 W1280 H720 F8:1 Ip A1:1 C420jpeg\nFRAME\n" + b"".join(plane.tobytes() for plane in planes))
    return path


@pytest.fixture(scope="session")
def feed(tmp_path_factory):
    return camera_feed(tmp_path_factory.mktemp("camera") / "face.y4m")


@pytest.fixture(scope="session")
def driver():
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(driver, feed):
    chromium = shutil.which("chromium")
    assert chromium, "the web tests need Debian's chromium"
    arguments = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={feed}"]
    browser = driver.chromium.launch(executable_path=chromium, args=arguments)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def stub():
    stub = Stub()
    yield stub
    stub.close()


@pytest.fixture
def open_page(browser, stub):
    """Opens the page; whatever it complains about fails the test, unless `noise` names it."""
    opened = []

    def open_page(url=None, camera=True, width=1280, height=900, scheme="light", noise=(), consent=None, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **options)
        context.set_default_timeout(15_000)
        url = url or stub.url
        if camera:
            context.grant_permissions(["camera"], origin=url)
        # Nothing but the service itself may be asked, until a test says otherwise.
        context.route(lambda address: not address.startswith(url), lambda route: route.abort())
        if consent:
            context.add_init_script(consented(consent))
        page = context.new_page()
        complaints = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.goto(url)
        opened.append((context, complaints, noise))
        return page

    yield open_page
    for context, complaints, noise in opened:
        context.close()
        serious = [text for text in complaints if not any(part in text for part in noise)]
        assert serious == []


@pytest.fixture(scope="session")
def suite_url():
    url = os.environ.get("MIEN_TEST_URL")
    if not url:
        pytest.skip("MIEN_TEST_URL names no running suite")
    return url.rstrip("/")
