// Where a person writes: text, pictures where the model sees them, send and stop.

import { button, h, icon, notify } from "../dom.js";
import { number, t } from "../i18n.js";

const MAX_HEIGHT_PX = 280;
const MAX_IMAGE_SIDE_PX = 1536;

export class Composer {
  #images = [];

  constructor({ onsend, onstop, onsettings }) {
    this.onsend = onsend;
    this.area = h("textarea", {
      class: "composer-text", rows: 1, placeholder: t("chat.placeholder"), "aria-label": t("chat.placeholder"),
      oninput: () => this.#changed(), onkeydown: (event) => this.#key(event), onpaste: (event) => this.#pasted(event),
    });
    this.pictures = h("div", { class: "pictures", hidden: true });
    this.file = h("input", { type: "file", accept: "image/*", multiple: true, hidden: true, onchange: () => this.#chosen() });
    this.attach = button("image", t("chat.attach"), () => this.file.click(), { hidden: true });
    this.settings = button("sliders", t("chat.settings"), onsettings, { "aria-haspopup": "dialog" });
    this.context = h("span", { class: "context", role: "status" });
    this.sendButton = button("send", t("chat.send"), () => this.#send(), { kind: "primary round" });
    this.stopButton = button("stop", t("chat.stop"), onstop, { kind: "primary round", hidden: true });
    this.element = h("form", { class: "composer", onsubmit: (event) => event.preventDefault() },
      this.pictures, this.area,
      h("div", { class: "composer-row" }, this.attach, this.settings, this.file, this.context, this.sendButton, this.stopButton));
    this.#changed();
  }

  focus() {
    this.area.focus();
  }

  set text(value) {
    this.area.value = value;
    this.#changed();
  }

  get text() {
    return this.area.value;
  }

  showRunning(isRunning) {
    const hadFocus = this.element.contains(document.activeElement);
    this.sendButton.hidden = isRunning;
    this.stopButton.hidden = !isRunning;
    if (hadFocus && document.activeElement === document.body) this.area.focus();
  }

  showModel(seesImages) {
    this.attach.hidden = !seesImages;
    this.seesImages = seesImages;
    if (!seesImages) this.#setImages([]);
  }

  // How much of the model's context the conversation takes, from the usage of its last answer.
  showContext(used, size) {
    this.context.textContent = used && size ? t("chat.context", { used: number(used), size: number(size) }) : "";
    this.context.classList.toggle("full", Boolean(size) && used / size > 0.85);
  }

  #changed() {
    const { area } = this;
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, MAX_HEIGHT_PX)}px`;
    this.sendButton.disabled = !area.value.trim() && !this.#images.length;
  }

  // While an input method composes (Chinese, Japanese), Enter chooses a word and must not send.
  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.#send();
  }

  #send() {
    if (this.sendButton.disabled || this.sendButton.hidden) return;
    const text = this.area.value.trim();
    const images = this.#images;
    this.text = "";
    this.#setImages([]);
    this.onsend(text, images);
  }

  // ── pictures ─────────────────────────────────────────────────────────────────────────────────────────────

  #pasted(event) {
    const files = [...event.clipboardData.files].filter((file) => file.type.startsWith("image/"));
    if (!files.length || !this.seesImages) return;
    event.preventDefault();
    this.#add(files);
  }

  #chosen() {
    this.#add([...this.file.files]);
    this.file.value = "";
  }

  async #add(files) {
    try {
      this.#setImages([...this.#images, ...(await Promise.all(files.map(asDataUrl)))]);
    } catch {
      notify(t("chat.no_image"), "bad");
    }
  }

  #setImages(images) {
    this.#images = images;
    this.pictures.hidden = !images.length;
    this.pictures.replaceChildren(...images.map((url) => h("span", { class: "picture-box" },
      h("img", { src: url, alt: t("chat.image_of_yours") }),
      button("close", t("chat.remove_image"), () => this.#setImages(images.filter((each) => each !== url))))));
    this.#changed();
  }
}

// No larger than a model looks at, so that conversations stay small.
async function asDataUrl(file) {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, MAX_IMAGE_SIDE_PX / Math.max(bitmap.width, bitmap.height));
  const canvas = h("canvas", { width: Math.round(bitmap.width * scale), height: Math.round(bitmap.height * scale) });
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL(file.type === "image/png" ? "image/png" : "image/jpeg", 0.9);
}
