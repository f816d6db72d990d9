// What the page says: every sentence that depends on an answer.

const LOOKS = { happy: "happy", surprised: "surprised", neutral: "calm", upset: "upset" };

/** Scores nearer together than this do not decide between two moods. */
const TOO_CLOSE = 0.15;

const percent = value => `${Math.round(value * 100)} %`;

/** How somebody looks. `sample`: they are not the one who reads it. */
export function moodWords(mood, sample = false) {
  const [first, second] = Object.entries(mood.scores).sort((a, b) => b[1] - a[1]);
  if (second && first[1] - second[1] < TOO_CLOSE) {
    return `We are not sure: ${LOOKS[first[0]] ?? first[0]} or ${LOOKS[second[0]] ?? second[0]}`;
  }
  return `${sample ? "She looks" : "You look"} ${LOOKS[mood.name] ?? mood.name}`;
}

/** The mood in a word or two, beside the face; the surer one first. */
export function tagWords(mood) {
  const words = moodWords(mood).split(/: |look /).at(-1);
  return words.replace(/^./, letter => letter.toUpperCase());
}

/** A mood's name, for a bar. */
export const lookWords = name => LOOKS[name] ?? name;

/** What the sample's picture shows. */
export const SAMPLE = "This is Eileen Collins, an astronaut; NASA gave the picture away. Now show us your face.";

/** Who somebody is, as far as it can be told. */
export function personWords(user) {
  if (!user) return "You asked not to be recognised, and nothing of this picture was kept.";
  if (user.status === "new") return "We do not know you yet: nice to meet you.";
  if (user.status === "returning") return "Welcome back: we have met before.";
  switch (user.reason) {
    case "face_too_small": return "Your face is too small in the picture to recognise you: come closer and try again.";
    case "face_blurred": return "The picture is too blurred to recognise you: hold still, in good light, and try again.";
    case "face_cut_off": return "Your face is not wholly in the picture: move to the middle and try again.";
    case "face_unclear": return "Your face is not seen clearly enough to recognise you: look straight into the camera, upright and in good light.";
    case "face_turned": return "Your face is turned too far to recognise you: look straight into the camera and try again.";
    case "erased_meanwhile": return "Somebody was deleted while your picture waited, so we recognise nobody by it: take another one.";
    default: return "We may have met, but this picture does not settle it.";
  }
}

/** Whether the video playing pleases, or null when no video was rated. */
export function reactionWords(reaction) {
  if (!reaction) return null;
  return reaction.rating === 1 ? "You seem to enjoy the video." : "We do not see yet that you enjoy the video.";
}

/** A title as people say it: the song, without the singer and what stands in brackets. */
function saidTitle(title) {
  const [first, second] = title.replace(/\s*[([][^)\]]*[)\]]/g, "").split(" - ");
  const name = second && second.length <= 30 ? second : first;
  return name.length > 40 ? `${name.slice(0, 38)}…` : name;
}

/** Why videos are recommended. `because`: titles of what somebody enjoyed, where they are known. */
export function reasonWords(source, mood, because = []) {
  switch (source) {
    case "collaborative": return because.length ? `Because you enjoyed ${[...new Set(because.map(saidTitle))].slice(0, 2).join(" and ")}` : "For you, after what you enjoyed";
    case "mood": return mood ? `For your mood: ${LOOKS[mood] ?? mood}` : "For your mood";
    case "playing": return "Playing now";
    case "default": return "To begin with";
    default: return "Popular";
  }
}

/** A recording's moods, for those who do not see them. */
export function timelineWords(entries) {
  const runs = entries.map(entry => LOOKS[entry.mood] ?? entry.mood).filter((look, index, all) => look !== all[index - 1]);
  const enjoyed = entries.filter(entry => entry.enjoyed).length;
  return `Your mood in ${entries.length} pictures: ${runs.join(", ")}. You enjoyed the video in ${enjoyed} of them.`;
}

const CAMERA = {
  off: ["How do you look today?", "Take a snapshot, and Mien finds six videos for the mood in your face."],
  away: ["The camera is off", "It was turned off while you were away. Take Snapshot turns it on again."],
  asking: ["Waiting for permission", "Your browser asks whether this page may use the camera. Or upload a picture instead."],
  refused: ["The camera is blocked", "Allow it beside the address of this page, or upload a picture instead."],
  missing: ["No camera found", "Connect one and try again, or upload a picture instead."],
  busy: ["The camera is taken", "Another program uses it, or it was unplugged. Upload a picture instead."],
  dark: ["No picture from the camera", "It is on but sends nothing. Check its cover, or upload a picture instead."],
  insecure: ["No camera on this address", "Browsers open it only over HTTPS or on localhost. Upload a picture instead."],
};

/** Title and text for a state of the camera. */
export function cameraWords(state) {
  return CAMERA[state] ?? CAMERA.off;
}

const PROBLEMS = {
  "no-face": "We found no face in this picture: look into the camera, in good light, and try again.",
  "corrupt-image": "This picture is damaged: try another one.",
  "unsupported-media-type": "We cannot read this kind of picture: use JPEG or PNG.",
  "too-large": "This picture is too large: try a smaller one.",
  "empty-body": "The picture was empty: try again.",
  "unavailable": "The service is busy or away at the moment: try again soon.",
  "deadline-passed": "This took too long: try again.",
  "attempts-exhausted": "This did not work, although it was tried more than once: try again later.",
  "offline": "The service cannot be reached: check your connection and try again.",
  "slow": "No answer came in time: try again.",
  "unreadable": "We cannot read this image: use a JPEG or PNG picture.",
};

/** What went wrong and what to do, in one sentence. */
export function problemWords(problem) {
  const known = PROBLEMS[problem.kind];
  if (problem.kind === "unavailable" && problem.retryAfter > 1) {
    return `The service is busy or away at the moment: try again in ${problem.retryAfter} seconds.`;
  }
  return known ?? problem.detail ?? "Something went wrong on our side: try again.";
}

/** Names and texts behind "What the networks saw", in order. */
export function facts(answer) {
  const rows = [["Strongest expression", `${answer.mood.expression} (${percent(answer.mood.expressions[answer.mood.expression] ?? 0)})`]];
  const { box } = answer.face;
  rows.push(["Face", `${Math.round(box.width)} x ${Math.round(box.height)} pixels, ${percent(answer.face.probability)} sure that it is one`]);
  if (answer.user?.distance != null) rows.push(["Distance to the nearest person", answer.user.distance.toFixed(2)]);
  if (answer.reaction) rows.push(["Distance to enjoyment", `${answer.reaction.distance.toFixed(2)} (${answer.reaction.reference})`]);
  for (const timing of answer.timings ?? []) {
    rows.push([`Time in ${timing.stage}`, `${Math.round(timing.worked_ms)} ms, waited ${Math.round(timing.queued_ms)} ms`]);
  }
  for (const [network, version] of Object.entries(answer.models)) rows.push([`Network: ${network}`, version]);
  return rows;
}

/** A score in words. */
export { percent };
