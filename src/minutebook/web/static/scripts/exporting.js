// An export that says how far it is. Its link by itself is a plain download; here the same answer is read, its events are
// counted as they come, and a file is made of it only when its trailer is there: one that was cut off is thrown away.
import { $, onContent } from "./page.js";

const QUOTE = 34, LINE_FEED = 10;
const TAIL = 16_384;
const number = (n) => n.toLocaleString("en-US");
const events = (n) => `${number(n)} event${n === 1 ? "" : "s"}`;
const size = (bytes) => bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;

// A record ends with a line feed; in CSV only where that stands outside quotes. Parquet does not tell.
const counter = (format) => {
  let ended = 0, quoted = false;
  return (bytes) => {
    if (format === "parquet") return null;
    for (const byte of bytes) {
      if (format === "csv" && byte === QUOTE) quoted = !quoted;
      else if (byte === LINE_FEED && !quoted) ended += 1;
    }
    return Math.max(0, format === "csv" ? ended - 1 : ended);
  };
};

// How many events the end of a file says it has; null without a trailer.
const counted = (format, tail) => {
  if (format === "parquet") return tail.endsWith("PAR1") ? Number(/"count":(\d+)/.exec(tail)?.[1] ?? NaN) : null;
  const line = tail.trimEnd().split("\n").at(-1);
  const json = format === "csv" ? /^,+"(\{.*\})"$/.exec(line)?.[1].replaceAll('""', '"') : line;
  try {
    const said = JSON.parse(json);
    return (format === "csv" ? said : said.trailer).count ?? null;
  } catch {
    return null;
  }
};

class CutOff extends Error {}
class Refused extends Error {}

const refused = async (answer) => {
  const said = await answer.json().catch(() => null);
  return new Refused(said?.detail ?? "The server did not give the file.");
};

// The whole file as a Blob, which the browser keeps on its disk when it is large.
const receive = async (link, format, signal, tell) => {
  const answer = await fetch(link.href, { signal, headers: { Accept: "application/json" } });
  if (!answer.ok) throw await refused(answer);
  const count = counter(format);
  let bytes = 0, records = null, tail = new Uint8Array();
  const watch = new TransformStream({
    transform(chunk, out) {
      bytes += chunk.length;
      records = count(chunk);
      const joined = new Uint8Array(tail.length + chunk.length);
      joined.set(tail);
      joined.set(chunk, tail.length);
      tail = joined.slice(-TAIL);
      tell(records, bytes);
      out.enqueue(chunk);
    },
  });
  const blob = await new Response(answer.body.pipeThrough(watch), { headers: { "Content-Type": answer.headers.get("Content-Type") } }).blob();
  const said = counted(format, new TextDecoder().decode(tail));
  if (said === null || (records !== null && records - 1 !== said)) throw new CutOff("The file arrived without its end. It was thrown away.");
  const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? "audit-log";
  return { blob, name, events: said };
};

const save = ({ blob, name }) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // Not at once: the browser may still be opening it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
};

const run = async (dialog, link, found) => {
  const format = link.dataset.export, bar = $("progress", dialog), far = $("[data-far]", dialog);
  const recorded = $("[data-recorded]", dialog), end = $("[data-end]", dialog), again = $("[data-again]", dialog), leave = $("[data-leave]", dialog);
  const stop = new AbortController();
  dialog.addEventListener("close", () => stop.abort(), { once: true });
  $("[data-format]", dialog).textContent = $("span", link).textContent;
  bar.hidden = far.hidden = recorded.hidden = false;
  bar.removeAttribute("value");
  far.textContent = found ? `0 of ${events(found)}` : "";
  end.textContent = "";
  again.hidden = true;
  leave.textContent = "Cancel";
  leave.focus();
  const tell = (records, bytes) => {
    const sofar = records === null ? null : found ? Math.min(records, found) : records;
    far.textContent = [sofar === null ? "" : found ? `${number(sofar)} of ${events(found)}` : events(sofar), size(bytes)].filter(Boolean).join(", ");
    if (sofar !== null && found) bar.value = sofar / found;
  };
  try {
    const file = await receive(link, format, stop.signal, tell);
    bar.value = 1;
    far.textContent = `${events(file.events)}, ${size(file.blob.size)}`;
    end.textContent = `Complete. Saved as ${file.name}.`;
    save(file);
  } catch (error) {
    if (stop.signal.aborted) return;
    bar.hidden = far.hidden = true;
    recorded.hidden = error instanceof Refused;
    end.textContent = error instanceof CutOff || error instanceof Refused ? error.message : "The connection broke off. What had arrived was thrown away.";
    again.hidden = false;
    again.onclick = () => run(dialog, link, found);
    again.focus();
  }
  leave.textContent = "Close";
};

const setUp = (from) => {
  const menu = $("[data-exports]", from), dialog = $("#exporting");
  if (!menu || !dialog) return;
  const found = Number(menu.dataset.found) || null;
  dialog.addEventListener("close", () => $("summary", menu).focus());
  menu.addEventListener("click", (e) => {
    const link = e.target.closest("[data-export]");
    if (!link || e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    menu.open = false;
    dialog.showModal();
    run(dialog, link, found);
  });
};

export const setUpExporting = () => onContent(setUp);
