"""`make bench-page`: how soon the page is painted and ready where every answer takes 400 ms, as the median of five visits by somebody
who was never there; of a running suite (MIEN_TEST_URL), or of the stub, which sends the same bytes."""

import os
import shutil
import statistics

from playwright.sync_api import sync_playwright

from stub import Stub

LATENCY = 400
VISITS = 5


def visit(browser, url):
    """Milliseconds until something is painted, and until a snapshot can be taken."""
    context = browser.new_context()
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", {"offline": False, "latency": LATENCY, "downloadThroughput": -1, "uploadThroughput": -1})
    page.add_init_script(
        """new MutationObserver((_, observer) => {
            if (document.getElementById("snapshot")?.hasAttribute("aria-disabled") !== false) return;
            observer.disconnect();
            window.ready = performance.now();
        }).observe(document, { subtree: true, childList: true, attributes: true })"""
    )
    page.goto(url, wait_until="commit")
    page.wait_for_function("() => window.ready && performance.getEntriesByName('first-contentful-paint').length")
    times = page.evaluate("() => [performance.getEntriesByName('first-contentful-paint')[0].startTime, window.ready]")
    context.close()
    return times


def main():
    url = os.environ.get("MIEN_TEST_URL")
    stub = None if url else Stub()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        visits = [visit(browser, url or stub.url) for _ in range(VISITS)]
        browser.close()
    painted, ready = (round(statistics.median(times)) for times in zip(*visits))
    print(f"first paint after {painted} ms, ready after {ready} ms, with {LATENCY} ms for every answer")
    if stub:
        stub.close()


if __name__ == "__main__":
    main()
