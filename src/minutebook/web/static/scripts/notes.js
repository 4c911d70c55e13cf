// Signed notes, the keys that sign them, and checkpoints (C2SP signed-note and tlog-checkpoint; Ed25519 only).
import { HASH } from "./merkle.js";
import { sha256 } from "./sha256.js";

// Its message is a sentence: what is wrong with what the server sent, or with a key that was typed.
export class Wrong extends Error {}

const ED25519 = 1;
const bytes = (text) => new TextEncoder().encode(text);

export const toBase64 = (raw) => btoa(String.fromCharCode(...raw));

export const fromBase64 = (text) => {
  try {
    const raw = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    if (toBase64(raw) === text) return raw;
  } catch {
    // Not base64 at all.
  }
  throw new Wrong("Something that should be base64 is not.");
};

const keyId = (name, key) => sha256(bytes(`${name}\n`), Uint8Array.of(ED25519), key).slice(0, 4);

const keyOf = (name, raw) => ({ name, raw, id: toBase64(keyId(name, raw)) });

// A verifier key, as people pin it: name+id+base64.
export const parseKey = (text) => {
  const parts = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text);
  if (!parts) throw new Wrong("A key is one line such as minutebook.example.com/o/log_…+1a2b3c4d+AQ….");
  const [, name, id, encoded] = parts, [kind, ...raw] = fromBase64(encoded);
  const key = keyOf(name, Uint8Array.from(raw));
  const shown = [...keyId(name, key.raw)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (kind !== ED25519 || raw.length !== 32) throw new Wrong("This key is not of Ed25519.");
  if (shown !== id) throw new Wrong("Part of this key is missing or was changed: its id is not that of its name and bytes.");
  return key;
};

export const parseNote = (note) => {
  const cut = note.lastIndexOf("\n\n");
  const lines = note.slice(cut + 2).split("\n");
  if (cut < 0 || lines.pop() !== "" || !lines.length) throw new Wrong("What should be a signed note is none.");
  const signatures = lines.map((line) => {
    const [, name, encoded] = /^— (\S+) (\S+)$/.exec(line) ?? [];
    if (!encoded) throw new Wrong("A line under a signed note is no signature.");
    const raw = fromBase64(encoded);
    return { name, id: toBase64(raw.slice(0, 4)), signed: raw.slice(4) };
  });
  return { text: note.slice(0, cut + 1), signatures };
};

// The first of the keys that has signed the note. A signature in the name of one of them that is not by it is wrong.
export const signerOf = async (note, keys) => {
  for (const key of keys) {
    const own = note.signatures.filter(({ name, id }) => name === key.name && id === key.id);
    if (!own.length) continue;
    const imported = await crypto.subtle.importKey("raw", key.raw, { name: "Ed25519" }, false, ["verify"]);
    for (const { signed } of own) {
      const holds = await crypto.subtle.verify("Ed25519", imported, signed, bytes(note.text));
      if (!holds) throw new Wrong(`A signature in the name of ${key.name} is not by its key.`);
    }
    return key;
  }
  return null;
};

export const parseCheckpoint = (text) => {
  const [, origin, size, encoded] = /^(\S+)\n(0|[1-9][0-9]{0,14})\n(\S+)\n$/.exec(text) ?? [];
  if (!encoded) throw new Wrong("What the server signed is no checkpoint.");
  const root = fromBase64(encoded);
  if (root.length !== HASH) throw new Wrong("The root in the checkpoint has not 32 bytes.");
  return { origin, size: Number(size), root };
};

// Whoever trusts one key learns those that came after it, by the signed statements of the deployment: each key with its
// cut-off, null while it counts.
export const keysAfter = async (pinned, statements) => {
  const host = pinned.name.replace(/\/o\/[^/]+$/, ""), name = `${host}/keys`;
  const found = new Map([[toBase64(pinned.raw), null]]);
  const counting = (but) => [...found].filter(([key, cutOff]) => cutOff === null && key !== but).map(([key]) => keyOf(name, fromBase64(key)));
  for (const [number, written] of statements.entries()) {
    const note = parseNote(written);
    const [, of, at, verb, key, , time] = /^(\S+)\n(\d+)\n(add|revoke) (\S+) (since|cut-off) (\S+)\n$/.exec(note.text) ?? [];
    if (of !== name || Number(at) !== number) throw new Wrong(`Statement ${number} about the keys of this server is not the one that follows.`);
    if (verb === "add" && !found.has(key)) {
      if (await signerOf(note, counting()) && await signerOf(note, [keyOf(name, fromBase64(key))])) found.set(key, null);
    }
    if (verb === "revoke" && found.has(key) && await signerOf(note, counting(key))) found.set(key, time);
  }
  return [...found].map(([key, cutOff]) => ({ ...keyOf(pinned.name, fromBase64(key)), cutOff }));
};

export const canVerify = async () => {
  try {
    // The public key of RFC 8032, section 7.1, test 1.
    const key = fromBase64("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    return true;
  } catch {
    return false;
  }
};
