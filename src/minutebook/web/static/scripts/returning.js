// Whoever changes a filter goes on from there: the page that comes gives the focus to the control that was used.
// Only the name of the control is kept, nothing of what was searched for.
import { $, $$ } from "./page.js";

const KEY = "filter";

const note = (element) => sessionStorage.setItem(KEY, $("[data-menu]", element.closest(".chip") ?? element)?.dataset.menu ?? "query");

export const forget = () => sessionStorage.removeItem(KEY);

export const setUpReturning = () => {
  const forms = $$("form.search, form.filters");
  if (!forms.length) return;
  const used = sessionStorage.getItem(KEY);
  forget();
  const menu = $$("form.filters [data-menu]").find((each) => each.dataset.menu === used);
  // A field that is wrong comes first.
  const wrong = forms.some((form) => $("[autofocus]", form));
  if (used && !wrong) (menu ? $("summary", menu) : $("[data-search]")).focus({ preventScroll: true });
  for (const form of forms) {
    // Enter in a field counts as a press of the first button, so the focus tells more than the submitter.
    form.addEventListener("submit", () => note(form.contains(document.activeElement) ? document.activeElement : form));
    form.addEventListener("click", (e) => { const link = e.target.closest("a[href]"); if (link) note(link); });
  }
};
