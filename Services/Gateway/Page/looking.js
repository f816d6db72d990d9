// Pictures and their answers: one at a time, or one after another while recording.

import { CameraError } from "./camera.js";
import { mayLook } from "./dialogs.js";
import { element, enable, say } from "./dom.js";
import { word } from "./language.js";
import { choice, known } from "./memory.js";
import { jpeg, pictureIn, UnfitPicture } from "./picture.js";
import { hideReading, showReading } from "./reading.js";
import { mention, report } from "./report.js";
import { findFaces, Problem, randomName, samplePicture, sendAnalysis, sendSelfie } from "./service.js";
import { cameraWords, moodWords, personWords, problemWords } from "./words.js";

/** Milliseconds after which a wait says that it goes on, and between an answer and the next picture of a recording. */
const LONG = 5_000;
const BETWEEN = 1_000;

/** Frames of which a snapshot is the sharpest. */
const FRAMES = 5;

/** How much of a picture goes with a face that was pointed at, in sizes of its box. */
const AROUND = 2.2;

const TURNING_ON = word("status.turning-on");
const KEYS = ["snapshot", "start", "upload"];

/** Whether the next picture of a recording may fare better. */
const passing = problem => ["no-face", "dark", "unavailable", "deadline-passed", "slow"].includes(problem.kind);

/** Whether a picture does not settle who somebody is, and one taken a moment later may. */
const unsure = user => user?.status === "uncertain" && ["ambiguous", "face_blurred", "face_turned", "face_unclear"].includes(user.reason ?? "ambiguous");

const asProblem = error => error instanceof Problem ? error : new Problem("internal-error");

