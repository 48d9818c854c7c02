// One model: what it is, how it stands, and what can be done with it now.

import { postJson, request } from "../api.js";
import { session } from "../chat/session.js";
import { confirmed } from "../dialogs.js";
import { button, h, notify } from "../dom.js";
import { bytes, duration, number, percent, t } from "../i18n.js";
import { refresh } from "../state.js";

export function modelRow(model) {
  return [
    h("div", { class: "row-text" },
      h("h3", {}, model.name, model.id === model.name ? null : h("code", { class: "id" }, model.id)),
      model.description ? h("p", {}, model.description) : null,
      h("p", { class: "facts" }, facts(model)),
      model.download ? progress(model.download) : null,
      model.status === "loading" ? bar(model.progress ?? 0, t("chat.loading", { percent: percent(model.progress ?? 0) })) : null,
      ...problems(model)),
    h("div", { class: "row-actions" }, actions(model)),
  ];
}

function facts(model) {
  const { status, size_bytes, needs_bytes, n_ctx, kind, licence } = model;
  const isLoaded = status === "loaded" && !model.is_remote;
  return [
    status === "loaded" ? h("span", { class: "badge good" }, t(model.is_remote ? "models.remote" : "model.loaded")) : null,
    isLoaded && model.num_users ? h("span", { class: "badge" }, t("models.in_use", { n: model.num_users })) : null,
    fitting(model),
    kind && kind !== "chat" ? h("span", { class: "badge" }, t(`kind.${kind}`)) : null,
    fact(size_bytes && bytes(size_bytes)),
    fact(isLoaded ? t("models.takes", { size: bytes(model.ram_bytes + model.device_bytes) }) : needs_bytes && t("models.needs", { size: bytes(needs_bytes) })),
    fact(n_ctx && t("models.n_ctx", { n: number(n_ctx) })),
    fact(licence),
    fact(model.note),
  ].filter(Boolean);
}

function fact(text) {
  return text ? h("span", {}, text) : null;
}

function fitting({ fits, is_here, status }) {
  if (status === "loaded" || fits === null || fits === undefined) return null;
  if (fits) return is_here ? null : h("span", { class: "badge good" }, t("models.fits"));
  return h("span", { class: "badge bad" }, t("models.too_big"));
}

function problems({ problem, status, download }) {
  const texts = [status === "failed" ? problem : "", download?.error ?? ""];
  return texts.filter(Boolean).map((text) => h("p", { class: "problem" }, text));
}

function progress({ state, done_bytes, total_bytes, bytes_per_s, left_s }) {
  const share = total_bytes ? done_bytes / total_bytes : 0;
  const parts = [t(`download.${state}`), `${bytes(done_bytes)} / ${bytes(total_bytes)}`];
  if (state === "running" && bytes_per_s) parts.push(`${bytes(bytes_per_s)}/s`);
  if (state === "running" && left_s) parts.push(t("download.left", { time: duration(left_s) }));
  return bar(share, parts.join(" · "));
}

function bar(share, text) {
  const meter = h("progress", { max: 1, value: share, "aria-label": text });
  return h("div", { class: "progress" }, meter, h("span", {}, text));
}

// ── what can be done ───────────────────────────────────────────────────────────────────────────────────────

function actions(model) {
  const { id, status, download, is_here, is_remote } = model;
  const made = [];
  if (download) return downloadActions(model);
  if (!is_here) return [act("download", "models.download", () => post("/models", id), "plain", model)];
  if (!["embedding", "reranking"].includes(model.kind)) made.push(act("chat", "models.chat", () => chatWith(id), "plain", model));
  if (!is_remote) {
    if (status === "loaded" || status === "loading") made.push(act("eject", "models.unload", () => post("/models/unload", id), "plain", model));
    else made.push(act("play", "models.load", () => post("/models/load", id), "plain", model));
  }
  if (model.can_delete) made.push(act("trash", "models.delete", () => remove(model), "plain", model));
  return made;
}

function downloadActions(model) {
  const { id, download } = model;
  const change = download.state === "running" || download.state === "waiting"
    ? act("pause", "download.pause", () => post("/models/downloads/pause", id), "plain", model)
    : act("play", "download.resume", () => post("/models/downloads/resume", id), "primary", model);
  return [change, act("close", "download.cancel", () => post("/models/unload", id), "plain", model)];
}

function act(iconName, key, run, kind, model) {
  const words = t(key);
  return button(iconName, words, run, { label: true, kind, data: { act: key }, "aria-label": `${words}: ${model.name}` });
}

async function post(path, id) {
  try {
    await postJson(path, { model: id });
  } catch (error) {
    notify(error.message, "bad");
  }
  refresh();
}

async function remove(model) {
  if (!(await confirmed(t("models.delete_sure", { name: model.name, size: bytes(model.size_bytes) }), t("models.delete")))) return;
  try {
    await request(`/models?model=${encodeURIComponent(model.id)}`, { method: "DELETE" });
  } catch (error) {
    notify(error.message, "bad");
  }
  refresh();
}

function chatWith(id) {
  session.begin();
  session.change({ model: id });
  location.hash = "#/chat";
}
