// A search that takes long: the rows become still bones, and Stop keeps the page as it was. Whatever leads to another list
// is a page of its own, and the browser says when one is on its way, be it by a link, a form or Back (Navigation API). One
// that does not say so shows the bar alone, and has a Stop of its own.
import { $, onContent } from "./page.js";
import { busy } from "./busy.js";
import { apart } from "./live.js";
import { closeMenu } from "./menus.js";
import { forget } from "./returning.js";

const LONG_MS = 150;

// The page that is on its way, and by which of the browser's events; null when none is.
let asked = null;
let shown = false;
let soon;
let focused = null;

const line = () => $("[data-searching]");
const stopper = () => $("[data-stop]", line());
const say = (text) => { $("[role=status]", line()).textContent = text; };

const draw = () => {
  const list = line().nextElementSibling;
  if (shown) list.setAttribute("aria-busy", "true");
  else list.removeAttribute("aria-busy");
  stopper().hidden = !shown;
  say(shown ? "Searching" : "");
};

const show = () => {
  closeMenu(); // on a small screen it would cover all of it
  focused = document.activeElement;
  shown = true;
  draw();
};

const end = () => {
  clearTimeout(soon);
  asked = null;
  if (!shown) return;
  const left = [document.body, stopper()].includes(document.activeElement);
  shown = false;
  draw();
  // What is hidden loses the focus.
  if (left) focused.focus({ preventScroll: true });
};

// What was sent by the controls is in the address that was asked for. What was typed stays: who stops wants to narrow it.
const isSent = (url) => url.searchParams.has("form_zone");

const stopped = () => {
  const { url } = asked;
  end();
  busy(false);
  forget();
  if (isSent(url)) $("form.filters").reset();
  say("Search stopped");
};

// Says whether there was a search to stop.
export const stopSearch = () => {
  if (!asked) return false;
  apart(() => {
    // What leads back is not stopped by stop(), only by a page in its place.
    if (asked.leadsBack) location.reload();
    window.stop();
  });
  stopped();
  return true;
};

const isList = (url) => url.origin === location.origin && url.pathname === new URL($("form.search").action).pathname;

const onNavigate = (e) => {
  // The browser forgets the one for the other, but both go on.
  if (e.destination.sameDocument) { if (asked) asked.by = e; return; }
  if (e.downloadRequest) return;
  const url = new URL(e.destination.url);
  if (!isList(url)) { end(); return; }
  busy(true);
  clearTimeout(soon);
  asked = { url, by: e, leadsBack: e.navigationType === "traverse" };
  // In a while: what takes its place comes first.
  e.signal.addEventListener("abort", () => setTimeout(() => { if (asked?.by === e) stopped(); }));
  if (!shown) soon = setTimeout(show, LONG_MS);
};

export const setUpSearching = () => {
  if (!line() || !window.navigation) return;
  navigation.addEventListener("navigate", onNavigate);
  document.addEventListener("click", (e) => { if (e.target.closest?.("[data-stop]")) stopSearch(); });
  // Back may show the page as it was left.
  addEventListener("pageshow", (e) => { if (e.persisted) end(); });
  // The live tail puts another list in its place.
  onContent(() => { if (shown) draw(); });
};
