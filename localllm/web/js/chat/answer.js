// One answer on its way: the request, its stream, the message it writes. What arrives is told once a frame at most.

import { request } from "../api.js";
import { refresh } from "../state.js";
import { readEvents } from "../sse.js";
import { applyChunk, chatRequest } from "./request.js";
import * as store from "./store.js";

const KEEP_EVERY_MS = 1000;

export class Answer {
  note = ""; // what the server is doing while nothing comes: "loading 40%", "prefill 512/2048"
  #stopper = new AbortController();
  #isTold = false;
  #keptAt = Date.now();

  constructor(session, conversation, tree, message) {
    this.session = session;
    this.conversation = conversation;
    this.tree = tree;
    this.message = message;
  }

  stop() {
    this.#stopper.abort();
  }

  async run() {
    const { message } = this;
    Object.assign(message, { error: undefined, finish: undefined, unseen: undefined, started: Date.now() });
    try {
      await this.#read();
      if (!message.finish) message.finish = "lost";
    } catch (error) {
      if (error.name === "AbortError") message.finish = "stopped";
      else Object.assign(message, { finish: "error", error: error.message });
    }
    message.seconds = (Date.now() - message.started) / 1000;
    this.tell();
    await this.#keep();
    refresh();
  }

  async #read() {
    const body = chatRequest(this.conversation, this.tree.path(), this.conversation.model);
    const answer = await request("/v1/chat/completions", { method: "POST", body, signal: this.#stopper.signal });
    this.message.unseen = Number(answer.headers.get("x-localllm-truncated")) || undefined; // else the last chunk says it
    for await (const { data, comment } of readEvents(answer)) {
      if (comment !== undefined) this.#noted(comment);
      else if (data !== "[DONE]") this.#take(JSON.parse(data));
    }
  }

  #take(chunk) {
    if (chunk.error) throw new Error(chunk.error.message);
    if (this.message.reasoning && !this.message.thought && this.message.content)
      this.message.thought = (Date.now() - this.message.started) / 1000;
    this.note = "";
    if (applyChunk(this.message, chunk)) this.tell();
    if (Date.now() - this.#keptAt > KEEP_EVERY_MS) this.#keep();
  }

  #noted(comment) {
    this.note = comment === "ping" ? this.note : comment;
    this.tell();
  }

  tell() {
    if (this.#isTold) return;
    this.#isTold = true;
    const soon = document.hidden ? (run) => setTimeout(run, 200) : requestAnimationFrame;
    soon(() => {
      this.#isTold = false;
      this.session.tell("message", this.message);
    });
  }

  #keep() {
    this.#keptAt = Date.now();
    return store.saveAnswer({ ...this.message }, this.tree.leaf).catch(() => {});
  }
}
