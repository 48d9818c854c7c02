// Which model answers: those on this computer, with what they are doing.

import { h } from "../dom.js";
import { percent, t } from "../i18n.js";

export class ModelChoice {
  #shown = "";

  constructor(onchange) {
    this.select = h("select", { class: "field model-select", id: "model", onchange: () => onchange(this.select.value) });
    this.status = h("span", { class: "model-status" });
    this.element = h("div", { class: "model-choice" }, h("label", { for: "model", class: "off-screen" }, t("chat.model")),
      this.select, this.status);
  }

  // Built again only where something differs: an open list must not close under the person's hand.
  show(models, chosen) {
    const key = JSON.stringify(models.map((each) => [each.id, each.name]));
    if (key !== this.#shown) {
      this.#shown = key;
      this.select.replaceChildren(...models.map((each) => h("option", { value: each.id }, each.name)));
    }
    if (this.select.value !== chosen) this.select.value = chosen;
    const { status, progress, description } = models.find((each) => each.id === chosen) ?? {};
    this.status.className = `model-status ${status}`;
    this.status.textContent = status === "loading" ? percent(progress ?? 0) : t(`model.${status}`);
    this.select.title = description ?? "";
  }
}
