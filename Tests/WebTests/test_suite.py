"""The page, and a client that minds nothing, before the whole suite on real parts."""

import re
import socket
from urllib.parse import urlsplit

from playwright.sync_api import expect


def test_a_snapshot_goes_all_the_way(open_page, suite_url):
    page = open_page(url=suite_url, noise=("net::ERR", "Failed to load resource"))
    page.get_by_role("button", name="Take Snapshot").click()
    page.get_by_label(re.compile("I agree")).check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("status")).to_have_text(re.compile("You look|We are not sure"), timeout=30_000)
    expect(page.get_by_role("img", name=re.compile("face marked"))).to_be_visible()
    links = page.get_by_role("region", name="Recommendations").get_by_role("link")
    expect(links).to_have_count(6)
    assert all(re.fullmatch(r"https://www\.youtube\.com/watch\?v=[\w-]{11}", link.get_attribute("href")) for link in links.all())

    with page.expect_response("**/v1/users/me/clicks") as clicked:
        links.first.click()
    assert clicked.value.status == 204

    page.get_by_role("button", name="Delete me").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete me").click()
    expect(page.get_by_role("status")).to_have_text(re.compile("You are deleted"), timeout=30_000)


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
