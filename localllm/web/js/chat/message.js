// One message: what was said, how it came about, and what can be done with it.

import { button, copyButton, h, icon } from "../dom.js";
import { duration, number, percent, t } from "../i18n.js";
import { model as modelOf } from "../state.js";
import { MarkdownView } from "./markdown.js";
import { ToolCalls } from "./tool-calls.js";

export class MessageView {
  #editor = null;

  constructor(message, actions) {
    this.message = message;
    this.actions = actions;
    this.body = h("div", { class: "message-body" });
    this.foot = h("div", { class: "message-foot" });
    this.element = h("article", { class: `message ${message.role}`, data: { id: message.id } },
      h("h2", { class: "off-screen" }, this.#who()), this.body, this.foot);
    if (message.role === "assistant") this.#prepareAnswer();
    else this.#showPlain();
  }

  #who() {
    if (this.message.role === "user") return t("chat.you");
    if (this.message.role === "tool") return t("chat.tool_result");
    return modelOf(this.message.model)?.name ?? this.message.model ?? t("chat.answer");
  }

  get isRunning() {
    return this.actions.answerOf(this.message) !== null;
  }

  update() {
    if (this.message.role === "assistant") this.#updateAnswer();
    const key = JSON.stringify([this.isRunning, this.actions.isBusy(), this.message.finish, this.#place()]);
    if (key === this.footKey) return;
    this.footKey = key;
    this.foot.replaceChildren(...this.#footParts());
  }

  #showPlain() {
    const { content, images = [], role } = this.message;
    const pictures = images.map((url) => h("img", { src: url, alt: t("chat.image_of_yours"), class: "picture" }));
    this.body.replaceChildren(...pictures, h("div", { class: role === "tool" ? "plain mono" : "plain" }, content));
  }

  // ── answers ──────────────────────────────────────────────────────────────────────────────────────────────

  #prepareAnswer() {
    this.markdown = new MarkdownView();
    this.note = h("p", { class: "working", hidden: true });
    this.thought = h("details", { class: "thought", hidden: true },
      h("summary", {}, icon("thought"), h("span", {}), icon("down")), h("div", { class: "thought-text" }, document.createTextNode("")));
    this.calls = new ToolCalls(this.actions);
    this.error = h("p", { class: "problem", hidden: true });
    this.unseen = h("p", { class: "hint", hidden: true });
    this.body.append(this.unseen, this.thought, this.markdown.element, this.calls.element, this.note, this.error);
  }

  #updateAnswer() {
    const { message } = this;
    const answer = this.actions.answerOf(message);
    this.#updateThought(answer);
    this.markdown.show(message.content, answer === null);
    this.calls.show(message, answer === null);
    const isSilent = answer !== null && !message.content && !message.reasoning && !message.tool_calls;
    this.note.hidden = !isSilent;
    if (isSilent) this.note.textContent = noteText(answer.note);
    this.unseen.hidden = !message.unseen;
    this.unseen.textContent = t("chat.unseen", { n: number(message.unseen ?? 0) });
    this.error.hidden = !message.error;
    this.error.textContent = message.error ?? "";
  }

  #updateThought(answer) {
    const { reasoning = "", thought, content } = this.message;
    this.thought.hidden = !reasoning;
    if (!reasoning) return;
    const isThinking = answer !== null && !content;
    this.thought.classList.toggle("live", isThinking);
    const time = thought ?? this.message.seconds;
    const label = isThinking || !time ? t("chat.thinking") : t("chat.thought_for", { time: duration(time) });
    this.thought.querySelector("summary span").textContent = isThinking || time ? label : t("chat.thoughts");
    const text = this.thought.lastChild.firstChild;
    if (text.data.length < reasoning.length) text.appendData(reasoning.slice(text.data.length));
  }

  // ── below a message ──────────────────────────────────────────────────────────────────────────────────────

  #place() {
    const siblings = this.actions.siblings(this.message.id);
    return [siblings.indexOf(this.message.id) + 1, siblings.length];
  }

  #footParts() {
    if (this.isRunning) return [];
    const { message, actions } = this;
    const isBusy = actions.isBusy();
    const parts = [this.#versions(isBusy), copyButton(t("copy"), t("copied"), () => message.content)];
    if (message.role === "user") parts.push(button("edit", t("chat.edit"), () => this.#edit(), { disabled: isBusy }));
    if (message.role === "assistant") {
      parts.push(button("again", t("chat.regenerate"), () => actions.regenerate(message.id), { disabled: isBusy }));
      if (["stopped", "length", "lost", "error", undefined].includes(message.finish) && message.content)
        parts.push(button("play", t("chat.go_on"), () => actions.goOn(message.id), { disabled: isBusy, label: true }));
    }
    parts.push(button("trash", t("chat.delete_message"), () => actions.remove(message.id), { disabled: isBusy }));
    if (message.role === "assistant") parts.push(h("span", { class: "figures" }, figures(message)));
    return parts.filter(Boolean);
  }

  #versions(isBusy) {
    const [place, count] = this.#place();
    if (count < 2) return null;
    const siblings = this.actions.siblings(this.message.id);
    const turn = (by) => this.actions.select(siblings[place - 1 + by]);
    return h("span", { class: "versions" },
      button("left", t("chat.earlier_version"), () => turn(-1), { disabled: isBusy || place === 1 }),
      h("span", { "aria-label": t("chat.version", { place, count }) , role: "img" }, `${place}/${count}`),
      button("right", t("chat.later_version"), () => turn(1), { disabled: isBusy || place === count }));
  }

  #edit() {
    if (this.#editor) return;
    const area = h("textarea", { class: "field", rows: 3, value: this.message.content, "aria-label": t("chat.edit") });
    const close = () => {
      this.#editor.replaceWith(this.body);
      this.#editor = null;
      this.foot.hidden = false;
    };
    const send = () => {
      const content = area.value.trim();
      close();
      if (content && content !== this.message.content) this.actions.edit(this.message.id, content);
    };
    area.addEventListener("keydown", (event) => {
      if (event.key === "Escape") close();
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
    });
    this.#editor = h("div", { class: "editor" }, area, h("div", { class: "row end" },
      button(null, t("cancel"), close, { label: true, kind: "plain" }),
      button(null, t("chat.send"), send, { label: true, kind: "primary" })));
    this.body.replaceWith(this.#editor);
    this.foot.hidden = true;
    area.style.height = `${Math.min(area.scrollHeight + 4, 400)}px`;
    area.focus();
  }
}

// "loading 40%" and "prefill 512/2048" as the server says them, in the person's words.
function noteText(note) {
  const [, loaded] = /^loading (\d+)/.exec(note) ?? [];
  if (loaded !== undefined) return t("chat.loading", { percent: `${loaded} %` });
  const [, done, total] = /^prefill (\d+)\/(\d+)/.exec(note) ?? [];
  if (done !== undefined) return t("chat.reading", { percent: percent(done / total) });
  return t("chat.waiting");
}

function figures({ usage, timings, seconds, finish, model: id }) {
  const parts = [modelOf(id)?.name ?? id];
  if (finish === "stopped") parts.push(t("chat.was_stopped"));
  if (finish === "length") parts.push(t("chat.was_cut"));
  if (usage?.completion_tokens) parts.push(t("chat.tokens", { n: number(usage.completion_tokens) }));
  if (timings?.predicted_per_second) parts.push(t("chat.speed", { n: number(timings.predicted_per_second, 1) }));
  if (seconds) parts.push(duration(seconds));
  return parts.filter(Boolean).join(" · ");
}
