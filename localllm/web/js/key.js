// Asks for the API key, once: the question stays until an answer is given.

import { ask } from "./dialogs.js";
import { button, h } from "./dom.js";
import { t } from "./i18n.js";

let asking = null;

// Calls keep(key, remember) with what was typed.
export function askKey(keep) {
  asking ??= askUntilGiven(keep).finally(() => {
    asking = null;
  });
  return asking;
}

async function askUntilGiven(keep) {
  let given = null;
  while (!given?.key) given = await askOnce();
  keep(given.key, given.remember);
}

function askOnce() {
  return ask((finish) => {
    const input = h("input", { class: "field mono", id: "key", type: "password", autocomplete: "current-password" });
    const remember = h("input", { type: "checkbox", id: "remember" });
    const send = () => finish({ key: input.value.trim(), remember: remember.checked });
    input.addEventListener("keydown", (event) => event.key === "Enter" && send());
    return [
      h("h2", {}, t("key.title")), h("p", {}, t("key.text")),
      h("label", { for: "key" }, t("key.label")), input,
      h("label", { class: "check", for: "remember" }, remember, t("key.remember")),
      h("div", { class: "row end" }, button(null, t("ok"), send, { label: true, kind: "primary" })),
    ];
  });
}
