// The conversation that is shown, and the answers that are being written, in this one or in another. Knows no element:
// views listen to "conversation" (another one is shown), "path" (other messages), "message", "list" and "running".

import { newId, titleOf } from "./names.js";
import { Answer } from "./answer.js";
import * as store from "./store.js";
import { Tree } from "./tree.js";

const DEFAULTS = "localllm.defaults";

class Session extends EventTarget {
  conversation = null;
  tree = new Tree();
  running = new Map(); // conversation id → Answer
  #order = 0;

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  on(type, listener) {
    const wrapped = (event) => listener(event.detail);
    this.addEventListener(type, wrapped);
    return () => this.removeEventListener(type, wrapped);
  }

  get answer() {
    return this.running.get(this.conversation?.id) ?? null;
  }

  begin() {
    const kept = JSON.parse(localStorage.getItem(DEFAULTS) ?? "{}");
    const now = Date.now();
    this.#show({ id: newId(), title: "", created: now, updated: now, model: kept.model ?? "", system: "", sampling: {}, tools: "", leaf: null }, []);
  }

  async open(id) {
    if (this.conversation?.id === id) return true;
    const conversation = await store.loadConversation(id);
    if (!conversation) return false;
    const answer = this.running.get(id);
    const messages = await store.loadMessages(id);
    this.#show(answer?.conversation ?? conversation, answer ? answer.tree.messages : messages, answer?.tree);
    return true;
  }

  #show(conversation, messages, tree) {
    this.conversation = conversation;
    this.tree = tree ?? new Tree(messages, conversation.leaf);
    this.#order = messages.reduce((most, message) => Math.max(most, message.order), 0);
    this.tell("conversation");
    this.tell("running");
  }

  path() {
    return this.tree.path();
  }

  message(role, fields) {
    this.#order += 1;
    return { id: newId(), conversation: this.conversation.id, order: this.#order, role, created: Date.now(), content: "", ...fields };
  }

  // ── what a person does ───────────────────────────────────────────────────────────────────────────────────

  send(content, images = []) {
    const question = this.tree.add(this.message("user", images.length ? { content, images } : { content }));
    this.conversation.title ||= titleOf(content);
    return this.ask([question]);
  }

  // A question in other words, beside the first one.
  edit(id, content) {
    const before = this.tree.byId.get(id);
    const fields = before.images ? { content, images: before.images } : { content };
    const question = this.tree.add(this.message("user", fields), before.parent);
    return this.ask([question]);
  }

  // Another answer to the same question.
  regenerate(id) {
    this.tree.leaf = this.tree.byId.get(id).parent;
    return this.ask([]);
  }

  // More of an answer that ended too early: the model goes on where its text stops.
  goOn(id) {
    const message = this.tree.byId.get(id);
    this.tree.leaf = id;
    return this.#run(message, []);
  }

  giveResult(callId, content) {
    const result = this.tree.add(this.message("tool", { content, tool_call_id: callId }));
    const calls = this.path().findLast((message) => message.role === "assistant").tool_calls;
    const given = this.path().filter((message) => message.role === "tool").map((message) => message.tool_call_id);
    if (calls.every((call) => given.includes(call.id))) return this.ask([result]);
    this.tell("path");
    return this.keep([result]);
  }

  ask(changed) {
    const message = this.tree.add(this.message("assistant", { model: this.conversation.model }));
    this.tell("path");
    return this.#run(message, changed);
  }

  async #run(message, changed) {
    const answer = new Answer(this, this.conversation, this.tree, message);
    this.running.set(this.conversation.id, answer);
    this.tell("running");
    await this.keep([...changed, message]);
    try {
      await answer.run();
    } finally {
      this.running.delete(answer.conversation.id);
      this.tell("running");
    }
  }

  stop() {
    this.answer?.stop();
  }

  select(id) {
    this.tree.select(id);
    this.tell("path");
    return this.keep([]);
  }

  async remove(id) {
    const gone = this.tree.remove(id);
    this.tell("path");
    await store.removeMessages(gone);
    await this.keep([]);
  }

  // ── what is kept ─────────────────────────────────────────────────────────────────────────────────────────

  // Changes settings of the conversation; a conversation without messages is not worth keeping yet.
  async change(fields) {
    Object.assign(this.conversation, fields);
    if (fields.model) localStorage.setItem(DEFAULTS, JSON.stringify({ model: fields.model }));
    this.tell("settings");
    if (this.tree.leaf) await this.keep([]);
  }

  async keep(changed) {
    Object.assign(this.conversation, { leaf: this.tree.leaf, updated: Date.now() });
    try {
      await store.save({ ...this.conversation }, changed.map((message) => ({ ...message })));
    } catch {
      this.tell("unsaved"); // the browser keeps nothing, for example in a private window: the chat goes on without
    }
    this.tell("list");
  }

  async rename(id, title) {
    const shown = this.conversation?.id === id ? this.conversation : this.running.get(id)?.conversation;
    const conversation = shown ?? (await store.loadConversation(id));
    conversation.title = title;
    await store.save({ ...conversation });
    this.tell("list");
  }

  async removeConversation(id) {
    this.running.get(id)?.stop();
    await store.removeConversation(id);
    if (this.conversation?.id === id) this.begin();
    this.tell("list");
  }
}

export const session = new Session();
