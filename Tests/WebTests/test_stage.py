"""What the page shows: the stage, the mood, and the videos beside it."""

import re

import pytest
from playwright.sync_api import expect

from stub import selfie
from test_faults import answers_in_turn, links, record
from test_page import answer_with, check_accessible, key, tell, youtube

SCREENS = [(1440, 900), (1280, 720), (844, 390), (390, 844)]

# Faces as people hold them into a camera: in the middle, at each edge, and over nearly all of the picture.
FACES = [
    {"x": 520, "y": 180, "width": 240, "height": 300}, {"x": 440, "y": 40, "width": 420, "height": 560},
    {"x": 0, "y": 0, "width": 300, "height": 380}, {"x": 960, "y": 330, "width": 320, "height": 390},
    {"x": 300, "y": 0, "width": 640, "height": 720}, {"x": 20, "y": 10, "width": 1240, "height": 700},
]


def overlap(one, other):
    return (
        min(one["x"] + one["width"], other["x"] + other["width"]) - max(one["x"], other["x"]) > 0.5
        and min(one["y"] + one["height"], other["y"] + other["height"]) - max(one["y"], other["y"]) > 0.5
    )


def inside(one, other):
    return (
        one["x"] >= other["x"] - 0.5 and one["y"] >= other["y"] - 0.5
        and one["x"] + one["width"] <= other["x"] + other["width"] + 0.5
        and one["y"] + one["height"] <= other["y"] + other["height"] + 0.5
    )


@pytest.mark.parametrize("width,height", [(1280, 720), (390, 844)])
def test_the_mood_never_covers_the_face(open_page, width, height):
    page = open_page(width=width, height=height, consent="recognise")
    for face in FACES:
        answer_with(page, selfie(box=face))
        key(page, "Take Snapshot").click()
        expect(page.locator("#selfie")).to_have_attribute("data-state", "done")
        expect(page.locator("#status")).to_have_text(re.compile("Your videos are ready"))
        box = page.locator("#mark .line").bounding_box()
        stage = page.locator("#stage").bounding_box()
        if page.locator("#tag").is_visible():
            tag = page.locator("#tag").bounding_box()
            assert not overlap(tag, box), face
            assert inside(tag, stage), face
        elif face["height"] < 600:
            pytest.fail(f"there is room for the mood beside {face}")
        # Where it has none it is said below.
        expect(page.locator("#mood-words")).to_have_text("You look happy")
        page.unroute("**/v1/selfies*")


@pytest.mark.parametrize("width,height", SCREENS)
def test_selfie_mood_and_the_first_videos_are_seen_at_once(open_page, width, height):
    page = open_page(width=width, height=height, consent="recognise")
    key(page, "Take Snapshot").click()
    expect(links(page)).to_have_count(6)
    expect(page.locator("#mood-words")).to_have_text("You look happy")
    seen = page.evaluate(
        """() => [document.getElementById("stage"), document.getElementById("mood-words"), ...[...document.querySelectorAll("#videos a")].slice(0, 3)]
            .map(item => {
                const box = item.getBoundingClientRect();
                const at = (x, y) => { const top = document.elementFromPoint(x, y); return top !== null && (item.contains(top) || top.contains(item)); };
                const middle = box.left + box.width / 2;
                return at(middle, box.top + 3) && at(middle, box.bottom - 3);
            })"""
    )
    assert seen == [True] * 5
    assert page.evaluate("() => scrollY") == 0


@pytest.mark.parametrize("width,height", [(320, 180), (320, 256), (844, 390)])
def test_nothing_lies_over_anything_on_small_screens(open_page, width, height):
    """320 x 180 is a screen of 1280 x 720 at 400 %."""
    page = open_page(width=width, height=height, consent="recognise")
    key(page, "Take Snapshot").click()
    expect(page.locator("#mood-words")).to_have_text("You look happy")
    frames = [frame.bounding_box() for frame in page.locator("#stage, .keys, .mood, .video-frame, .recommendations-frame").all()]
    assert [(one, other) for index, one in enumerate(frames) for other in frames[index + 1:] if overlap(one, other)] == []
    check_accessible(page)


def test_a_sample_face_shows_it_all_without_asking(open_page):
    page = open_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(page.url)) if "/v1/" in request.url else None)
    key(page, "Try it with a sample face").click()
    expect(page.locator("#mood-words")).to_have_text("She looks happy")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("#person-words")).to_contain_text("Eileen Collins")
    expect(links(page)).to_have_count(6)
    # Nobody is recognised by it, and nothing is agreed to.
    assert asked == ["v1/analyses"]
    assert page.evaluate("() => localStorage.length") == 0
    key(page, "Take Snapshot").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_the_webcam_becomes_the_selfie_in_place(open_page):
    page = open_page(consent="recognise")
    key(page, "Take Snapshot").click()
    expect(page.locator("#stage")).to_have_attribute("data-front", "selfie")
    stage, small = page.locator("#stage").bounding_box(), page.locator("#webcam").bounding_box()
    assert inside(small, stage) and small["width"] < stage["width"] / 3
    assert not overlap(small, page.locator("#mark .line").bounding_box())
    key(page, "Start Record").click()
    expect(page.locator("#stage")).to_have_attribute("data-front", "webcam")
    key(page, "Stop Record").click()
    expect(page.locator("#stage")).to_have_attribute("data-front", "selfie")


