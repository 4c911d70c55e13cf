// The few words that every module needs.
export const $ = (selector, from = document) => from.querySelector(selector);
export const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];

// Calls `enhance` with the document now, and with every piece of it that htmx puts in later.
export const onContent = (enhance) => {
  enhance(document);
  document.addEventListener("htmx:afterSwap", (e) => enhance(e.detail.target.isConnected ? e.detail.target : document));
};

const YEAR = 365 * 24 * 60 * 60;

export const cookie = (name) => document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";

export const setCookie = (name, value) => {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; Path=/; Max-Age=${YEAR}; SameSite=Lax${secure}`;
};
