// A chosen file is read into a text field, which is what is sent: without script the same text is pasted there.
import { $ } from "./page.js";

export const setUpReading = () =>
  document.addEventListener("change", async (e) => {
    const [chosen, file] = [e.target, e.target.files?.[0]];
    if (!chosen.dataset?.readsInto || !file) return;
    const wrong = $("[data-file-wrong]", chosen.parentElement);
    const most = Number(chosen.dataset.most);
    const text = file.size > 4 * most ? "" : await file.text();
    wrong.hidden = file.size <= 4 * most && text.length <= most;
    if (!wrong.hidden) {
      wrong.textContent = `${file.name} is too large: at most ${most.toLocaleString("en")} characters are read at once.`;
      return;
    }
    const field = $(chosen.dataset.readsInto);
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });
