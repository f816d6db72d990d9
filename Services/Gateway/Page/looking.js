// Pictures and their answers: one at a time, or one after another while recording.

import { CameraError } from "./camera.js";
import { mayLook } from "./dialogs.js";
import { element, enable, say } from "./dom.js";
import { word } from "./language.js";
import { choice, known } from "./memory.js";
import { jpeg, pictureIn, UnreadablePicture } from "./picture.js";
import { picksFor } from "./picks.js";
import { hideReading, showReading } from "./reading.js";
import { mention, report } from "./report.js";
import { Problem, randomName, samplePicture, sendAnalysis, sendSelfie } from "./service.js";
import { cameraWords, moodWords, personWords, problemWords } from "./words.js";

/** Milliseconds after which a wait says that it goes on, and between an answer and the next picture of a recording. */
const LONG = 5_000;
const BETWEEN = 1_000;

const TURNING_ON = word("status.turning-on");
const KEYS = ["snapshot", "start", "upload"];

/** Whether the next picture of a recording may fare better. */
const passing = problem => ["no-face", "unavailable", "deadline-passed", "slow"].includes(problem.kind);

const asProblem = error => error instanceof Problem ? error : new Problem("internal-error");

function rest(milliseconds, signal) {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); });
  });
}

export class Looking {
  #camera;
  #player;
  #list;
  #stage;
  #timeline;
  /** The request under way, to cancel it; null while there is none. */
  #waiting = null;
  /** The recording under way, to stop it; null while there is none. */
  #recording = null;
  /** The last picture and where it came from: `camera`, `file` or `sample`. */
  #last = null;

  constructor({ camera, player, list, stage, timeline }) {
    this.#camera = camera;
    this.#player = player;
    this.#list = list;
    this.#stage = stage;
    this.#timeline = timeline;
  }

  get recording() {
    return this.#recording !== null;
  }

  /** Where the last picture came from; null when there is none. */
  get origin() {
    return this.#last?.origin ?? null;
  }

  refreshKeys() {
    const free = this.#waiting === null && this.#recording === null;
    for (const id of KEYS) enable(id, free);
    // A question of a recording's stops it; it would be gone by the time that somebody has pressed Stop.
    for (const id of ["newcomer", "known"]) enable(id, free || this.recording);
    enable("stop", this.recording);
    element("recording").hidden = !this.recording;
  }

