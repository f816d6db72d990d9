"""The page, and a client that minds nothing, before the whole suite on real parts."""

import json
import re
import socket
import urllib.request
from urllib.parse import urlsplit

from playwright.sync_api import expect

from stub import HEADERS, HTML, analysis, faces, kept, selfie


def test_a_snapshot_goes_all_the_way(open_page, suite_url):
    page = open_page(url=suite_url, noise=("net::ERR", "Failed to load resource"))
    page.get_by_role("button", name="Take Snapshot").click()
    page.get_by_label(re.compile("I agree")).check()
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#status")).to_have_text(re.compile("You look|We are not sure"), timeout=30_000)
    expect(page.get_by_role("img", name=re.compile("face marked"))).to_be_visible()
    links = page.get_by_role("region", name="Recommendations").get_by_role("link")
    expect(links).to_have_count(6)
    assert all(re.fullmatch(r"https://www\.youtube\.com/watch\?v=[\w-]{11}", link.get_attribute("href")) for link in links.all())

    with page.expect_response("**/v1/users/me/clicks") as clicked:
        links.first.click()
    assert clicked.value.status == 204

    page.get_by_role("button", name="Delete me").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete me").click()
    expect(page.locator("#status")).to_have_text(re.compile("You are deleted"), timeout=30_000)


def test_the_stub_sends_the_headers_that_the_suite_sends(suite_url):
    with urllib.request.urlopen(suite_url, timeout=30) as response:
        sent = {name: value for name, value in response.headers.items() if name in HEADERS}
    assert sent == HEADERS
    assert "Content-Security-Policy" in HEADERS


def test_the_stub_sends_the_page_that_the_suite_sends(suite_url):
    with urllib.request.urlopen(suite_url, timeout=30) as response:
        assert response.read() == HTML


def missing(invented, sent, path=""):
    """The fields of an answer of the stub's that the suite did not send."""
    if isinstance(invented, list):
        invented, sent = {"0": invented[0]}, {str(index): item for index, item in enumerate(sent)}
    if not isinstance(invented, dict):
        return []
    here = [f"{path}/{name}" for name in invented if name not in sent]
    return here + [name for key in invented.keys() & sent.keys() for name in missing(invented[key], sent[key], f"{path}/{key}")]


def test_the_stub_answers_nothing_that_the_suite_does_not_send(suite_url, photo):
    def answer(path, body=photo.read_bytes(), kind="image/png"):
        request = urllib.request.Request(f"{suite_url}{path}", body, {"Content-Type": kind} if body else {})
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read() or "null")

    # Names that are data: of networks, moods and expressions.
    data = re.compile("/(models|mood/scores|mood/expressions)/")
    assert [name for name in missing(analysis(), answer("/v1/analyses")) if not data.match(name)] == []
    assert missing({"faces": faces()["faces"], "image": faces()["image"]}, answer("/v1/analyses?faces=all")) == []
    person = answer("/v1/selfies?as=new")
    # The very first of all has nobody to be compared with, and no version to be recommended from.
    optional = {"/user/distance", "/recommendation_version"}
    assert [name for name in missing(selfie(), person) if not data.match(name) and name not in optional] == []
    # What is kept, once they chose a video and said something of it; they watched none.
    user, video = f"/v1/users/{person['user']['id']}", person["recommendations"][0]["video_id"]
    answer(f"{user}/clicks", json.dumps({"video_id": video}).encode(), "application/json")
    answer(f"{user}/feedback", json.dumps({"video_id": video, "kind": "like"}).encode(), "application/json")
    told = kept()
    del told["merged"], told["watched"], told["recommendations_version"]
    assert missing(told, answer(user, body=None)) == []
    erasure = urllib.request.Request(f"{suite_url}/v1/users/{person['user']['id']}", method="DELETE")
    urllib.request.urlopen(erasure, timeout=30).close()


def test_who_sends_too_much_before_reading_is_told_so(suite_url):
    address = urlsplit(suite_url)
    size = 64 << 20
    head = f"POST /v1/selfies HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: image/jpeg\r\nContent-Length: {size}\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(head.encode())
        connection.settimeout(30)
        try:
            for _ in range(size >> 16):
                connection.sendall(bytes(1 << 16))
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server may stop listening; what it said before must be there all the same
        answer = b""
        while part := connection.recv(1 << 16):
            answer += part
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"/problems/too-large" in answer
