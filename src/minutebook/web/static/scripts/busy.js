// The bar that says a page is on its way; what is on screen stays until it arrives. A form that is on its way is not
// sent again: the second answer would say that there is nothing to change.
import { $, $$ } from "./page.js";

export const busy = (on) => $("#busy")?.classList.toggle("is-on", on);

const rest = (form) => {
  for (const button of $$("button:enabled", form)) {
    button.disabled = true;
    button.dataset.sent = "";
  }
};

// Back shows the page as it was left, and Stop stays on it.
const wake = () => {
  for (const button of $$("[data-sent]")) {
    button.disabled = false;
    delete button.dataset.sent;
  }
};

const leaves = (link) => link.href && !link.target && !link.hasAttribute("download") && link.origin === location.origin
  && (link.pathname !== location.pathname || link.search !== location.search);

export const setUpBusy = () => {
  document.addEventListener("click", (e) => {
    const link = e.target.closest?.("a[href]");
    if (link && !e.defaultPrevented && e.button === 0 && !(e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) && leaves(link)) busy(true);
  });
  document.addEventListener("submit", (e) => {
    // A file leaves the page where it is.
    if (e.defaultPrevented || e.target.method === "dialog" || e.target.hasAttribute("data-download")) return;
    busy(true);
    // Later: a button that is disabled now would not send its own name and value.
    if (e.target.method === "post") setTimeout(() => rest(e.target));
  });
  document.addEventListener("keydown", (e) => { if (e.key === "Escape") { busy(false); wake(); } });
  addEventListener("pageshow", () => { busy(false); wake(); });
};
