"""What once went wrong on the page, each with what was seen of it."""

import csv
import json
import pathlib
import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from stub import HTML, PAGE, problem, recommendations, selfie
from test_page import REFUSED, YOUTUBE, agree, answer_with, check_accessible, key, tell, youtube

RECOMMENDATIONS = "**/v1/users/me/recommendations"


def links(page):
    return page.get_by_role("region", name="Recommendations").get_by_role("link")


def answers_in_turn(page, *answers):
    """Each picture gets the next of these; the last one again and again."""
    rest = list(answers)

    def answer(route):
        body = rest.pop(0) if len(rest) > 1 else rest[0]
        status = body.get("status", 200)
        route.fulfill(status=status, content_type="application/json", body=json.dumps(body))

    page.route("**/v1/selfies*", answer)


def other_videos(count=3):
    """The six, with the first `count` of them replaced."""
    videos = recommendations()
    for index in range(count):
        videos[index] |= {"video_id": f"zzzzzzzzzz{index}", "title": f"Another video {index}"}
    return videos


def record(page, pictures):
    for _ in range(pictures):
        with page.expect_event("requestfinished", lambda request: "/v1/selfies" in request.url):
            page.clock.run_for(1_000)


# The list.


def test_recording_leaves_the_focus_and_the_list_to_whoever_is_in_it(open_page):
    page = open_page(consent="recognise")
    page.clock.install()
    answers_in_turn(page, selfie(), selfie(), selfie() | {"recommendations": other_videos()})
    key(page, "Take Snapshot").click()
    expect(links(page)).to_have_count(6)
    key(page, "Start Record").click()
    links(page).nth(1).focus()
    # Past what may be said of it.
    for _ in range(3):
        page.keyboard.press("Tab")
    third = recommendations()[2]["title"]
    record(page, 3)
    expect(page.locator(":focus")).to_contain_text(third)
    expect(page.get_by_role("region", name="Recommendations")).not_to_contain_text("Another video")
    # They come once nobody is in the list.
    page.locator("#stop").focus()
    expect(page.get_by_role("region", name="Recommendations")).to_contain_text("Another video 0")


def test_the_playing_video_stays_in_the_list(open_page):
    page = open_page(consent="recognise")
    youtube(page)
    answers_in_turn(page, selfie(), selfie() | {"recommendations": other_videos()})
    key(page, "Take Snapshot").click()
    expect(links(page)).to_have_count(6)
    links(page).first.click()
    playing = page.locator("#videos [aria-current=true]")
    expect(playing).to_contain_text("Walking On Sunshine")
    key(page, "Take Snapshot").click()
    expect(page.get_by_role("region", name="Recommendations")).to_contain_text("Another video 0")
    expect(playing).to_contain_text("Walking On Sunshine")
    # And it is the same row, not one like it.
    expect(links(page)).to_have_count(7)


def test_a_new_list_leaves_the_focus_on_the_same_video(open_page):
    page = open_page(consent="recognise")
    page.evaluate("() => localStorage.setItem('mien.known', 'yes')")
    turned = list(reversed(recommendations()))
    page.reload()
    expect(links(page)).to_have_count(6)
    answers_in_turn(page, selfie() | {"recommendations": turned})
    links(page).nth(1).focus()
    page.evaluate("() => document.getElementById('snapshot').click()")
    expect(links(page).first).to_contain_text(turned[0]["title"])
    expect(page.locator(":focus")).to_contain_text("Call Me Maybe")


def test_three_links_before_the_first_picture(open_page):
    page = open_page()
    expect(links(page)).to_have_count(3)
    assert all(re.fullmatch(r"https://www\.youtube\.com/watch\?v=[\w-]{11}", link.get_attribute("href")) for link in links(page).all())


def test_the_pages_own_videos_are_in_the_catalogue_under_their_mood():
    catalogue = next(PAGE.parents[1].rglob("Catalogue/videos.csv"))
    with catalogue.open(newline="") as file:
        known = {row["id"]: row for row in csv.DictReader(file)}
    source = (PAGE / "picks.js").read_text()
    videos = re.findall(r'\["([\w-]{11})", "((?:[^"\\]|\\.)*)"\]', source)
    assert len(videos) == 28
    assert [video for video, title in videos if known[video]["title"] != json.loads(f'"{title}"')] == []
    for mood, block in re.findall(r"  (\w+): \[\n(.*?)\n  \],", source, re.S):
        assert all(mood in known[video]["moods"].split(";") for video in re.findall(r'\["([\w-]{11})"', block))


