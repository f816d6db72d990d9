// The webcam: opened after a press, closed whenever the page is not looked at.

const WISHES = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } };

/** Below this many pixels a camera sends no picture yet, only a placeholder. */
const SMALLEST = 64;

/** Milliseconds a camera gets to send its first picture, and to adapt to the light after it. */
const FIRST_PICTURE = 5_000;
const ADAPTING = 500;

/** Why there is no picture from the camera: `refused`, `missing`, `busy`, `insecure`, `dark` or `closed`. */
export class CameraError extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

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
  #opening = 0;
  #changed;

  /** `changed(state)` hears `off`, `asking`, `live` and the reasons of `CameraError`. */
  constructor(video, changed) {
    this.#video = video;
    this.#changed = changed;
  }

  get live() {
    return this.#stream !== null;
  }

  /** Asks for the camera and waits for its picture. Throws `CameraError`. */
  async open() {
    if (this.#stream) return;
    const opening = ++this.#opening;
    this.#changed("asking");
    let stream = null;
    try {
      stream = await openStream();
      if (opening !== this.#opening) throw new CameraError("closed");
      this.#stream = stream;
      stream.getVideoTracks()[0].addEventListener("ended", () => this.close("busy"));
      this.#video.srcObject = stream;
      await this.#video.play();
      await this.#firstPicture(opening);
      this.#changed("live");
      await pause(ADAPTING);
      if (opening !== this.#opening) throw new CameraError("closed");
    } catch (error) {
      stream?.getTracks().forEach(track => track.stop());
      const reason = opening === this.#opening ? reasonFor(error) : "closed";
      if (reason !== "closed") this.close(reason);
      throw new CameraError(reason);
    }
  }

  async #firstPicture(opening) {
    const end = performance.now() + FIRST_PICTURE;
    while (this.#video.videoWidth < SMALLEST || this.#video.videoHeight < SMALLEST) {
      if (opening !== this.#opening) throw new CameraError("closed");
      if (performance.now() > end) throw new CameraError("dark");
      await pause(50);
    }
  }

  /** Turns the camera off; `state` says why. */
  close(state = "off") {
    this.#opening += 1;
    this.#stream?.getTracks().forEach(track => track.stop());
    this.#stream = null;
    this.#video.srcObject = null;
    this.#changed(state);
  }

  /** What the camera sees now, unmirrored, as a canvas. Throws `CameraError`. */
  grab() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    if (!this.live) throw new CameraError("closed");
    if (width < SMALLEST || height < SMALLEST) throw new CameraError("dark");
    return { source: this.#video, width, height };
  }
}
