// A page does not wait until very many events are counted: once it is there, more of them are.
import { $, $$, enhanceAll, onContent } from "./page.js";

const pieces = (from = document) => new Map($$("[data-counted]", from).map((piece) => [piece.dataset.counted, piece]));

// Whoever picks a range, or is about to follow a link, has what is there until they are done.
const isInUse = (piece) => piece.contains(document.activeElement) || $("[data-picked]:not([hidden])", piece) !== null;

// What is counted; null when it is to be asked for again, because somebody else was counted for or a link was followed
// that left the page where it is.
const ask = async (href) => {
  const left = new AbortController();
  const leave = () => left.abort();
  // Not pagehide: that is when the next page is there, and it would have been made beside this.
  addEventListener("beforeunload", leave);
  try {
    // Not through the cache, in which the same page, asked for meanwhile, would wait for this.
    const answer = await fetch(href, { cache: "no-store", signal: left.signal, headers: { Prefer: "wait=2" } });
    if (answer.status === 429) return null;
    return new DOMParser().parseFromString(answer.ok && !answer.redirected ? await answer.text() : "", "text/html");
  } catch {
    return null;
  } finally {
    removeEventListener("beforeunload", leave);
  }
};

const pause = (milliseconds) => new Promise((then) => { setTimeout(then, milliseconds); });

const askAgain = async (href) => {
  for (const seconds of [0, 1, 3]) {
    await pause(1000 * seconds);
    const whole = await ask(href);
    if (whole) return whole;
  }
  return null;
};

const count = async (href) => {
  const note = $("[data-counting]");
  const before = note.textContent;
  note.textContent = note.dataset.counting;
  const whole = await askAgain(href);
  const counted = pieces(whole ?? new Document());
  while (counted.size && note.isConnected && [...pieces().values()].some(isInUse)) await pause(300);
  if (!note.isConnected) return;
  note.textContent = before;
  for (const [name, piece] of pieces()) {
    if (!counted.has(name)) continue;
    piece.replaceChildren(...counted.get(name).childNodes);
    // It is not counted once more, whatever the answer says.
    for (const found of $$("[data-counts]", piece)) delete found.dataset.counts;
    enhanceAll(piece);
  }
};

// When all else is there and drawn: both would take longer beside the other.
const whenDrawn = (then) => {
  if (document.readyState === "complete") then();
  else addEventListener("load", then, { once: true });
};

export const setUpCounting = () => onContent((from) => {
  for (const found of $$("[data-counts]", from)) whenDrawn(() => count(found.dataset.counts));
});
