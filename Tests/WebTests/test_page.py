"""The page's states, before the stub."""

import json
import re
import threading

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from stub import analysis, problem, recommendations, selfie

REFUSED = ("Failed to load resource",)
YOUTUBE = "https://www.youtube-nocookie.com/**"


def key(page, name):
    return page.get_by_role("button", name=name, exact=True)


def agree(page):
    page.get_by_label(re.compile("I agree")).check()
    key(page, "Continue").click()


def answer_with(page, body=None, status=200, path="**/v1/selfies*", **headers):
    kind = "application/json" if status < 400 else "application/problem+json"
    page.route(path, lambda route: route.fulfill(status=status, content_type=kind, body=json.dumps(body), headers=headers))


def youtube(page):
    """A stand-in for YouTube's player: ready when greeted; `tell` makes it say more. Returns what was embedded."""
    embedded = []
    body = """<script>addEventListener("message", event => {
        window.page = event.source;
        if (JSON.parse(event.data).event === "listening") page.postMessage(JSON.stringify({ event: "onReady" }), "*");
    })</script>"""
    page.route(YOUTUBE, lambda route: (embedded.append(route.request), route.fulfill(content_type="text/html", body=body)))
    return embedded


def tell(page, message):
    """Waits for the player, which then says `message`."""
    expect(page.locator("#player")).to_have_attribute("data-state", "showing")
    page.frames[-1].evaluate("message => page.postMessage(JSON.stringify(message), '*')", message)


def check_accessible(page):
    # In the middle of a transition a button's colours do not belong together yet.
    page.evaluate("() => Promise.all(document.getAnimations().map(animation => animation.finished.catch(() => null)))")
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, a.button, #videos a, summary, dialog[open] label")]
            .filter(item => item.checkVisibility() && item.getClientRects().length)
            .filter(item => { const box = item.getBoundingClientRect(); return box.width < 44 || box.height < 44; })
            .map(item => item.textContent.trim())"""
    )
    assert small == []
    wide = page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
            .filter(item => item.getBoundingClientRect().right > innerWidth).map(item => `${item.tagName}#${item.id}.${item.className}`)"""
    )
    assert wide == []


def test_a_snapshot_brings_box_mood_and_six_links(open_page):
    page = open_page()
    with page.expect_request("**/v1/selfies*") as sent:
        key(page, "Take Snapshot").click()
        expect(page.get_by_role("dialog")).to_contain_text("face template")
        agree(page)
    expect(page.locator("#status")).to_have_text(re.compile("You look happy. Welcome back"))
    request = sent.value
    assert request.headers["content-type"] == "image/jpeg"
    assert len(request.headers["idempotency-key"]) >= 16
    assert request.post_data_buffer[:2] == b"\xff\xd8"
    expect(page.get_by_role("img", name=re.compile("face marked.*happy"))).to_be_visible()
    face = page.locator("#mark .line").bounding_box()
    # The stub's box, on a picture of 1280 x 720 that fills the stage.
    stage = page.locator("#stage").bounding_box()
    scale = stage["width"] / 1280
    assert abs(face["x"] - stage["x"] - 520 * scale) < 4 and abs(face["height"] - 300 * scale) < 8
    links = page.get_by_role("region", name="Recommendations").get_by_role("link")
    expect(links).to_have_count(6)
    assert [link.get_attribute("href") for link in links.all()] == [item["url"] for item in recommendations()]
    expect(page.locator("#webcam-video")).to_be_visible()


def test_consent_comes_before_the_first_picture_and_only_once(open_page):
    page = open_page()
    sent = []
    page.on("request", lambda request: sent.append(request.url) if "/v1/" in request.url else None)
    key(page, "Take Snapshot").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(page.get_by_label(re.compile("I agree"))).not_to_be_checked()
    expect(key(page, "Continue")).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(key(page, "Take Snapshot")).to_be_focused()
    assert sent == []
    key(page, "Take Snapshot").click()
    agree(page)
    expect(page.locator("#status")).to_have_text(re.compile("You look"))
    key(page, "Take Snapshot").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("#status")).to_have_text(re.compile("You look"))
    expect(key(page, "Take Snapshot")).not_to_have_attribute("aria-disabled", "true")
    assert len(sent) == 2