def test_every_file_of_the_page_is_served(open_page):
    swift = next(PAGE.parent.rglob("PageFiles.swift")).read_text()
    names = {path.name for path in PAGE.iterdir()} - {"index.html", "page.css"}
    assert set(re.findall(r'^ +"([\w.-]+)": ', swift, re.M)) == names
    # Every module is part of the page, under the names it gave.
    for module in PAGE.glob("*.js"):
        assert module.read_text().splitlines()[0] in HTML.decode(), module
    imports = [line for module in PAGE.glob("*.js") for line in module.read_text().splitlines() if line.startswith("import")]
    assert [line for line in imports if not re.fullmatch(r'import \{ [\w, ]+ \} from "\./\w+\.js";', line)] == []


def test_the_page_comes_in_one_answer(open_page):
    page = open_page()
    expect(page.locator("#snapshot")).not_to_have_attribute("aria-disabled", "true")
    # But for the picture of the sample face, the font and the icon, which nothing waits for.
    rest = page.evaluate("() => performance.getEntriesByType('resource').map(entry => entry.name.split('/').pop())")
    assert set(rest) <= {"astronaut.jpg", "icon.svg", "inter.woff2", "mien.webmanifest"}


def test_the_page_can_be_installed(open_page):
    page = open_page()
    session = page.context.new_cdp_session(page)
    assert session.send("Page.getAppManifest")["errors"] == []
    errors = [error["errorId"] for error in session.send("Page.getInstallabilityErrors")["installabilityErrors"]]
    # Nothing is installed from the private windows that tests run in.
    assert set(errors) <= {"in-incognito"}
    for icon in json.loads((PAGE / "mien.webmanifest").read_text())["icons"]:
        with Image.open(PAGE / icon["src"]) as picture:
            assert f"{picture.width}x{picture.height}" == icon["sizes"]


def test_a_known_persons_videos_that_do_not_come_are_said(open_page):
    page = open_page(noise=REFUSED)
    answer_with(page, problem("unavailable", 503, "Busy."), 503, path=RECOMMENDATIONS)
    page.evaluate("() => localStorage.setItem('mien.known', 'yes')")
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("Your videos could not be loaded")
    check_accessible(page)
    page.unroute(RECOMMENDATIONS)
    key(page, "Load them again").click()
    expect(links(page)).to_have_count(6)
    expect(page.get_by_role("alert")).to_have_text("")


# The player.


@pytest.mark.parametrize("state", [{"event": "infoDelivery", "info": {"playerState": 2}}, {"event": "onStateChange", "info": 0}, {"event": "onError", "info": 150}])
def test_only_a_video_that_plays_is_rated(open_page, state):
    page = open_page(consent="recognise", noise=("net::ERR",))
    youtube(page)
    key(page, "Play video").click()
    tell(page, {"event": "infoDelivery", "info": {"playerState": 1}})
    with page.expect_request(re.compile(r"playing=gf6v59c5yuY")):
        key(page, "Take Snapshot").click()
    expect(key(page, "Take Snapshot")).not_to_have_attribute("aria-disabled", "true")
    tell(page, state)
    if state["event"] == "onError":
        expect(page.locator("#player")).to_have_attribute("data-state", "failed")
    with page.expect_request(re.compile(r"/v1/selfies\?consent=[\w-]+$")):
        key(page, "Take Snapshot").click()


def test_a_video_that_only_loads_is_not_rated(open_page):
    page = open_page(consent="recognise")
    youtube(page)
    key(page, "Play video").click()
    expect(page.locator("#player")).to_have_attribute("data-state", "showing")
    with page.expect_request(re.compile(r"/v1/selfies\?consent=[\w-]+$")):
        key(page, "Take Snapshot").click()


