// Copy a link or the JSON of an event.
import { $ } from "./page.js";
import { say } from "./toast.js";

// Browsers hide the clipboard from pages that were not served over https; the older way still works there.
const copy = async (text) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "vh";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("the browser did not copy");
};

const textOf = (button) => button.dataset.copyText ? $(button.dataset.copyText).textContent : new URL(button.getAttribute("href"), location.href).href;

export const setUpCopying = () =>
  document.addEventListener("click", async (e) => {
    const button = e.target.closest?.("[data-copied]");
    if (!button) return;
    e.preventDefault();
    const back = document.activeElement;
    try {
      await copy(textOf(button));
      say(button.dataset.copied);
    } catch {
      // Nothing was copied: show what there is to copy instead, ready to be taken by hand.
      if (button.dataset.copyText) getSelection().selectAllChildren($(button.dataset.copyText));
      else location.assign(button.getAttribute("href"));
    }
    back?.focus();
  });
