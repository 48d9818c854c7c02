// The drawer of one conversation: system prompt, sampling, tools; export as JSON and as Markdown.

import { button, h } from "../dom.js";
import { t } from "../i18n.js";
import { SAMPLING, parseTools } from "./request.js";
import { session } from "./session.js";
import { exportJson, exportMarkdown } from "./transfer.js";

export function openSettings() {
  const drawer = h("dialog", { class: "drawer", "aria-labelledby": "settings-title" });
  const close = () => drawer.close();
  drawer.append(
    h("div", { class: "drawer-head" }, h("h2", { id: "settings-title" }, t("chat.settings")), button("close", t("close"), close)),
    h("div", { class: "drawer-body" }, systemField(), h("fieldset", {}, h("legend", {}, t("settings.sampling")),
      h("p", { class: "hint" }, t("settings.sampling_hint")), ...Object.entries(SAMPLING).map(samplingField)), toolsField(),
    h("fieldset", {}, h("legend", {}, t("settings.export")), h("div", { class: "row" },
      button("download", "Markdown", () => exportMarkdown(session), { label: true, kind: "plain" }),
      button("download", "JSON", () => exportJson(session), { label: true, kind: "plain" })))));
  drawer.addEventListener("click", (event) => event.target === drawer && close());
  drawer.addEventListener("close", () => drawer.remove());
  document.body.append(drawer);
  drawer.showModal();
}

function systemField() {
  const area = h("textarea", { class: "field", rows: 5, id: "system", value: session.conversation.system, placeholder: t("settings.system_hint") });
  area.addEventListener("change", () => session.change({ system: area.value }));
  return h("div", {}, h("label", { for: "system" }, t("settings.system")), area);
}

function samplingField([name, limits]) {
  const id = `sampling-${name}`;
  const input = h("input", {
    class: "field number", type: "number", id, ...limits, placeholder: t("settings.by_model"), value: session.conversation.sampling[name] ?? "",
  });
  input.addEventListener("change", () => {
    if (!input.checkValidity()) return input.reportValidity();
    const value = input.value === "" ? null : Number(input.value);
    return session.change({ sampling: { ...session.conversation.sampling, [name]: value } });
  });
  return h("div", { class: "setting" }, h("label", { for: id }, h("code", {}, name), h("span", { class: "hint" }, t(`settings.${name}`))), input);
}

function toolsField() {
  const problem = h("p", { class: "problem", id: "tools-problem", hidden: true }, t("settings.tools_wrong"));
  const area = h("textarea", {
    class: "field mono", rows: 5, id: "tools", value: session.conversation.tools ?? "", "aria-describedby": "tools-problem",
    placeholder: '[{"name": "get_weather", "description": "…", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}]',
  });
  area.addEventListener("change", () => {
    problem.hidden = isRight(area.value);
    area.setAttribute("aria-invalid", String(!problem.hidden));
    if (problem.hidden) session.change({ tools: area.value });
  });
  return h("div", {}, h("label", { for: "tools" }, t("settings.tools")), h("p", { class: "hint" }, t("settings.tools_hint")), area, problem);
}

function isRight(text) {
  try {
    parseTools(text);
    return true;
  } catch {
    return false;
  }
}