def test_a_player_that_answers_late_is_shown(open_page):
    page = open_page(consent="recognise")
    body = """<script>
        let greeted = 0;
        addEventListener("message", event => {
            if ((greeted += 1) > 1 && window.late) event.source.postMessage(JSON.stringify({ event: "onReady" }), "*");
        })</script>"""
    page.route(YOUTUBE, lambda route: route.fulfill(content_type="text/html", body=body))
    key(page, "Play video").click()
    expect(page.locator("#player")).to_have_attribute("data-state", "failed")
    page.frames[-1].evaluate("() => { window.late = true; }")
    expect(page.locator("#player")).to_have_attribute("data-state", "showing")


def test_the_players_state_is_told_where_the_video_was_chosen(open_page):
    page = open_page(consent="recognise", noise=("net::ERR",))
    links(page).first.click()
    told = page.locator("#player-status")
    expect(told).to_have_attribute("role", "status")
    expect(told).to_have_text(re.compile("Connecting to YouTube: Pharrell"))
    expect(told).to_have_text("YouTube did not answer.")


def test_the_next_video_follows(open_page):
    page = open_page(consent="recognise")
    youtube(page)
    links(page).first.click()
    tell(page, {"event": "infoDelivery", "info": {"playerState": 1}})
    tell(page, {"event": "onStateChange", "info": 0})
    expect(page.locator("#videos [aria-current=true]")).to_contain_text("Iguana")


# What the browser keeps.


def test_without_storage_the_page_works_and_says_what_it_cannot_do(open_page):
    page = open_page()
    page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('', 'SecurityError'); } })")
    page.reload()
    expect(page.get_by_text("does not know you again")).to_be_visible()
    key(page, "Take Snapshot").click()
    agree(page)
    expect(page.locator("#status")).to_have_text(re.compile("You look"))
    # Asked once, as long as the page is open.
    key(page, "Take Snapshot").click()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_person_deleted_in_one_tab_is_gone_from_the_other(open_page):
    page = open_page(consent="recognise")
    key(page, "Take Snapshot").click()
    expect(page.locator("#reading")).to_be_visible()
    other = page.context.new_page()
    other.goto(page.url)
    expect(links(other)).to_have_count(6)
    key(other, "Delete me").click()
    other.get_by_role("dialog").get_by_role("button", name="Delete me").click()
    expect(page.locator("#status")).to_have_text(re.compile("deleted in another tab"))
    expect(page.locator("#reading")).to_be_hidden()
    expect(page.locator("#selfie")).to_have_attribute("data-state", "empty")
    expect(links(page)).to_have_count(3)


# Focus and announcements.


def test_try_again_keeps_the_focus_on_the_page(open_page):
    page = open_page(consent="recognise", noise=REFUSED)
    answer_with(page, problem("unavailable", 503, "Busy."), 503)
    key(page, "Take Snapshot").click()
    expect(key(page, "Try again")).to_be_visible()
    page.unroute("**/v1/selfies*")
    key(page, "Try again").click()
    expect(page.locator("#status")).to_have_text(re.compile("You look"))
    expect(key(page, "Take Snapshot")).to_be_focused()


def test_someone_new_keeps_the_focus_on_the_page(open_page):
    page = open_page(consent="recognise")
    answers_in_turn(page, selfie("uncertain", "ambiguous"), selfie("uncertain", "ambiguous"), selfie("new"))
    key(page, "Take Snapshot").click()
    key(page, "No, I am someone new").click()
    expect(page.locator("#status")).to_have_text(re.compile("We do not know you yet"))
    expect(key(page, "Take Snapshot")).to_be_focused()


def test_a_recording_tells_no_more_than_anybody_can_listen_to(open_page):
    page = open_page(consent="recognise", noise=REFUSED)
    page.clock.install()
    moods = [selfie(mood=mood) for mood in ("happy", "upset", "neutral", "surprised", "happy", "upset", "neutral", "surprised", "happy", "upset")]
    moods[4] = problem("no-face", 422, "No face.")
    answers_in_turn(page, *moods)
    page.evaluate(
        """() => {
            window.told = [];
            for (const part of document.querySelectorAll("[role=status], [role=alert]")) {
                new MutationObserver(() => told.push(part.textContent)).observe(part, { childList: true, characterData: true, subtree: true });
            }
        }"""
    )
    key(page, "Start Record").click()
    expect(page.locator("#status")).to_have_text(re.compile("You look"))
    before = page.evaluate("() => told.length")
    record(page, 10)
    assert page.evaluate("() => told.length") - before <= 3


