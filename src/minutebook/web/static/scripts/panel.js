// The panel beside the table. A click on a row fetches its event; the address follows, and Back leads back.
import { $, $$, onContent } from "./page.js";

const panel = () => $("#panel");
const isOpen = () => panel() !== null && !panel().hidden;
const rows = () => $$(".ev[id]");
const current = () => rows().findIndex((row) => row.hasAttribute("aria-current"));
const opens = (row) => $(".ev__open", row);

// What the panel was asked to show: the address follows only when it is there.
let wanted = null;

const mark = (row) => {
  for (const other of rows()) other.removeAttribute("aria-current");
  row?.setAttribute("aria-current", "true");
};

const load = (href, how, focus = false) => {
  wanted = { href, how, focus };
  // What goes wrong arrives as an event: see unreachable() and answers.js.
  htmx.ajax("GET", href, { target: "#panel", swap: "outerHTML", source: "#panel" }).catch(() => {});
};

const showRow = () => {
  const row = isOpen() ? $(`#e${panel().dataset.seq}`) : null;
  mark(row);
  row?.scrollIntoView({ block: "nearest" });
};

// An address that differs only in the event it shows is a place on this same page.
const withoutEvent = (url) => { const plain = new URL(url, location.href); plain.searchParams.delete("event"); plain.hash = ""; return plain.href; };
const here = withoutEvent(location.href);

const close = (how) => {
  if (!isOpen()) return;
  const href = $("[data-close-panel]", panel()).getAttribute("href");
  panel().hidden = true;
  wanted = null;
  if (how === "push" && new URL(href, location.href).href !== location.href) history.pushState(null, "", href);
  const row = rows()[current()];
  if (row) opens(row).focus({ preventScroll: true });
};

const arrived = () => {
  showRow();
  if (!wanted) return;
  const { href, how, focus } = wanted;
  wanted = null;
  if (how === "push") history.pushState(null, "", href);
  if (how === "replace") history.replaceState(null, "", href);
  if (focus) panel().focus({ preventScroll: true });
};

const tabs = (from) => {
  const list = $$("[role=tab]", from);
  const show = (tab) => {
    for (const other of list) {
      const on = other === tab;
      other.setAttribute("aria-selected", String(on));
      other.tabIndex = on ? 0 : -1;
      $(`#${other.getAttribute("aria-controls")}`).hidden = !on;
    }
  };
  for (const tab of list) {
    tab.addEventListener("click", () => show(tab));
    tab.addEventListener("keydown", (e) => {
      if (!/^Arrow(Left|Right)$/.test(e.key)) return;
      const other = list[(list.indexOf(tab) + 1) % list.length];
      show(other);
      other.focus();
    });
  }
};

// ── What the keys do ──
let soon;

export const walk = (by) => {
  const all = rows();
  if (!all.length) return;
  const row = all[Math.max(0, Math.min(all.length - 1, current() + by))];
  mark(row);
  row.scrollIntoView({ block: "nearest" });
  opens(row).focus({ preventScroll: true });
  clearTimeout(soon);
  // Holding the key down runs past events without asking for each.
  if (isOpen()) soon = setTimeout(() => load(opens(row).getAttribute("href"), "replace"), 120);
};

export const closePanel = () => { const was = isOpen(); close("push"); return was; };
export const copyPanelLink = () => { if (isOpen()) $("[data-copied][href]", panel()).click(); };

const onClick = (e) => {
  if (e.defaultPrevented || e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
  const link = e.target.closest?.("[data-event-link]");
  if (link) { e.preventDefault(); mark(link.closest(".ev") ?? rows()[current()]); load(link.getAttribute("href"), isOpen() ? "replace" : "push", true); }
  if (e.target.closest?.("[data-close-panel]")) { e.preventDefault(); close("push"); }
};

// Back and forward between events of one search stay on the page; everything else is the server's.
const onPop = () => {
  if (withoutEvent(location.href) !== here) { location.reload(); return; }
  if (new URL(location.href).searchParams.has("event")) load(location.pathname + location.search, "stay");
  else { close("stay"); mark(null); }
};

const unreachable = (e) => {
  if (!wanted || e.detail.target?.id !== "panel") return;
  const { href, how, focus } = wanted;
  const note = $("#unreachable").content.cloneNode(true);
  $("[data-retry]", note).setAttribute("href", href);
  $("[data-close-panel]", note).setAttribute("href", withoutEvent(location.href));
  $("[data-retry]", note).addEventListener("click", (e) => { e.preventDefault(); e.stopPropagation(); load(href, how, focus); });
  panel().replaceChildren(note);
  panel().hidden = false;
};

export const setUpPanel = () => {
  if (!panel()) return;
  document.addEventListener("click", onClick);
  document.addEventListener("htmx:afterSwap", (e) => { if (e.target.id === "panel") arrived(); });
  for (const name of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(name, unreachable);
  addEventListener("popstate", onPop);
  onContent(tabs);
  showRow();
  // Whoever follows a link to an event comes for the event.
  if (isOpen()) panel().focus({ preventScroll: true });
};
