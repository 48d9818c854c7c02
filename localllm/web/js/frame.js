// What stands around every view: navigation, conversations, language, light and dark, quit.

import { postJson } from "./api.js";
import { History } from "./chat/history.js";
import { confirmed } from "./dialogs.js";
import { button, h, icon, notify } from "./dom.js";
import { LANGUAGES, chooseLanguage, language, t } from "./i18n.js";
import { watchState } from "./state.js";
import { THEMES, applyTheme, theme } from "./theme.js";
import { told } from "./told.js";

const THEME_ICONS = { auto: "auto", light: "sun", dark: "moon" };
const VIEWS = ["chat", "models", "connect", "status"];

export class Frame {
  constructor({ onlanguage }) {
    this.onlanguage = onlanguage;
    this.main = h("main", { id: "main", tabIndex: -1 });
    this.links = VIEWS.map((name) => h("a", { href: `#/${name}`, data: { view: name } }, icon(name), h("span", {}, t(`nav.${name}`))));
    this.lost = h("p", { class: "lost", role: "alert", hidden: true }, t("lost"));
    this.history = new History();
    this.sidebar = this.#sidebar();
    this.opener = button("menu", t("nav.open"), () => this.showSidebar(true), { "aria-expanded": "false", "aria-controls": "sidebar" });
    this.shade = h("div", { class: "shade", onclick: () => this.showSidebar(false) });
    this.element = h("div", { class: "frame" },
      h("button", { type: "button", class: "skip", onclick: () => this.main.focus() }, t("nav.skip")),
      h("header", { class: "topbar" }, this.opener, h("a", { class: "brand", href: "#/chat" }, "localllm")),
      this.sidebar, this.shade, h("div", { class: "content" }, this.lost, this.main));
    this.endWatching = watchState(({ is_lost }) => {
      this.lost.hidden = !is_lost;
    });
    this.sidebar.addEventListener("click", (event) => event.target.closest("a") && this.showSidebar(false));
    this.sidebar.addEventListener("keydown", (event) => event.key === "Escape" && this.showSidebar(false));
  }

  end() {
    this.endWatching();
    this.history.leave();
  }

  show(name, view) {
    for (const link of this.links) {
      if (link.dataset.view === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    this.main.dataset.view = name;
    this.main.replaceChildren(view.element);
    this.main.scrollTop = 0;
  }

  showSidebar(isOpen) {
    if (isOpen === this.element.classList.contains("open")) return;
    this.element.classList.toggle("open", isOpen);
    this.opener.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) this.links[0].focus();
    else this.opener.focus();
  }

  #sidebar() {
    return h("div", { class: "sidebar", id: "sidebar" },
      h("a", { class: "brand", href: "#/chat" }, h("img", { src: "/page/icons/favicon.svg", alt: "", width: 22, height: 22 }), "localllm"),
      h("nav", { class: "views", "aria-label": t("nav.title") }, this.links),
      this.history.element, h("div", { class: "sidebar-foot" }, this.#themeButton(), this.#languageChoice(), this.#quitButton()));
  }

  #themeButton() {
    const words = () => t(`theme.${theme()}`);
    const made = button(THEME_ICONS[theme()], words(), () => {
      applyTheme(THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
      made.replaceChildren(icon(THEME_ICONS[theme()]));
      made.title = words();
      made.setAttribute("aria-label", words());
    });
    return made;
  }

  #languageChoice() {
    const options = Object.entries(LANGUAGES).map(([code, name]) => h("option", { value: code, selected: code === language() }, name));
    const select = h("select", { class: "field small", "aria-label": t("nav.language") }, options);
    select.addEventListener("change", async () => {
      await chooseLanguage(select.value);
      this.onlanguage();
    });
    return select;
  }

  #quitButton() {
    if (!told.can_quit) return null;
    return button("power", t("quit"), async () => {
      if (!(await confirmed(t("quit.sure"), t("quit")))) return;
      try {
        await postJson("/quit", {});
        document.getElementById("app").replaceChildren(h("main", { class: "goodbye" }, h("h1", {}, t("quit.done")), h("p", {}, t("quit.again"))));
      } catch (error) {
        notify(error.message, "bad");
      }
    });
  }
}
