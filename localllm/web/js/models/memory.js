// How the computer's memory is shared: others' use, each loaded model, what is free for models, what stays free.

import { h } from "../dom.js";
import { bytes, t } from "../i18n.js";

export class MemoryBar {
  #shown = "";

  constructor() {
    this.bar = h("div", { class: "memory-bar", role: "img" });
    this.legend = h("ul", { class: "legend" });
    this.devices = h("ul", { class: "hint" });
    this.element = h("section", { class: "memory" }, h("h2", {}, t("memory.title")), this.bar, this.legend, this.devices);
  }

  show({ memory, models }) {
    const loaded = models.filter((model) => model.ram_bytes > 0);
    const parts = [
      ["others", t("memory.others"), memory.others_bytes],
      ["reserved", t("memory.reserved"), memory.reserved_bytes],
      ["free", t("memory.free"), memory.free_bytes],
      ["kept", t("memory.kept"), memory.kept_free_bytes],
    ];
    const key = JSON.stringify([parts.map(([, , size]) => bytes(size)), loaded.map((model) => model.id), memory.devices]);
    if (key === this.#shown) return;
    this.#shown = key;
    this.bar.setAttribute("aria-label", parts.map(([, words, size]) => `${words}: ${bytes(size)}`).join(", "));
    this.bar.replaceChildren(...parts.map(([name, , size]) => segment(name, size / memory.total_bytes)));
    this.legend.replaceChildren(...parts.map(([name, words, size]) => h("li", {}, h("i", { class: name }), `${words} `, h("b", {}, bytes(size)))));
    this.devices.replaceChildren(...memory.devices.map((device) => h("li", {}, t("memory.device", {
      name: device.name, free: bytes(device.free_bytes), total: bytes(device.total_bytes),
    }))));
  }
}

function segment(name, share) {
  const made = h("span", { class: name });
  made.style.flexGrow = String(Math.max(share, 0));
  return made;
}
