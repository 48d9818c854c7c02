// Makes elements. Knows nothing of the application.

export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) set(element, name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "class") element.className = value;
  else if (name === "data") Object.assign(element.dataset, value);
  else if (name in element && !name.startsWith("aria")) element[name] = value;
  else element.setAttribute(name, value === true ? "" : value);
}

const SHAPES = {
  chat: "M21 12a8 8 0 0 1-8 8H4l1.8-3.2A8 8 0 1 1 21 12Z",
  models: "M12 3 20 7.5v9L12 21l-8-4.5v-9L12 3ZM4 7.5l8 4.5 8-4.5M12 12v9",
  connect: "M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0V8ZM12 17v4",
  status: "M3 12h4l3-8 4 16 3-8h4",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M7 7h10v10H7z",
  plus: "M12 5v14M5 12h14",
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6 6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "M5 12.5 10 17.5 19 7",
  edit: "M4 20h4L19 9l-4-4L4 16v4ZM13 7l4 4",
  again: "M20 5v5h-5M19 10a8 8 0 1 0 1 5",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  upload: "M12 16V5M7 9l5-5 5 5M5 20h14",
  sliders: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.5 1.5M17.5 17.5 19 19M19 5l-1.5 1.5M6.5 17.5 5 19",
  moon: "M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5Z",
  auto: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM12 3v18M15 4v16M18 6v12",
  power: "M12 3v8M6.5 6.5a8 8 0 1 0 11 0",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01",
  down: "M6 9l6 6 6-6",
  left: "M14 6l-6 6 6 6",
  right: "M10 6l6 6-6 6",
  end: "M12 5v14M6 13l6 6 6-6",
  pause: "M8 5v14M16 5v14",
  play: "M7 5l12 7-12 7V5Z",
  eject: "M5 15 12 6l7 9H5ZM5 19h14",
  tool: "M14.5 6.5a4 4 0 0 1 5-1l-3 3 1 2 3-2a4 4 0 0 1-5.5 4.5L8 20l-4-4 7-7a4 4 0 0 1 3.5-2.5Z",
  thought: "M9 18h6M10 21h4M12 3a6 6 0 0 0-4 10.5c.8.8 1 1.5 1 2.5h6c0-1 .2-1.7 1-2.5A6 6 0 0 0 12 3Z",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  folder: "M3 6h6l2 3h10v10H3z",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

// A button with an icon, and words for whoever cannot see it; with `label` the words are shown.
export function button(iconName, words, onclick, { label = false, kind = "quiet", ...props } = {}) {
  const shown = label ? h("span", {}, words) : null;
  const named = label ? {} : { "aria-label": words, title: words };
  return h("button", { type: "button", class: `button ${kind}`, onclick, ...named, ...props },
    iconName ? icon(iconName) : null, shown);
}

// A button that takes what `text()` gives to the clipboard, and says so for a moment.
export function copyButton(words, done, text, options = {}) {
  const made = button("copy", words, async () => {
    await copy(text());
    made.firstChild.replaceWith(icon("check"));
    made.classList.add("done");
    announce(done);
    setTimeout(() => {
      made.firstChild.replaceWith(icon("copy"));
      made.classList.remove("done");
    }, 1500);
  }, options);
  return made;
}

// Pages without https, at another address than localhost, have no clipboard of their own.
async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = h("textarea", { class: "off-screen", value: text });
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

// Says something to screen readers.
export function announce(text) {
  const region = document.getElementById("announcer");
  if (region) region.textContent = text;
}

// Says something that went wrong, or well, to everybody; goes away by itself unless it is bad news.
export function notify(text, kind = "good") {
  const region = document.getElementById("notices");
  if (!region || !text) return;
  const notice = h("div", { class: `notice ${kind}`, role: kind === "bad" ? "alert" : "status" }, h("p", {}, text),
    h("button", { type: "button", class: "button quiet", "aria-label": "×", onclick: () => notice.remove() }, icon("close")));
  region.append(notice);
  if (kind !== "bad") setTimeout(() => notice.remove(), 4000);
}

export function saveFile(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
