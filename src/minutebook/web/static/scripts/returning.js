// Whoever changes a filter goes on from there: the page that comes gives the focus to the control that was used.
// Only the name of the control is kept, nothing of what was searched for.
import { $, $$ } from "./page.js";

const KEY = "filter";

const note = (element) => sessionStorage.setItem(KEY, $("[data-menu]", element.closest(".chip") ?? element)?.dataset.menu ?? "text");

export const setUpReturning = () => {
  const form = $(".search");
  if (!form) return;
  const used = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  const menu = $$("[data-menu]", form).find((each) => each.dataset.menu === used);
  // A field that is wrong comes first.
  if (used && !$("[autofocus]", form)) (menu ? $("summary", menu) : $("[data-search]", form)).focus({ preventScroll: true });
  // Enter in the search box counts as a press of the first button, so the focus tells more than the submitter.
  form.addEventListener("submit", () => note(form.contains(document.activeElement) ? document.activeElement : form.elements.text));
  form.addEventListener("click", (e) => { const link = e.target.closest("a[href]"); if (link) note(link); });
};
