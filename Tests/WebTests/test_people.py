"""Who is in the picture, what is kept of them, and what they say of videos."""

import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from stub import USER, analysis, kept, problem, selfie
from test_faults import answers_in_turn, links
from test_page import REFUSED, answer_with, check_accessible, key

OTHER = "0f5f4b1e-8a53-4a3e-9b0b-0f6f6a2f7c22"


def recognised(open_page, **options):
    page = open_page(consent="recognise", **options)
    key(page, "Take Snapshot").click()
    expect(page.locator("#status")).to_have_text(re.compile("Your videos are ready"))
    return page


# Before a picture is sent.


def upload(page, tmp_path, picture):
    picture.save(tmp_path / "picture.png")
    page.locator("#file").set_input_files(tmp_path / "picture.png")


@pytest.mark.parametrize(
    "picture,words",
    [(Image.new("RGB", (640, 480), (12, 14, 18)), "too dark"), (Image.new("RGB", (120, 60), (200, 180, 160)), "too few pixels")])
def test_a_picture_that_shows_nobody_is_said_before_it_is_sent(open_page, tmp_path, picture, words):
    page = open_page(consent="recognise")
    sent = []
    page.on("request", lambda request: sent.append(request.url) if "/v1/" in request.url else None)
    upload(page, tmp_path, picture)
    expect(page.get_by_role("alert")).to_contain_text(words)
    assert sent == []
    check_accessible(page)
    with page.expect_request("**/v1/selfies*"):
        key(page, "Send it anyway").click()
    expect(key(page, "Send it anyway")).to_be_hidden()
    expect(page.locator("#status")).to_have_text(re.compile("You look"))


def test_a_lit_face_in_a_dark_room_is_sent(open_page, tmp_path):
    scene = Image.new("RGB", (640, 480), (8, 8, 10))
    scene.paste((190, 150, 130), (270, 160, 370, 290))
    page = open_page(consent="recognise")
    with page.expect_request("**/v1/selfies*"):
        upload(page, tmp_path, scene)


def test_a_snapshot_is_the_sharpest_of_several_frames(open_page, tmp_path):
    page = open_page(consent="recognise")
    # The camera's third frame has stripes, the others are grey all over.
    page.context.add_init_script(
        """(() => {
            const draw = CanvasRenderingContext2D.prototype.drawImage;
            let frames = 0;
            CanvasRenderingContext2D.prototype.drawImage = function (source, ...rest) {
                if (!(source instanceof HTMLVideoElement)) return draw.call(this, source, ...rest);
                frames += 1;
                this.fillStyle = "#888";
                this.fillRect(0, 0, this.canvas.width, this.canvas.height);
                this.fillStyle = "#fff";
                for (let x = 0; frames === 3 && x < this.canvas.width; x += 64) this.fillRect(x, 0, 32, this.canvas.height);
            };
        })()"""
    )
    page.reload()
    with page.expect_request("**/v1/selfies*") as sent:
        key(page, "Take Snapshot").click()
    (tmp_path / "sent.jpg").write_bytes(sent.value.post_data_buffer)
    darkest, lightest = Image.open(tmp_path / "sent.jpg").convert("L").getextrema()
    assert lightest - darkest > 100


def test_an_unsure_picture_is_followed_by_another_before_anybody_is_asked(open_page):
    page = open_page(consent="recognise")
    pictures = []
    page.on("request", lambda request: pictures.append(request) if "/v1/selfies" in request.url else None)
    answers_in_turn(page, selfie("uncertain", "ambiguous"), selfie())
    key(page, "Take Snapshot").click()
    expect(page.locator("#status")).to_have_text(re.compile("Welcome back"))
    expect(page.get_by_role("group", name="Is this you?")).to_be_hidden()
    assert len(pictures) == 2
    assert len({request.headers["idempotency-key"] for request in pictures}) == 2


def test_an_unsure_file_is_asked_about_at_once(open_page, photo):
    page = open_page(consent="recognise")
    pictures = []
    page.on("request", lambda request: pictures.append(request) if "/v1/selfies" in request.url else None)
    answer_with(page, selfie("uncertain", "ambiguous"))
    page.locator("#file").set_input_files(photo)
    expect(page.get_by_role("group", name="Is this you?")).to_be_visible()
    assert len(pictures) == 1


# Who it is.


def test_somebody_known_says_so(open_page):
    page = open_page(consent="recognise")
    answers_in_turn(page, selfie("uncertain", "ambiguous"), selfie("uncertain", "ambiguous"), selfie())
    key(page, "Take Snapshot").click()
    with page.expect_request(re.compile(r"[?&]as=known$")):
        key(page, "Yes, that is me").click()
    expect(page.locator("#status")).to_have_text(re.compile("Welcome back"))