/** The part of a picture around a face's box. */
function around(box, image) {
  const side = Math.max(box.width, box.height) * AROUND;
  const x = Math.max(0, box.x + box.width / 2 - side / 2);
  const y = Math.max(0, box.y + box.height / 2 - side / 2);
  return { x, y, width: Math.min(side, image.width - x), height: Math.min(side, image.height - y) };
}

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
  #mood;
  /** The request under way, to cancel it; null while there is none. */
  #waiting = null;
  /** The recording under way, to stop it; null while there is none. */
  #recording = null;
  /** The last picture and where it came from: `camera`, `file` or `sample`. */
  #last = null;
  /** A picture that was found unfit before it was sent, and where it came from. */
  #unfit = null;
  #twins = [];

  constructor({ camera, player, list, stage, timeline, mood }) {
    this.#camera = camera;
    this.#player = player;
    this.#list = list;
    this.#stage = stage;
    this.#timeline = timeline;
    this.#mood = mood;
  }

  get recording() {
    return this.#recording !== null;
  }

  /** Further people who look like the one of the last answer. */
  get twins() {
    return this.#twins;
  }

  refreshKeys() {
    const free = this.#waiting === null && this.#recording === null;
    for (const id of KEYS) enable(id, free);
    // A question of a recording's stops it; it would be gone by the time that somebody has pressed Stop.
    for (const id of ["newcomer", "known", "other-face"]) enable(id, free || this.recording);
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
    // Where one picture does not settle it, another one may: nobody is asked before that.
    await this.exclusively(() => this.#look(picture, "camera", { another: () => this.#cameraPicture() }));
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
        this.#refuse(error, "file");
      }
    });
  }

  /** A picture that was found unfit, for somebody who wants it looked at all the same. */
  async anyway() {
    element("snapshot").focus();
    await this.exclusively(() => this.#look(this.#unfit.picture, this.#unfit.origin));
  }

  /** Asks where the last picture's faces are, lets somebody point at one, and sends what is around it. */
  async otherFace() {
    this.#stopAll();
    const { picture, origin } = this.#last;
    await this.exclusively(async cancelled => {
      try {
        report(word("status.faces"));
        const { faces, image } = await findFaces(picture);
        if (cancelled.aborted) return;
        report(faces.length > 1 ? word("status.which") : word("status.one-face"));
        const box = faces.length > 1 ? await this.#stage.point({ faces, image, cancelled }) : null;
        element("other-face").focus();
        if (faces.length > 1) report("");
        if (box) await this.#look(await pictureIn(picture, around(box, image)), origin);
      } catch (error) {
        error instanceof UnfitPicture ? this.#refuse(error, origin) : report("", problemWords(asProblem(error)));
      }
    });
  }

  /** The same picture once more, as the same job. */
  async again() {
    element("snapshot").focus();
    await this.exclusively(() => this.#look(this.#last.picture, this.#last.origin, this.#last));
  }

  /** The last picture once more, of somebody who says that they are `new` or `known`. */
  async declare(as) {
    this.#stopAll();
    element("snapshot").focus();
    await this.exclusively(() => this.#look(this.#last.picture, this.#last.origin, { as }));
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
        const picture = await this.#cameraPicture({ quiet: true });
        if (picture === null || turn.signal.aborted) break;
        const problem = picture ? await this.#look(picture, "camera", { quiet: true }) : null;
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
    this.#last = this.#unfit = null;
    element("again").hidden = element("anyway").hidden = true;
    hideReading();
    this.#timeline.clear();
    this.#stage.clear();
  }

  /** A recording's request too; somebody else's picture is waited for. */
  #stopAll() {
    if (this.#recording) this.interrupt();
  }

  /** Says what is wrong with a picture instead of sending it. */
  #refuse(error, origin) {
    if (!(error instanceof UnfitPicture)) throw error;
    this.#unfit = { picture: error.picture, origin };
    report("", problemWords(new Problem(error.reason)));
    element("again").hidden = true;
    element("anyway").hidden = error.picture === null;
  }

  /**
   * The camera's picture, turning it on first; null after saying why there is none.
   * `quiet`, for recordings, takes the next frame, and undefined stands for one that is unfit.
   */
  async #cameraPicture({ quiet = false } = {}) {
    try {
      await this.#camera.open();
      return await jpeg(await this.#camera.grab(quiet ? 1 : FRAMES));
    } catch (error) {
      if (error instanceof UnfitPicture && quiet) {
        mention(problemWords(new Problem(error.reason)));
        return undefined;
      }
      if (error instanceof UnfitPicture) {
        this.#refuse(error, "camera");
        return null;
      }
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
   * Sends a picture and shows its answer. `quiet`, for recordings, leaves the last answer standing meanwhile; `another` takes a second
   * picture where the first does not settle who it shows.
   * Returns null, or the problem that kept the answer away.
   */
  async #look(picture, origin, { as = null, key = randomName(), quiet = false, another = null } = {}) {
    const turn = this.#last = { picture, origin, as, key };
    const request = this.#waiting = new AbortController();
    this.refreshKeys();
    element("again").hidden = element("anyway").hidden = true;
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
      let answer = await this.#send(turn, request.signal);
      if (another && unsure(answer.user) && this.#last === turn) {
        report(word("status.another"));
        const second = await another();
        if (second && !request.signal.aborted) {
          Object.assign(turn, { picture: second, key: randomName() });
          await this.#stage.wait(second);
          answer = await this.#send(turn, request.signal);
        }
      }
      if (this.#last === turn) await this.#show(turn.picture, answer, { quiet, sample: origin === "sample" });
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

  #send({ picture, origin, as, key }, signal) {
    if (choice.value === "mood" || origin === "sample") return sendAnalysis(picture, { signal });
    return sendSelfie(picture, { watching: this.#player.watching, as, want: this.#mood.want, key, signal });
  }

  async #show(picture, answer, { quiet, sample }) {
    await this.#stage.show(picture, answer);
    showReading(answer, { sample });
    if (quiet) this.#timeline.add(answer);
    const person = answer.user?.id != null;
    if (person) known.value = true;
    this.#twins = answer.user?.same_as ?? [];
    element("other-face").hidden = sample;
    element("anyway").hidden = true;
    this.#mood.show(answer.mood.name, answer.recommendations ?? null, { person, calm: quiet });
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
