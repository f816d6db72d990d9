// The video: nothing of YouTube's is loaded before somebody asks for it, and its silence is noticed.

import { randomName } from "./service.js";

const ORIGIN = "https://www.youtube-nocookie.com";

/** Milliseconds between two greetings of the player, and of silence after which it is given up. */
const GREETING = 250;
const SILENCE = 5_000;

export class Player {
  #screen;
  #title;
  #text;
  #play;
  #anyway;
  #open;
  #frame = null;
  #video;
  #session = null;
  #greeting = 0;
  #giveUp = 0;

  /** `elements`: screen, title, text, play, anyway, open. `video`: `{id, title}`. */
  constructor(elements, video) {
    ({ screen: this.#screen, title: this.#title, text: this.#text, play: this.#play, anyway: this.#anyway, open: this.#open } = elements);
    this.#video = video;
    this.#play.addEventListener("click", () => this.play(this.#video));
    this.#anyway.addEventListener("click", () => this.#show());
    addEventListener("message", event => this.#hear(event));
  }

  /** The video shown and which playing of it, or null while none is. */
  get watching() {
    return this.#screen.dataset.state === "showing" ? { video: this.#video.id, session: this.#session } : null;
  }

  /** Loads a video and shows it as soon as YouTube's player answers. */
  play(video) {
    this.#video = video;
    this.#session = randomName();
    this.#quiet();
    this.#frame?.remove();
    this.#title.textContent = video.title;
    this.#open.href = `https://www.youtube.com/watch?v=${video.id}`;
    this.#enter("connecting", "Connecting to YouTube…");

    const frame = document.createElement("iframe");
    const query = new URLSearchParams({ enablejsapi: 1, playsinline: 1, rel: 0, autoplay: 1, origin: location.origin });
    frame.title = `Video: ${video.title}`;
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
    this.#giveUp = setTimeout(() => this.#fail("YouTube did not answer."), SILENCE);
  }

  #greet() {
    clearInterval(this.#greeting);
    const greeting = JSON.stringify({ event: "listening", id: "1", channel: "widget" });
    const send = () => this.#frame?.contentWindow?.postMessage(greeting, ORIGIN);
    this.#greeting = setInterval(send, GREETING);
    send();
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
    if (message?.event === "onError") this.#fail("YouTube cannot play this video here.");
    if (message?.event === "onReady" || message?.event === "initialDelivery") {
      if (this.#screen.dataset.state === "connecting") this.#show();
    }
  }

  #show() {
    this.#quiet();
    const held = this.#screen.contains(document.activeElement);
    this.#screen.dataset.state = "showing";
    if (held) this.#frame?.focus();
  }

  #fail(reason) {
    this.#quiet();
    const held = this.#screen.contains(document.activeElement);
    this.#enter("failed", `${reason} You can try again, or watch it on YouTube's own site.`);
    if (held) this.#play.focus();
  }

  #quiet() {
    clearInterval(this.#greeting);
    clearTimeout(this.#giveUp);
  }

  #enter(state, text) {
    const held = this.#screen.contains(document.activeElement);
    this.#screen.dataset.state = state;
    this.#text.textContent = text;
    this.#play.hidden = state === "connecting";
    this.#play.querySelector("span").textContent = state === "failed" ? "Try again" : "Play video";
    this.#anyway.hidden = this.#open.hidden = state !== "failed";
    // The pressed button is gone now; the title takes the focus so that it is not lost.
    if (held && state === "connecting") this.#title.focus();
  }
}
