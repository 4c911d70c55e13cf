// The histogram: drag, or arrow keys, to choose a range of whole bars; without this, each bar is a link.
import { $, $$, onContent } from "./page.js";

const zoomed = (path, start, end) => {
  const url = new URL(path, location.href);
  url.searchParams.set("start", start);
  url.searchParams.set("end", end);
  return url.href;
};

const setUp = (frame) => {
  const plot = $("[data-histo]", frame);
  const bars = $$("[data-bar]", plot);
  const brush = $("[data-brush]", plot);
  const picked = $("[data-picked]", frame);
  const [area, left, right] = $$("rect", brush);
  const wide = plot.viewBox.baseVal.width / bars.length;
  let anchor = null;
  let from = 0;
  let to = 0;

  const draw = (a, b) => {
    [from, to] = [a, b];
    const first = Math.min(a, b);
    const last = Math.max(a, b);
    area.setAttribute("x", first * wide);
    area.setAttribute("width", (last - first + 1) * wide);
    left.setAttribute("x", first * wide);
    right.setAttribute("x", (last + 1) * wide - 1.2);
    brush.removeAttribute("hidden");
    bars.forEach((bar, place) => bar.classList.toggle("in", place >= first && place <= last));
    const found = bars.slice(first, last + 1).reduce((sum, bar) => sum + Number(bar.dataset.count), 0);
    const told = [bars[first].dataset.told.split(" – ")[0], bars[last].dataset.until].join(" – ");
    $("[data-picked-text]", picked).textContent = `${told}, ${found.toLocaleString("en")} ${found === 1 ? "event" : "events"}`;
    $("[data-zoom]", picked).href = zoomed(frame.dataset.histoOf, bars[first].dataset.start, bars[last].dataset.end);
    picked.hidden = false;
  };
  const clear = () => {
    brush.setAttribute("hidden", "");
    picked.hidden = true;
    for (const bar of bars) bar.classList.remove("in");
  };
  const under = (e) => {
    const box = plot.getBoundingClientRect();
    return Math.max(0, Math.min(bars.length - 1, Math.floor(((e.clientX - box.left) / box.width) * bars.length)));
  };

  plot.addEventListener("pointerdown", (e) => {
    if (e.button !== 0 || e.ctrlKey || e.metaKey) return;
    anchor = under(e);
    plot.setPointerCapture(e.pointerId);
    draw(anchor, anchor);
  });
  plot.addEventListener("pointermove", (e) => { if (anchor !== null) draw(anchor, under(e)); });
  plot.addEventListener("pointerup", () => { anchor = null; });
  plot.addEventListener("pointercancel", () => { anchor = null; clear(); });
  // A bar is a link for those without script; here a press picks it first.
  plot.addEventListener("click", (e) => { if (!e.ctrlKey && !e.metaKey) e.preventDefault(); });
  plot.addEventListener("dragstart", (e) => e.preventDefault());
  plot.addEventListener("keydown", (e) => {
    if (e.key === "Enter" && !picked.hidden) { $("[data-zoom]", picked).click(); return; }
    if (e.key === "Escape" && !picked.hidden) { e.stopPropagation(); clear(); return; }
    const step = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (!step) return;
    e.preventDefault();
    const next = picked.hidden ? (step > 0 ? 0 : bars.length - 1) : Math.max(0, Math.min(bars.length - 1, to + step));
    draw(e.shiftKey && !picked.hidden ? from : next, next);
  });
  $("[data-unpick]", picked).addEventListener("click", () => { clear(); plot.focus(); });
};

export const setUpHistograms = () => onContent((from) => { for (const frame of $$("[data-histo-of]", from)) setUp(frame); });
