// The menu of saved searches says how many events each of them finds now, where that is counted at once.
import { $$ } from "./page.js";

export const setUpSaved = () =>
  document.addEventListener("toggle", async (e) => {
    const menu = e.target;
    if (!menu.matches?.("[data-counts-searches]") || !menu.open) return;
    try {
      const answer = await fetch(menu.dataset.countsSearches, { cache: "no-store", headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const counts = await answer.json();
      for (const piece of $$("[data-count-of]", menu))
        piece.textContent = counts[piece.dataset.countOf]?.toLocaleString("en") ?? "";
    } catch {
      // No number is shown: nothing depends on it.
    }
  }, true);
