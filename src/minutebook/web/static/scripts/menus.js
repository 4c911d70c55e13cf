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

// A popover may not leave the page: one that would, hangs from the other end.
const keepInside = (menu) => {
  const body = $(".pop", menu);
  const other = menu.closest(".filters") ? "pop--kept" : "pop--end";
  if (!body || body.classList.contains("pop--end")) return;
  body.classList.remove(other);
  const page = menu.closest(".page") ?? document.documentElement;
  if (body.getBoundingClientRect().right > page.getBoundingClientRect().left + page.clientWidth) body.classList.add(other);
};

const shown = (element) => element.getClientRects().length > 0;

// Typing goes on in the search of a menu that was opened by its button; on a touch screen the keyboard would cover the list.
const enterSearch = (menu) => {
  if (menu.contains(document.activeElement) && !matchMedia("(pointer: coarse)").matches) $(".pop__search input", menu)?.focus();
};

const step = (e) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[e.key];
  const menu = by && e.target.closest?.("details[name=menu][open]");
  if (!menu || e.target.matches("input[type=text]:not([data-find]), input[type=radio]")) return;
  const stops = $$("summary, .pop__search input, .pop__list :is(a, button:enabled, input), .pop--saved .pop__foot a", menu).filter(shown);
  const next = stops[stops.indexOf(e.target) + by];
  if (!next) return;
  e.preventDefault();
  next.focus();
};

export const setUpMenus = () => {
  document.addEventListener("click", (e) => {
    for (const menu of openMenus()) if (!menu.contains(e.target)) menu.open = false;
  });
  document.addEventListener("toggle", (e) => {
    if (!e.target.matches("details[name=menu]") || !e.target.open) return;
    keepInside(e.target);
    enterSearch(e.target);
  }, true);
  for (const menu of openMenus()) keepInside(menu);
  document.addEventListener("keydown", step);
};
