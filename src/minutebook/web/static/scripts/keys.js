// Single keys. They never fire in a field, and can be turned off (WCAG 2.1.4).
import { $, $$, setCookie } from "./page.js";
import { openDialog } from "./dialogs.js";
import { closeMenu, openMenu } from "./menus.js";
import { closePanel, copyPanelLink, walk } from "./panel.js";
import { stopSearch } from "./searching.js";

const root = document.documentElement;

const KEYS = {
  "/": () => $("[data-search]")?.focus(),
  "?": () => openDialog("keys"),
  j: () => walk(1),
  k: () => walk(-1),
  a: () => openMenu("actions"),
  e: () => openMenu("actor"),
  d: () => openMenu("dates"),
  s: () => openMenu("saved"),
  u: () => $("[data-zone-switch] a:not([aria-current])")?.click(),
  n: () => $("[data-fresh]")?.click(),
  "[": () => $(".log + .pager [rel=prev]")?.click(),
  "]": () => $(".log + .pager [rel=next]")?.click(),
  c: () => copyPanelLink(),
};

const isField = (element) => element.closest("input:not([type=checkbox], [type=radio]), textarea, select, dialog") !== null;

const onKey = (e) => {
  if (e.key === "Escape") {
    // A search field would be emptied by it.
    if (e.target.matches?.("input[type=search]") && !e.target.closest("dialog")) e.preventDefault();
    if ($("dialog[open]") || closeMenu()) return;
    const sheet = $(".nav:target .nav__close"); // shown where the navigation covers the page
    if (sheet?.checkVisibility()) { sheet.click(); return; }
    if (stopSearch()) return;
    if (e.target.matches?.("[data-search]")) e.target.blur(); // so that single keys are keys again
    closePanel();
    return;
  }
  if (root.dataset.keys === "off" || e.ctrlKey || e.metaKey || e.altKey || isField(e.target) || !Object.hasOwn(KEYS, e.key)) return;
  e.preventDefault();
  KEYS[e.key]();
};

export const setUpKeys = () => {
  document.addEventListener("keydown", onKey);
  for (const box of $$("[data-keys-toggle]"))
    box.addEventListener("change", () => {
      root.dataset.keys = box.checked ? "on" : "off";
      setCookie("keys", root.dataset.keys);
    });
};
