// Models that other programs have on this computer: used where they lie, so that nothing is downloaded twice.

import { getJson, postJson } from "../api.js";
import { button, h, notify } from "../dom.js";
import { bytes, t } from "../i18n.js";
import { refresh } from "../state.js";

export class FoundModels {
  constructor() {
    this.rows = h("ul", { class: "rows" });
    this.result = h("p", { class: "hint", role: "status" });
    this.element = h("section", {}, h("h2", {}, t("found.title")), h("p", { class: "hint" }, t("found.text")),
      h("div", { class: "row" }, button("folder", t("found.look"), () => this.look(), { label: true, kind: "plain" }), this.result), this.rows);
  }

  async look() {
    try {
      const { found } = await getJson("/page/found");
      const fresh = found.filter((model) => !model.is_known);
      this.result.textContent = fresh.length ? "" : t("found.none");
      this.rows.replaceChildren(...fresh.map((model) => this.#row(model)));
    } catch (error) {
      notify(error.message, "bad");
    }
  }

  #row(model) {
    return h("li", {}, h("div", { class: "row-text" }, h("h3", {}, model.name),
      h("p", { class: "facts" }, h("span", { class: "badge" }, model.program), h("span", {}, bytes(model.size_bytes)), h("code", { class: "path" }, model.path))),
    h("div", { class: "row-actions" }, button("plus", t("found.use"), () => this.#use(model), { label: true, kind: "plain", "aria-label": `${t("found.use")}: ${model.name}` })));
  }

  async #use(model) {
    try {
      const { model: id } = await postJson("/page/found", { path: model.path });
      notify(t("found.used", { id }));
      await refresh();
      await this.look();
    } catch (error) {
      notify(error.message, "bad");
    }
  }
}