def test_the_text_that_was_agreed_to_is_told_and_another_one_asked_about(open_page):
    page = open_page(consent="recognise")
    with page.expect_request(re.compile(r"/v1/selfies\?consent=2026-11$")):
        key(page, "Take Snapshot").click()
    page.context.add_init_script("localStorage.setItem('mien.consent.text', '2025-01')")
    page.reload()
    key(page, "Take Snapshot").click()
    expect(page.get_by_role("dialog", name="Before the first picture")).to_be_visible()
    with page.expect_request(re.compile(r"/v1/selfies\?consent=2026-11$")):
        agree(page)


def test_consent_names_everything_that_is_kept(open_page):
    page = open_page()
    key(page, "Privacy").click()
    dialog = page.get_by_role("dialog")
    for kept in ("template", "when you first came", "mood and the time of your last visit", "videos you seemed to enjoy, chose, liked or did not want and when", "recommendations", "cookie"):
        expect(dialog).to_contain_text(kept)


def test_only_the_mood_without_recognition(open_page):
    page = open_page(noise=("net::ERR",))
    key(page, "Take Snapshot").click()
    with page.expect_request("**/v1/analyses"):
        key(page, "Only my mood, do not recognise me").click()
    expect(page.locator("#status")).to_have_text(re.compile("You look happy. You asked not to be recognised"))
    # Videos by mood alone, and choosing one tells nobody.
    links = page.get_by_role("region", name="Recommendations").get_by_role("link")
    expect(links).to_have_count(6)
    expect(page.get_by_role("heading", name="For your mood: happy")).to_be_visible()
    told = []
    page.on("request", lambda request: told.append(request.url) if "/v1/" in request.url else None)
    links.first.click()
    expect(page.locator("#player")).not_to_have_attribute("data-state", "idle")
    assert told == []
    # Nothing was kept before, so there is nothing to offer.
    expect(page.get_by_role("dialog")).to_be_hidden()


def recognised_then_only_the_mood(open_page):
    """Somebody was recognised, and then takes it back."""
    page = open_page()
    key(page, "Take Snapshot").click()
    agree(page)
    expect(page.locator("#status")).to_have_text(re.compile("Welcome back"))
    key(page, "Privacy").click()
    key(page, "Only my mood, do not recognise me").click()
    expect(page.get_by_role("dialog")).to_contain_text("Delete everything about you?")
    expect(page.get_by_role("dialog")).to_contain_text("reads only your mood")
    return page


def test_withdrawing_consent_offers_to_delete_what_was_kept(open_page):
    page = recognised_then_only_the_mood(open_page)
    check_accessible(page)
    with page.expect_request(lambda request: request.method == "DELETE" and request.url.endswith("/v1/users/me")):
        page.get_by_role("dialog").get_by_role("button", name="Delete me").click()
    expect(page.locator("#status")).to_have_text(re.compile("You are deleted"))
    expect(key(page, "Privacy")).to_be_focused()
    # The choice stands.
    with page.expect_request("**/v1/analyses"):
        key(page, "Take Snapshot").click()
    expect(page.locator("#status")).to_have_text(re.compile("You asked not to be recognised"))
    # Nobody is left, and nothing is offered any more.
    key(page, "Privacy").click()
    key(page, "Only my mood, do not recognise me").click()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_withdrawing_consent_may_keep_what_was_kept(open_page):
    page = recognised_then_only_the_mood(open_page)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/v1/users" in request.url else None)
    key(page, "Keep").click()
    expect(page.locator("#status")).to_have_text(re.compile("only your mood is read.*stays until you press Delete me"))
    expect(page.get_by_role("heading", name="To begin with")).to_be_visible()
    # Who is not recognised is shown nobody's videos, on the next visit either.
    page.reload()
    expect(page.get_by_role("heading", name="To begin with")).to_be_visible()
    assert asked == []
    key(page, "Delete me").click()
    expect(page.locator("#farewell-withdrawn")).to_be_hidden()


def test_withdrawing_consent_stops_a_recording(open_page):
    page = open_page(consent="recognise")
    key(page, "Start Record").click()
    expect(page.locator("#status")).to_have_text(re.compile("Welcome back"))
    key(page, "Privacy").click()
    key(page, "Only my mood, do not recognise me").click()
    expect(page.locator("#recording")).to_be_hidden()
    key(page, "Keep").click()
    expect(key(page, "Take Snapshot")).not_to_have_attribute("aria-disabled", "true")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width,height", [(1280, 900), (390, 844), (320, 640)])
