// Begins: language, key, frame, and the view that the address names.

import { getJson, keepKey, onKeyNeeded, takeKeyFromAddress } from "./api.js";
import { session } from "./chat/session.js";
import { ChatView } from "./chat/view.js";
import { h } from "./dom.js";
import { Frame } from "./frame.js";
import { loadLanguage, t } from "./i18n.js";
import { askKey } from "./key.js";
import { refresh } from "./state.js";
import { ask as askFigures } from "./status/figures.js";
import { applyTheme } from "./theme.js";
import { told } from "./told.js";

const VIEWS = {
  chat: async () => ChatView,
  models: async () => (await import("./models/view.js")).ModelsView,
  connect: async () => (await import("./connect/view.js")).ConnectView,
  status: async () => (await import("./status/view.js")).StatusView,
};
let frame = null;
let view = null;
let shown = "";

async function showRoute() {
  const [, name = "chat", id = ""] = location.hash.split("/");
  const wanted = name in VIEWS ? name : "chat";
  if (wanted === "chat") await openConversation(id);
  if (wanted === shown) return;
  const View = await VIEWS[wanted]();
  view?.leave();
  shown = wanted;
  view = new View();
  frame.show(wanted, view);
  if (wanted !== "chat") document.title = `${t(`nav.${wanted}`)} · localllm`;
  if (wanted === "chat") view.focus();
  else frame.main.focus();
}

async function openConversation(id) {
  if (id === "new" || !session.conversation) session.begin();
  if (id && id !== "new" && !(await session.open(id))) location.replace("#/chat/new");
}

function build() {
  view?.leave();
  frame?.end();
  view = null;
  shown = "";
  frame = new Frame({ onlanguage: build });
  document.getElementById("app").replaceChildren(frame.element,
    h("div", { id: "announcer", class: "off-screen", role: "status" }), h("div", { id: "notices" }));
  return showRoute();
}

applyTheme();
takeKeyFromAddress();
onKeyNeeded(() => askKey(keepKey));
await loadLanguage();
if (told.needs_key) await getJson("/v1/models"); // asks for the key, until there is a right one
await Promise.all([refresh(), build()]);
window.addEventListener("hashchange", showRoute);
askFigures();
