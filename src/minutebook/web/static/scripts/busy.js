// The bar that says a page is on its way; what is on screen stays until it arrives.
import { $ } from "./page.js";

const show = (on) => $("#busy")?.classList.toggle("is-on", on);

const leaves = (link) => link.href && !link.target && !link.hasAttribute("download") && link.origin === location.origin
  && (link.pathname !== location.pathname || link.search !== location.search);

export const setUpBusy = () => {
  document.addEventListener("click", (e) => {
    const link = e.target.closest?.("a[href]");
    if (link && !e.defaultPrevented && e.button === 0 && !(e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) && leaves(link)) show(true);
  });
  document.addEventListener("submit", (e) => { if (!e.defaultPrevented && e.target.method !== "dialog") show(true); });
  document.addEventListener("keydown", (e) => { if (e.key === "Escape") show(false); });
  addEventListener("pageshow", () => show(false));
};
