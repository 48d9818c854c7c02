// The models: what is in memory, what is here, what can be downloaded, what other programs have.

import { postJson } from "../api.js";
import { button, h, notify } from "../dom.js";
import { t } from "../i18n.js";
import { KeyedList } from "../keyed.js";
import { refresh, watchState } from "../state.js";
import { FoundModels } from "./found.js";
import { MemoryBar } from "./memory.js";
import { modelRow } from "./row.js";

const EVERY_MS = 1000;
const KINDS = ["chat", "code", "vision", "embedding", "reranking"];

export class ModelsView {
  #kind = "";
  #fittingOnly = true;

  constructor() {
    this.memory = new MemoryBar();
    this.here = new KeyedList(modelRow, { class: "rows", id: "here" });
    this.catalog = new KeyedList(modelRow, { class: "rows", id: "catalog" });
    this.problem = h("p", { class: "problem boxed", role: "alert", hidden: true });
    this.none = h("p", { class: "hint", hidden: true }, t("models.none_fits"));
    this.found = new FoundModels();
    this.element = h("div", { class: "view" }, h("h1", {}, t("nav.models")), this.problem, this.memory.element,
      section("models.here", this.here.element),
      section("models.catalog", this.#filters(), this.catalog.element, this.none), this.#byName(), this.found.element);
    this.end = watchState((state) => this.#show(state), EVERY_MS);
    refresh();
  }

  leave() {
    this.end();
  }

  #show(state) {
    this.state = state;
    if (!state.memory) return;
    this.problem.hidden = !state.catalog_error;
    this.problem.textContent = state.catalog_error ?? "";
    this.memory.show(state);
    const downloads = new Map(state.downloads.map((download) => [download.model, download]));
    const models = state.models.map((model) => ({ ...model, download: shown(downloads.get(model.id)) }));
    const known = new Set(models.map((model) => model.id));
    const fresh = state.downloads.filter((download) => !known.has(download.model) && shown(download)).map(unknownModel);
    const isActive = (model) => model.is_here || Boolean(model.download);
    this.here.show([...fresh, ...models.filter(isActive)]);
    const rest = models.filter((model) => !isActive(model) && this.#isWanted(model));
    this.catalog.show(rest);
    this.none.hidden = rest.length > 0;
  }

  #isWanted(model) {
    return (!this.#kind || model.kind === this.#kind) && (!this.#fittingOnly || model.fits !== false);
  }

  #filters() {
    const kinds = h("select", { class: "field small", "aria-label": t("models.kind"), onchange: () => {
      this.#kind = kinds.value;
      this.#show(this.state);
    } }, h("option", { value: "" }, t("models.all_kinds")), KINDS.map((kind) => h("option", { value: kind }, t(`kind.${kind}`))));
    const fitting = h("input", { type: "checkbox", id: "fitting", checked: true, onchange: () => {
      this.#fittingOnly = fitting.checked;
      this.#show(this.state);
    } });
    return h("div", { class: "row filters" }, kinds, h("label", { class: "check", for: "fitting" }, fitting, t("models.fitting_only")));
  }

  #byName() {
    const input = h("input", { class: "field mono", id: "hub-name", placeholder: "owner/repository:Q4_K_M", autocomplete: "off", spellcheck: false });
    const start = async (event) => {
      event.preventDefault();
      const name = input.value.trim().replace(/^https?:\/\/[^/]+\//, "").replace("/resolve/main/", "/").replace("/blob/main/", "/");
      if (!name) return;
      try {
        await postJson("/models", { model: name });
        input.value = "";
        refresh();
      } catch (error) {
        notify(error.message, "bad");
      }
    };
    return section("models.by_name", h("form", { class: "row by-name", onsubmit: start },
      h("label", { for: "hub-name", class: "off-screen" }, t("models.by_name")), input,
      button("download", t("models.download"), start, { label: true, kind: "plain" })), h("p", { class: "hint" }, t("models.by_name_hint")));
  }
}

export function section(titleKey, ...children) {
  return h("section", {}, h("h2", {}, t(titleKey)), ...children);
}

// A download that has ended well, or was given up, is nothing to show: its model is.
function shown(download) {
  return download && ["waiting", "running", "paused", "failed"].includes(download.state) ? download : undefined;
}

function unknownModel(download) {
  return { id: download.model, name: download.model, description: "", kind: "chat", is_download: true, status: "unloaded", download };
}
