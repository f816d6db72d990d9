// The page: five frames and what passes between them.

import { Camera, CameraError } from "./camera.js";
import { jpeg, pictureIn, UnreadablePicture } from "./picture.js";
import { Player } from "./player.js";
import { drawPicture, drawPortrait } from "./portrait.js";
import { erase, Problem, randomName, recommendations, sendAnalysis, sendClick, sendSelfie } from "./service.js";
import { cameraWords, facts, moodWords, percent, personWords, problemWords, reactionWords, sourceWords } from "./words.js";

const element = id => document.getElementById(id);

/** Milliseconds after which a wait says that it goes on, and between an answer and the next picture of a recording. */
const LONG = 5_000;
const BETWEEN = 1_000;

const TURNING_ON = "Turning the camera on…";
const DECLINED = "Recommendations need recognition, which you declined. Privacy, above, changes that.";

/** What the browser remembers of a person's choice: `recognise`, `mood`, or nothing yet. */
const choice = {
  get value() { return localStorage.getItem("mien.consent"); },
  set value(text) { text ? localStorage.setItem("mien.consent", text) : localStorage.removeItem("mien.consent"); },
};

/** Whether the browser's cookie, which scripts cannot read, names a person: from the first picture that tells who it is on. */
const known = {
  get value() { return localStorage.getItem("mien.known") === "yes"; },
  set value(yes) { yes ? localStorage.setItem("mien.known", "yes") : localStorage.removeItem("mien.known"); },
};

const camera = new Camera(element("webcam-video"), showCamera);
const player = new Player(
  {
    screen: element("player"), title: element("player-title"), text: element("player-text"),
    play: element("player-play"), anyway: element("player-anyway"), open: element("player-open"),
  },
  { id: "gf6v59c5yuY", title: element("player-title").textContent });

/** The request under way, to cancel it; null while there is none. */
let waiting = null;
/** The recording under way, to stop it; null while there is none. */
let recording = null;
/** The last picture and where it came from: `camera` or `file`. */
let last = null;

// What people are told.

/** Sets a text only when it changes, so that a screen reader says it once. */
function say(id, text) {
  if (element(id).textContent !== text) element(id).textContent = text;
}

function report(status, alert = "") {
  say("status", status);
  say("alert", alert);
  element("hint").hidden = status !== "" || alert !== "";
}

function showCamera(state) {
  element("webcam").dataset.state = state;
  const [title, text] = cameraWords(state);
  say("webcam-title", title);
  say("webcam-text", text);
  element("camera-off").hidden = state !== "live";
}

/** `aria-disabled` instead of `disabled`: a button that is switched off keeps the focus. */
function enable(id, yes) {
  yes ? element(id).removeAttribute("aria-disabled") : element(id).setAttribute("aria-disabled", "true");
}

function refreshKeys() {
  const free = waiting === null && recording === null;
  for (const id of ["snapshot", "start", "upload", "newcomer", "known"]) enable(id, free);
  enable("stop", recording !== null);
  element("recording").hidden = recording === null;
}

function showSelfie(state, title = "", text = "") {
  element("selfie").dataset.state = state;
  say("selfie-title", title);
  say("selfie-text", text);
}

function row(list, name, ...content) {
  const term = document.createElement("dt");
  const value = document.createElement("dd");
  term.textContent = name;
  value.append(...content);
  list.append(term, value);
}