def test_the_question_of_a_recording_can_be_answered(open_page):
    page = open_page(consent="recognise")
    answers_in_turn(page, selfie("uncertain", "ambiguous"))
    key(page, "Start Record").click()
    expect(page.get_by_role("group", name="Is this you?")).to_be_visible()
    with page.expect_request(re.compile(r"/v1/selfies\?.*as=new$")):
        key(page, "No, I am someone new").click()
    expect(page.locator("#recording")).to_be_hidden()


def test_a_picture_dropped_ends_a_recording(open_page):
    page = open_page(consent="recognise")
    key(page, "Start Record").click()
    expect(page.locator("#status")).to_have_text(re.compile("You look"))
    with page.expect_request(lambda request: "/v1/selfies" in request.url and len(request.post_data_buffer) < 3_000):
        page.evaluate(
            """async () => {
                const canvas = document.createElement("canvas");
                const blob = await new Promise(resolve => canvas.toBlob(resolve, "image/png"));
                const transfer = new DataTransfer();
                transfer.items.add(new File([blob], "a.png", { type: "image/png" }));
                document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer }));
            }"""
        )
    expect(page.locator("#recording")).to_be_hidden()
    expect(key(page, "Take Snapshot")).not_to_have_attribute("aria-disabled", "true")


def test_privacy_is_called_so(open_page):
    page = open_page()
    key(page, "Privacy").click()
    expect(page.get_by_role("dialog", name="Your privacy")).to_be_visible()
    page.keyboard.press("Escape")
    key(page, "Take Snapshot").click()
    expect(page.get_by_role("dialog", name="Before the first picture")).to_be_visible()


def test_without_scripts_nothing_pretends_to_work(open_page):
    page = open_page(java_script_enabled=False)
    expect(page.get_by_text("This page needs JavaScript")).to_be_in_viewport()
    expect(page.get_by_text("This page needs JavaScript")).to_have_css("visibility", "visible")
    assert page.get_by_role("button").count() == 0


def test_an_old_browser_is_told_so(open_page):
    page = open_page(noise=("needs a browser from 2024",))
    page.context.add_init_script("delete Promise.withResolvers")
    page.reload()
    expect(page.get_by_text("This page needs JavaScript and a browser from 2024 or later")).to_be_visible()
    expect(page.get_by_text("Diese Seite braucht")).to_be_visible()
    assert page.get_by_role("button").count() == 0


# Size.


def test_text_grows_with_the_browsers_own_size(open_page):
    page = open_page()
    assert not re.search(r"(?m)^\s*(?:font|font-size):[^;]*\d(?:px|pt)", (PAGE / "page.css").read_text())
    assert page.evaluate("() => getComputedStyle(document.body).fontSize") == "16px"


def contrast(one, other):
    """Of two colours given as lists of red, green and blue."""

    def luminance(colour):
        linear = [value / 255 / 12.92 if value <= 10.31 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_what_is_said_over_a_white_picture_can_be_read(open_page, tmp_path):
    Image.new("RGB", (640, 360), "white").save(tmp_path / "white.png")
    page = open_page(consent="recognise", noise=REFUSED)
    answer_with(page, problem("no-face", 422, "No face."), 422)
    page.locator("#file").set_input_files(tmp_path / "white.png")
    expect(page.locator("#selfie")).to_have_attribute("data-state", "failed")
    shot = tmp_path / "screen.png"
    page.locator("#selfie").screenshot(path=shot)
    picture = Image.open(shot).convert("RGB")
    ground = picture.getpixel((picture.width // 2, picture.height - 12))
    ink = page.evaluate("() => getComputedStyle(document.getElementById('selfie-text')).color.match(/\\d+/g).slice(0, 3).map(Number)")
    assert contrast(ink, ground) >= 4.5
