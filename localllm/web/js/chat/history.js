// The conversations of this browser, newest first, in the sidebar.

import { button, h, notify } from "../dom.js";
import { moment, t } from "../i18n.js";
import { confirmed, menu, prompted } from "../dialogs.js";
import { session } from "./session.js";
import { listConversations } from "./store.js";
import { exportAll, importText } from "./transfer.js";

const SHOWN_AT_FIRST = 100;

export class History {
  #words = "";
  #limit = SHOWN_AT_FIRST;

  constructor() {
    this.search = h("input", {
      class: "field search", type: "search", placeholder: t("history.search"), "aria-label": t("history.search"),
      oninput: () => {
        this.#words = this.search.value.toLowerCase();
        this.show();
      },
    });
    this.list = h("ul", { class: "history-list" });
    this.file = h("input", { type: "file", accept: ".json,application/json", hidden: true, onchange: () => this.#import() });
    this.element = h("section", { class: "history", "aria-label": t("history.title") },
      h("a", { class: "button plain new-chat", href: "#/chat/new" }, t("chat.new")),
      h("div", { class: "history-head" }, this.search, this.file, menu("more", t("history.more"), [
        ["upload", t("history.import"), () => this.file.click()],
        ["download", t("history.export_all"), exportAll],
      ])), this.list);
    const mark = () => this.#mark();
    window.addEventListener("hashchange", mark);
    this.endings = [session.on("list", () => this.show()), session.on("conversation", mark), session.on("running", mark),
      () => window.removeEventListener("hashchange", mark)];
    this.show();
  }

  leave() {
    this.endings.forEach((end) => end());
  }

  async show() {
    const all = await listConversations().catch(() => []);
    const found = all.filter((each) => each.title.toLowerCase().includes(this.#words));
    const rows = found.slice(0, this.#limit).map((each) => this.#row(each));
    if (found.length > this.#limit) {
      rows.push(h("li", {}, button(null, t("history.older", { n: found.length - this.#limit }), () => {
        this.#limit += SHOWN_AT_FIRST;
        this.show();
      }, { label: true })));
    }
    this.list.replaceChildren(...rows);
    this.search.parentElement.hidden = false;
    this.#mark();
  }

  #row({ id, title, updated }) {
    const name = title || t("chat.untitled");
    return h("li", { data: { id } },
      h("a", { href: `#/chat/${id}`, title: name }, h("span", { class: "title" }, name), h("time", {}, moment(updated))),
      menu("more", t("history.more_of", { title: name }), [
        ["edit", t("history.rename"), async () => {
          const given = await prompted(t("history.rename"), title);
          if (given) session.rename(id, given);
        }],
        ["trash", t("history.delete"), async () => {
          if (await confirmed(t("history.delete_sure", { title: name }), t("history.delete"))) session.removeConversation(id);
        }],
      ]));
  }

  #mark() {
    for (const row of this.list.querySelectorAll("li[data-id]")) {
      const isShown = row.dataset.id === session.conversation?.id && location.hash.startsWith("#/chat");
      row.firstChild.toggleAttribute("aria-current", isShown);
      row.classList.toggle("running", session.running.has(row.dataset.id));
    }
  }

  async #import() {
    const [file] = this.file.files;
    this.file.value = "";
    try {
      const ids = await importText(await file.text());
      await this.show();
      if (ids.length === 1) location.hash = `#/chat/${ids[0]}`;
      notify(t("history.imported", { n: ids.length }));
    } catch {
      notify(t("history.import_wrong"), "bad");
    }
  }
}
