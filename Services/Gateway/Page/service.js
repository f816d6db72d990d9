// The REST API, as the page uses it.

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

/**
 * Sends a picture all the way: who, how they look, what to watch.
 * `watching` is `{video, session}` or null; the same `key` again has no second effect.
 */
export function sendSelfie(picture, { watching, declaredNew, key, signal }) {
  const query = new URLSearchParams();
  if (watching) {
    query.set("playing", watching.video);
    query.set("session", watching.session);
  }
  if (declaredNew) query.set("as", "new");
  const path = query.size ? `/v1/selfies?${query}` : "/v1/selfies";
  const headers = { "Content-Type": picture.type, "Idempotency-Key": key };
  return answer(path, { method: "POST", headers, body: picture }, signal);
}

/** Sends a picture for its mood alone; nothing is stored. */
export function sendAnalysis(picture, { signal }) {
  return answer("/v1/analyses", { method: "POST", headers: { "Content-Type": picture.type }, body: picture }, signal);
}

/** The picture of the sample face. */
export async function samplePicture() {
  return await (await request("/page/astronaut.jpg")).blob();
}

/** The current six of the person whom the browser's cookie names. */
export function recommendations() {
  return answer("/v1/users/me/recommendations");
}

/** Tells that a recommended video was chosen. It outlives the page. */
export async function sendClick(video) {
  const headers = { "Content-Type": "application/json" };
  await request("/v1/users/me/clicks", { method: "POST", headers, body: JSON.stringify({ video_id: video }), keepalive: true });
}

/** Erases everybody whom the browser's cookie names; returns once nothing is left. */
export async function erase() {
  const options = { method: "DELETE", headers: { "Idempotency-Key": randomName() } };
  // 202: accepted, and not done yet. The same key again waits for the same job.
  while ((await request("/v1/users/me", options)).status === 202);
}
