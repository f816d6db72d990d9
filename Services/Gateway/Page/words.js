// Sentences that depend on an answer.

import { decimal, hasWord, language, listed, percent, word } from "./language.js";

/** Scores nearer together than this do not decide between two moods. */
const TOO_CLOSE = 0.15;

/** A mood's name, for a bar; one that has none keeps the service's. */
export const moodName = name => hasWord(`mood.${name}`) ? word(`mood.${name}`) : name;

/** The moods that a picture does not decide between, surest first; one where it does. */
function likely(mood) {
  const [first, second] = Object.entries(mood.scores).sort((a, b) => b[1] - a[1]);
  return second && first[1] - second[1] < TOO_CLOSE ? [first[0], second[0]] : [mood.name];
}

/** The mood in a word or two. */
export const moodWord = mood => listed(likely(mood).map(moodName), "disjunction");

/** How somebody looks. `sample`: they are not the one who reads it. */
export function moodWords(mood, sample = false) {
  const moods = likely(mood);
  if (moods.length > 1) return word("look.unsure", { moods: moodWord(mood) });
  return sample ? word(`look.she.${mood.name}`) : word(`look.you.${mood.name}`);
}

/** How somebody looked once. */
export const lookWords = name => hasWord(`look.past.${name}`) ? word(`look.past.${name}`) : name;

/** The same, beside the face. */
export const tagWords = mood => moodWord(mood).replace(/^./, letter => letter.toLocaleUpperCase(language));

/** Who somebody is, as far as it can be told. `sample`: who it is, is known. */
export function personWords(user, sample = false) {
  if (sample) return word("person.sample");
  if (!user) return word("person.nobody");
  const key = `person.${user.status === "uncertain" ? user.reason : user.status}`;
  return hasWord(key) ? word(key) : word("person.ambiguous");
}

/** Whether the video playing pleases, or null when no video was rated. */
export function reactionWords(reaction) {
  if (!reaction) return null;
  return word(reaction.rating === 1 ? "reaction.enjoyed" : "reaction.unseen");
}

/** A title as people say it: the song, without the singer and what stands in brackets. */
function saidTitle(title) {
  const [first, second] = title.replace(/\s*[([][^)\]]*[)\]]/g, "").split(" - ");
  const name = second && second.length <= 30 ? second : first;
  return name.length > 40 ? `${name.slice(0, 38)}…` : name;
}

/** Why videos are recommended. `because`: titles of what somebody enjoyed; `want`: what is to be done with the mood. */
export function reasonWords(source, { mood, want, because }) {
  const titles = [...new Set(because.map(saidTitle))].slice(0, 2);
  if (source === "collaborative" && titles.length) return word("list.because", { titles: listed(titles) });
  if (source === "mood" && want === "lift" && mood !== "happy") return word("list.lift");
  if (source === "mood") return mood ? word("list.mood", { mood: moodName(mood) }) : word("list.some-mood");
  return hasWord(`list.${source}`) ? word(`list.${source}`) : word("list.popular");
}

/** A recording's moods, for those who do not see them. */
export function timelineWords(entries) {
  const moods = entries.map(entry => moodName(entry.mood)).filter((name, index, all) => name !== all[index - 1]);
  const enjoyed = entries.filter(entry => entry.enjoyed).length;
  return `${word("timeline.name", { count: entries.length, moods: moods.join(", ") })} ${word("timeline.enjoyed", { count: enjoyed })}`;
}

/** Title and text for a state of the camera. */
export const cameraWords = state => [word(`camera.${state}.title`), word(`camera.${state}.text`)];

/** What went wrong and what to do, in one sentence; the service's own detail is in English. */
export function problemWords(problem) {
  if (problem.kind === "unavailable" && problem.retryAfter > 0) return word("busy-for", { count: problem.retryAfter });
  if (hasWord(`problem.${problem.kind}`)) return word(`problem.${problem.kind}`);
  return language === "en" && problem.detail || word("problem.internal-error");
}

/** Names and texts for the curious, in order. */
export function facts(answer) {
  const { mood, face, user, reaction } = answer;
  const rows = [[word("curious.expression"), `${mood.expression} (${percent(mood.expressions[mood.expression] ?? 0)})`]];
  const size = { width: Math.round(face.box.width), height: Math.round(face.box.height) };
  rows.push([word("curious.face"), word("curious.face-facts", { ...size, share: percent(face.probability) })]);
  if (user?.distance != null) rows.push([word("curious.distance"), decimal(user.distance)]);
  if (reaction) rows.push([word("curious.enjoyment"), `${decimal(reaction.distance)} (${reaction.reference})`]);
  for (const { stage, worked_ms, queued_ms } of answer.timings ?? []) {
    rows.push([word("curious.stage", { stage }), word("curious.times", { worked: Math.round(worked_ms), queued: Math.round(queued_ms) })]);
  }
  for (const [network, version] of Object.entries(answer.models)) rows.push([word("curious.network", { network }), version]);
  return rows;
}
