// A form that takes a passkey: the browser is asked for it, and the form is sent with what the authenticator answers.
import { $, $$ } from "./page.js";

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const named = (list = []) => list.map((one) => ({ ...one, id: bytes(one.id) }));

// What is JSON on the page has bytes in the browser; not every browser turns one into the other by itself.
const readable = (options) => ({
  ...options,
  challenge: bytes(options.challenge),
  ...(options.user ? { user: { ...options.user, id: bytes(options.user.id) } } : {}),
  ...(options.excludeCredentials ? { excludeCredentials: named(options.excludeCredentials) } : {}),
  ...(options.allowCredentials ? { allowCredentials: named(options.allowCredentials) } : {}),
});

const PARTS = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];

const written = ({ id, rawId, type, response }) => {
  const parts = PARTS.filter((part) => response[part]).map((part) => [part, text(response[part])]);
  return JSON.stringify({ id, type, rawId: text(rawId), response: Object.fromEntries(parts), clientExtensionResults: {} });
};

const ask = async (form) => {
  const failed = $("[data-passkey-failed]", form);
  failed.hidden = true;
  try {
    const options = JSON.parse(form.dataset.passkey);
    const publicKey = readable(options);
    const credential = await (options.user ? navigator.credentials.create({ publicKey }) : navigator.credentials.get({ publicKey }));
    form.elements.credential.value = written(credential);
    form.submit();
  } catch {
    failed.hidden = false;
  }
};

export const setUpPasskeys = () => {
  document.addEventListener("submit", (e) => {
    if (!e.target.dataset.passkey || e.target.elements.credential.value) return;
    e.preventDefault();
    ask(e.target);
  });
  for (const form of $$("[data-passkey-now]")) ask(form);
};