def test_a_recording_shows_its_time_and_moods(open_page):
    page = open_page(consent="recognise")
    page.clock.install()
    enjoyed = {"rating": 1, "distance": 0.4, "reference": "first"}
    answers_in_turn(page, selfie(mood="neutral"), selfie(reaction=enjoyed))
    key(page, "Start Record").click()
    expect(page.locator("#timeline-graph rect")).to_have_count(1)
    record(page, 2)
    expect(page.locator("#timeline-graph rect")).to_have_count(3)
    expect(page.locator("#timeline-graph .enjoyed")).to_have_count(2)
    expect(page.get_by_role("img", name="Your mood in 3 pictures: calm, happy. You enjoyed the video in 2 of them.")).to_be_visible()
    expect(page.locator("#elapsed")).to_have_text(re.compile("0:0[1-9]"))
    # The next snapshot begins anew.
    key(page, "Stop Record").click()
    key(page, "Take Snapshot").click()
    expect(page.locator("#timeline")).to_be_hidden()


def test_the_bars_tell_the_moods_apart(open_page):
    page = open_page(consent="recognise")
    key(page, "Take Snapshot").click()
    expect(page.locator("#bars p")).to_have_text(["happy", "surprised", "calm", "upset"])
    scores = page.evaluate("() => [...document.querySelectorAll('#bars b')].map(bar => Number(bar.style.getPropertyValue('--score')))")
    assert scores[0] == max(scores) == 0.82
    expect(page.locator("html")).to_have_attribute("data-mood", "happy")


def test_every_video_has_a_picture_of_our_own(open_page):
    page = open_page(consent="recognise")
    key(page, "Take Snapshot").click()
    expect(links(page)).to_have_count(6)
    assert page.locator("#videos a .picture > svg.cover").count() == 6
    covers = page.evaluate("() => [...document.querySelectorAll('#videos .cover')].map(cover => cover.innerHTML.replace(/cover-\\d+/g, ''))")
    assert len(set(covers)) == 6


def test_a_reason_is_said_once_and_named(open_page):
    page = open_page(consent="recognise")
    known = selfie()
    for video in known["recommendations"][:3]:
        video["because"] = [{"video_id": "CevxZvSJLk8", "title": "Katy Perry - Roar (Official)"}, {"video_id": "YXnjy5YlDwk", "title": "Marc Anthony - Vivir Mi Vida"}]
    answer_with(page, known)
    key(page, "Take Snapshot").click()
    expect(page.locator("#videos h3")).to_have_text(["Because you enjoyed Roar and Vivir Mi Vida", "For your mood: happy", "Popular"])


def test_now_playing_and_next(open_page):
    page = open_page()
    youtube(page)
    links(page).first.click()
    expect(page.locator("#now")).to_contain_text("Now playing Pharrell Williams - Happy")
    key(page, "Next").click()
    expect(page.locator("#now")).to_contain_text("Iguana vs Snakes")
    tell(page, {"event": "infoDelivery", "info": {"playerState": 1}})
    key(page, "Next").click()
    expect(page.locator("#now")).to_contain_text("Take Five")
    expect(key(page, "Next")).to_be_hidden()
    assert page.evaluate("() => document.activeElement !== document.body")


@pytest.mark.parametrize("width,height", SCREENS)
def test_letters_have_three_sizes(open_page, width, height):
    page = open_page(width=width, height=height, consent="recognise")
    key(page, "Take Snapshot").click()
    expect(page.locator("#mood-words")).to_have_text("You look happy")
    sizes = page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter(item => [...item.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
            .map(item => getComputedStyle(item).fontSize)"""
    )
    assert len(set(sizes)) == 3
    assert page.evaluate("() => document.fonts.check('1rem Inter')")


def test_nothing_moves_for_those_who_do_not_want_it(open_page):
    page = open_page(consent="recognise", reduced_motion="reduce")
    key(page, "Take Snapshot").click()
    expect(page.locator("#mood-words")).to_have_text("You look happy")
    lasting = page.evaluate("() => document.getAnimations().filter(item => item.effect.getComputedTiming().duration > 0).length")
    assert lasting == 0