function showReading(answer) {
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

function showRecommendations(list, mood, person) {
  element("recommendations").dataset.state = list.length ? "done" : "empty";
  element("videos").hidden = list.length === 0;
  element("recommendations-text").hidden = list.length > 0;
  element("videos").replaceChildren(...list.map(recommendation => listed(recommendation, mood, person)));
}

/** One recommendation: a link to YouTube that plays here instead, and says that it was chosen. */
function listed(recommendation, mood, person) {
  const item = element("listed").content.firstElementChild.cloneNode(true);
  const link = item.querySelector("a");
  link.href = recommendation.url;
  link.querySelector(".rank span").textContent = recommendation.rank;
  link.querySelector(".title").textContent = recommendation.title;
  link.querySelector(".why").textContent = sourceWords(recommendation, mood);
  // A lost click is no reason to disturb somebody who watches a video.
  const choose = () => { if (person) sendClick(recommendation.video_id).catch(() => {}); };
  link.addEventListener("click", event => {
    choose();
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    element("videos").querySelector('[aria-current="true"]')?.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    player.play({ id: recommendation.video_id, title: recommendation.title });
    element("player").scrollIntoView({ block: "nearest" });
  });
  link.addEventListener("auxclick", event => { if (event.button === 1) choose(); });
  return item;
}

function noRecommendations(text) {
  showRecommendations([], null, false);
  say("recommendations-text", text);
}

// One picture and its answer.

/**
 * Sends a picture and shows its answer. `quiet`, for recordings, leaves the last answer standing meanwhile.
 * Returns null, or the problem that kept the answer away.
 */
async function look(picture, origin, { declaredNew = false, key = randomName(), quiet = false } = {}) {
  last = { picture, origin, declaredNew, key };
  const request = waiting = new AbortController();
  refreshKeys();
  element("again").hidden = true;
  let longer = 0;
  try {
    if (!quiet) {
      await drawPicture(element("selfie-canvas"), picture);
      showSelfie("waiting", "Looking at your picture…");
      element("selfie").scrollIntoView({ block: "nearest" });
      report("Looking at your picture…");
      element("reading").hidden = true;
      element("recommendations").dataset.state = "waiting";
      if (element("videos").hidden) say("recommendations-text", "Looking for six videos…");
    }
    longer = setTimeout(() => {
      if (!quiet) report("Still working on it. You can wait or cancel.");
      element("cancel").hidden = false;
    }, LONG);
    const answer = choice.value === "mood"
      ? await sendAnalysis(picture, { signal: request.signal })
      : await sendSelfie(picture, { watching: player.watching, declaredNew, key, signal: request.signal });
    await show(picture, answer);
    if (!quiet) element("reading").scrollIntoView({ block: "nearest" });
    return null;
  } catch (error) {
    return fail(error, quiet);
  } finally {
    clearTimeout(longer);
    const held = document.activeElement === element("cancel");
    element("cancel").hidden = true;
    if (waiting === request) waiting = null;
    refreshKeys();
    if (held) element("snapshot").focus();
  }
}

async function show(picture, answer) {
  await drawPortrait(element("selfie-canvas"), picture, answer);
  showSelfie("done");
  showReading(answer);
  if (answer.user?.id != null) known.value = true;
  if (answer.recommendations) {
    showRecommendations(answer.recommendations, answer.mood.name, answer.user?.id != null);
  } else {
    noRecommendations(DECLINED);
  }
  const ready = answer.recommendations?.length ? " Your videos are ready." : "";
  report(`${moodWords(answer.mood)}. ${personWords(answer.user)}${ready}`);
}

function fail(error, quiet) {
  if (error.name === "AbortError") {
    showSelfie(element("reading").hidden ? "empty" : "done", "No answer yet", "You cancelled it.");
    restoreRecommendations();
    report("");
    return error;
  }
  const problem = error instanceof Problem ? error : new Problem("internal-error");
  const words = problemWords(problem);
  if (!quiet) {
    showSelfie("failed", "No answer", words);
    restoreRecommendations();
  }
  report("", words);
  const final = ["no-face", "corrupt-image", "unsupported-media-type", "too-large"].includes(problem.kind);
  element("again").hidden = quiet || final;
  return problem;
}

function restoreRecommendations() {
  const empty = element("videos").hidden;
  element("recommendations").dataset.state = empty ? "empty" : "done";
  if (empty) say("recommendations-text", "Six videos appear here after your first picture.");
}

// Consent.

/** Opens a dialog and returns the id of the button that closed it, or null. */
function ask(id, buttons) {
  const dialog = element(id);
  const opener = document.activeElement;
  return new Promise(resolve => {
    const ending = new AbortController();
    const finish = answer => {
      ending.abort();
      dialog.close();
      opener?.focus();
      resolve(answer);
    };
    for (const [button, allowed] of buttons) {
      element(button).addEventListener("click", () => { if (allowed()) finish(button); }, { signal: ending.signal });
    }
    dialog.addEventListener("cancel", event => { event.preventDefault(); finish(null); }, { signal: ending.signal });
    dialog.showModal();
    dialog.querySelector("h2").focus();
  });
}

async function askConsent() {
  // A picture may be pasted or dropped while the question stands.
  if (element("consent").open) return false;
  element("agree").checked = choice.value === "recognise";
  enable("consent-yes", element("agree").checked);
  say("consent-alert", "");
  const agreed = () => {
    if (element("agree").checked) return true;
    say("consent-alert", "Tick the box above to be recognised, or choose your mood only.");
    element("agree").focus();
    return false;
  };
  const answer = await ask("consent", [["consent-yes", agreed], ["consent-mood", () => true], ["consent-no", () => true]]);
  if (answer === "consent-yes") choice.value = "recognise";
  if (answer === "consent-mood") choice.value = "mood";
  return answer === "consent-yes" || answer === "consent-mood";
}

/** Whether a picture may be sent: asked once, before the first. */
async function mayLook() {
  return choice.value !== null || await askConsent();
}

// The keys.

/** The camera's picture, turning it on first; null after saying why there is none. */
async function cameraPicture() {
  try {
    await camera.open();
    return await jpeg(camera.grab());
  } catch (error) {
    if (error instanceof CameraError && error.reason === "closed") {
      // Whoever turned the camera off may have said more since.
      if (element("status").textContent === TURNING_ON) report("");
      return null;
    }
    const [title, text] = cameraWords(error.reason ?? "dark");
    report("", `${title}. ${text}`);
    return null;
  }
}

/**
 * Keeps the keys off while `work` runs, before there is a request to wait for; a camera still being asked for is given up.
 * `work` gets the signal that cancels it.
 */
async function exclusively(work) {
  if (waiting || recording) return;
  if (camera.asking) camera.close();
  const turn = waiting = new AbortController();
  refreshKeys();
  try {
    await work(turn.signal);
  } finally {
    if (waiting === turn) waiting = null;
    refreshKeys();
  }
}

/** The keys stay on until the picture is there: the permission for the camera may never be answered. */
async function snapshot() {
  if (waiting || recording || !await mayLook()) return;
  report(camera.live ? "" : TURNING_ON);
  const picture = await cameraPicture();
  if (picture) await exclusively(() => look(picture, "camera"));
}

const submitFile = file => exclusively(async cancelled => {
  if (!await mayLook()) return;
  try {
    const picture = await pictureIn(file);
    if (!cancelled.aborted) await look(picture, "file");
  } catch (error) {
    if (!(error instanceof UnreadablePicture)) throw error;
    report("", problemWords(new Problem("unreadable")));
  }
});

async function record() {
  if (waiting || recording) return;
  if (!await mayLook() || waiting || recording) return;
  const turn = recording = new AbortController();
  refreshKeys();
  element("stop").focus();
  report(camera.live ? "Recording." : TURNING_ON);
  try {
    while (!turn.signal.aborted) {
      const picture = await cameraPicture();
      if (!picture || turn.signal.aborted) break;
      const problem = await look(picture, "camera", { quiet: true });
      if (problem && !passing(problem)) break;
      await rest(Math.max(BETWEEN, 1000 * Math.min(problem?.retryAfter ?? 0, 30)), turn.signal);
    }
  } finally {
    if (recording === turn) stopRecording();
  }
}

/** Whether the next picture of a recording may fare better. */
function passing(problem) {
  return ["no-face", "unavailable", "deadline-passed", "slow"].includes(problem.kind);
}

function rest(milliseconds, signal) {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); });
  });
}

