// The few words that every module needs. `$$` also finds the element it starts from.
export const $ = (selector, from = document) => from.querySelector(selector);
export const $$ = (selector, from = document) => [...(from.matches?.(selector) ? [from] : []), ...from.querySelectorAll(selector)];

// Calls `enhance` with the document now, and with every element that is put in later.
const enhancers = [];
export const onContent = (enhance) => {
  enhance(document);
  enhancers.push(enhance);
};
export const enhanceAll = (element) => { for (const enhance of enhancers) enhance(element); };
document.addEventListener("htmx:afterSwap", (e) => { if (e.target instanceof Element) enhanceAll(e.target); });

// The server counts characters; a string here counts halves of some.
export const places = (text) => [...text].length;
export const halves = (text, place) => [...text].slice(0, place).join("").length;

const YEAR = 365 * 24 * 60 * 60;

export const cookie = (name) => document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";

export const setCookie = (name, value) => {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; Path=/; Max-Age=${YEAR}; SameSite=Lax${secure}`;
};
