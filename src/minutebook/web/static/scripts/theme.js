// System, light or dark. Kept in a cookie, so that the server's first paint is right.
import { $$, setCookie } from "./page.js";

const THEMES = ["auto", "light", "dark"];
const root = document.documentElement;

const show = (theme) => {
  root.dataset.theme = theme;
  const name = `Theme: ${theme === "auto" ? "system" : theme}`;
  for (const button of $$("[data-theme-toggle]")) {
    button.title = name;
    button.setAttribute("aria-label", name);
  }
};

export const setUpTheme = () => {
  show(root.dataset.theme);
  for (const button of $$("[data-theme-toggle]"))
    button.addEventListener("click", () => {
      const next = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
      setCookie("theme", next);
      show(next);
    });
};
