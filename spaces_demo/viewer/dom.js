// Small helpers that build elements. Text always goes in as text, never as HTML.

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && typeof value === "boolean") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

export function icon(path) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const shape = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

export const ICONS = {
  play: "M7 4.5v15l12.5-7.5z",
  pause: "M6.5 4.5h4v15h-4zM13.5 4.5h4v15h-4z",
  back: "M17.5 5v14L9 12zM6 5h2.5v14H6z",
  forward: "M6.5 5v14l8.5-7zM15.5 5H18v14h-2.5z",
  dark: "M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9z",
};

export function button(label, path, onclick, attributes = {}) {
  return element("button", { type: "button", "aria-label": label, title: label, onclick, ...attributes }, icon(path));
}

// A labelled <select>; options are [value, text].
export function select(label, options, value, onchange) {
  const list = element("select", { onchange: (event) => onchange(event.target.value) });
  for (const [option, text] of options) list.append(element("option", { value: option, selected: option === value }, text));
  const wrapper = element("label", { class: "lv-select" }, element("span", {}, label), list);
  return { wrapper, list };
}

export function checkbox(label, checked, onchange, ...before) {
  const box = element("input", { type: "checkbox", checked, onchange: (event) => onchange(event.target.checked) });
  return { wrapper: element("label", { class: "lv-check" }, box, ...before, element("span", {}, label)), box };
}