def test_every_state_is_accessible(open_page, scheme, width, height):
    page = open_page(width=width, height=height, scheme=scheme, noise=REFUSED)
    check_accessible(page)
    key(page, "Try it with a sample face").click()
    expect(page.locator("#mood-words")).to_have_text("She looks happy")
    check_accessible(page)
    key(page, "Take Snapshot").click()
    check_accessible(page)
    answer_with(page, selfie("uncertain", "ambiguous"))
    agree(page)
    expect(page.get_by_role("group", name="Is this you?")).to_be_visible()
    page.get_by_text("For the curious").click()
    check_accessible(page)
    answer_with(page, problem("no-face", 422, "No face."), 422)
    key(page, "Take Snapshot").click()
    expect(page.get_by_role("alert")).to_have_text(re.compile("no face"))
    check_accessible(page)
    key(page, "Delete me").first.click()
    check_accessible(page)
    key(page, "Keep").click()
    page.get_by_role("button", name="Play video").click()
    expect(page.locator("#player")).to_have_attribute("data-state", "failed")
    check_accessible(page)
    answer_with(page, selfie(mood="upset", reaction={"rating": 1, "distance": 0.4, "reference": "first"}))
    key(page, "Start Record").click()
    expect(page.locator("#timeline-graph rect").first).to_be_visible()
    check_accessible(page)


def test_the_camera_refused_leaves_upload(open_page, photo):
    page = open_page(camera=False, consent="recognise")
    key(page, "Take Snapshot").click()
    expect(page.locator("#webcam")).to_have_attribute("data-state", "refused")
    expect(page.get_by_role("alert")).to_contain_text("The camera is blocked")
    check_accessible(page)
    with page.expect_file_chooser() as chooser:
        key(page, "Upload Image").click()
    chooser.value.set_files(photo)
    expect(page.locator("#status")).to_have_text(re.compile("You look happy"))
    expect(page.get_by_role("alert")).to_have_text("")


@pytest.mark.parametrize("error,state", [("NotFoundError", "missing"), ("NotReadableError", "busy"), ("OverconstrainedError", "missing")])
def test_other_troubles_with_the_camera(open_page, error, state):
    page = open_page(consent="recognise")
    page.evaluate("name => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', name)); }", error)
    key(page, "Take Snapshot").click()
    expect(page.locator("#webcam")).to_have_attribute("data-state", state)
    expect(page.get_by_role("alert")).to_contain_text("upload a picture instead", ignore_case=True)


def test_an_unanswered_permission_says_what_it_waits_for(open_page):
    page = open_page(consent="recognise")
    page.evaluate("() => { navigator.mediaDevices.getUserMedia = () => new Promise(() => {}); }")
    key(page, "Take Snapshot").click()
    expect(page.locator("#webcam-title")).to_have_text("Waiting for permission")


def test_an_unanswered_permission_leaves_upload(open_page, photo):
    page = open_page(consent="recognise")
    page.evaluate("() => { navigator.mediaDevices.getUserMedia = () => new Promise(() => {}); }")
    key(page, "Take Snapshot").click()
    expect(page.locator("#webcam")).to_have_attribute("data-state", "asking")
    with page.expect_file_chooser() as chooser:
        key(page, "Upload Image").click()
    chooser.value.set_files(photo)
    expect(page.locator("#status")).to_have_text(re.compile("You look happy"))
    expect(page.locator("#webcam")).to_have_attribute("data-state", "off")


def test_a_camera_allowed_after_it_was_given_up_stays_off(open_page):
    page = open_page(consent="recognise")
    page.evaluate(
        """() => {
            const media = navigator.mediaDevices;
            const ask = media.getUserMedia.bind(media);
            media.getUserMedia = wishes => new Promise(resolve => {
                window.allow = async () => resolve(window.stream = await ask(wishes));
            });
        }"""
    )
    key(page, "Start Record").click()
    expect(page.locator("#webcam")).to_have_attribute("data-state", "asking")
    key(page, "Stop Record").click()
    expect(page.locator("#webcam")).to_have_attribute("data-state", "off")
    expect(page.locator("#status")).to_have_text("Recording stopped.")
    page.evaluate("() => allow()")
    assert page.evaluate("() => stream.getVideoTracks()[0].readyState") == "ended"
    expect(page.locator("#webcam")).to_have_attribute("data-state", "off")


