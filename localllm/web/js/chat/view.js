// The chat: the messages of one conversation, and where to write the next one.

import { announce, button, h, notify } from "../dom.js";
import { t } from "../i18n.js";
import { chatModels, model as modelOf, refresh, state, watchState } from "../state.js";
import { Composer } from "./composer.js";
import { MessageList } from "./list.js";
import { ModelChoice } from "./model-choice.js";
import { session } from "./session.js";
import { openSettings } from "./settings.js";
import { welcome } from "./welcome.js";

const drafts = new Map(); // conversation id → what was written and not sent

export class ChatView {
  constructor() {
    this.choice = new ModelChoice((model) => session.change({ model }));
    this.composer = new Composer({
      onsend: (text, images) => this.#send(text, images), onstop: () => session.stop(), onsettings: openSettings,
    });
    this.scroller = h("div", { class: "scroller", tabIndex: -1 });
    this.empty = h("div", { class: "welcome" });
    this.endButton = button("end", t("chat.to_end"), () => this.list.toEnd(), { kind: "plain round to-end", hidden: true });
    this.list = new MessageList(this.scroller, this.#actions());
    this.scroller.append(this.empty, this.list.element);
    this.element = h("div", { class: "chat" }, h("header", { class: "chat-head" }, h("h1", { class: "off-screen" }, t("nav.chat")), this.choice.element),
      this.scroller, h("div", { class: "chat-foot" }, this.endButton, this.composer.element));
    this.endings = [
      session.on("conversation", () => this.#opened()),
      session.on("path", () => this.#showPath()),
      session.on("message", (message) => this.#changed(message)),
      session.on("running", () => this.#running()),
      session.on("settings", () => this.#showModel()),
      session.on("unsaved", () => notify(t("chat.unsaved"), "bad")),
      watchState(() => this.#showModel()),
    ];
    if (session.conversation) this.#opened();
  }

  leave() {
    drafts.set(session.conversation?.id, this.composer.text);
    this.list.clear();
    this.endings.forEach((end) => end());
  }

  #actions() {
    const busy = () => session.answer !== null;
    return {
      answerOf: (message) => (session.answer?.message === message ? session.answer : null),
      isBusy: busy,
      siblings: (id) => session.tree.siblings(id),
      hasResult: (callId) => session.path().some((message) => message.tool_call_id === callId),
      edit: (id, text) => this.#follow(session.edit(id, text)),
      regenerate: (id) => this.#follow(session.regenerate(id)),
      goOn: (id) => this.#follow(session.goOn(id)),
      giveResult: (id, text) => this.#follow(session.giveResult(id, text)),
      select: (id) => session.select(id),
      remove: (id) => session.remove(id),
      onscroll: (isAtEnd) => {
        this.endButton.hidden = isAtEnd;
      },
    };
  }

  async #send(text, images) {
    if (!session.conversation.model) await refresh(); // somebody was faster than the list of models
    this.#showModel();
    if (session.conversation.model) return this.#follow(session.send(text, images));
    this.composer.text = text;
    return notify(t("chat.no_model"), "bad");
  }

  #follow(running) {
    this.list.toEnd();
    return running;
  }

  #opened() {
    this.list.clear();
    this.composer.text = drafts.get(session.conversation.id) ?? "";
    this.#showModel();
    this.#showPath();
    this.list.toEnd();
    this.#running();
    this.focus();
  }

  // Where nobody taps: a phone's keyboard must not come up by itself.
  focus() {
    if (matchMedia("(hover: hover)").matches) this.composer.focus();
  }

  #showPath() {
    const path = session.path();
    this.list.show(path);
    this.empty.hidden = path.length > 0;
    if (!path.length) this.empty.replaceChildren(...welcome((text) => this.#send(text, [])));
    document.title = session.conversation.title ? `${session.conversation.title} · localllm` : "localllm";
    this.#showContext();
    const id = session.conversation.id;
    if (path.length && !location.hash.endsWith(id)) history.replaceState(null, "", `#/chat/${id}`);
  }

  #changed(message) {
    if (message.conversation !== session.conversation.id) return;
    this.list.update(message);
    if (message.usage) this.#showContext();
  }

  #running() {
    const isRunning = session.answer !== null;
    this.composer.showRunning(isRunning);
    this.list.updateAll();
    if (this.wasRunning !== undefined && this.wasRunning !== isRunning) announce(isRunning ? t("chat.is_answering") : t("chat.has_answered"));
    this.wasRunning = isRunning;
  }

  // A model that is gone, or was never chosen, is replaced by the one that answers by default.
  #showModel() {
    const { conversation } = session;
    const models = chatModels();
    if (!conversation || !models.length) return;
    if (!models.some((each) => each.id === conversation.model)) conversation.model = defaultModel(models);
    this.choice.show(models, conversation.model);
    this.composer.showModel(Boolean(modelOf(conversation.model)?.sees_images));
    this.#showContext();
  }

  #showContext() {
    const last = session.path().findLast((message) => message.usage);
    this.composer.showContext(last?.usage.total_tokens, modelOf(session.conversation.model)?.n_ctx);
  }
}

function defaultModel(models) {
  const loaded = models.filter((each) => each.status === "loaded");
  const chosen = models.find((each) => each.id === state.default_model);
  return (chosen ?? loaded[0] ?? models.find((each) => !each.is_builtin) ?? models[0]).id;
}
