// Conversations as files: JSON with everything, to be read back; Markdown of what is shown, to be read by people.

import { saveFile } from "../dom.js";
import { t } from "../i18n.js";
import { newId } from "./names.js";
import * as store from "./store.js";

const FORMAT = "localllm-conversations";
const ROLES = ["user", "assistant", "tool"];
const TEXTS = ["content", "reasoning", "model", "finish", "error", "tool_call_id"];

export function exportJson(session) {
  const { conversation, tree } = session;
  saveFile(fileName(conversation, "json"), "application/json", asJson([{ ...conversation, messages: tree.messages }]));
}

export function exportMarkdown(session) {
  saveFile(fileName(session.conversation, "md"), "text/markdown", asMarkdown(session.conversation, session.path()));
}

export async function exportAll() {
  const conversations = await store.listConversations();
  const whole = await Promise.all(conversations.map(async (each) => ({ ...each, messages: await store.loadMessages(each.id) })));
  saveFile("localllm-conversations.json", "application/json", asJson(whole));
}

export function asJson(conversations) {
  return JSON.stringify({ format: FORMAT, version: 1, conversations }, null, 1);
}

export function asMarkdown(conversation, path) {
  const parts = [`# ${conversation.title || t("chat.untitled")}`];
  if (conversation.system) parts.push(`> ${conversation.system.replaceAll("\n", "\n> ")}`);
  for (const message of path) {
    const who = { user: t("chat.you"), tool: t("chat.tool_result") }[message.role] ?? message.model ?? t("chat.answer");
    parts.push(`## ${who}`);
    for (const call of message.tool_calls ?? []) parts.push(`\`${call.function.name}(${call.function.arguments})\``);
    if (message.content) parts.push(message.content);
  }
  return `${parts.join("\n\n")}\n`;
}

// Reads a file of exportJson; every conversation gets a new id, so that nothing is overwritten. Throws where it is none.
export async function importText(text) {
  const { format, conversations } = JSON.parse(text);
  if (format !== FORMAT || !Array.isArray(conversations)) throw new TypeError("no conversations");
  const read = conversations.map(readConversation);
  for (const { conversation, messages } of read) await store.save(conversation, messages);
  return read.map(({ conversation }) => conversation.id);
}

// What a file says is taken field by field: it may come from somebody else.
export function readConversation(from) {
  const id = newId();
  const ids = new Map(from.messages.map((message) => [message.id, newId()]));
  const messages = from.messages.filter((message) => ROLES.includes(message.role)).map((message, order) => ({
    id: ids.get(message.id), parent: ids.get(message.parent) ?? null, conversation: id, order: order + 1, role: message.role,
    created: Number(message.created) || Date.now(), content: "", ...texts(message), ...extras(message),
  }));
  const conversation = {
    id, title: String(from.title ?? ""), system: String(from.system ?? ""), tools: String(from.tools ?? ""), model: String(from.model ?? ""),
    sampling: numbers(from.sampling), created: Number(from.created) || Date.now(), updated: Date.now(), leaf: ids.get(from.leaf) ?? null,
  };
  return { conversation, messages };
}

function texts(message) {
  return Object.fromEntries(TEXTS.filter((name) => typeof message[name] === "string").map((name) => [name, message[name]]));
}

function extras(message) {
  const kept = {};
  if (Array.isArray(message.images)) kept.images = message.images.filter((url) => /^data:image\/(png|jpeg|webp|gif);/.test(url));
  if (Array.isArray(message.tool_calls)) {
    kept.tool_calls = message.tool_calls.map(({ id, function: called }) => ({
      id: String(id), function: { name: String(called?.name), arguments: String(called?.arguments) },
    }));
  }
  for (const name of ["usage", "timings"]) if (typeof message[name] === "object") kept[name] = numbers(message[name]);
  for (const name of ["seconds", "thought", "unseen"]) if (typeof message[name] === "number") kept[name] = message[name];
  return kept;
}

function numbers(from = {}) {
  return Object.fromEntries(Object.entries(from ?? {}).filter(([, value]) => typeof value === "number"));
}

function fileName(conversation, ending) {
  const name = (conversation.title || "conversation").replace(/[\\/:*?"<>|.\p{Cc}]+/gu, " ").trim().slice(0, 60);
  return `${name || "conversation"}.${ending}`;
}