def test_pressing_twice_asks_for_the_camera_once(open_page):
    page = open_page(consent="recognise")
    page.evaluate(
        """() => {
            const media = navigator.mediaDevices;
            const ask = media.getUserMedia.bind(media);
            window.asked = 0;
            media.getUserMedia = wishes => { asked += 1; return ask(wishes); };
        }"""
    )
    key(page, "Take Snapshot").dblclick()
    expect(page.locator("#status")).to_have_text(re.compile("You look"))
    expect(page.get_by_role("alert")).to_have_text("")
    assert page.evaluate("() => asked") == 1


def test_an_upload_is_upright_small_and_without_metadata(open_page, tmp_path):
    from PIL import Image

    picture = Image.new("RGB", (2000, 1000), (200, 30, 30))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "SecretCamera"
    path = tmp_path / "turned.jpg"
    picture.save(path, "JPEG", exif=exif)
    page = open_page(consent="recognise")
    with page.expect_request("**/v1/selfies*") as sent:
        page.locator("#file").set_input_files(path)
    body = sent.value.post_data_buffer
    assert b"SecretCamera" not in body and b"Exif" not in body
    (tmp_path / "sent.jpg").write_bytes(body)
    assert Image.open(tmp_path / "sent.jpg").size == (640, 1280)
    expect(page.locator("#status")).to_have_text(re.compile("You look"))


def test_a_file_that_is_no_picture(open_page, tmp_path):
    path = tmp_path / "junk.jpg"
    path.write_bytes(b"not a picture")
    page = open_page(consent="recognise")
    page.locator("#file").set_input_files(path)
    expect(page.get_by_role("alert")).to_have_text(re.compile("cannot read this image"))
    expect(key(page, "Upload Image")).not_to_have_attribute("aria-disabled", "true")


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_pasting_and_dropping(open_page, photo, kind):
    page = open_page(consent="recognise")
    page.evaluate(
        """async kind => {
            const canvas = document.createElement("canvas");
            const blob = await new Promise(resolve => canvas.toBlob(resolve, "image/png"));
            const transfer = new DataTransfer();
            transfer.items.add(new File([blob], "a.png", { type: "image/png" }));
            const options = { bubbles: true, cancelable: true };
            document.body.dispatchEvent(kind === "paste"
                ? new ClipboardEvent("paste", { ...options, clipboardData: transfer })
                : new DragEvent("drop", { ...options, dataTransfer: transfer }));
        }""",
        kind,
    )
    expect(page.locator("#status")).to_have_text(re.compile("You look"))


@pytest.mark.parametrize(
    "kind,status,words",
    [
        ("no-face", 422, "found no face"),
        ("corrupt-image", 422, "damaged"),
        ("too-large", 413, "too large"),
        ("deadline-passed", 504, "took too long"),
        ("attempts-exhausted", 502, "did not work"),
        ("internal-error", 500, "Something"),
    ],
)
def test_refusals_in_words(open_page, kind, status, words):
    page = open_page(consent="recognise", noise=REFUSED)
    answer_with(page, problem(kind, status, "Something went wrong inside."), status)
    key(page, "Take Snapshot").click()
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.locator("#selfie")).to_have_attribute("data-state", "failed")
    expect(key(page, "Take Snapshot")).to_be_focused()


def test_busy_says_when_to_try_again_and_trying_again_is_the_same_job(open_page):
    page = open_page(consent="recognise", noise=REFUSED)
    keys = []
    page.on("request", lambda request: keys.append(request.headers.get("idempotency-key")) if "selfies" in request.url else None)
    answer_with(page, problem("unavailable", 503, "Busy."), 503, **{"Retry-After": "7"})
    key(page, "Take Snapshot").click()
    expect(page.get_by_role("alert")).to_contain_text("try again in 7 seconds")
    page.unroute("**/v1/selfies*")
    key(page, "Try again").first.click()
    expect(page.locator("#status")).to_have_text(re.compile("You look"))
    assert len(keys) == 2 and keys[0] == keys[1]


def test_offline(open_page):
    page = open_page(consent="recognise", noise=("Failed to load resource", "net::ERR"))
    page.context.set_offline(True)
    key(page, "Take Snapshot").click()
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")


