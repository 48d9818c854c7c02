// The messages, of which only those near the window are in the document: pages of a few messages, each either built or
// an empty box of the height it had. A conversation of thousands costs as much as one of forty.

import { h } from "../dom.js";
import { MessageView } from "./message.js";

const PAGE = 10;
const NEAR = "1500px 0px";
const GUESSED_CHARS_A_LINE = 80;
const GUESSED_LINE_PX = 26;
const NEAR_END_PX = 80;

export class MessageList {
  #pages = [];
  #isStuck = true;

  constructor(scroller, actions) {
    this.scroller = scroller;
    this.actions = actions;
    this.element = h("div", { class: "messages" });
    this.observer = new IntersectionObserver((entries) => entries.forEach((entry) => this.#turn(entry)), {
      root: scroller, rootMargin: NEAR,
    });
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.resizes = new ResizeObserver(() => this.#stick());
    this.resizes.observe(this.element);
    this.resizes.observe(scroller);
  }

  // Shows these messages; pages that stay the same stay as they are.
  show(messages) {
    const wanted = Math.ceil(messages.length / PAGE);
    while (this.#pages.length > wanted) this.#drop(this.#pages.pop());
    for (let i = 0; i < wanted; i += 1) {
      const part = messages.slice(i * PAGE, (i + 1) * PAGE);
      if (i < this.#pages.length) this.#pages[i].show(part);
      else this.#addPage(part);
    }
  }

  clear() {
    this.#pages.splice(0).forEach((page) => this.#drop(page));
    this.#isStuck = true;
  }

  // A message has new words.
  update(message) {
    const page = this.#pages.find((each) => each.views.has(message.id));
    page?.views.get(message.id).update();
    this.#stick();
  }

  updateAll() {
    for (const page of this.#pages) for (const view of page.views.values()) view.update();
  }

  toEnd() {
    this.#isStuck = true;
    this.#stick();
  }

  get isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }

  #addPage(part) {
    const page = new Page(part, this.actions);
    this.#pages.push(page);
    this.element.append(page.element);
    this.observer.observe(page.element);
  }

  #drop(page) {
    this.observer.unobserve(page.element);
    page.element.remove();
  }

  #turn(entry) {
    const page = this.#pages.find((each) => each.element === entry.target);
    if (!page) return;
    if (entry.isIntersecting) page.build();
    else page.empty();
  }

  #scrolled() {
    this.#isStuck = this.isAtEnd;
    this.actions.onscroll(this.#isStuck);
  }

  #stick() {
    if (this.#isStuck) this.scroller.scrollTop = this.scroller.scrollHeight;
  }
}

class Page {
  views = new Map();
  #messages;
  #isBuilt = false;

  constructor(messages, actions) {
    this.#messages = messages;
    this.actions = actions;
    this.element = h("div", { class: "message-page" });
    this.element.style.height = `${guessedHeight(messages)}px`;
  }

  show(messages) {
    const isSame = messages.length === this.#messages.length && messages.every((m, i) => m === this.#messages[i]);
    if (isSame) {
      for (const view of this.views.values()) view.update();
      return;
    }
    this.#messages = messages;
    if (this.#isBuilt) this.#fill();
  }

  build() {
    if (this.#isBuilt) return;
    this.#isBuilt = true;
    this.element.style.height = "";
    this.#fill();
  }

  empty() {
    if (!this.#isBuilt || this.element.contains(document.activeElement)) return;
    this.#isBuilt = false;
    this.element.style.height = `${this.element.offsetHeight}px`;
    this.views.clear();
    this.element.replaceChildren();
  }

  #fill() {
    const before = this.views;
    this.views = new Map(this.#messages.map((m) => [m.id, before.get(m.id) ?? new MessageView(m, this.actions)]));
    const elements = [...this.views.values()].map((view) => view.element);
    for (const child of [...this.element.children]) if (!elements.includes(child)) child.remove();
    elements.forEach((element, i) => {
      if (this.element.children[i] !== element) this.element.insertBefore(element, this.element.children[i] ?? null);
    });
    for (const view of this.views.values()) view.update();
  }
}

function guessedHeight(messages) {
  const lines = messages.map((m) => 3 + Math.ceil((m.content?.length ?? 0) / GUESSED_CHARS_A_LINE));
  return GUESSED_LINE_PX * lines.reduce((a, b) => a + b, 0);
}