  /**
   * Keeps the keys off while `work` runs, before there is a request to wait for; a camera still being asked for is given up.
   * `work` gets the signal that cancels it.
   */
  async exclusively(work) {
    if (this.#waiting || this.#recording) return;
    if (this.#camera.asking) this.#camera.close();
    const turn = this.#waiting = new AbortController();
    this.refreshKeys();
    try {
      await work(turn.signal);
    } finally {
      if (this.#waiting === turn) this.#waiting = null;
      this.refreshKeys();
    }
  }

  /** The keys stay on until the picture is there: the permission for the camera may never be answered. */
  async snapshot() {
    if (this.#waiting || this.#recording || !await mayLook()) return;
    report(this.#camera.live ? "" : TURNING_ON);
    const picture = await this.#cameraPicture();
    if (!picture) return;
    this.#stage.flash();
    await this.exclusively(() => this.#look(picture, "camera"));
  }

  /** A face that ships with the page, so that nobody has to show their own first. It is nobody's to recognise. */
  sample() {
    return this.exclusively(async () => {
      try {
        await this.#look(await samplePicture(), "sample");
      } catch (error) {
        report("", problemWords(asProblem(error)));
      }
    });
  }

  /** A picture in a file, however it came. It takes the place of a recording. */
  submit(file) {
    this.#stopAll();
    return this.exclusively(async cancelled => {
      if (!await mayLook()) return;
      try {
        const picture = await pictureIn(file);
        if (!cancelled.aborted) await this.#look(picture, "file");
      } catch (error) {
        if (!(error instanceof UnreadablePicture)) throw error;
        report("", problemWords(new Problem("unreadable")));
      }
    });
  }

  /** The same picture once more, as the same job. */
  async again() {
    element("snapshot").focus();
    await this.exclusively(() => this.#look(this.#last.picture, this.#last.origin, this.#last));
  }

  /** The last picture once more, of somebody who says that they are new. */
  async declareNew() {
    this.#stopAll();
    element("snapshot").focus();
    await this.exclusively(() => this.#look(this.#last.picture, this.#last.origin, { declaredNew: true }));
  }

  async record() {
    if (this.#waiting || this.#recording) return;
    if (!await mayLook() || this.#waiting || this.#recording) return;
    const turn = this.#recording = new AbortController();
    this.refreshKeys();
    element("stop").focus();
    report(this.#camera.live ? word("status.recording") : TURNING_ON);
    this.#stage.record(true);
    this.#timeline.start();
    try {
      while (!turn.signal.aborted) {
        const picture = await this.#cameraPicture();
        if (!picture || turn.signal.aborted) break;
        const problem = await this.#look(picture, "camera", { quiet: true });
        if (problem && !passing(problem)) break;
        await rest(Math.max(BETWEEN, 1000 * Math.min(problem?.retryAfter ?? 0, 30)), turn.signal);
      }
    } finally {
      if (this.#recording === turn) this.stopRecording();
    }
  }

  /** No picture is taken any more; the answer under way may still come. */
  stopRecording() {
    if (!this.#recording) return;
    const held = document.activeElement === element("stop");
    this.#recording.abort();
    this.#recording = null;
    this.#timeline.stop();
    this.#stage.record(false);
    if (this.#camera.asking) this.#camera.close();
    this.refreshKeys();
    if (held) element("start").focus();
  }

  cancel() {
    this.#waiting?.abort();
  }

  /** Nobody looks at the page: no picture is taken or sent, and the camera's light goes out. */
  leave() {
    if (this.#camera.live || this.#camera.asking) this.#camera.close("away");
    this.stopRecording();
    this.cancel();
  }

  /** Whatever is under way ends now, and makes way for something else. */
  interrupt() {
    this.stopRecording();
    this.cancel();
    this.#waiting = null;
  }

  forget() {
    this.#last = null;
    element("again").hidden = true;
    hideReading();
    this.#timeline.clear();
    this.#stage.clear();
  }

  /** A recording's request too; somebody else's picture is waited for. */
  #stopAll() {
    if (this.#recording) this.interrupt();
  }

  /** The camera's picture, turning it on first; null after saying why there is none. */
  async #cameraPicture() {
    try {
      await this.#camera.open();
      return await jpeg(this.#camera.grab());
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
   * Sends a picture and shows its answer. `quiet`, for recordings, leaves the last answer standing meanwhile.
   * Returns null, or the problem that kept the answer away.
   */
  async #look(picture, origin, { declaredNew = false, key = randomName(), quiet = false } = {}) {
    const turn = this.#last = { picture, origin, declaredNew, key };
    const request = this.#waiting = new AbortController();
    this.refreshKeys();
    element("again").hidden = true;
    let longer = 0;
    try {
      if (!quiet) {
        await this.#stage.wait(picture);
        report(word("status.looking"));
        hideReading();
        this.#timeline.clear();
        this.#list.wait();
      }
      longer = setTimeout(() => {
        if (!quiet) report(word("status.still"));
        element("cancel").hidden = false;
      }, LONG);
      const answer = choice.value === "mood" || origin === "sample"
        ? await sendAnalysis(picture, { signal: request.signal })
        : await sendSelfie(picture, { watching: this.#player.watching, declaredNew, key, signal: request.signal });
      if (this.#last === turn) await this.#show(picture, answer, { quiet, sample: origin === "sample" });
      return null;
    } catch (error) {
      // What came after it has the page now.
      return this.#last === turn ? this.#fail(error, quiet) : error;
    } finally {
      clearTimeout(longer);
      const held = document.activeElement === element("cancel");
      element("cancel").hidden = true;
      if (this.#waiting === request) this.#waiting = null;
      this.refreshKeys();
      if (held) element("snapshot").focus();
    }
  }

  async #show(picture, answer, { quiet, sample }) {
    await this.#stage.show(picture, answer);
    showReading(answer, { sample });
    if (quiet) this.#timeline.add(answer);
    const person = answer.user?.id != null;
    if (person) known.value = true;
    const mood = answer.mood.name;
    this.#list.show(answer.recommendations ?? picksFor(mood), { mood, person, calm: quiet });
    const words = `${moodWords(answer.mood, sample)}. ${personWords(answer.user, sample)}`;
    if (quiet) mention(words);
    else report(`${words} ${word("status.ready")}`, "", { seen: true });
  }

  #fail(error, quiet) {
    if (error.name === "AbortError") {
      this.#stage.cancel();
      this.#list.restore();
      report("");
      return error;
    }
    const problem = asProblem(error);
    const words = problemWords(problem);
    if (quiet && passing(problem)) {
      mention(words);
      return problem;
    }
    if (!quiet) {
      this.#stage.fail();
      this.#list.restore();
    }
    report("", words);
    const final = ["no-face", "corrupt-image", "unsupported-media-type", "too-large"].includes(problem.kind);
    element("again").hidden = quiet || final;
    return problem;
  }
}