def test_a_slow_service_can_be_cancelled(open_page):
    page = open_page(consent="recognise")
    page.clock.install()
    held = []
    page.route("**/v1/selfies*", lambda route: held.append(route))
    page.evaluate("() => { performance.now = () => 0; }")
    key(page, "Take Snapshot").click()
    expect(page.locator("#status")).to_have_text(re.compile("camera|Looking"))
    for _ in range(20):
        page.clock.run_for(500)
        if page.locator("#status").text_content().startswith("Still"):
            break
    expect(page.locator("#status")).to_have_text(re.compile("Still working"))
    key(page, "Cancel").click()
    expect(page.locator("#status")).to_have_text("")
    expect(page.get_by_role("alert")).to_have_text("")
    expect(key(page, "Take Snapshot")).to_be_focused()


def test_somebody_new_says_so(open_page):
    page = open_page(consent="recognise")
    answer_with(page, selfie("uncertain", "ambiguous"))
    key(page, "Take Snapshot").click()
    question = page.get_by_role("group", name="Is this you?")
    expect(question).to_be_visible()
    page.unroute("**/v1/selfies*")
    answer_with(page, selfie("new"))
    with page.expect_request(re.compile(r"/v1/selfies\?.*as=new$")):
        question.get_by_role("button", name="No, I am someone new").click()
    expect(page.locator("#status")).to_have_text(re.compile("We do not know you yet"))
    expect(question).to_be_hidden()


def test_a_picture_that_tells_nobody_leaves_who_is_known(open_page):
    page = open_page(consent="recognise")
    key(page, "Take Snapshot").click()
    expect(page.locator("#status")).to_have_text(re.compile("Welcome back"))
    answer_with(page, selfie("uncertain", "ambiguous"))
    key(page, "Take Snapshot").click()
    expect(page.get_by_role("group", name="Is this you?")).to_be_visible()
    with page.expect_request("**/v1/users/me/recommendations"):
        page.reload()
    expect(page.get_by_role("region", name="Recommendations").get_by_role("link")).to_have_count(6)


@pytest.mark.parametrize("reason,words", [("face_too_small", "come closer"), ("face_blurred", "hold still"), ("face_turned", "look straight"), ("face_cut_off", "to the middle"), ("face_unclear", "not seen clearly"), ("erased_meanwhile", "take another")])
def test_a_face_unfit_for_recognition_says_why(open_page, reason, words):
    page = open_page(consent="recognise")
    answer_with(page, selfie("uncertain", reason))
    key(page, "Take Snapshot").click()
    expect(page.locator("#person-words")).to_contain_text(words)
    expect(page.get_by_role("group", name="Is this you?")).to_be_hidden()


def test_two_moods_that_are_close_are_both_named(open_page):
    page = open_page(consent="recognise")
    body = selfie()
    body["mood"]["scores"] = {"happy": 0.45, "surprised": 0.4, "neutral": 0.1, "upset": 0.05}
    answer_with(page, body)
    key(page, "Take Snapshot").click()
    expect(page.locator("#mood-words")).to_have_text("We are not sure: happy or surprised")


def test_recording_waits_for_each_answer_and_stops(open_page):
    page = open_page(consent="recognise")
    page.clock.install()
    running, most, total = 0, 0, 0
    lock = threading.Lock()

    def count(request, change):
        nonlocal running, most, total
        if "/v1/selfies" in request.url:
            with lock:
                running += change
                total += change > 0
                most = max(most, running)

    page.on("request", lambda request: count(request, 1))
    page.on("requestfinished", lambda request: count(request, -1))
    key(page, "Start Record").click()
    expect(key(page, "Stop Record")).to_be_focused()
    expect(page.get_by_text("Recording", exact=True)).to_be_visible()
    expect(key(page, "Take Snapshot")).to_have_attribute("aria-disabled", "true")
    for _ in range(3):
        with page.expect_event("requestfinished", lambda request: "/v1/selfies" in request.url):
            page.clock.run_for(1_000)
    key(page, "Stop Record").click()
    expect(key(page, "Start Record")).to_be_focused()
    expect(key(page, "Start Record")).not_to_have_attribute("aria-disabled", "true")
    stopped = total
    # By now a recording would have sent more, and this picture comes after them.
    page.clock.run_for(5_000)
    with page.expect_request("**/v1/selfies*"):
        key(page, "Take Snapshot").click()
    assert most == 1
    assert total == stopped + 1


