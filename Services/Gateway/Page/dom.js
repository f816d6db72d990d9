// What every part of the page does with its elements.

const SVG = "http://www.w3.org/2000/svg";

export const element = id => document.getElementById(id);

/** Something drawn: an SVG element. */
export function drawn(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** Sets a text only when it changes, so that a screen reader says it once. */
export function say(id, text) {
  if (element(id).textContent !== text) element(id).textContent = text;
}

/** `aria-disabled` instead of `disabled`: a button that is switched off keeps the focus. */
export function enable(id, yes) {
  yes ? element(id).removeAttribute("aria-disabled") : element(id).setAttribute("aria-disabled", "true");
}

/** Does `action` when the button is pressed, unless it is switched off. */
export function press(id, action) {
  element(id).addEventListener("click", () => {
    if (element(id).getAttribute("aria-disabled") !== "true") action();
  });
}
