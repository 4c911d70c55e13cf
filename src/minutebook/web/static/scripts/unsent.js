// What was typed into the search box and not sent yet goes along when another filter or the other zone is chosen: it is
// searched for, too, or, unfinished, comes back pointed at. Nothing of it is kept in the browser.
import { $ } from "./page.js";

const CHOICES = "form.filters, .band, [data-zone-switch]";
const PAGES = ["older", "newer"];

// What the next address has to ask for besides; null where nothing was typed, or where what is searched for was reworded,
// which no other filter can be added to.
const unsent = (box) => {
  const [before, now] = [box.defaultValue, box.value];
  if (before === now) return null;
  if (box.getAttribute("aria-invalid") === "true") return now;
  if (/(^|\s)OR(\s|$)/.test(now)) return null;
  if (!before || now.startsWith(`${before} `)) return now.slice(before.length).trim() || null;
  return now.endsWith(` ${before}`) ? now.slice(0, -before.length).trim() || null : null;
};

export const setUpUnsent = () => {
  const box = $("[data-search]");
  if (!box) return;
  const zone = () => box.form.elements.form_zone.value;
  document.addEventListener("click", (e) => {
    const link = e.target.closest?.("a[href]:not([data-bar])");
    if (!link?.closest(CHOICES) || link.dataset.copied || unsent(box) === null) return;
    const to = new URL(link.href);
    PAGES.forEach((key) => to.searchParams.delete(key)); // another search has others
    to.searchParams.set("query", unsent(box));
    to.searchParams.set("form_zone", zone());
    const before = link.getAttribute("href");
    link.href = to;
    // Whoever stays here may type something else.
    setTimeout(() => link.setAttribute("href", before));
  }, true);
  $("form.filters")?.addEventListener("formdata", (e) => {
    if (unsent(box) !== null) e.formData.set("query", unsent(box));
  });
};
