"""The page in each of its languages."""

import re

import pytest
from playwright.sync_api import expect

from stub import PAGE, problem, selfie
from test_faults import answers_in_turn, record
from test_page import REFUSED, answer_with, check_accessible

LANGUAGES = ["en", "de", "es"]


@pytest.fixture
def words(open_page):
    """The words of every language, as the browser reads them."""
    page = open_page()
    sources = {name: (PAGE / f"{name}.js").read_text().replace("export const", "const") for name in LANGUAGES}
    return {name: page.evaluate(f"() => {{ {source}\nreturn {name}; }}") for name, source in sources.items()}


def test_every_language_has_every_word(words):
    for name in LANGUAGES[1:]:
        assert set(words[name]) == set(words["en"]), name
    gaps = {
        name: {key: set(re.findall(r"\{(\w+)\}", entry if isinstance(entry, str) else entry["other"])) for key, entry in entries.items()}
        for name, entries in words.items()
    }
    assert gaps["de"] == gaps["es"] == gaps["en"]


def test_plurals_have_the_forms_of_their_language(open_page, words):
    page = open_page()
    for name, entries in words.items():
        forms = page.evaluate("name => new Intl.PluralRules(name).resolvedOptions().pluralCategories", name)
        assert [key for key, entry in entries.items() if not isinstance(entry, str) and set(entry) != set(forms)] == []


def test_every_word_is_used_and_every_word_used_is_there(words):
    scripts = "\n".join(path.read_text() for path in PAGE.glob("*.js") if path.stem not in LANGUAGES)
    named = set(re.findall(r'data-(?:word|label|title)="([^"]+)"', (PAGE / "index.html").read_text()))
    for call in re.findall(r"\bword\(([^()]*)", scripts):
        named |= set(re.findall(r'(?<!=== )"([\w.-]+)"', call))
    beginnings = tuple(re.findall(r"\b(?:word|hasWord)\(`([\w.-]+)\$\{", scripts)) + ("person.",)
    assert named - set(words["en"]) == set()
    assert [key for key in words["en"] if key not in named and not key.startswith(beginnings)] == []


@pytest.mark.parametrize("locale,language,words", [("de-AT", "de", "Foto machen"), ("es-MX", "es", "Hacer foto"), ("fr-FR", "en", "Take Snapshot")])
def test_the_browsers_language_is_spoken(open_page, locale, language, words):
    page = open_page(locale=locale)
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.locator("#snapshot")).to_have_text(words)


def test_a_language_chosen_is_remembered(open_page):
    page = open_page()
    page.get_by_role("link", name="Deutsch").click()
    expect(page.locator("#snapshot")).to_have_text("Foto machen")
    expect(page.get_by_role("link", name="Deutsch")).to_have_attribute("aria-current", "true")
    assert "lang" not in page.url
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.get_by_role("link", name="English").click()
    expect(page.locator("#snapshot")).to_have_text("Take Snapshot")


def test_a_language_is_spoken_where_nothing_is_remembered(open_page):
    page = open_page()
    page.context.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('', 'SecurityError'); } })")
    page.get_by_role("link", name="Español").click()
    expect(page.locator("#snapshot")).to_have_text("Hacer foto")
    page.reload()
    expect(page.locator("#snapshot")).to_have_text("Hacer foto")


@pytest.mark.parametrize("seconds,words", [(1, "in 1 Sekunde "), (30, "in 30 Sekunden ")])
def test_numbers_in_german(open_page, seconds, words):
    page = open_page(locale="de", consent="recognise", noise=REFUSED)
    answer_with(page, problem("unavailable", 503, "Busy."), 503, **{"Retry-After": str(seconds)})
    page.locator("#snapshot").click()
    expect(page.get_by_role("alert")).to_contain_text(words)


def test_one_picture_is_one_in_every_language(open_page):
    for locale, one in [("en", "in 1 picture:"), ("de", "in 1 Bild:"), ("es", "en 1 foto:")]:
        page = open_page(locale=locale, consent="recognise")
        page.clock.install()
        answers_in_turn(page, selfie())
        page.locator("#start").click()
        expect(page.get_by_role("img", name=re.compile(one))).to_be_visible()
        record(page, 1)
        expect(page.get_by_role("img", name=re.compile(one.replace("1", "2").replace("picture:", "pictures:").replace("Bild:", "Bildern:").replace("foto:", "fotos:")))).to_be_visible()


@pytest.mark.parametrize("locale", LANGUAGES[1:])
@pytest.mark.parametrize("width,height", [(1280, 720), (320, 640)])
def test_every_state_is_accessible_in_every_language(open_page, locale, width, height):
    page = open_page(width=width, height=height, locale=locale, noise=REFUSED + ("net::ERR",))
    check_accessible(page)
    page.locator("#snapshot").click()
    page.locator("#consent summary").click()
    check_accessible(page)
    answer_with(page, selfie("uncertain", "ambiguous"))
    page.locator("#agree").check()
    page.locator("#consent-yes").click()
    expect(page.locator("#question")).to_be_visible()
    page.locator("#reading summary").click()
    check_accessible(page)
    answer_with(page, problem("no-face", 422, "No face."), 422)
    page.locator("#snapshot").click()
    expect(page.get_by_role("alert")).not_to_have_text("")
    check_accessible(page)
    page.locator("#forget").click()
    check_accessible(page)
    page.locator("#farewell-no").click()
    page.locator("#videos a").first.click()
    expect(page.locator("#player")).to_have_attribute("data-state", "failed")
    check_accessible(page)
    # No English is left over, but for the titles of videos and what the networks call things.
    rest = page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter(part => !part.closest(".title, #player-title, #now-title, #player-status, #facts, footer, #lifeless"))
            .flatMap(part => [...part.childNodes].filter(node => node.nodeType === 3).map(node => node.data)).join(" ")"""
    )
    assert re.findall(r"\b(?:the|your|you|picture|again|look)\b", rest, re.I) == []