def twins():
    answer = selfie()
    answer["user"]["same_as"] = [OTHER]
    return answer


def test_those_who_look_the_same_are_one_when_they_say_so(open_page):
    page = open_page(consent="recognise")
    answer_with(page, twins())
    key(page, "Take Snapshot").click()
    question = page.get_by_role("group", name="Are both you?")
    expect(question).to_be_visible()
    check_accessible(page)
    with page.expect_request("**/v1/users/me/merges") as merge:
        key(page, "Yes, both are me").click()
    assert merge.value.method == "POST" and merge.value.post_data_json == {"user": OTHER}
    expect(page.locator("#status")).to_contain_text("Both are one now")
    expect(question).to_be_hidden()
    expect(key(page, "Take Snapshot")).to_be_focused()


def test_those_who_only_look_the_same_stay_two(open_page):
    page = open_page(consent="recognise")
    answer_with(page, twins())
    key(page, "Take Snapshot").click()
    told = []
    page.on("request", lambda request: told.append(request.url) if "/v1/users" in request.url else None)
    page.get_by_role("group", name="Are both you?").get_by_role("button", name="No").click()
    expect(page.get_by_role("group", name="Are both you?")).to_be_hidden()
    assert told == []


def test_one_of_several_faces_is_pointed_at(open_page, tmp_path):
    page = recognised(open_page)
    key(page, "Choose another face").click()
    expect(key(page, "Face 1 of 2")).to_be_focused()
    check_accessible(page)
    with page.expect_request("**/v1/selfies*") as sent:
        key(page, "Face 2 of 2").click()
    (tmp_path / "face.jpg").write_bytes(sent.value.post_data_buffer)
    # 2.2 times the larger side of the box.
    assert Image.open(tmp_path / "face.jpg").size == (330, 330)
    expect(page.locator("#status")).to_have_text(re.compile("You look"))
    expect(key(page, "Face 1 of 2")).to_be_hidden()


def test_pointing_at_nobody_leaves_everything_as_it_is(open_page):
    page = recognised(open_page)
    key(page, "Choose another face").click()
    expect(key(page, "Face 1 of 2")).to_be_focused()
    page.keyboard.press("Escape")
    expect(key(page, "Choose another face")).to_be_focused()
    expect(page.locator("#mood-words")).to_have_text("You look happy")
    expect(key(page, "Take Snapshot")).not_to_have_attribute("aria-disabled", "true")


def test_a_single_face_leaves_nothing_to_choose(open_page):
    page = open_page(consent="recognise")
    answer_with(page, {"image": {"width": 1280, "height": 720}, "faces": [analysis()["face"]]}, path="**/v1/analyses?faces=all")
    key(page, "Take Snapshot").click()
    key(page, "Choose another face").click()
    expect(page.locator("#status")).to_have_text("There is only one face in this picture.")


# What they say of videos.


def test_a_like_is_told_and_taken_back(open_page):
    page = recognised(open_page)
    like = page.get_by_role("button", name="Like: Carly Rae Jepsen - Call Me Maybe")
    expect(like).to_have_attribute("aria-pressed", "false")
    with page.expect_request("**/v1/users/me/feedback") as told:
        like.click()
    assert told.value.post_data_json == {"video_id": "fWNaR-rxAic", "kind": "like"}
    expect(like).to_have_attribute("aria-pressed", "true")
    check_accessible(page)
    with page.expect_request("**/v1/users/me/feedback/fWNaR-rxAic") as taken:
        like.click()
    assert taken.value.method == "DELETE"
    expect(like).to_have_attribute("aria-pressed", "false")
    expect(like).to_be_focused()


@pytest.mark.parametrize("width,height", [(1280, 720), (320, 640)])
def test_not_for_me_takes_the_video_away_and_back(open_page, width, height):
    page = recognised(open_page, width=width, height=height)
    with page.expect_request("**/v1/users/me/feedback") as told:
        page.get_by_role("button", name="Not for me: Carly Rae Jepsen - Call Me Maybe").click()
    assert told.value.post_data_json["kind"] == "not_for_me"
    expect(page.get_by_role("link", name="Carly Rae Jepsen")).to_be_hidden()
    undo = page.locator("#videos .undo:visible")
    expect(undo).to_be_focused()
    check_accessible(page)
    with page.expect_request("**/v1/users/me/feedback/fWNaR-rxAic"):
        undo.click()
    expect(page.get_by_role("link", name="Carly Rae Jepsen")).to_be_visible()
    expect(page.get_by_role("button", name="Not for me: Carly Rae Jepsen - Call Me Maybe")).to_be_focused()


