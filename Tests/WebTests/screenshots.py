"""`make screenshots`: the page's states on a desktop, a phone upright and on its side, light and dark, as pictures in a folder.

Answers come from the stub, faces from free photos: the astronaut's (NASA) and an official portrait, both in the public domain.
"""

import json
import pathlib
import shutil
import sys
import tempfile

from PIL import Image
from playwright.sync_api import expect, sync_playwright

from conftest import PHOTO, camera_feed
from stub import Stub, analysis, faces, problem, selfie

DEVICES = {
    "desktop": {"viewport": {"width": 1280, "height": 720}},
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
    "phone-on-its-side": {"viewport": {"width": 844, "height": 390}, "color_scheme": "dark"},
}

# Where the astronaut's face is, in a picture of the camera's and in the sample.
IN_CAMERA = {"x": 535, "y": 87, "width": 122, "height": 155}
IN_SAMPLE = {"x": 105, "y": 60, "width": 69, "height": 91}

# Two beside each other, and where their faces are.
BOTH = [(PHOTO, 0, {"x": 255, "y": 87, "width": 122, "height": 155}), (PHOTO.with_name("obama.jpg"), 720, {"x": 955, "y": 54, "width": 156, "height": 210})]

expect.set_options(timeout=20_000)

# YouTube's player, as far as a picture shows it.
PLAYER = """<body style="margin:0;display:grid;place-items:center;height:100vh;background:#222;color:#999;font:20px sans-serif">
<p>YouTube's player</p><script>addEventListener("message", event => event.source.postMessage(JSON.stringify(
{ event: "initialDelivery", info: { playerState: 1 } }), "*"))</script>"""


def answers(page, path, *bodies):
    """Each request gets the next of these; the last one again and again."""
    rest = list(bodies)

    def answer(route):
        body = rest.pop(0) if len(rest) > 1 else rest[0]
        route.fulfill(status=body.get("status", 200), content_type="application/json", body=json.dumps(body))

    page.unroute(path)
    page.route(path, answer)


def snap(page):
    page.get_by_role("button", name="Take Snapshot").click()


def settled(page):
    page.evaluate("() => Promise.all(document.getAnimations().map(animation => animation.finished.catch(() => null)))")


def answered(page, words="You look"):
    expect(page.locator("#mood-words")).to_contain_text(words)
    expect(page.locator("#reading")).to_be_visible()
    settled(page)


def states(page, shot):
    """Goes through the page as a person does, with a picture of each state."""
    shot("1-first-run")

    sample = analysis()
    sample["face"]["box"], sample["image"] = IN_SAMPLE, {"width": 320, "height": 320}
    answers(page, "**/v1/analyses", sample)
    page.get_by_role("button", name="Try it with a sample face").click()
    answered(page, "She looks")
    shot("2-sample")

    snap(page)
    shot("3-consent")

    answers(page, "**/v1/selfies*", selfie("new", box=IN_CAMERA) | {"recommendations": [item | {"source": "mood"} for item in selfie()["recommendations"]]})
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="Continue").click()
    answered(page)
    shot("4-answer")

    moods = [selfie(mood=mood, box=IN_CAMERA, reaction={"rating": rating, "distance": 0.4, "reference": "first"})
             for mood, rating in [("neutral", 0), ("neutral", 0), ("happy", 1), ("happy", 1), ("surprised", 1), ("happy", 1)]]
    for answer in moods:
        answer["recommendations"][0]["because"] = [{"video_id": "CevxZvSJLk8", "title": "Katy Perry - Roar (Official)"}]
    answers(page, "**/v1/selfies*", *moods)
    page.locator("#videos a").nth(3).click()
    expect(page.locator("#player")).to_have_attribute("data-state", "showing")
    page.get_by_role("button", name="Start Record").click()
    expect(page.locator("#timeline-graph rect")).to_have_count(6, timeout=30_000)
    page.mouse.move(2, 2)
    shot("5-recording")
    page.get_by_role("button", name="Stop Record").click()

    expect(page.locator("#snapshot")).not_to_have_attribute("aria-disabled", "true")
    answers(page, "**/v1/selfies*", selfie("uncertain", "ambiguous", mood="neutral", box=IN_CAMERA))
    snap(page)
    expect(page.locator("#question")).to_be_visible()
    shot("6-uncertain")

    with tempfile.TemporaryDirectory() as folder:
        both = Image.new("RGB", (1296, 720))
        for photo, x, _ in BOTH:
            picture = Image.open(photo).convert("RGB")
            both.paste(picture.resize((picture.width * 720 // picture.height, 720)), (x, 0))
        both.save(pathlib.Path(folder) / "both.jpg")
        size = {"width": 1280, "height": 711}
        boxes = [{name: value * 1280 / 1296 for name, value in box.items()} for _, _, box in BOTH]
        largest = selfie(mood="neutral", box=boxes[1]) | {"image": size}
        largest["user"]["same_as"] = ["0f5f4b1e-8a53-4a3e-9b0b-0f6f6a2f7c22"]
        answers(page, "**/v1/selfies*", largest)
        answers(page, "**/v1/analyses?faces=all", {"image": size, "faces": [faces()["faces"][0] | {"box": box} for box in boxes]})
        page.locator("#file").set_input_files(pathlib.Path(folder) / "both.jpg")
        answered(page)
    expect(page.locator("#twins")).to_be_visible()
    shot("7-are-both-you")
    page.get_by_role("button", name="Choose another face").click()
    expect(page.locator("#faces")).to_be_visible()
    shot("8-several-faces")
    page.keyboard.press("Escape")
    page.locator("#about-reading").click()
    expect(page.locator("#about")).to_be_visible()
    shot("9-what-mien-knows")
    page.locator("#about-close").click()

    answers(page, "**/v1/selfies*", problem("no-face", 422, "No face."))
    snap(page)
    expect(page.locator("#selfie")).to_have_attribute("data-state", "failed")
    shot("a-no-face")

    page.unroute("**/v1/selfies*")
    page.context.set_offline(True)
    snap(page)
    expect(page.locator("#alert")).to_contain_text("cannot be reached")
    shot("b-offline")
    page.context.set_offline(False)

    page.get_by_role("button", name="Delete me").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete me").click()
    expect(page.locator("#status")).to_contain_text("You are deleted")
    shot("c-deleted")


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    stub = Stub()
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        feed = camera_feed(pathlib.Path(temporary) / "face.y4m")
        arguments = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={feed}"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        for name, options in DEVICES.items():
            context = browser.new_context(**options)
            context.grant_permissions(["camera"], origin=stub.url)
            context.route(lambda address: address.startswith("https:"), lambda route: route.fulfill(content_type="text/html", body=PLAYER))
            page = context.new_page()
            page.goto(stub.url)

            def shot(state):
                settled(page)
                page.screenshot(path=folder / f"{name}-{state}.png")

            states(page, shot)
            context.close()
        browser.close()
    stub.close()
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
