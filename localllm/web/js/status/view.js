// What the server is doing, what it did in the last minutes, and what went wrong.

import { button, h } from "../dom.js";
import { bytes, moment, number, percent, t } from "../i18n.js";
import { KeyedList } from "../keyed.js";
import { model as modelOf, watchState } from "../state.js";
import { told } from "../told.js";
import { Chart } from "./chart.js";
import { watchFigures } from "./figures.js";
import { openLog } from "./log.js";

export class StatusView {
  constructor() {
    this.tiles = new KeyedList(tile, { class: "tiles" });
    this.chart = new Chart();
    this.engines = new KeyedList(engineRow, { class: "rows" });
    this.none = h("p", { class: "hint", hidden: true }, t("status.no_engines"));
    this.errors = new KeyedList(errorRow, { class: "rows errors" });
    this.well = h("p", { class: "hint", hidden: true }, t("status.no_errors"));
    this.element = h("div", { class: "view" }, h("h1", {}, t("nav.status")), this.tiles.element,
      h("section", {}, h("h2", {}, t("status.chart")), this.chart.element),
      h("section", {}, h("h2", {}, t("status.engines")), this.engines.element, this.none),
      h("section", {}, h("h2", {}, t("status.errors")), this.errors.element, this.well),
      h("p", { class: "hint" }, t("status.version", { version: told.version })));
    this.end = watchState(({ memory }) => {
      this.memory = memory;
    });
    this.endFigures = watchFigures((figures) => this.#show(figures));
  }

  leave() {
    this.end();
    this.endFigures();
  }

  #show({ engines, history, errors, num_requests }) {
    const ready = engines.filter((engine) => engine.kv_cells);
    const sum = (name) => ready.reduce((total, engine) => total + engine[name], 0);
    const last = history.at(-1);
    const prompts = sum("num_prompt_tokens");
    this.tiles.show([
      { id: "running", value: number(sum("num_running")) },
      { id: "waiting", value: number(sum("num_waiting")) },
      { id: "speed", value: number(last?.tokens_per_s ?? 0, 1) },
      { id: "cached", value: prompts ? percent(sum("num_cached_tokens") / prompts) : "–" },
      { id: "requests", value: number(num_requests) },
      { id: "memory", value: bytes(this.memory?.reserved_bytes ?? 0) },
    ]);
    this.chart.show(history);
    this.engines.show(engines);
    this.none.hidden = engines.length > 0;
    this.errors.show(errors, (error) => `${error.time} ${error.message}`);
    this.well.hidden = errors.length > 0;
  }
}

function tile({ id, value }) {
  return [h("b", {}, value), h("span", {}, t(`status.${id}`))];
}

function engineRow(engine) {
  const { id, state, num_starts, memory_bytes } = engine;
  const facts = [
    h("span", { class: `badge ${state === "ready" ? "good" : ""}` }, t(`engine.${state}`)),
    engine.description ? h("span", {}, engine.description) : null,
    engine.devices?.length ? h("span", {}, engine.devices.join(", ")) : null,
    engine.n_threads ? h("span", {}, t("engine.threads", { n: engine.n_threads })) : null,
    memory_bytes ? h("span", {}, bytes(memory_bytes)) : null,
    engine.num_requests ? h("span", {}, t("engine.requests", { n: number(engine.num_requests) })) : null,
    engine.num_completion_tokens ? h("span", {}, t("chat.tokens", { n: number(engine.num_completion_tokens) })) : null,
    num_starts > 1 ? h("span", {}, t("engine.starts", { n: num_starts })) : null,
  ];
  return [
    h("div", { class: "row-text" }, h("h3", {}, modelOf(id)?.name ?? id), h("p", { class: "facts" }, facts.filter(Boolean)),
      engine.kv_cells ? cells(engine) : null),
    h("div", { class: "row-actions" }, logButton(id)),
  ];
}

function logButton(id) {
  return button(null, t("status.log"), () => openLog(id), { label: true, kind: "plain", data: { act: "log" }, "aria-label": `${t("status.log")}: ${id}` });
}

function cells({ kv_cells_used, kv_cells }) {
  const text = t("engine.cells", { used: number(kv_cells_used), all: number(kv_cells) });
  return h("div", { class: "progress" }, h("progress", { max: kv_cells, value: kv_cells_used, "aria-label": text }), h("span", {}, text));
}

// With the log of the model that the error names, where it has one.
function errorRow({ time, level, message, model }) {
  return [h("div", { class: "row-text" }, h("p", { class: level === "error" ? "problem" : "" }, message)), model ? logButton(model) : null,
    h("time", { class: "hint" }, moment(time * 1000))].filter(Boolean);
}
