// Making SVG elements, and changing elements only where they differ.
//
// It knows no dial. Attributes only, never markup and never a `style` attribute: the page's policy
// (CSP) refuses those, and data must not become markup.

const NAMESPACE = 'http://www.w3.org/2000/svg';

/** An SVG element with these attributes and children; a child may be a plain text. */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Sets the text of an element, unless it is that already: a live region would say it again. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets an attribute, or takes it away for null, unless it is that already. */
export function mark(element, attribute, value) {
  if (value === null) element.removeAttribute(attribute);
  else if (element.getAttribute(attribute) !== String(value)) {
    element.setAttribute(attribute, value);
  }
}
