// The search box as a combobox (ARIA APG, list with manual selection): nothing is chosen until an arrow or a pointer
// chooses it, so Enter always sends what was typed. Without this, the box is a plain field.
import { $, $$, halves, places } from "./page.js";

const SOON = 120;

const setUp = (box, list) => {
  let soon = null;
  let asking = null;
  // What the options are for; they hold for no other text.
  let shownFor = null;

  let came = false;
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => { came = true; }, { capture: true, once: true });

  // Whether the options are for what was in the box before.
  const wait = (is) => list.setAttribute("aria-busy", String(is));

  const options = () => $$("[role=option]", list);
  const active = () => $("[aria-selected=true]", list);
  const isOpen = () => !list.hidden;
  const state = () => `${box.selectionStart} ${box.value}`;

  const activate = (option) => {
    active()?.setAttribute("aria-selected", "false");
    if (!option) { box.removeAttribute("aria-activedescendant"); return; }
    option.setAttribute("aria-selected", "true");
    box.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };

  const close = () => {
    clearTimeout(soon);
    asking?.abort();
    asking = null;
    activate(null);
    wait(false);
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
  };

  const show = (html, asked) => {
    activate(null);
    list.innerHTML = html;
    if (!options().length) { close(); return; }
    shownFor = asked;
    wait(false);
    list.hidden = false;
    list.scrollTop = 0;
    box.setAttribute("aria-expanded", "true");
  };

  const ask = async () => {
    clearTimeout(soon);
    asking?.abort();
    const mine = new AbortController();
    asking = mine;
    wait(true);
    const asked = state();
    const query = new URLSearchParams({
      query: box.value,
      at: places(box.value.slice(0, box.selectionStart)),
      form_zone: box.form.elements.form_zone.value,
    });
    try {
      const answer = await fetch(`${list.dataset.complete}?${query}`, { signal: mine.signal });
      const html = answer.ok && !answer.redirected ? await answer.text() : "";
      if (asking === mine && document.activeElement === box && asked === state()) show(html, asked);
    } catch {
      if (asking === mine) close();
    }
  };

  const accept = (option) => {
    if (shownFor !== state()) { close(); return; }
    const { start, end } = $("[data-start]", list).dataset;
    const [from, to] = [start, end].map((place) => halves(box.value, Number(place)));
    box.setRangeText(option.dataset.written, from, to, "end");
    const goesOn = option.hasAttribute("data-goes-on");
    close();
    // The box shows where the caret is now.
    box.scrollLeft = box.selectionStart === box.value.length ? box.scrollWidth : box.scrollLeft;
    if (goesOn) ask();
  };

  const step = (by) => {
    const all = options();
    // Past either end nothing is chosen, as it was.
    const next = (all.indexOf(active()) + 1 + by + all.length + 1) % (all.length + 1);
    activate(all[next - 1] ?? null);
  };

  const onKey = (e) => {
    if (e.isComposing || e.ctrlKey || e.metaKey) return;
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      e.preventDefault();
      if (isOpen() && shownFor === state()) step(e.key === "ArrowDown" ? 1 : -1);
      else if (e.key === "ArrowDown") ask();
    } else if ((e.key === "Enter" || (e.key === "Tab" && !e.shiftKey)) && isOpen() && active()) {
      e.preventDefault();
      accept(active());
    } else if (e.key === "Escape" && isOpen()) {
      e.preventDefault();
      e.stopPropagation();
      close();
    } else if (["Enter", "Tab", "Escape", "ArrowLeft", "ArrowRight", "Home", "End"].includes(e.key)) close();
  };

  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-expanded", "false");
  box.setAttribute("aria-controls", list.id);
  box.addEventListener("keydown", onKey);
  box.addEventListener("input", (e) => {
    clearTimeout(soon);
    activate(null);
    wait(true);
    if (!e.isComposing) soon = setTimeout(ask, SOON);
  });
  // Whoever comes to the empty box sees what there is to write; not so when a page that opens gives it the focus.
  box.addEventListener("focus", () => { if (!box.value && came) ask(); });
  box.addEventListener("blur", close);
  box.addEventListener("pointerdown", close);
  // The focus stays in the box.
  list.addEventListener("pointerdown", (e) => e.preventDefault());
  list.addEventListener("click", (e) => { const option = e.target.closest("[role=option]"); if (option) accept(option); });
};

export const setUpCompleting = () => {
  const box = $("[data-search]");
  const list = $("[data-complete]");
  if (box && list) setUp(box, list);
};
