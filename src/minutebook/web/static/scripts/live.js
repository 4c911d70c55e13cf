// The live tail of a first page: counts what is recorded meanwhile, and adds it to the table only when it is asked to.
// The page itself says up to which event it was made. What waits is what arrived behind that one, and nothing else keeps
// count of it: whichever comes first, an event or a page that has it, none is counted twice or left out.
import { $ } from "./page.js";
import { busy } from "./busy.js";

const KEY = "live";
const TRY_AGAIN_MS = 5000;
const SAY_MS = 5000;

const button = () => $("[data-live]");

let on = false;
// connecting, live, cut, full or ended: each has its words in _log_live.html.
let state = "connecting";
let source = null;
let again;
// The numbers of the events that arrived, in their order.
let arrived = [];
let loading = false;
let drawn = false;
let said = 0;

const shownTo = () => Number(button().dataset.after);
const waiting = () => arrived.filter((seq) => seq > shownTo());
// Where to go on.
const last = () => Math.max(shownTo(), ...arrived.slice(-1));

const told = (number) => `${number.toLocaleString("en")} new ${number === 1 ? "event" : "events"}`;

const show = () => {
  drawn = false;
  const bar = $("[data-live-bar]");
  if (!bar) return;
  const ended = state === "ended";
  button().setAttribute("aria-pressed", String(on));
  button().dataset.liveIs = on ? state : "off";
  bar.hidden = !on && !ended;
  const fresh = $("[data-fresh]", bar);
  const number = waiting().length;
  fresh.hidden = !number || ended;
  if (loading) fresh.setAttribute("aria-disabled", "true");
  else fresh.removeAttribute("aria-disabled");
  $("[data-live-count]", bar).textContent = told(number);
  // One thing at a time, so that the bar keeps its height; the mark on the button tells of the connection besides.
  for (const part of bar.querySelectorAll("[data-live-says]")) part.hidden = part.dataset.liveSays !== state || !fresh.hidden;
  $("[data-live-again]", bar).setAttribute("href", location.href);
};

// A burst is drawn once a frame, and read out once in a while.
const announce = () => {
  if (!drawn) requestAnimationFrame(show);
  drawn = true;
  if (said) return;
  said = setTimeout(() => {
    said = 0;
    const status = $("[data-live-status]");
    const number = waiting().length;
    if (status && on && number) status.textContent = told(number);
  }, SAY_MS);
};

const become = (now) => { state = now; show(); };

const close = () => {
  clearTimeout(again);
  source?.close();
  source = null;
};

const end = () => { close(); on = false; become("ended"); };

const address = () => {
  const url = new URL(button().dataset.href, location.href);
  url.searchParams.set("after", last());
  return url;
};

// A browser gives up where it is answered with an error, and does not tell which.
const refused = async () => {
  close();
  let now = "cut";
  try {
    const stop = new AbortController();
    const answer = await fetch(address(), { headers: { Accept: "application/problem+json" }, signal: stop.signal });
    if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) { end(); return; }
    if (!answer.ok && (await answer.json()).code?.startsWith("too_many_tails")) now = "full";
    stop.abort();
  } catch {
    // No answer at all, or none that can be read: the connection is lost.
  }
  if (!on) return;
  become(now);
  again = setTimeout(open, TRY_AGAIN_MS);
};

const open = () => {
  close();
  const opened = (source = new EventSource(address()));
  opened.onopen = () => become("live");
  opened.onmessage = (e) => {
    const seq = Number(e.lastEventId);
    if (seq <= last()) return;
    arrived.push(seq);
    announce();
  };
  opened.addEventListener("ended", end);
  opened.onerror = () => {
    if (source !== opened) return;
    if (opened.readyState === EventSource.CLOSED) refused();
    else become("cut");
  };
};

const start = () => {
  on = true;
  arrived = [];
  become("connecting");
  open();
};

// What stops all that the page loads is no lost connection.
export const apart = (stop) => {
  close();
  stop();
  if (on) open();
};

const toggle = () => {
  sessionStorage.setItem(KEY, on ? "off" : "on");
  if (!on) { start(); return; }
  close();
  on = false;
  become("connecting");
};

const load = () => {
  if (!waiting().length || loading) return;
  loading = true;
  busy(true);
  show();
  // What goes wrong is shown by answers.js, or as a lost connection.
  htmx.ajax("GET", location.pathname + location.search, { target: "#found", swap: "outerHTML", select: "#found", source: "#found" })
    .catch(() => {})
    .finally(() => { loading = false; busy(false); show(); });
};

// The server made the page anew.
const loaded = () => {
  const before = arrived.length;
  arrived = waiting();
  loading = false;
  show();
  $("[data-live-status]").textContent = `${told(before - arrived.length)} added`;
  if (document.activeElement === document.body) $(".ev__open")?.focus({ preventScroll: true });
  $("[data-live-bar]").scrollIntoView({ block: "nearest" });
};

export const setUpLive = () => {
  document.addEventListener("click", (e) => {
    if (e.target.closest?.("[data-live]")) toggle();
    if (e.target.closest?.("[data-live-bar] [data-fresh]")) load();
  });
  if (!button()) return;
  document.addEventListener("htmx:afterSwap", (e) => { if (e.target.id === "found") loaded(); });
  // Nobody reads a page that is not seen, and a browser has only a few connections to one host.
  document.addEventListener("visibilitychange", () => {
    if (!on) return;
    close();
    if (!document.hidden) { become("connecting"); open(); }
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (e) => { if (e.persisted && on) open(); });
  if (sessionStorage.getItem(KEY) === "on") start();
};
