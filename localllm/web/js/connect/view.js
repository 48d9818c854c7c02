// How other programs reach this server: address, key, and snippets to paste.

import { key } from "../api.js";
import { MarkdownView } from "../chat/markdown.js";
import { copyButton, h } from "../dom.js";
import { t } from "../i18n.js";
import { chatModels, watchState } from "../state.js";
import { told } from "../told.js";
import { snippets } from "./snippets.js";

export class ConnectView {
  #model = "";
  #choices = "";

  constructor() {
    const base = `${location.origin}/v1`;
    this.select = h("select", { class: "field", id: "snippet-model", onchange: () => this.#fill(this.select.value) });
    this.list = h("div", { class: "snippets" });
    this.element = h("div", { class: "view" }, h("h1", {}, t("nav.connect")), h("p", { class: "lead" }, t("connect.text")),
      h("dl", { class: "facts-list boxed" },
        row(t("connect.address"), base), told.needs_key ? row(t("connect.key"), key(), true) : h("div", {}, h("dt", {}, t("connect.key")), h("dd", {}, t("connect.no_key"))),
        h("div", {}, h("dt", {}, h("label", { for: "snippet-model" }, t("connect.model"))), h("dd", {}, this.select))),
      this.list, h("p", { class: "hint" }, t("connect.more")));
    this.end = watchState(() => this.#show());
  }

  leave() {
    this.end();
  }

  #show() {
    const models = chatModels();
    const choices = JSON.stringify(models.map((model) => [model.id, model.name]));
    if (choices === this.#choices || !models.length) return;
    this.#choices = choices;
    this.select.replaceChildren(...models.map((model) => h("option", { value: model.id }, model.id)));
    const loaded = models.find((model) => model.status === "loaded") ?? models[0];
    this.#fill(models.some((model) => model.id === this.#model) ? this.#model : loaded.id);
  }

  #fill(model) {
    this.#model = model;
    this.select.value = model;
    this.list.replaceChildren(...snippets({ origin: location.origin, key: told.needs_key ? key() : "", model }).map(snippet));
  }
}

function snippet({ id, name, language, text, fields }) {
  const notes = { "open-webui": "connect.open_webui", continue: "connect.continue", cline: "connect.cline" };
  const hint = notes[id] ? h("p", { class: "hint" }, t(notes[id])) : null;
  return h("section", { class: "snippet", data: { snippet: id } }, h("h2", {}, name), hint, fields ? fieldList(fields) : code(language, text));
}

function code(language, text) {
  const view = new MarkdownView();
  view.show(`\`\`\`${language}\n${text}\n\`\`\``, true);
  return view.element;
}

function fieldList(fields) {
  const names = { docker: t("connect.from_docker"), docker_run: t("connect.docker_run"), docker_serve: t("connect.docker_serve"), key: t("connect.key"), model: t("connect.model"), provider: t("connect.provider") };
  return h("dl", { class: "facts-list boxed" }, fields.map(([name, value]) => row(names[name] ?? name, value)));
}

function row(name, value, isSecret = false) {
  const shown = isSecret ? `${value.slice(0, 3)}${"•".repeat(12)}` : value;
  return h("div", {}, h("dt", {}, name), h("dd", {}, h("code", {}, shown), copyButton(`${t("copy")}: ${name}`, t("copied"), () => value)));
}
