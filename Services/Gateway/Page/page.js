// The page: its parts, and what passes between them.

import { tellEverything } from "./about.js";
import { Camera } from "./camera.js";
import { cover } from "./cover.js";
import { element, enable, press, say } from "./dom.js";
import { openEntrances } from "./entrances.js";
import { Farewell } from "./farewell.js";
import { translatePage, word } from "./language.js";
import { Looking } from "./looking.js";
import { browser, choice, known } from "./memory.js";
import { Mood } from "./mood.js";
import { OPENING } from "./picks.js";
import { Player } from "./player.js";
import { report } from "./report.js";
import { mergeWith, recommendations, sendClick } from "./service.js";
import { Stage } from "./stage.js";
import { Timeline } from "./timeline.js";
import { VideoList } from "./videos.js";
import { problemWords } from "./words.js";

function choose(video, person, elsewhere) {
  // A lost click is no reason to disturb somebody who watches a video.
  if (person) sendClick(video.video_id).catch(() => {});
  if (elsewhere) return;
  player.play({ id: video.video_id, title: video.title });
  element("player").scrollIntoView({ block: "nearest" });
}

/** The next of the list; a video that nobody chose is not sent as chosen. */
function playNext() {
  if (list.next) player.play({ id: list.next.video_id, title: list.next.title });
}

function playerChanged(event) {
  if (event === "ended") playNext();
  if (event === "started") showPlaying(player.video);
}

function showPlaying({ id, title }) {
  list.mark(id);
  element("now").hidden = false;
  say("now-title", title);
  element("next").hidden = list.next === null;
  setPoster(title);
}

function setPoster(title) {
  element("player").querySelector(".cover")?.remove();
  element("player").prepend(cover(title, document.documentElement.dataset.mood));
}

/** Whether those who look the same are one person, as only they can say. */
async function answerTwins(same) {
  element("snapshot").focus();
  element("twins").hidden = true;
  try {
    if (same) for (const other of looking.twins) await mergeWith(other);
    report(same ? word("twins.merged") : "");
    if (same) await welcome();
  } catch (error) {
    report("", problemWords(error));
  }
}

/** What is known of somebody who was here before. */
async function welcome() {
  element("reload").hidden = true;
  try {
    const answer = await recommendations(mood.want);
    list.show(answer.recommendations, { person: true });
    if (element("alert").textContent) report("");
  } catch (error) {
    if (error.kind === "unknown-user") {
      known.value = false;
      return;
    }
    report("", `${word("list.failed")} ${problemWords(error)}`);
    element("reload").hidden = false;
  }
}

const modern = "withResolvers" in Promise && "any" in AbortSignal && CSS.supports("color", "light-dark(#000, #fff)");
if (!modern) throw new Error("This page needs a browser from 2024 or later.");
translatePage();
const stage = new Stage();
const camera = new Camera(element("webcam-video"), state => stage.showCamera(state));
const list = new VideoList(choose);
const player = new Player(
  {
    screen: element("player"), title: element("player-title"), text: element("player-text"), status: element("player-status"),
    play: element("player-play"), anyway: element("player-anyway"), open: element("player-open"),
  },
  { id: OPENING[0], title: OPENING[1] },
  playerChanged);
const mood = new Mood(list);
const looking = new Looking({ camera, player, list, stage, timeline: new Timeline(), mood });
const farewell = new Farewell({ looking, list, camera });

press("snapshot", () => looking.snapshot());
press("sample", () => looking.sample());
press("start", () => looking.record());
press("stop", () => { report(word("status.stopped")); looking.stopRecording(); });
press("upload", () => element("file").click());
press("cancel", () => looking.cancel());
press("again", () => looking.again());
press("reload", () => { element("snapshot").focus(); welcome(); });
press("camera-off", () => {
  if (looking.recording) report(word("status.stopped"));
  looking.stopRecording();
  camera.close();
  element("snapshot").focus();
});
press("anyway", () => looking.anyway());
press("known", () => looking.declare("known"));
press("newcomer", () => looking.declare("new"));
press("other-face", () => looking.otherFace());
press("lift", () => mood.turn());
press("twins-yes", () => answerTwins(true));
press("twins-no", () => answerTwins(false));
for (const id of ["about-reading", "about-footer"]) press(id, () => tellEverything(() => farewell.begin()));
press("next", () => { playNext(); if (element("next").hidden) element("player-title").focus(); });
press("privacy", () => farewell.reconsider());
press("forget", () => farewell.begin());
openEntrances(file => looking.submit(file));

// Nothing ends up behind the bar of the controls, however much it says.
new ResizeObserver(() => document.documentElement.style.setProperty("--bar", `${element("controls").offsetHeight}px`)).observe(element("controls"));

document.addEventListener("visibilitychange", () => { if (document.hidden) looking.leave(); });
addEventListener("pagehide", () => looking.leave());

element("lifeless").hidden = true;
for (const id of ["privacy", "forget", "player-play", "sample"]) enable(id, true);
setPoster(OPENING[1]);
looking.refreshKeys();
list.restoreDefaults();
element("forgetful").hidden = browser.remembers;
if (known.value && choice.value !== "mood") welcome();
