// What was read from the face, in words.

import { element, say } from "./dom.js";
import { facts, moodWords, percent, personWords, reactionWords } from "./words.js";

function row(list, name, ...content) {
  const term = document.createElement("dt");
  const value = document.createElement("dd");
  term.textContent = name;
  value.append(...content);
  list.append(term, value);
}

export function showReading(answer) {
  say("mood-words", moodWords(answer.mood));
  element("mood").dataset.mood = answer.mood.name;
  element("mood-face").setAttribute("href", `#face-${answer.mood.name}`);
  say("person-words", personWords(answer.user));
  const reaction = reactionWords(answer.reaction);
  say("reaction-words", reaction ?? "");
  element("reaction-words").hidden = reaction === null;
  element("question").hidden = !(answer.user?.status === "uncertain" && (answer.user.reason ?? "ambiguous") === "ambiguous");

  element("scores").replaceChildren();
  for (const [name, score] of Object.entries(answer.mood.scores).sort((a, b) => b[1] - a[1])) {
    const meter = document.createElement("meter");
    meter.value = score;
    meter.setAttribute("aria-label", `Score of ${name}`);
    row(element("scores"), name, meter, percent(score));
  }
  element("facts").replaceChildren();
  for (const [name, text] of facts(answer)) row(element("facts"), name, text);
  element("reading").hidden = false;
}

export function hideReading() {
  element("reading").hidden = true;
}
