// Questions to the person: sure? which name? and small menus. Elements of the browser, so that keyboards work.

import { button, h, icon } from "./dom.js";
import { t } from "./i18n.js";

// Opens a dialog and resolves with what its form says, or null where it was left.
export function ask(build) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { class: "dialog" });
    const form = h("form", { method: "dialog", class: "dialog-form" });
    let result = null;
    const finish = (value) => {
      result = value;
      dialog.close();
    };
    form.append(...build(finish));
    form.addEventListener("submit", (event) => event.preventDefault());
    dialog.append(form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(result);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

export async function confirmed(question, action) {
  const answer = await ask((finish) => [
    h("p", {}, question),
    h("div", { class: "row end" }, button(null, t("cancel"), () => finish(null), { label: true, kind: "plain" }),
      button(null, action, () => finish(true), { label: true, kind: "danger" })),
  ]);
  return answer === true;
}

export function prompted(question, value, { type = "text", hint = "" } = {}) {
  return ask((finish) => {
    const input = h("input", { class: "field", id: "answer", type, value, autocomplete: "off" });
    input.addEventListener("keydown", (event) => event.key === "Enter" && finish(input.value.trim()));
    return [
      h("label", { for: "answer" }, question), input, hint ? h("p", { class: "hint" }, hint) : null,
      h("div", { class: "row end" }, button(null, t("cancel"), () => finish(null), { label: true, kind: "plain" }),
        button(null, t("ok"), () => finish(input.value.trim()), { label: true, kind: "primary" })),
    ].filter(Boolean);
  });
}

// A button that opens a list of actions: [icon, words, what it does].
export function menu(iconName, words, actions) {
  const items = h("div", { class: "menu-items", role: "menu", hidden: true });
  const opener = button(iconName, words, (event) => {
    event.stopPropagation();
    if (items.hidden) open();
    else close();
  }, { "aria-haspopup": "menu", "aria-expanded": "false" });
  const outside = (event) => !box.contains(event.target) && close();
  const close = () => {
    items.hidden = true;
    opener.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside);
  };
  const open = () => {
    items.hidden = false;
    opener.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", outside);
    items.firstChild.focus();
  };
  for (const [itemIcon, text, act] of actions) {
    items.append(h("button", { type: "button", role: "menuitem", onclick: () => (close(), opener.focus(), act()) }, icon(itemIcon), text));
  }
  const box = h("div", { class: "menu", onkeydown: (event) => moveInMenu(event, items, opener, close) }, opener, items);
  return box;
}

function moveInMenu(event, items, opener, close) {
  if (items.hidden) return;
  const at = [...items.children].indexOf(document.activeElement);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) items.children[(at + step + items.children.length) % items.children.length].focus();
  else if (event.key === "Escape") {
    close();
    opener.focus();
  } else return;
  event.preventDefault();
}