def test_turning_the_camera_off_stops_the_recording(open_page):
    page = open_page(consent="recognise")
    page.clock.install()
    key(page, "Start Record").click()
    expect(page.locator("#status")).to_have_text(re.compile("You look"))
    key(page, "Turn the camera off").click()
    expect(key(page, "Take Snapshot")).to_be_focused()
    expect(page.get_by_text("Recording", exact=True)).to_be_hidden()
    expect(key(page, "Stop Record")).to_have_attribute("aria-disabled", "true")
    page.evaluate("() => { window.asked = 0; navigator.mediaDevices.getUserMedia = () => { asked += 1; return new Promise(() => {}); }; }")
    # By now a recording would have asked for the camera, to take its next picture.
    page.clock.run_for(2_000)
    assert page.evaluate("() => asked") == 0
    expect(page.locator("#webcam")).to_have_attribute("data-state", "off")


def test_leaving_the_page_turns_the_camera_off(open_page):
    page = open_page(consent="recognise")
    key(page, "Start Record").click()
    expect(page.locator("#webcam")).to_have_attribute("data-state", "live")
    page.evaluate(
        """() => {
            window.track = document.getElementById("webcam-video").srcObject.getVideoTracks()[0];
            Object.defineProperty(document, "hidden", { get: () => true });
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    assert page.evaluate("() => track.readyState") == "ended"
    expect(page.locator("#webcam-text")).to_contain_text("while you were away")
    expect(page.get_by_role("alert")).to_have_text("")
    expect(key(page, "Stop Record")).to_have_attribute("aria-disabled", "true")


def test_a_recommendation_plays_and_is_sent_as_feedback(open_page):
    page = open_page(consent="recognise", noise=("net::ERR",))
    embedded = youtube(page)
    key(page, "Take Snapshot").click()
    links = page.get_by_role("region", name="Recommendations").get_by_role("link")
    expect(links).to_have_count(6)
    link = links.nth(1)
    with page.expect_request("**/v1/users/me/clicks") as click:
        link.click()
    assert click.value.post_data_json == {"video_id": "fWNaR-rxAic"}
    expect(page.locator("#player")).to_have_attribute("data-state", "showing")
    frame = page.frame_locator("iframe").owner
    expect(frame).to_have_attribute("title", "Video: Carly Rae Jepsen - Call Me Maybe")
    assert "/embed/fWNaR-rxAic?" in embedded[0].url
    # Without a referrer YouTube refuses with error 153.
    assert embedded[0].headers.get("referer", "").startswith("http://127.0.0.1")
    expect(link).to_have_attribute("aria-current", "true")
    tell(page, {"event": "infoDelivery", "info": {"playerState": 1}})
    expect(page.locator("#player-status")).to_have_text("Playing: Carly Rae Jepsen - Call Me Maybe")
    with page.expect_request("**/v1/selfies*") as sent:
        key(page, "Take Snapshot").click()
    assert re.search(r"[?&]playing=fWNaR-rxAic&session=[0-9a-f]{32}$", sent.value.url)


@pytest.mark.parametrize("trouble", ["abort", "silence", "error"])
def test_youtube_down_is_said_and_the_rest_goes_on(open_page, trouble):
    page = open_page(consent="recognise", noise=("net::ERR", "Failed to load"))
    held = []
    error = """<script>addEventListener("message", event =>
        event.source.postMessage(JSON.stringify({ event: "onError", info: 153 }), "*"))</script>"""
    page.route(
        YOUTUBE,
        lambda route: {
            "abort": lambda: route.abort(),
            "silence": lambda: held.append(route),
            "error": lambda: route.fulfill(content_type="text/html", body=error),
        }[trouble](),
    )
    page.get_by_role("button", name="Play video").click()
    expect(page.locator("#player")).to_have_attribute("data-state", "failed")
    player = page.get_by_role("region", name="Video")
    expect(player.get_by_role("button", name="Try again")).to_be_focused()
    expect(player.get_by_role("link", name="Open on YouTube")).to_have_attribute("href", "https://www.youtube.com/watch?v=gf6v59c5yuY")
    with page.expect_request(re.compile(r"/v1/selfies\?consent=[\w-]+$")):
        key(page, "Take Snapshot").click()
    expect(page.locator("#status")).to_have_text(re.compile("You look"))


def test_nothing_of_youtubes_is_loaded_before_it_is_asked_for(open_page):
    page = open_page(consent="recognise")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    key(page, "Take Snapshot").click()
    expect(page.locator("#status")).to_have_text(re.compile("You look"))
    assert [url for url in asked if "youtube" in url or "ytimg" in url or "google" in url] == []


def test_delete_me(open_page):
    page = open_page(consent="recognise")
    key(page, "Take Snapshot").click()
    expect(page.locator("#status")).to_have_text(re.compile("You look"))
    key(page, "Delete me").click()
    with page.expect_request(lambda request: request.method == "DELETE" and request.url.endswith("/v1/users/me")):
        page.get_by_role("dialog").get_by_role("button", name="Delete me").click()
    expect(page.locator("#status")).to_have_text(re.compile("You are deleted"))
    expect(page.get_by_role("heading", name="To begin with")).to_be_visible()
    expect(page.get_by_role("region", name="Recommendations").get_by_role("link")).to_have_count(3)
    assert page.evaluate("() => localStorage.length") == 0


def test_delete_me_waits_for_an_accepted_erasure(open_page):
    page = open_page(consent="recognise")
    keys = []

    def erase(route):
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) < 3:
            route.fulfill(status=202, headers={"Location": "/v1/jobs/1"}, body="{}")
        else:
            route.fallback()

    page.route("**/v1/users/me", erase)
    key(page, "Delete me").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete me").click()
    expect(page.locator("#status")).to_have_text(re.compile("You are deleted"))
    assert len(keys) == 3 and keys[0] and len(set(keys)) == 1


def test_delete_me_stops_a_recording(open_page):
    page = open_page(consent="recognise")
    held = []
    page.route("**/v1/selfies*", lambda route: held.append(route))
    with page.expect_request("**/v1/selfies*"):
        key(page, "Start Record").click()
    key(page, "Delete me").click()
    expect(page.get_by_role("dialog")).to_contain_text("Delete everything about you?")
    expect(page.locator("#recording")).to_be_hidden()
    expect(page.locator("#stop")).to_have_attribute("aria-disabled", "true")
    expect(page.locator("#selfie-text")).to_have_text("You cancelled it.")
    key(page, "Keep").click()
    expect(key(page, "Take Snapshot")).not_to_have_attribute("aria-disabled", "true")


def test_delete_me_leaves_nothing_to_try_again(open_page):
    page = open_page(consent="recognise", noise=REFUSED)
    answer_with(page, problem("unavailable", 503, "Busy."), 503)
    key(page, "Take Snapshot").click()
    expect(page.locator("#again")).to_be_visible()
    key(page, "Delete me").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete me").click()
    expect(page.locator("#status")).to_have_text(re.compile("You are deleted"))
    expect(page.locator("#again")).to_be_hidden()


def test_delete_me_without_anybody_known(open_page):
    page = open_page(noise=REFUSED)
    answer_with(page, problem("unknown-user", 404, "Nobody."), 404, path="**/v1/users/me")
    key(page, "Delete me").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete me").click()
    expect(page.get_by_role("alert")).to_contain_text("holds nobody to delete")


def test_somebody_who_comes_back_finds_their_videos(open_page):
    page = open_page()
    page.evaluate("() => localStorage.setItem('mien.known', 'yes')")
    page.reload()
    expect(page.get_by_role("region", name="Recommendations").get_by_role("link")).to_have_count(6)


def test_the_keyboard_reaches_everything_in_order(open_page):
    page = open_page()
    names = []
    for _ in range(10):
        page.keyboard.press("Tab")
        names.append(page.evaluate("() => document.activeElement.textContent.trim()"))
    assert names == [
        "Skip to the controls", "Privacy", "Delete me", "Try it with a sample face", "Take Snapshot", "Start Record", "Stop Record",
        "Upload Image", "Play video", "Pharrell Williams - Happy",
    ]


def test_the_controls_are_at_hand_on_every_screen(open_page):
    for width, height in [(1280, 900), (390, 844), (320, 640)]:
        page = open_page(width=width, height=height)
        for name in ("Take Snapshot", "Start Record", "Stop Record", "Upload Image"):
            box = key(page, name).bounding_box()
            assert box["y"] + box["height"] <= height


def test_the_preview_is_mirrored_and_the_selfie_is_not(open_page):
    page = open_page(consent="recognise")
    key(page, "Take Snapshot").click()
    expect(page.locator("#status")).to_have_text(re.compile("You look"))
    transforms = page.evaluate(
        """() => ["webcam-video", "selfie-canvas"].map(id => getComputedStyle(document.getElementById(id)).transform)"""
    )
    assert transforms == ["matrix(-1, 0, 0, 1, 0, 0)", "none"]
