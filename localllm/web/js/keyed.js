// A list whose rows are made again only when what they show has changed, so that nothing moves under a person's hand.

import { h } from "./dom.js";

export class KeyedList {
  #rows = new Map();

  // build(data) gives a row's children; buttons that should keep the focus carry data-act.
  constructor(build, { tag = "ul", rowTag = "li", ...props } = {}) {
    this.build = build;
    this.rowTag = rowTag;
    this.element = h(tag, props);
  }

  show(items, keyOf = (item) => item.id) {
    const wanted = new Set(items.map(keyOf));
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      row.element.remove();
      this.#rows.delete(key);
    }
    items.forEach((item, index) => {
      const row = this.#row(keyOf(item));
      this.#update(row, item);
      if (this.element.children[index] !== row.element) this.element.insertBefore(row.element, this.element.children[index] ?? null);
    });
  }

  #row(key) {
    if (!this.#rows.has(key)) this.#rows.set(key, { element: h(this.rowTag, { data: { key } }), shown: "" });
    return this.#rows.get(key);
  }

  #update(row, item) {
    const shown = JSON.stringify(item);
    if (shown === row.shown) return;
    row.shown = shown;
    const act = row.element.contains(document.activeElement) ? document.activeElement.dataset.act : null;
    row.element.replaceChildren(...this.build(item));
    if (act) (row.element.querySelector(`[data-act="${act}"]`) ?? row.element.querySelector("button"))?.focus();
  }
}
