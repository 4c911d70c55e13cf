// One line that says what was just done, and goes away. Never for errors.
import { $ } from "./page.js";

let fade;

export const say = (text) => {
  const toast = $("[data-toast]");
  toast.textContent = text;
  clearTimeout(fade);
  fade = setTimeout(() => { toast.textContent = ""; }, 4000);
};

export const setUpToast = () => {
  const toast = $("[data-toast]");
  const text = toast.textContent.trim();
  toast.textContent = "";
  // A status is announced when its text changes, not when it was there from the start.
  if (text) requestAnimationFrame(() => say(text));
};