/** No picture is taken any more; the answer under way may still come. */
function stopRecording() {
  if (!recording) return;
  const held = document.activeElement === element("stop");
  recording.abort();
  recording = null;
  if (camera.asking) camera.close();
  refreshKeys();
  if (held) element("start").focus();
}

/** Nobody looks at the page: no picture is taken or sent, and the camera's light goes out. */
function leave() {
  if (camera.live || camera.asking) camera.close("away");
  stopRecording();
  waiting?.abort();
}

/** Asks again what may be done. Whoever does not want to be recognised any more is asked what is to become of what was kept. */
async function reconsider() {
  if (!await askConsent() || choice.value !== "mood") return;
  noRecommendations(DECLINED);
  if (known.value) await forget({ withdrawn: true });
}

/** Whatever is under way ends, so that nothing is sent after the question. */
async function forget({ withdrawn = false } = {}) {
  stopRecording();
  waiting?.abort();
  waiting = null;
  await exclusively(async () => {
    element("farewell-withdrawn").hidden = !withdrawn;
    const answer = await ask("farewell", [["farewell-yes", () => true], ["farewell-no", () => true]]);
    if (answer === "farewell-yes") await deleteEverything(withdrawn);
    else if (withdrawn) report("From now on only your mood is read. What was kept before stays until you press Delete me.");
  });
}

