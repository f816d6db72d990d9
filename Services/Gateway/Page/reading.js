// What was read from the face, in words.

import { element, say } from "./dom.js";
import { percent, word } from "./language.js";
import { facts, moodName, moodWords, personWords, reactionWords } from "./words.js";

const MOODS = ["happy", "surprised", "neutral", "upset"];

function row(list, name, ...content) {
  const term = document.createElement("dt");
  const value = document.createElement("dd");
  term.textContent = name;
  value.append(...content);
  list.append(term, value);
}

/** The bars stay and change, so that they move while a recording goes on. */
function showBars(scores) {
  const bars = element("bars");
  if (!bars.hasChildNodes()) {
    bars.append(...MOODS.map(name => {
      const bar = document.createElement("p");
      bar.dataset.mood = name;
      bar.append(document.createElement("span"), document.createElement("b"));
      bar.firstChild.textContent = moodName(name);
      return bar;
    }));
  }
  for (const bar of bars.children) bar.lastChild.style.setProperty("--score", scores[bar.dataset.mood] ?? 0);
}

/** `sample`: the face is not that of whoever reads it. */
export function showReading(answer, { sample = false } = {}) {
  say("mood-words", moodWords(answer.mood, sample));
  document.documentElement.dataset.mood = answer.mood.name;
  showBars(answer.mood.scores);
  element("mood-face").setAttribute("href", `#face-${answer.mood.name}`);
  say("person-words", personWords(answer.user, sample));
  const reaction = reactionWords(answer.reaction);
  say("reaction-words", reaction ?? "");
  element("reaction-words").hidden = reaction === null;
  element("question").hidden = !(answer.user?.status === "uncertain" && (answer.user.reason ?? "ambiguous") === "ambiguous");
  element("twins").hidden = !answer.user?.same_as?.length;
  element("about-reading").hidden = answer.user?.id == null;

  element("scores").replaceChildren();
  for (const [name, score] of Object.entries(answer.mood.scores).sort((a, b) => b[1] - a[1])) {
    const meter = document.createElement("meter");
    meter.value = score;
    meter.setAttribute("aria-label", word("curious.score", { mood: moodName(name) }));
    row(element("scores"), moodName(name), meter, percent(score));
  }
  element("facts").replaceChildren();
  for (const [name, text] of facts(answer)) row(element("facts"), name, text);
  element("reading").hidden = false;
}

export function hideReading() {
  element("reading").hidden = true;
  delete document.documentElement.dataset.mood;
}
