// What the browser remembers; where it may not, the page itself does until it is closed.

const kept = new Map();

/** Whether the browser keeps anything for this page. */
export const browser = { remembers: true };

function read(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    browser.remembers = false;
    return kept.get(name) ?? null;
  }
}

function write(name, value) {
  kept.set(name, value);
  try {
    value === null ? localStorage.removeItem(name) : localStorage.setItem(name, value);
  } catch {
    browser.remembers = false;
  }
}

/** The version of the text by which somebody agrees to be recognised: another text, another version. */
export const CONSENT_TEXT = "2026-11";

/** A person's choice: `recognise`, `mood`, or null while there is none. Who agreed to another text has not chosen yet. */
export const choice = {
  get value() {
    const chosen = read("mien.consent");
    return chosen === "recognise" && read("mien.consent.text") !== CONSENT_TEXT ? null : chosen;
  },
  set value(chosen) {
    write("mien.consent", chosen);
    write("mien.consent.text", chosen === "recognise" ? CONSENT_TEXT : null);
  },
};

/** Whether the browser's cookie, which scripts cannot read, names a person: from the first picture that tells who it is on. */
export const known = {
  get value() { return read("mien.known") === "yes"; },
  set value(yes) {
    write("mien.known", yes ? "yes" : null);
    document.documentElement.toggleAttribute("data-known", yes);
  },
};

/** The language that somebody chose, or null. */
export const spoken = {
  get value() { return read("mien.language"); },
  set value(name) { write("mien.language", name); },
};

/** Calls `gone` when another tab deleted the person. */
export function onForgotten(gone) {
  addEventListener("storage", event => {
    if (event.key === null || (event.key === "mien.known" && event.newValue === null)) gone();
  });
}

document.documentElement.toggleAttribute("data-known", known.value);
if (!navigator.cookieEnabled) browser.remembers = false;
