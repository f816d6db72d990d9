// The language of the page: which one, and its words, numbers, dates and lists.

import { de } from "./de.js";
import { en } from "./en.js";
import { es } from "./es.js";
import { browser, spoken } from "./memory.js";

const LANGUAGES = { en, de, es };

/** What was chosen here, or before, or else the first that the browser asks for and there is. */
function preferred() {
  const asked = new URLSearchParams(location.search).get("lang");
  const wishes = [asked, spoken.value, ...navigator.languages.map(tag => tag.split("-")[0].toLowerCase())];
  return wishes.find(name => Object.hasOwn(LANGUAGES, name ?? "")) ?? "en";
}

export const language = preferred();

const words = LANGUAGES[language];
const plurals = new Intl.PluralRules(language);

/** Whether there are words for this. */
export const hasWord = key => Object.hasOwn(words, key);

/** The words for `key`, with `{name}` filled in; where they differ by number, `values.count` decides. */
export function word(key, values = {}) {
  const entry = words[key];
  if (entry === undefined) throw new Error(`No word for ${key}`);
  const text = typeof entry === "string" ? entry : entry[plurals.select(values.count)];
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

const percents = new Intl.NumberFormat(language, { style: "percent" });
const decimals = new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const days = new Intl.DateTimeFormat(language, { dateStyle: "long" });

/** A share between 0 and 1. */
export const percent = value => percents.format(value);

export const decimal = value => decimals.format(value);

/** The day of a time as the API writes it. */
export const day = time => days.format(new Date(time));

/** Names in a row: with "and" (`conjunction`) or "or" (`disjunction`) before the last. */
export const listed = (names, type = "conjunction") => new Intl.ListFormat(language, { type }).format(names);

/** Puts the words in where the page's markup names them, and remembers a language that was asked for. */
export function translatePage() {
  document.documentElement.lang = language;
  for (const part of document.querySelectorAll("[data-word]")) part.textContent = word(part.dataset.word);
  for (const part of document.querySelectorAll("[data-label]")) part.setAttribute("aria-label", word(part.dataset.label));
  for (const part of document.querySelectorAll("[data-title]")) part.title = word(part.dataset.title);
  document.querySelector(`a[hreflang="${language}"]`).setAttribute("aria-current", "true");
  const address = new URL(location);
  if (!address.searchParams.has("lang")) return;
  spoken.value = language;
  // Where nothing is remembered the address does it.
  if (browser.remembers) {
    address.searchParams.delete("lang");
    history.replaceState(null, "", address);
  }
}
