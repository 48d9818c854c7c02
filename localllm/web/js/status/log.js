// The last lines of an engine's log, in a drawer.

import { getJson } from "../api.js";
import { button, copyButton, h, notify } from "../dom.js";
import { t } from "../i18n.js";

export async function openLog(id) {
  let log;
  try {
    log = await getJson(`/page/log?model=${encodeURIComponent(id)}`);
  } catch (error) {
    return notify(error.message, "bad");
  }
  const text = h("pre", { class: "log", tabIndex: 0 }, log.text || t("log.empty"));
  const dialog = h("dialog", { class: "drawer wide", "aria-labelledby": "log-title" });
  dialog.append(h("div", { class: "drawer-head" }, h("h2", { id: "log-title" }, t("log.title", { id })),
    h("div", { class: "row" }, copyButton(t("copy"), t("copied"), () => log.text), button("close", t("close"), () => dialog.close()))),
  h("div", { class: "drawer-body" }, h("p", { class: "hint" }, h("code", {}, log.path)), text));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  text.scrollIntoView({ block: "end" });
  return dialog;
}
