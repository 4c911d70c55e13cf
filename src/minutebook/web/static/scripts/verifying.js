// Verifies a log in the browser: the signature of its newest checkpoint by a key that a person has given, the tree of all
// of its tiles, and that it goes on from the head that this browser has seen last. In this browser's storage is nothing
// of the log but that key and that head.
import { $ } from "./page.js";
import { HASH, Tree, WIDTH, leafHash, rootOf, same, tilePath } from "./merkle.js";
import { Wrong, canVerify, fromBase64, keysAfter, parseCheckpoint, parseKey, parseNote, signerOf, toBase64 } from "./notes.js";

const AT_ONCE = 3;
const BUSY = [429, 503];
const number = (value) => value.toLocaleString("en");
const events = (value) => `${number(value)} ${value === 1 ? "event" : "events"}`;

// The log does not go on from the head that was seen last.
class Diverged extends Error {}
// Nothing was found out.
class Unanswered extends Error {}

const get = async (path, signal) => {
  for (;;) {
    const answer = await fetch(path, { signal });
    if (answer.ok) return answer;
    if (!BUSY.includes(answer.status)) throw Object.assign(new Unanswered(`The server answered with ${answer.status}.`), { status: answer.status });
    await new Promise((resolve) => setTimeout(resolve, 1000 * (Number(answer.headers.get("Retry-After")) || 1)));
    signal.throwIfAborted();
  }
};

// What is loaded for each number up to `count`, in order, some of it ahead.
async function* ahead(count, load) {
  const waiting = [];
  let next = 0;
  for (let i = 0; i < count; i++) {
    for (; next < count && waiting.length < AT_ONCE; next++) {
      const loading = load(next);
      loading.catch(() => {}); // told where it is waited for
      waiting.push(loading);
    }
    yield await waiting.shift();
  }
}

const split = (tile, count, what) => {
  if (tile.length !== count * HASH) throw new Wrong(`${what} has ${number(tile.length)} bytes, where ${number(count)} hashes are due.`);
  return Array.from({ length: count }, (_, i) => tile.subarray(i * HASH, (i + 1) * HASH));
};

// Each leaf stands behind its length in two bytes.
const checkLeaves = (tile, hashes, first) => {
  const view = new DataView(tile.buffer);
  let at = 0;
  hashes.forEach((hash, i) => {
    const length = at + 2 <= tile.length ? view.getUint16(at) : NaN, leaf = tile.subarray(at + 2, at + 2 + length);
    at += 2 + length;
    if (!same(leafHash(leaf), hash) || JSON.parse(new TextDecoder().decode(leaf)).seq !== first + i)
      throw new Wrong(`Event ${number(first + i)} is not the one whose hash is in the tree.`);
  });
  if (at !== tile.length) throw new Wrong(`Behind the entries from event ${number(first)} on is something else.`);
};

// Where the tiles do not fit one another, if they do not.
const whereWrong = async (log, roots, signal) => {
  for (let tile = 0; tile * WIDTH < roots.length; tile++) {
    const count = Math.min(WIDTH, roots.length - tile * WIDTH);
    const answer = await get(`${log}/tile/${tilePath(1, tile, roots.length)}`, signal);
    const above = split(new Uint8Array(await answer.arrayBuffer()), count, `Tile ${tile} of level 1`);
    const wrong = above.findIndex((hash, i) => !same(hash, roots[tile * WIDTH + i]));
    if (wrong >= 0) return (tile * WIDTH + wrong) * WIDTH;
  }
  return null;
};

const verify = async ({ log, pinned, head, leaves, signal, tell }) => {
  const note = parseNote(await (await get(`${log}/checkpoint`, signal)).text());
  const checkpoint = parseCheckpoint(note.text);
  if (checkpoint.origin !== pinned.name) throw new Wrong(`The checkpoint is of the log ${checkpoint.origin}, and the key is that of ${pinned.name}.`);
  const { statements } = await (await get(`${log}/keys`, signal)).json();
  const signer = await signerOf(note, await keysAfter(pinned, statements));
  if (!signer) throw new Wrong("Neither the key that you gave nor one that it leads to has signed the checkpoint.");
  if (signer.cutOff !== null) throw new Wrong(`The checkpoint is signed by a key that was revoked from ${signer.cutOff} on.`);
  const { size, root } = checkpoint;
  tell(0, size);
  if (head && size < head.size) throw Object.assign(new Diverged(`The log has ${events(size)} now, and this browser saw ${number(head.size)} signed.`), { size });

  // Whole tiles are leaves of the tree above; the last tile has a tree of its own until it is whole.
  const above = new Tree(), roots = [];
  let tile = new Tree(), unseen = 0;
  const grown = () => above.size * WIDTH + tile.size;
  const rootNow = () => rootOf([...above.peaks, ...tile.peaks]);
  const meet = () => {
    if (head && grown() === head.size && !same(rootNow(), fromBase64(head.root)))
      throw Object.assign(new Diverged(`The first ${events(head.size)} are not those that this browser saw signed.`), { size });
  };
  const read = async (path) => new Uint8Array(await (await get(`${log}/tile/${path}`, signal)).arrayBuffer());
  // A tile of entries is there no more when one of them was pruned.
  const load = (at) => Promise.all([
    read(tilePath(0, at, size)),
    leaves ? read(tilePath("entries", at, size)).catch((error) => { if (error.status !== 404) throw error; }) : undefined,
  ]);
  try {
    for await (const [hashed, entries] of ahead(Math.ceil(size / WIDTH), load)) {
      const first = grown(), hashes = split(hashed, Math.min(WIDTH, size - first), `The tile of event ${number(first)}`);
      if (entries) checkLeaves(entries, hashes, first);
      else if (leaves) unseen += hashes.length;
      for (const hash of hashes) {
        tile.append(hash);
        if (tile.size === WIDTH) {
          roots.push(rootOf(tile.peaks));
          above.append(roots.at(-1));
          tile = new Tree();
        }
        meet();
      }
      tell(grown(), size);
      await new Promise((resolve) => setTimeout(resolve)); // the page goes on meanwhile
      signal.throwIfAborted();
    }
    if (!same(rootNow(), root)) {
      const from = await whereWrong(log, roots, signal);
      throw new Wrong(from === null ? `The root of the ${events(size)} is not the one that was signed.`
        : `Among events ${number(from)} to ${number(from + WIDTH - 1)} is one that is not what was signed.`);
    }
  } catch (error) {
    throw Object.assign(error, { size });
  }
  return { size, root: toBase64(root), unseen };
};