def test_what_could_not_be_told_is_as_before(open_page):
    page = recognised(open_page, noise=REFUSED)
    answer_with(page, problem("unavailable", 503, "Busy."), 503, path="**/v1/users/me/feedback")
    like = page.get_by_role("button", name="Like: Carly Rae Jepsen - Call Me Maybe")
    like.click()
    expect(page.get_by_role("alert")).to_contain_text("busy or away")
    expect(like).to_have_attribute("aria-pressed", "false")


def test_nobody_is_asked_for_an_opinion_who_is_not_known(open_page):
    page = open_page()
    expect(links(page)).to_have_count(3)
    assert page.locator("#videos .opinions:visible").count() == 0


# What the mood is used for.


def test_videos_lift_the_mood_where_somebody_wants_that(open_page):
    page = open_page(consent="recognise")
    answer_with(page, selfie(mood="upset"))
    key(page, "Take Snapshot").click()
    expect(page.get_by_role("heading", name="For your mood: upset")).to_be_visible()
    with page.expect_request("**/v1/users/me/recommendations?want=lift"):
        key(page, "Cheer me up").click()
    expect(page.get_by_role("heading", name="To cheer you up")).to_be_visible()
    expect(key(page, "Match my mood")).to_be_focused()
    with page.expect_request(re.compile(r"/v1/selfies\?.*want=lift$")):
        key(page, "Take Snapshot").click()
    key(page, "Match my mood").click()
    expect(page.get_by_role("heading", name="For your mood: upset")).to_be_visible()


def test_videos_lift_the_mood_of_those_who_are_not_recognised(open_page):
    page = open_page(consent="mood")
    sad = analysis()
    sad["mood"] = selfie(mood="upset")["mood"]
    answer_with(page, sad, path="**/v1/analyses")
    key(page, "Take Snapshot").click()
    key(page, "Cheer me up").click()
    expect(page.get_by_role("heading", name="To cheer you up")).to_be_visible()
    expect(links(page).first).to_contain_text("Pharrell Williams - Happy")


def test_nobody_happy_is_cheered_up(open_page):
    page = recognised(open_page)
    expect(key(page, "Cheer me up")).to_be_hidden()


# What is kept.


def test_everything_that_is_kept_is_told(open_page):
    page = recognised(open_page)
    key(page, "What Mien knows of you").first.click()
    about = page.get_by_role("dialog", name="What Mien knows of you")
    for words in (
        "Known since May 3, 2026", "A template from 2 pictures", "You looked happy", "November 20, 2026", "you seemed to enjoy it",
        "Walking On Sunshine", "Call Me Maybe", "not for you",
    ):
        expect(about).to_contain_text(words)
    check_accessible(page)
    with page.expect_request("**/v1/users/me/feedback/LjhCEhWiKXk") as undone:
        about.get_by_role("button", name=re.compile("Undo: Bruno Mars")).click()
    assert undone.value.method == "DELETE"
    expect(about).not_to_contain_text("Bruno Mars")


def test_what_is_kept_can_be_taken_away_as_a_file(open_page):
    page = recognised(open_page)
    key(page, "What Mien knows of you").first.click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Take it with you (file)").click()
    assert download.value.suggested_filename == "mien.json"
    assert USER in download.value.path().read_text()


def test_what_is_kept_can_be_deleted_from_there(open_page):
    page = recognised(open_page)
    key(page, "What Mien knows of you").last.click()
    page.get_by_role("dialog").get_by_role("button", name="Delete me").click()
    page.get_by_role("dialog", name="Delete everything about you?").get_by_role("button", name="Delete me").click()
    expect(page.locator("#status")).to_have_text(re.compile("You are deleted"))
    expect(key(page, "What Mien knows of you")).to_be_hidden()


def test_merged_profiles_are_parted_again(open_page):
    page = recognised(open_page)
    answer_with(page, kept() | {"merged": [OTHER]}, path="**/v1/users/me")
    key(page, "What Mien knows of you").first.click()
    with page.expect_request(f"**/v1/users/me/merges/{OTHER}") as parted:
        page.get_by_role("button", name="Undo: Profile 1").click()
    assert parted.value.method == "DELETE"


def test_a_browser_that_knows_nobody_has_nothing_to_tell(open_page):
    page = open_page()
    expect(page.locator("#about-footer")).to_be_hidden()


def test_dates_are_written_as_the_language_does(open_page):
    for locale, date in [("de", "3. Mai 2026"), ("es", "3 de mayo de 2026")]:
        page = open_page(locale=locale)
        page.evaluate("() => localStorage.setItem('mien.known', 'yes')")
        page.reload()
        page.locator("#about-footer").click()
        expect(page.locator("#about")).to_contain_text(date)
        check_accessible(page)
