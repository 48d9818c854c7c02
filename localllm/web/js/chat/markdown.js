// Shows Markdown that the server renders, also while it is being written: finished blocks are made once and stay, only
// the last one is made again, a few times a second at most and never faster than it takes.

import { postJson } from "../api.js";
import { copyButton, h } from "../dom.js";
import { t } from "../i18n.js";

const LEAST_MS = 100;
const BUSY_FACTOR = 3; // rendering takes a quarter of the time at most
const MAX_TAIL_CHARS = 16_000; // a last block that is longer is shown as it comes until it is finished
const BLOCKS_A_FRAME = 150;
const KEPT_TEXTS = 200;

const kept = new Map(); // text → blocks, of finished messages
let waiting = []; // finished texts of one frame go to the server together

function renderSoon(text) {
  if (kept.has(text)) return Promise.resolve(kept.get(text));
  return new Promise((resolve, reject) => {
    waiting.push({ text, resolve, reject });
    if (waiting.length === 1) setTimeout(renderWaiting);
  });
}

async function renderWaiting() {
  const asked = waiting;
  waiting = [];
  try {
    const { texts } = await postJson("/page/markdown", { texts: asked.map((each) => each.text) });
    asked.forEach((each, index) => {
      keepText(each.text, texts[index]);
      each.resolve(texts[index]);
    });
  } catch (error) {
    asked.forEach((each) => each.reject(error));
  }
}

function keepText(text, blocks) {
  kept.set(text, blocks);
  if (kept.size > KEPT_TEXTS) kept.delete(kept.keys().next().value);
}

export class MarkdownView {
  #text = "";
  #isDone = false;
  #stableEnd = 0; // how much of the text is in finished blocks
  #isBusy = false;
  #isWanted = false;
  #shown = null; // the text node of a raw tail

  constructor(onchange = () => {}) {
    this.onchange = onchange;
    this.stable = h("div", { class: "blocks" });
    this.tail = h("div", { class: "tail" });
    this.element = h("div", { class: "markdown" }, this.stable, this.tail);
  }

  show(text, isDone) {
    if (!text.startsWith(this.#text.slice(0, this.#stableEnd))) this.#reset();
    if (text === this.#text && isDone === this.#isDone) return;
    this.#text = text;
    this.#isDone = isDone;
    if (isDone && !this.#stableEnd && !this.tail.firstChild) this.#showRaw(text);
    this.#want();
  }

  #reset() {
    this.#stableEnd = 0;
    this.stable.replaceChildren();
    this.#clearTail();
  }

  #want() {
    this.#isWanted = true;
    if (!this.#isBusy) this.#render();
  }

  async #render() {
    this.#isBusy = true;
    while (this.#isWanted) {
      this.#isWanted = false;
      const started = performance.now();
      try {
        await this.#renderOnce();
      } catch {
        this.#showRaw(this.#text.slice(this.#stableEnd)); // the server is gone: the words are still there
      }
      this.onchange();
      if (!this.#isDone) {
        const took = performance.now() - started;
        await new Promise((resolve) => setTimeout(resolve, Math.max(LEAST_MS, BUSY_FACTOR * took)));
      }
    }
    this.#isBusy = false;
  }

  async #renderOnce() {
    const text = this.#text;
    const isDone = this.#isDone;
    const start = this.#stableEnd;
    const tail = text.slice(start);
    if (!isDone && tail.length > MAX_TAIL_CHARS) return this.#showRaw(tail);
    const blocks = isDone ? await renderSoon(tail) : (await postJson("/page/markdown", { texts: [tail] })).texts[0];
    if (start !== this.#stableEnd || !this.#text.startsWith(text)) return;
    const finished = isDone ? blocks : blocks.slice(0, -1);
    const last = isDone ? [] : blocks.slice(-1);
    if (isDone) this.#clearTail();
    await this.#append(finished);
    if (finished.length && !isDone) this.#stableEnd += lineStart(tail, finished.at(-1).end_line);
    if (!isDone) this.#replaceTail(last);
  }

  // Many blocks at once (a long answer that is opened) come over several frames, so that none of them is long.
  async #append(blocks) {
    for (let from = 0; from < blocks.length; from += BLOCKS_A_FRAME) {
      if (from) await new Promise((resolve) => requestAnimationFrame(resolve));
      this.stable.append(fragment(blocks.slice(from, from + BLOCKS_A_FRAME)));
    }
  }

  #replaceTail(blocks) {
    this.#shown = null;
    this.tail.replaceChildren(fragment(blocks));
  }

  #clearTail() {
    this.#shown = null;
    this.tail.replaceChildren();
  }

  #showRaw(text) {
    if (this.#shown && text.startsWith(this.#shown.data)) {
      this.#shown.appendData(text.slice(this.#shown.data.length));
      return;
    }
    this.#shown = document.createTextNode(text);
    this.tail.replaceChildren(h("div", { class: "raw" }, this.#shown));
  }
}

function lineStart(text, line) {
  let at = 0;
  for (let i = 0; i < line; i += 1) {
    const next = text.indexOf("\n", at);
    if (next < 0) return text.length;
    at = next + 1;
  }
  return at;
}

// The server's HTML is clean (nh3), and the page's policy runs nothing that is not a file of its own.
function fragment(blocks) {
  const template = document.createElement("template");
  template.innerHTML = blocks.map((block) => block.html).join("");
  for (const pre of template.content.querySelectorAll("pre")) pre.replaceWith(codeBlock(pre.cloneNode(true)));
  for (const table of template.content.querySelectorAll("table")) wrapTable(table);
  return template.content;
}

function codeBlock(pre) {
  const language = pre.dataset.language ?? "";
  pre.tabIndex = 0; // it may scroll, and the keyboard must be able to do it
  pre.setAttribute("role", "region");
  pre.setAttribute("aria-label", t("chat.code", { language }));
  return h("div", { class: "code" },
    h("div", { class: "code-head" }, h("span", {}, language), copyButton(t("copy"), t("copied"), () => pre.textContent)), pre);
}

function wrapTable(table) {
  const box = h("div", { class: "table-box", tabIndex: 0, role: "region", "aria-label": t("chat.table") });
  table.replaceWith(box);
  box.append(table);
}
