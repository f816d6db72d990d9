"""The page in the other two engines, one walk each: Firefox, and WebKitGTK, which is nearest to Safari's."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.request

import websocket

PATIENCE = 120

# Through the page as somebody does who is there for the first time; what was seen comes back as text.
WALK = """
const seen = [];
const there = async what => {
  for (let tries = 0; tries < 600; tries += 1) {
    const found = what();
    if (found) return found;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  throw new Error(`${what} never came; said: ${document.getElementById("status").textContent} ${document.getElementById("alert").textContent}`);
};
const element = id => document.getElementById(id);
await there(() => !element("snapshot").hasAttribute("aria-disabled"));
seen.push(element("lifeless").checkVisibility(), getComputedStyle(document.body).fontFamily.startsWith("Inter"));
element("snapshot").click();
await there(() => element("consent").open);
element("agree").click();
element("consent-yes").click();
await there(() => element("mood-words").textContent);
seen.push(element("mood-words").textContent, document.querySelectorAll("#videos a").length);
const { width, height } = element("selfie-canvas");
seen.push(width > 64 && height > 64);
document.querySelector("#videos .like").click();
seen.push(document.querySelector("#videos .like").getAttribute("aria-pressed"));
return JSON.stringify(seen);
"""
SEEN = [False, True, "You look happy", 6, True, "true"]


def wait_for(find):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := find():
            return found
        time.sleep(0.1)
    raise TimeoutError


class Firefox:
    """Firefox by WebDriver BiDi, which it speaks itself."""

    def __init__(self, folder):
        preferences = {
            "media.navigator.streams.fake": True, "media.navigator.permission.disabled": True, "intl.accept_languages": "en-GB",
            "datareporting.policy.dataSubmissionEnabled": False, "app.update.enabled": False,
        }
        (folder / "user.js").write_text("".join(f'user_pref("{name}", {json.dumps(value)});\n' for name, value in preferences.items()))
        log = folder / "log"
        self.process = subprocess.Popen(
            ["firefox-esr", "--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0"],
            stdout=subprocess.DEVNULL, stderr=log.open("wb"), env=os.environ | {"HOME": str(folder)}, start_new_session=True)
        address = wait_for(lambda: re.search(rb"ws://127\.0\.0\.1:\d+", log.read_bytes()))
        self.socket = websocket.create_connection(f"{address[0].decode()}/session", timeout=PATIENCE, suppress_origin=True)
        self.count = 0
        self.ask("session.new", capabilities={})
        self.context = self.ask("browsingContext.getTree")["contexts"][0]["context"]

    def ask(self, method, **parameters):
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.count:
                assert answer["type"] == "success", answer
                return answer["result"]

    def walk(self, url):
        self.ask("browsingContext.navigate", context=self.context, url=url, wait="complete")
        result = self.ask(
            "script.evaluate", expression=f"(async () => {{{WALK}}})()", target={"context": self.context}, awaitPromise=True)
        assert result["type"] == "success", result
        return json.loads(result["result"]["value"])

    def close(self):
        self.socket.close()
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(PATIENCE)


class WebKit:
    """WebKitGTK by its driver, on a screen of its own."""

    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        # Root has no sandbox of WebKit's; the page is our own.
        environment = os.environ | {"HOME": str(folder), "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1"}
        self.process = subprocess.Popen(
            ["xvfb-run", "--auto-servernum", "WebKitWebDriver", f"--port={port}"], stdout=subprocess.DEVNULL,
            stderr=(folder / "log").open("wb"), env=environment, start_new_session=True)
        wait_for(self.is_up)
        browser = next(pathlib.Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
        options = {
            "binary": str(browser),
            "args": ["--automation", "--enable-media-stream=TRUE", "--enable-mock-capture-devices=TRUE"],
        }
        answer = self.ask("/session", {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}})
        self.session = f"/session/{answer['sessionId']}"
        self.ask(f"{self.session}/timeouts", {"script": 1000 * PATIENCE})

    def is_up(self):
        try:
            return urllib.request.urlopen(f"{self.url}/status", timeout=PATIENCE).status == 200
        except OSError:
            return False

    def ask(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=2 * PATIENCE) as response:
            return json.load(response)["value"]

    def walk(self, url):
        self.ask(f"{self.session}/url", {"url": url})
        script = f"const done = arguments[0]; (async () => {{{WALK}}})().then(done, error => done(`\"${{error.message}}\"`))"
        return json.loads(self.ask(f"{self.session}/execute/async", {"script": script, "args": []}))

    def close(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(PATIENCE)


def test_firefox(stub, tmp_path):
    firefox = Firefox(tmp_path)
    try:
        assert firefox.walk(stub.url) == SEEN
    finally:
        firefox.close()


def test_webkit(stub, tmp_path):
    webkit = WebKit(tmp_path)
    try:
        assert webkit.walk(stub.url) == SEEN
    finally:
        webkit.close()
