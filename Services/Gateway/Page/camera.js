// The webcam: opened after a press, closed whenever the page is not looked at.

import { redrawn, sharpness } from "./picture.js";

const WISHES = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } };

/** Below this many pixels a camera sends no picture yet, only a placeholder. */
const SMALLEST = 64;

/** Milliseconds a camera gets to send its first picture, and to adapt to the light after it. */
const FIRST_PICTURE = 5_000;
const ADAPTING = 500;

/** Milliseconds between two frames of which the sharper is taken. */
const NEXT_FRAME = 80;

/** Why there is no picture from the camera: `refused`, `missing`, `busy`, `insecure`, `dark` or `closed`. */
export class CameraError extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

const stop = stream => stream?.getTracks().forEach(track => track.stop());

async function openStream() {
  if (!navigator.mediaDevices?.getUserMedia) throw new CameraError("insecure");
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: false, video: WISHES });
  } catch (error) {
    if (error.name !== "OverconstrainedError") throw error;
    return await navigator.mediaDevices.getUserMedia({ audio: false, video: true });
  }
}

function reasonFor(error) {
  switch (error.name) {
    case "NotAllowedError": case "SecurityError": return "refused";
    case "NotFoundError": case "OverconstrainedError": return "missing";
    case "NotReadableError": case "AbortError": return "busy";
    default: return error.reason ?? "busy";
  }
}

export class Camera {
  #video;
  #stream = null;
  /** What `open` waits for; null while the camera is not being turned on. */
  #opening = null;
  #changed;

  /** `changed(state)` hears `off`, `asking`, `live` and the reasons of `CameraError`. */
  constructor(video, changed) {
    this.#video = video;
    this.#changed = changed;
  }

  /** Whether it sends pictures. */
  get live() {
    return this.#stream !== null && !this.asking;
  }

  /** Whether somebody waits in `open`: for the permission, or for the first picture. */
  get asking() {
    return this.#opening !== null;
  }

  /**
   * Asks for the camera and waits for its picture; who calls meanwhile waits for the same one, and `close` ends the wait.
   * Throws `CameraError`.
   */
  async open() {
    if (!this.live && !this.asking) {
      this.#opening = Promise.withResolvers();
      this.#turnOn(this.#opening);
    }
    await this.#opening?.promise;
  }

  async #turnOn(opening) {
    this.#changed("asking");
    try {
      const stream = await openStream();
      if (opening !== this.#opening) return stop(stream);
      this.#stream = stream;
      stream.getVideoTracks()[0].addEventListener("ended", () => this.close("busy"));
      this.#show(stream);
      await this.#firstPicture(opening);
      this.#changed("live");
      await this.#pause(opening, ADAPTING);
      this.#opening = null;
      opening.resolve();
    } catch (error) {
      if (opening !== this.#opening) return;
      const reason = reasonFor(error);
      opening.reject(new CameraError(reason));
      this.close(reason);
    }
  }

  /**
   * Plays what the camera sends: browsers pause what `autoplay` alone started as soon as it is out of view.
   * Nobody waits for `play`, which never ends where nothing is sent.
   */
  #show(stream) {
    this.#video.srcObject = stream;
    this.#video.play().catch(() => {});
  }

  async #firstPicture(opening) {
    const end = performance.now() + FIRST_PICTURE;
    while (this.#video.videoWidth < SMALLEST || this.#video.videoHeight < SMALLEST) {
      if (performance.now() > end) throw new CameraError("dark");
      await this.#pause(opening, 50);
    }
  }

  /** Throws `CameraError` when the opening was given up meanwhile. */
  async #pause(opening, milliseconds) {
    await pause(milliseconds);
    if (opening !== this.#opening) throw new CameraError("closed");
  }

  /** Turns the camera off; `state` says why. */
  close(state = "off") {
    this.#opening?.reject(new CameraError("closed"));
    this.#opening = null;
    stop(this.#stream);
    this.#stream = null;
    this.#video.srcObject = null;
    this.#changed(state);
  }

  /** The sharpest of as many frames, one after another, as a canvas that is not mirrored. Throws `CameraError`. */
  async grab(frames = 1) {
    let best = this.#frame();
    for (let further = 1; further < frames; further += 1) {
      await pause(NEXT_FRAME);
      const frame = this.#frame();
      if (sharpness(frame) > sharpness(best)) best = frame;
    }
    return best;
  }

  #frame() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    if (!this.live) throw new CameraError("closed");
    if (width < SMALLEST || height < SMALLEST) throw new CameraError("dark");
    return redrawn({ source: this.#video, width, height });
  }
}
