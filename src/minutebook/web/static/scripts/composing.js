// What else is done to the text of the search box: a filter that is chosen begins at its end, and of a query that is wrong
// the first wrong part is selected, so that what is typed takes its place.
import { $, halves } from "./page.js";

const begin = (box, written) => {
  const before = box.value.trimEnd();
  box.value = `${before}${before && " "}${written}`;
  box.focus();
  box.setSelectionRange(box.value.length, box.value.length);
  box.dispatchEvent(new Event("input", { bubbles: true })); // so that it is completed
};

const selectWrong = (box) => {
  const [at, length] = box.dataset.wrong.split(" ").map(Number);
  box.setSelectionRange(halves(box.value, at), halves(box.value, at + length));
};

export const setUpComposing = () => {
  const box = $("[data-search]");
  if (!box) return;
  if (box.dataset.wrong && box.autofocus) selectWrong(box);
  document.addEventListener("click", (e) => {
    const chosen = e.target.closest?.("[data-writes]");
    if (!chosen) return;
    chosen.closest("details").open = false;
    begin(box, chosen.dataset.writes);
  });
};
