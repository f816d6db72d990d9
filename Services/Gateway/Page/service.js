// The REST API, as the page uses it.

import { CONSENT_TEXT } from "./memory.js";

/** Longer than the gateway's own deadline, so that its answer, and not this limit, is what people usually meet. */
const LIMIT = 20_000;

/** Why the service gave no answer: `kind` is the last part of the problem's type, or `offline` or `slow`. */
export class Problem extends Error {
  constructor(kind, detail = "", retryAfter = 0) {
    super(detail || kind);
    this.kind = kind;
    this.detail = detail;
    /** Seconds after which trying again makes sense; 0 when the service did not say. */
    this.retryAfter = retryAfter;
  }
}

/** A random name; `crypto.randomUUID` exists in secure contexts only. */
export function randomName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, "0")).join("");
}

async function problemIn(response) {
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  try {
    const body = await response.json();
    return new Problem(String(body.type ?? "").split("/").at(-1) || "internal-error", body.detail, retryAfter);
  } catch {
    return new Problem(response.status === 503 ? "unavailable" : "internal-error", "", retryAfter);
  }
}

/** The response, when it is a good one. Throws `Problem`, or `AbortError` when `signal` was aborted. */
async function request(path, options = {}, signal = new AbortController().signal) {
  let response;
  try {
    response = await fetch(path, { ...options, signal: AbortSignal.any([signal, AbortSignal.timeout(LIMIT)]) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(error.name === "TimeoutError" ? "slow" : "offline");
  }
  if (!response.ok) throw await problemIn(response);
  return response;
}

async function answer(path, options, signal) {
  const response = await request(path, options, signal);
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(error.name === "TimeoutError" ? "slow" : "offline");
  }
}

const asJSON = body => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

/**
 * Sends a picture of somebody who agreed to be recognised all the way: who, how they look, what to watch.
 * `watching` is `{video, session}` or null; `as` is what somebody says of themselves (`new`, `known`) or null; `want` is `match` or
 * `lift`; the same `key` again has no second effect.
 */
export function sendSelfie(picture, { watching, as, want, key, signal }) {
  const query = new URLSearchParams({ consent: CONSENT_TEXT });
  if (watching) {
    query.set("playing", watching.video);
    query.set("session", watching.session);
  }
  if (as) query.set("as", as);
  if (want === "lift") query.set("want", want);
  const headers = { "Content-Type": picture.type, "Idempotency-Key": key };
  return answer(`/v1/selfies?${query}`, { method: "POST", headers, body: picture }, signal);
}

/** Sends a picture for its mood alone; nothing is stored. */
export function sendAnalysis(picture, { signal }) {
  return answer("/v1/analyses", { method: "POST", headers: { "Content-Type": picture.type }, body: picture }, signal);
}

/** The picture of the sample face. */
export async function samplePicture() {
  return await (await request("/page/astronaut.jpg")).blob();
}

/** Where every face of a picture is, the largest first, in pixels of `image`; nothing is stored. */
export function findFaces(picture) {
  return answer("/v1/analyses?faces=all", { method: "POST", headers: { "Content-Type": picture.type }, body: picture });
}

/** The current six of the person whom the browser's cookie names. */
export function recommendations(want = "match") {
  return answer(want === "lift" ? "/v1/users/me/recommendations?want=lift" : "/v1/users/me/recommendations");
}

/** Everything that is kept of the person whom the browser's cookie names. */
export const everythingKept = () => answer("/v1/users/me");

/** Says what the person thinks of a video: `like`, `not_for_me`, or null to take it back. */
export async function sendOpinion(video, kind) {
  if (kind) await request("/v1/users/me/feedback", asJSON({ video_id: video, kind }));
  else await request(`/v1/users/me/feedback/${video}`, { method: "DELETE" });
}

/** Tells that the person `other` is the same as the one whom the browser's cookie names, or is not after all. */
export const mergeWith = other => request("/v1/users/me/merges", asJSON({ user: other }));
export const splitFrom = other => request(`/v1/users/me/merges/${other}`, { method: "DELETE" });

/** Tells that a recommended video was chosen. It outlives the page. */
export async function sendClick(video) {
  await request("/v1/users/me/clicks", { ...asJSON({ video_id: video }), keepalive: true });
}

/** Erases everybody whom the browser's cookie names; returns once nothing is left. */
export async function erase() {
  const options = { method: "DELETE", headers: { "Idempotency-Key": randomName() } };
  // 202: accepted, and not done yet. The same key again waits for the same job.
  while ((await request("/v1/users/me", options)).status === 202);
}
