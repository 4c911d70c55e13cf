// Tells the server the viewer's zone: it writes all times.
import { $, cookie, setCookie } from "./page.js";

export const tellZone = () => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  // The page says which zone the server knows: to ask the cookie would halt the page.
  if (document.documentElement.dataset.zone === zone) return;
  if (!/^[A-Za-z0-9_+/-]{1,64}$/.test(zone ?? "") || cookie("zone") === zone) return;
  setCookie("zone", zone);
  // Times on this page were written before the server knew. Asked for again once, and only where the cookie was kept.
  if ($("[data-zoned]") && cookie("zone") === zone) location.replace(location.href);
};
