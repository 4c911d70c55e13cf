// <details name="menu"> opens and closes by itself. Script adds Esc, a click elsewhere, and the arrow keys.
import { $, $$ } from "./page.js";

export const openMenus = () => $$("details[name=menu][open]");

export const openMenu = (which) => {
  const menu = $(`[data-menu=${which}]`);
  if (!menu) return;
  menu.open = true;
  ($("input:not([type=hidden])", menu) ?? $("summary", menu)).focus();
};

// Closes the innermost open menu; says whether there was one.
export const closeMenu = () => {
  const menu = openMenus().at(-1);
  if (!menu) return false;
  menu.open = false;
  $("summary", menu).focus();
  return true;
};

const shown = (element) => element.getClientRects().length > 0;

const step = (e) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[e.key];
  const menu = by && e.target.closest?.("details[name=menu][open]");
  if (!menu || e.target.matches("input[type=text]:not([data-find])")) return;
  const stops = $$("summary, .pop__search input, .pop__list :is(a, button:enabled, input)", menu).filter(shown);
  const next = stops[stops.indexOf(e.target) + by];
  if (!next) return;
  e.preventDefault();
  next.focus();
};

export const setUpMenus = () => {
  document.addEventListener("click", (e) => {
    for (const menu of openMenus()) if (!menu.contains(e.target)) menu.open = false;
  });
  document.addEventListener("keydown", step);
};