/** `withdrawn`: the choice not to be recognised stays. */
async function deleteEverything(withdrawn) {
  report("Deleting everything about you…");
  enable("forget", false);
  try {
    await erase();
    camera.close();
    if (!withdrawn) choice.value = null;
    known.value = false;
    last = null;
    element("again").hidden = true;
    element("reading").hidden = true;
    element("selfie-canvas").width = 0;
    element("selfie-canvas").setAttribute("aria-label", "No picture yet");
    showSelfie("empty", "No picture yet", "Your picture appears here, with your face marked.");
    noRecommendations(withdrawn ? DECLINED : "Six videos appear here after your first picture.");
    report("You are deleted: nothing about you is kept any more.");
  } catch (error) {
    const nobody = error.kind === "unknown-user";
    if (nobody) known.value = false;
    report("", nobody
      ? "This browser holds nobody to delete. If you were here before, take a snapshot first, so that we know whom to delete."
      : `You are not deleted yet. ${problemWords(error instanceof Problem ? error : new Problem("internal-error"))}`);
  } finally {
    enable("forget", true);
  }
}

function press(id, action) {
  element(id).addEventListener("click", () => {
    if (element(id).getAttribute("aria-disabled") !== "true") action();
  });
}

press("snapshot", snapshot);
press("start", record);
press("stop", () => { report("Recording stopped."); stopRecording(); });
press("upload", () => element("file").click());
press("cancel", () => waiting?.abort());
press("again", () => exclusively(() => look(last.picture, last.origin, last)));
press("camera-off", () => {
  if (recording) report("Recording stopped.");
  stopRecording();
  camera.close();
  element("snapshot").focus();
});
press("known", () => last?.origin === "file" ? element("file").click() : snapshot());
press("newcomer", () => exclusively(() => look(last.picture, last.origin, { declaredNew: true })));
press("privacy", reconsider);
press("forget", () => forget());

element("agree").addEventListener("change", () => {
  enable("consent-yes", element("agree").checked);
  say("consent-alert", "");
});

element("file").addEventListener("change", () => {
  const [file] = element("file").files;
  // Emptied, so that choosing the same file again is a change too.
  if (file) submitFile(file).finally(() => { element("file").value = ""; });
});

addEventListener("paste", event => {
  const file = [...event.clipboardData?.files ?? []].find(file => file.type.startsWith("image/"));
  if (file) submitFile(file);
});

const carriesFiles = event => event.dataTransfer?.types.includes("Files");
addEventListener("dragover", event => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  element("drop").hidden = false;
});
addEventListener("dragleave", event => { if (!event.relatedTarget) element("drop").hidden = true; });
addEventListener("drop", event => {
  element("drop").hidden = true;
  if (!carriesFiles(event)) return;
  event.preventDefault();
  if (event.dataTransfer.files[0]) submitFile(event.dataTransfer.files[0]);
});

document.addEventListener("visibilitychange", () => { if (document.hidden) leave(); });
addEventListener("pagehide", leave);

refreshKeys();
if (known.value && choice.value !== "mood") {
  recommendations()
    .then(answer => showRecommendations(answer.recommendations, null, true))
    .catch(error => { if (error.kind === "unknown-user") known.value = false; });
}
