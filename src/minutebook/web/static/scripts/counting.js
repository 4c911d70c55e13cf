// A page does not wait until very many events are counted: once it is there, more of them are.
import { $, $$, enhanceAll, onContent } from "./page.js";

const pieces = (from = document) => new Map($$("[data-counted]", from).map((piece) => [piece.dataset.counted, piece]));

// Whoever picks a range, or is about to follow a link, goes on with what is there.
const isInUse = (piece) => piece.contains(document.activeElement) || $("[data-picked]:not([hidden])", piece) !== null;

const ask = async (href) => {
  const left = new AbortController();
  const leave = () => left.abort();
  // Not pagehide: that is when the next page is there, and it would have been made beside this.
  addEventListener("beforeunload", leave);
  try {
    // Not through the cache, in which the same page, asked for meanwhile, would wait for this.
    const answer = await fetch(href, { cache: "no-store", signal: left.signal, headers: { Prefer: "wait=2" } });
    return answer.ok && !answer.redirected ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  } catch {
    return null;
  } finally {
    removeEventListener("beforeunload", leave);
  }
};

const count = async (href) => {
  const note = $("[data-counting]");
  const before = note.textContent;
  note.textContent = note.dataset.counting;
  const whole = await ask(href);
  if (!note.isConnected) return;
  note.textContent = before;
  const counted = whole ? pieces(whole) : new Map();
  if ([...pieces().values()].some(isInUse)) return;
  for (const [name, piece] of pieces()) {
    if (!counted.has(name)) continue;
    piece.replaceChildren(...counted.get(name).childNodes);
    enhanceAll(piece);
  }
};

// When all else is there and drawn: both would take longer beside the other.
const whenDrawn = (then) => {
  if (document.readyState === "complete") setTimeout(then);
  else addEventListener("load", () => setTimeout(then), { once: true });
};

export const setUpCounting = () => onContent((from) => {
  for (const found of $$("[data-counts]", from)) whenDrawn(() => count(found.dataset.counts));
});
