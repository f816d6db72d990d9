"""A stand-in for the gateway: the page's own files with the gateway's headers, and answers that never change.

Tests that want another answer put a Playwright route before it. That headers and answers are as the suite's is tested in
test_suite.py.
"""

import base64
import gzip
import hashlib
import http.server
import json
import pathlib
import re
import threading

PAGE = pathlib.Path(__file__).parents[2] / "Services" / "Gateway" / "Page"
TYPES = {".svg": "image/svg+xml", ".jpg": "image/jpeg", ".png": "image/png", ".woff2": "font/woff2", ".webmanifest": "application/manifest+json"}


def joined(name, seen):
    """A module and what it imports as one script, as ComposedPage.swift does it."""
    if name in seen:
        return ""
    seen.add(name)
    before = own = ""
    for line in (PAGE / name).read_text().splitlines():
        if line.startswith("import "):
            before += joined(line.split('"')[1].removeprefix("./"), seen)
        else:
            own += line.removeprefix("export ") + "\n"
    return before + own


def composed():
    """The page as the gateway sends it, and the hashes of its script and style."""
    style, script = "\n" + (PAGE / "page.css").read_text(), "\n" + joined("page.js", set())
    html = (PAGE / "index.html").read_text()
    html = html.replace('<link rel="stylesheet" href="page.css">', f"<style>{style}</style>")
    html = html.replace('<script type="module" src="page.js"></script>', f'<script type="module">{script}</script>')
    hashes = ["sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, style)]
    return html.encode(), *hashes


HTML, SCRIPT_HASH, STYLE_HASH = composed()


def security_headers(source):
    """The fields that the gateway sends with every response, read from its source: `name: "part" + "part", …`."""
    code = re.sub(r"(?m)^\s*//.*$", "", source)
    code = code.replace(r"\(PageFiles.composed.scriptHash)", SCRIPT_HASH).replace(r"\(PageFiles.composed.styleHash)", STYLE_HASH)
    fields = re.findall(r'(?:\.(\w+)|HTTPField\.Name\("([\w-]+)"\)!):\s*((?:"(?:[^"\\]|\\.)*"[\s+]*)+),', code)
    headers = {}
    for property, name, value in fields:
        # As Swift names the fields it knows: `.xContentTypeOptions` is X-Content-Type-Options.
        name = name or re.sub(r"(?<!^)(?=[A-Z])", "-", property[0].upper() + property[1:])
        headers[name] = "".join(json.loads(part) for part in re.findall(r'"(?:[^"\\]|\\.)*"', value))
    return headers


HEADERS = security_headers(next(PAGE.parent.rglob("SecurityHeaders.swift")).read_text())

USER = "6d0f4b1e-8a53-4a3e-9b0b-0f6f6a2f7c11"
TITLES = [
    ("iPUmE-tne5U", "Katrina & The Waves - Walking On Sunshine", "collaborative"),
    ("fWNaR-rxAic", "Carly Rae Jepsen - Call Me Maybe", "collaborative"),
    ("LjhCEhWiKXk", "Bruno Mars - Just The Way You Are [OFFICIAL VIDEO]", "collaborative"),
    ("YXnjy5YlDwk", "Marc Anthony - Vivir Mi Vida", "mood"),
    ("gf6v59c5yuY", "Hotel California - Reimagined on the Traditional Chinese Guzheng", "mood"),
    ("aaaaaaaaaaa", "A title so long that it has to be cut somewhere, since nobody reads a title of three whole lines in a list of six videos", "popular"),
]


def recommendations():
    return [
        {"rank": rank, "video_id": video, "title": title, "url": f"https://www.youtube.com/watch?v={video}", "source": source, "score": 1 / rank}
        for rank, (video, title, source) in enumerate(TITLES, 1)
    ]


def selfie(status="returning", reason=None, mood="happy", box=None, image=(1280, 720), reaction=None):
    """An answer to a selfie, as openapi.yaml describes it."""
    rest = [name for name in ("happy", "surprised", "neutral", "upset") if name != mood]
    box = box or {"x": 520, "y": 180, "width": 240, "height": 300}
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    answer = {
        "job": "0b7a9f0e-5a4e-4f0e-8f3e-2b1c9d7e6a55",
        "user": {"id": None if status == "uncertain" else USER, "status": status, "distance": 0.21, "reason": reason},
        "face": {
            "box": box,
            "landmarks": {name: point for name in ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")},
            "probability": 0.999,
            "quality": {"size": 240, "sharpness": 210, "yaw": 0.05},
        },
        "image": {"width": image[0], "height": image[1]},
        "mood": {
            "name": mood,
            "scores": {mood: 0.82, rest[0]: 0.1, rest[1]: 0.05, rest[2]: 0.03},
            "expression": "happiness" if mood == "happy" else mood,
            "expressions": {"happiness" if mood == "happy" else mood: 0.82},
        },
        "recommendations": recommendations(),
        "recommendation_version": 3,
        "models": {"detector": "mtcnn-1", "identity": "identity-1", "mood": "mood-1", "expression": "expression-1"},
        "timings": [
            {"stage": "vision", "queued_ms": 1.2, "worked_ms": 88.5},
            {"stage": "identity", "queued_ms": 0.4, "worked_ms": 3.1},
            {"stage": "recommender", "queued_ms": 0.4, "worked_ms": 2.2},
        ],
    }
    answer["user"] = {name: value for name, value in answer["user"].items() if value is not None}
    if reaction is not None:
        answer["reaction"] = reaction
    return answer


def analysis():
    answer = selfie()
    return {key: answer[key] for key in ("job", "face", "image", "mood", "models", "timings")}


def faces():
    """Two faces in a picture of the camera's, the larger first."""
    boxes = [{"x": 520, "y": 180, "width": 240, "height": 300}, {"x": 900, "y": 220, "width": 120, "height": 150}]
    face = analysis()["face"]
    return {"job": selfie()["job"], "image": {"width": 1280, "height": 720}, "faces": [face | {"box": box} for box in boxes], "timings": []}


def kept():
    """Everything that is kept of somebody."""
    (first, first_title, _), (second, second_title, _), (third, third_title, _) = TITLES[:3]
    return {
        "id": USER, "since": "2026-05-03T09:12:44Z", "faces": 2, "merged": [],
        "templates": [{"added": "2026-05-03T09:12:44Z", "version": "identity-1"}, {"added": "2026-08-21T18:02:01Z", "version": "identity-1"}],
        "mood": {"name": "happy", "at": "2026-11-20T20:15:00Z"},
        "watched": [{"video_id": first, "title": first_title, "rating": 1, "at": "2026-11-20T20:14:00Z"}],
        "chosen": [{"video_id": second, "title": second_title, "at": "2026-11-20T20:13:00Z"}],
        "feedback": [{"video_id": third, "title": third_title, "kind": "not_for_me", "at": "2026-11-20T20:12:00Z"}],
        "recommendations_version": 3,
    }


def problem(kind, status, detail):
    return {"type": f"/problems/{kind}", "title": kind, "status": status, "detail": detail}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, status, body=b"", kind="application/json", **extra):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (HEADERS | {"Content-Type": kind, "Content-Length": str(len(body))} | extra).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        path = self.path.split("?")[0]
        if path.startswith("/v1/users/me/recommendations"):
            return self.send(200, {"user": {"id": USER}, "recommendations": recommendations(), "recommendation_version": 3})
        if path == "/v1/users/me":
            return self.send(200, kept())
        if path in ("/", "/getRecommend"):
            return self.send(200, gzip.compress(HTML), "text/html; charset=utf-8", **{"Content-Encoding": "gzip"})
        name = path.removeprefix("/page/")
        file = PAGE / name
        if "/" in name or not file.is_file() or file.suffix not in TYPES:
            return self.send(404, problem("unknown-path", 404, "There is nothing here."), "application/problem+json")
        self.send(200, file.read_bytes(), TYPES[file.suffix])

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.split("?")[0]
        if path == "/v1/selfies":
            return self.send(200, selfie())
        if path == "/v1/analyses":
            return self.send(200, faces() if "faces=all" in self.path else analysis())
        if path.endswith(("/clicks", "/feedback")):
            return self.send(204)
        if path.endswith("/merges"):
            return self.send(200, {"user": USER, "merged": []})
        self.send(404, problem("unknown-path", 404, "There is nothing here."), "application/problem+json")

    def do_DELETE(self):
        self.send(204)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    # A browser opens several connections at once; one that finds no place in the queue is only tried again after a second or more.
    request_queue_size = 128


class Stub:
    """Serves on a free port of the loopback until closed."""

    def __init__(self):
        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
