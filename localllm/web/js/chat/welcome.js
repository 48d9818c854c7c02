// What an empty conversation shows: what this is, and three questions to begin with.

import { h } from "../dom.js";
import { t } from "../i18n.js";

export function welcome(onask) {
  const questions = ["welcome.what", "welcome.models", "welcome.connect"].map((key) => t(key));
  return [
    h("h2", {}, t("welcome.title")),
    h("p", {}, t("welcome.text")),
    h("ul", { class: "suggestions" }, ...questions.map((question) =>
      h("li", {}, h("button", { type: "button", class: "suggestion", onclick: () => onask(question) }, question)))),
  ];
}