const stored = (key) => {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
};

const setUp = async (form) => {
  const { log, record, storage } = form.dataset, kept = `integrity ${storage}`;
  const field = $("#vkey", form), error = $("[data-error]", form), pin = $("[data-pin]", form), running = $("[data-running]"), result = $("[data-result]");
  const begin = $("[data-begin]", form), bar = $("progress", running), far = $("[data-far]", running);

  const say = (text, mark, more = "", isRecorded = false) => {
    result.hidden = false;
    result.classList.toggle("notice--wrong", mark === "alert");
    $("use", result).setAttribute("href", `#i-${mark}`);
    $("strong", result).textContent = text;
    $("[data-more]", result).textContent = more;
    $("[data-recorded]", result).hidden = !isRecorded;
  };
  const showPin = () => {
    const pinned = stored(kept);
    pin.hidden = !pinned;
    if (!pinned) return;
    $("[data-head]", pin).textContent = events(pinned.size);
    field.value ||= pinned.vkey;
  };
  const isRecorded = async (size, verdict) => {
    try {
      const sent = await fetch(record, { method: "POST", body: new URLSearchParams({ size, verdict }), redirect: "manual" });
      return sent.type === "opaqueredirect";
    } catch {
      return false;
    }
  };

  if (!await canVerify()) {
    form.hidden = true;
    $("[data-unable]").hidden = false;
    return;
  }
  showPin();
  $("[data-forget]", pin).addEventListener("click", () => {
    localStorage.removeItem(kept);
    field.value = "";
    showPin();
    field.focus();
  });

  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    error.hidden = true;
    field.removeAttribute("aria-invalid");
    const vkey = field.value.trim();
    let pinned;
    try {
      pinned = parseKey(vkey);
    } catch (wrong) {
      $("span", error).textContent = wrong.message;
      error.hidden = false;
      field.setAttribute("aria-invalid", "true");
      field.focus();
      return;
    }
    const head = stored(kept), leaves = $("#leaves", form).checked, stop = new AbortController();
    let done = 0, all = 0;
    const tell = (now, size) => {
      [done, all] = [now, size];
      bar.value = size ? now / size : 0;
      far.textContent = `${number(now)} of ${events(size)}`;
    };
    running.hidden = false;
    result.hidden = begin.disabled = true;
    bar.removeAttribute("value");
    far.textContent = "";
    const button = $("[data-stop]", running);
    button.onclick = () => stop.abort();
    button.focus();
    try {
      const found = await verify({ log, pinned, head, leaves, signal: stop.signal, tell });
      const before = head ? `It goes on from the head over ${events(head.size)} that this browser saw last.` : "This browser had seen no head of it before, and holds the log against this one from now on.";
      const gone = found.unseen ? `, but for ${events(found.unseen)} among which some were pruned: of these only hashes are left` : "";
      const each = leaves ? ` Each entry is the one whose hash is in the tree${gone}.` : "";
      localStorage.setItem(kept, JSON.stringify({ vkey, size: found.size, root: found.root }));
      showPin();
      const told = await isRecorded(found.size, "valid");
      say(`Valid: the first ${events(found.size)} are those that the key has signed.`, "done", before + each, told);
    } catch (failure) {
      if (stop.signal.aborted) say(`Stopped after ${number(done)} of ${events(all)}.`, "due", "Nothing was found out, and nothing is recorded.");
      else if (failure instanceof Diverged) say(`Diverged: ${failure.message}`, "alert", `Keep the head that this browser has: ${events(head.size)}, root ${head.root}. Show it to whoever audits this log.`, await isRecorded(failure.size, "diverged"));
      else if (failure instanceof Wrong) say(`Invalid: ${failure.message}`, "alert", "Verify it without this server, and ask whoever runs it what happened.", failure.size > 0 && await isRecorded(failure.size, "invalid"));
      else say("It was not verified.", "alert", failure instanceof Unanswered ? failure.message : "The server could not be reached, or what it sent cannot be read.");
    }
    running.hidden = true;
    begin.disabled = false;
    begin.focus();
  });
};

export const setUpVerifying = () => {
  const form = $("[data-verify]");
  if (form) setUp(form);
};
