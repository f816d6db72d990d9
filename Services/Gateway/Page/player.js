// The video: nothing of YouTube's is loaded before somebody asks for it, and its silence is noticed.

import { word } from "./language.js";
import { randomName } from "./service.js";

const ORIGIN = "https://www.youtube-nocookie.com";

/** Milliseconds between two greetings of the player, and of silence after which that is said. */
const GREETING = 250;
const SILENCE = 5_000;

/** What YouTube's player tells of itself. */
const ENDED = 0;
const PLAYING = 1;

export class Player {
  #screen;
  #title;
  #text;
  #status;
  #play;
  #anyway;
  #open;
  #changed;
  #frame = null;
  #video;
  #session = null;
  #playing = false;
  /** Whether it answered that it cannot play this video. */
  #broken = false;
  #greeting = 0;
  #giveUp = 0;

  /**
   * `elements`: screen, title, text, status, play, anyway, open. `video`: `{id, title}`.
   * `changed(event)` hears `started`, when a video is asked for, and `ended`.
   */
  constructor(elements, video, changed) {
    ({
      screen: this.#screen, title: this.#title, text: this.#text, status: this.#status, play: this.#play, anyway: this.#anyway,
      open: this.#open,
    } = elements);
    this.#changed = changed;
    this.#put(video);
    this.#play.addEventListener("click", () => {
      if (this.#play.getAttribute("aria-disabled") !== "true") this.play(this.#video);
    });
    this.#anyway.addEventListener("click", () => this.#show());
    addEventListener("message", event => this.#hear(event));
  }

  /** What stands on the screen. */
  get video() {
    return this.#video;
  }

  /** Whether a video was asked for. */
  get used() {
    return this.#frame !== null;
  }

  /** The video that plays and which playing of it, or null: nobody can enjoy what is paused, over or broken. */
  get watching() {
    return this.#screen.dataset.state === "showing" && this.#playing ? { video: this.#video.id, session: this.#session } : null;
  }

  /** Loads a video and shows it as soon as YouTube's player answers. */
  play(video) {
    this.#session = randomName();
    this.#playing = this.#broken = false;
    this.#quiet();
    this.#frame?.remove();
    this.#put(video);
    this.#enter("connecting", word("video.connecting"));
    this.#say(word("video.connecting-to", { title: video.title }));

    const frame = document.createElement("iframe");
    const query = new URLSearchParams({ enablejsapi: 1, playsinline: 1, rel: 0, autoplay: 1, origin: location.origin });
    frame.title = word("video.frame", { title: video.title });
    frame.allow = "autoplay; encrypted-media; picture-in-picture; fullscreen";
    // Without a referrer YouTube's player refuses with error 153.
    frame.referrerPolicy = "strict-origin-when-cross-origin";
    // That a frame has loaded proves nothing: a browser's own error page loads as well. Only the player answers a greeting.
    frame.addEventListener("load", () => {
      if (this.#frame === frame) this.#greet();
    });
    frame.src = `${ORIGIN}/embed/${video.id}?${query}`;
    this.#frame = frame;
    this.#screen.append(frame);
    this.#giveUp = setTimeout(() => this.#fail(word("video.silent")), SILENCE);
    this.#changed("started");
  }

  #put(video) {
    this.#video = video;
    this.#title.textContent = video.title;
    this.#open.href = `https://www.youtube.com/watch?v=${video.id}`;
  }

  /** Goes on until it answers, also after its silence was said: a slow connection is no broken one. */
  #greet() {
    clearInterval(this.#greeting);
    const send = () => this.#tell({ event: "listening" });
    this.#greeting = setInterval(send, GREETING);
    send();
  }

  #tell(message) {
    this.#frame?.contentWindow?.postMessage(JSON.stringify({ id: "1", channel: "widget", ...message }), ORIGIN);
  }

  #hear(event) {
    if (event.origin !== ORIGIN || !this.#frame || event.source !== this.#frame.contentWindow) return;
    let message = event.data;
    if (typeof message === "string") {
      try {
        message = JSON.parse(message);
      } catch {
        return;
      }
    }
    switch (message?.event) {
      case "onError":
        this.#broken = true;
        this.#fail(word("video.broken"));
        break;
      case "onReady": case "initialDelivery":
        if (!this.#broken && this.#screen.dataset.state !== "showing") this.#show();
        this.#follow(message.info?.playerState);
        break;
      case "infoDelivery": this.#follow(message.info?.playerState); break;
      case "onStateChange": this.#follow(message.info); break;
    }
  }

  #follow(state) {
    if (typeof state !== "number") return;
    const before = this.#playing;
    this.#playing = state === PLAYING;
    if (this.#playing && !before) this.#say(word("video.playing", { title: this.#video.title }));
    if (state === ENDED && before) this.#changed("ended");
  }

  #show() {
    this.#quiet();
    this.#tell({ event: "command", func: "addEventListener", args: ["onStateChange"] });
    const held = this.#screen.contains(document.activeElement);
    this.#screen.dataset.state = "showing";
    if (held) this.#frame?.focus();
  }

  #fail(reason) {
    clearTimeout(this.#giveUp);
    if (this.#broken) this.#quiet();
    this.#playing = false;
    const held = this.#screen.contains(document.activeElement);
    this.#enter("failed", word("video.failed", { reason }));
    this.#say(reason);
    if (held) this.#play.focus();
  }

  #quiet() {
    clearInterval(this.#greeting);
    clearTimeout(this.#giveUp);
  }

  /** For those who chose the video elsewhere on the page, and do not see this screen. */
  #say(text) {
    this.#status.textContent = text;
  }

  #enter(state, text) {
    const held = this.#screen.contains(document.activeElement);
    this.#screen.dataset.state = state;
    this.#text.textContent = text;
    this.#play.hidden = state === "connecting";
    this.#play.querySelector("span").textContent = word(state === "failed" ? "video.again" : "video.play");
    this.#anyway.hidden = this.#open.hidden = state !== "failed";
    // The pressed button is gone now; the title takes the focus so that it is not lost.
    if (held && state === "connecting") this.#title.focus();
  }
}
