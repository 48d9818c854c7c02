// The calls that a model asks for, as they are written, each with a place for its result.

import { button, h, icon } from "../dom.js";
import { t } from "../i18n.js";

export class ToolCalls {
  #rows = [];

  constructor(actions) {
    this.actions = actions;
    this.element = h("div", { class: "calls" });
  }

  show(message, isDone) {
    const calls = (message.tool_calls ?? []).filter(Boolean);
    while (this.#rows.length < calls.length) this.#rows.push(this.#addRow());
    calls.forEach((call, i) => this.#update(this.#rows[i], call, isDone));
  }

  #addRow() {
    const row = { name: h("code"), args: h("pre", { tabIndex: 0 }), form: h("div", { class: "call-result", hidden: true }) };
    this.element.append(h("section", { class: "call" }, h("header", {}, icon("tool"), row.name), row.args, row.form));
    return row;
  }

  #update(row, call, isDone) {
    row.name.textContent = call.function.name;
    row.args.textContent = isDone ? pretty(call.function.arguments) : call.function.arguments;
    row.args.setAttribute("aria-label", t("chat.arguments"));
    const wantsResult = isDone && !this.actions.hasResult(call.id) && !this.actions.isBusy();
    if (wantsResult && !row.form.firstChild) this.#fillForm(row.form, call);
    row.form.hidden = !wantsResult;
  }

  #fillForm(form, call) {
    const area = h("textarea", { class: "field mono", rows: 2, "aria-label": t("chat.result_of", { name: call.function.name }), placeholder: t("chat.result_hint") });
    form.append(area, button("send", t("chat.send_result"), () => this.actions.giveResult(call.id, area.value), { label: true, kind: "plain" }));
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
