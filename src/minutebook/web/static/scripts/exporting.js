// An export that says how far it is. Its link by itself is a plain download; here the same answer is read, its events are
// counted as they come, and a file is made of it only when its trailer is there and says the same. A text that was cut
// off goes on behind its last whole record; Parquet starts over.
import { $, onContent } from "./page.js";
import { Sha256 } from "./sha256.js";
import { say } from "./toast.js";

const QUOTE = 34, LINE_FEED = 10;
const TAIL = 16_384, AT_ONCE = 4_194_304;
const number = (n) => n.toLocaleString("en-US");
const events = (n) => `${number(n)} event${n === 1 ? "" : "s"}`;
const size = (bytes) => bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;

const joined = (one, other) => {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
};

class CutOff extends Error {}
class Refused extends Error {}
class Altered extends Error {}

// The bytes of a file, in Blobs, which the browser keeps on its disk when there are many.
class Kept {
  #blobs = [];
  #parts = [];
  #size = 0;

  add(bytes) {
    this.#parts.push(bytes);
    this.#size += bytes.length;
    if (this.#size < AT_ONCE) return;
    this.#blobs.push(new Blob(this.#parts));
    this.#parts = [];
    this.#size = 0;
  }

  blob(type) { return new Blob([...this.#blobs, ...this.#parts], { type }); }
}

// A text: records that end with a line feed, in CSV only with one outside quotes. The last one of an answer is its trailer,
// so that the newest is held back. What several answers brought becomes one file, with a trailer of its own.
class Text {
  #csv;
  #kept = new Kept();
  #whole = new Sha256();
  #part = null;
  #held = null;
  #rest = new Uint8Array();
  #quoted = false;
  #headed = false;
  #skip = 0;
  #before = 0;
  #last = null;
  events = 0;
  bytes = 0;

  constructor(format) { this.#csv = format === "csv"; }

  // The number behind the last event that is whole; null without one.
  get next() {
    if (!this.#last) return null;
    const text = new TextDecoder().decode(this.#last);
    if (this.#csv) return parseInt(text, 10) + 1;
    const event = JSON.parse(text);
    return (event.metadata?.sequence ?? event.seq) + 1;
  }

  add(chunk) {
    const data = joined(this.#rest, chunk);
    let start = 0;
    for (let at = this.#rest.length; at < data.length; at++) {
      if (this.#csv && data[at] === QUOTE) this.#quoted = !this.#quoted;
      else if (data[at] === LINE_FEED && !this.#quoted) {
        if (this.#held) this.#keep(this.#held);
        this.#held = data.subarray(start, at + 1);
        start = at + 1;
      }
    }
    this.#rest = data.slice(start);
    this.bytes += chunk.length;
  }

  // The answer ended early: what is whole stays.
  cut() {
    if (this.#held && !this.#said()) this.#keep(this.#held);
    this.#held = null;
    this.#rest = new Uint8Array();
    this.#quoted = false;
    if (this.#last) this.#part = new Sha256();
    this.#skip = this.#headed ? 1 : 0;
    this.#before = this.events;
  }

  // The file, when it is there to its end.
  end(type) {
    const said = this.#said();
    if (!said || this.#rest.length) throw new CutOff("The file arrived without its end");
    if (said.count !== this.events - this.#before || said.sha256 !== (this.#part ?? this.#whole).hex()) throw new Altered();
    if (this.#part) this.#kept.add(this.#trailer());
    else this.#kept.add(this.#held);
    return this.#kept.blob(type);
  }

  #keep(record) {
    this.#part?.update(record);
    if (this.#skip) { this.#skip = 0; return; }
    this.#whole.update(record);
    this.#kept.add(record);
    if (this.#csv && !this.#headed) { this.#headed = true; return; }
    this.events += 1;
    this.#last = record;
  }

  #said() {
    const line = this.#held ? new TextDecoder().decode(this.#held).trimEnd() : "";
    const json = this.#csv ? /^,+"(\{.*\})"$/.exec(line)?.[1].replaceAll('""', '"') : line;
    if (!json) return null;
    const said = JSON.parse(json);
    return (this.#csv ? said : said.trailer) ?? null;
  }

  // The last answer's trailer, about all that is kept. The rest of it stays as the server wrote it.
  #trailer() {
    const q = this.#csv ? '""' : '"';
    const last = new RegExp(`${q}first${q}:\\d+,${q}count${q}:\\d+,${q}sha256${q}:${q}[0-9a-f]{64}${q}(?=\\}+"?\\s*$)`);
    const whole = `${q}first${q}:0,${q}count${q}:${this.events},${q}sha256${q}:${q}${this.#whole.hex()}${q}`;
    return new TextEncoder().encode(new TextDecoder().decode(this.#held).replace(last, whole));
  }
}

// Parquet keeps its index at its end, and its trailer in that.
class Parquet {
  #kept = new Kept();
  #tail = new Uint8Array();
  next = null;
  events = null;
  bytes = 0;

  add(chunk) {
    this.#kept.add(chunk);
    this.#tail = joined(this.#tail, chunk).slice(-TAIL);
    this.bytes += chunk.length;
  }

  cut() {}

  end(type) {
    const tail = new TextDecoder().decode(this.#tail);
    this.events = tail.endsWith("PAR1") ? Number(/"count":(\d+)/.exec(tail)?.[1] ?? NaN) : NaN;
    if (Number.isNaN(this.events)) throw new CutOff("The file arrived without its end");
    return this.#kept.blob(type);
  }
}

const refused = async (answer) => {
  const said = await answer.json().catch(() => null);
  return new Refused(said?.detail ?? "The server did not give the file.");
};

// Reads what is missing of a file.
const receive = async (link, made, signal, reached, tell) => {
  const address = new URL(link.href);
  if (made.content.next !== null) address.searchParams.set("first", made.content.next);
  const answer = await fetch(address, { signal, headers: { Accept: "application/json" } });
  if (!answer.ok) throw await refused(answer);
  reached();
  made.name ??= /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? "audit-log";
  const reader = answer.body.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    made.content.add(read.value);
    tell(made.content.events, made.content.bytes);
  }
  return made.content.end(answer.headers.get("Content-Type"));
};

const save = (blob, name) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // Not at once: the browser may still be opening it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
};

const begun = (format) => ({ content: format === "parquet" ? new Parquet() : new Text(format), name: null });

const run = async (dialog, link, found, made = begun(link.dataset.export), isRecorded = false) => {
  const bar = $("progress", dialog), far = $("[data-far]", dialog);
  const recorded = $("[data-recorded]", dialog), end = $("[data-end]", dialog), again = $("[data-again]", dialog), leave = $("[data-leave]", dialog);
  const stop = new AbortController();
  dialog.addEventListener("close", () => stop.abort(), { once: true });
  $("[data-format]", dialog).textContent = $("span", link).textContent;
  bar.hidden = far.hidden = false;
  recorded.hidden = !isRecorded;
  bar.removeAttribute("value");
  end.textContent = "";
  again.hidden = true;
  leave.textContent = "Cancel";
  leave.focus();
  const tell = (records, bytes) => {
    const sofar = records === null ? null : found ? Math.min(records, found) : records;
    far.textContent = [sofar === null ? "" : found ? `${number(sofar)} of ${events(found)}` : events(sofar), size(bytes)].filter(Boolean).join(", ");
    if (sofar !== null && found) bar.value = sofar / found;
  };
  const reached = () => {
    isRecorded = true;
    recorded.hidden = false;
  };
  far.textContent = found ? `${number(made.content.events ?? 0)} of ${events(found)}` : "";
  try {
    const blob = await receive(link, made, stop.signal, reached, tell);
    bar.value = 1;
    far.textContent = `${events(made.content.events)}, ${size(blob.size)}`;
    end.textContent = `Complete. Saved as ${made.name}.`;
    save(blob, made.name);
  } catch (error) {
    if (stop.signal.aborted) return;
    if (!(error instanceof Refused || error instanceof Altered)) made.content.cut();
    const goesOn = made.content.next !== null && !(error instanceof Altered);
    const why = error instanceof CutOff ? error.message : made.name ? "The connection broke off" : "The server could not be reached";
    const kept = goesOn ? `after ${events(made.content.events)}. Nothing is saved yet.` : made.name ? "What had arrived was thrown away." : "";
    bar.hidden = far.hidden = true;
    end.textContent = error instanceof Refused ? error.message
      : error instanceof Altered ? "What arrived is not what the server says that it sent. It was thrown away."
      : [goesOn ? `${why},` : `${why}.`, kept].filter(Boolean).join(" ");
    again.hidden = false;
    again.textContent = goesOn ? "Go on" : "Try again";
    again.onclick = () => run(dialog, link, found, goesOn ? made : begun(link.dataset.export), isRecorded);
    again.focus();
  }
  leave.textContent = "Close";
};

const setUp = (from) => {
  const menu = $("[data-exports]", from), dialog = $("#exporting");
  if (!menu || !dialog) return;
  dialog.addEventListener("close", () => $("summary", menu).focus());
  menu.addEventListener("click", (e) => {
    const link = e.target.closest("[data-export]");
    if (!link || e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    menu.open = false;
    dialog.showModal();
    run(dialog, link, Number($("[data-found]", menu).dataset.found) || null);
  });
  // The browser itself tells how far evidence is.
  $("[data-download]", menu)?.addEventListener("submit", () => {
    menu.open = false;
    $("summary", menu).focus();
    say("Evidence is on its way. Your browser saves it.");
  });
};

export const setUpExporting = () => onContent(setUp);
