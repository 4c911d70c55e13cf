// The tree of a log (RFC 6962, section 2.1), grown leaf by leaf, and the names of its tiles (C2SP tlog-tiles).
import { sha256 } from "./sha256.js";

export const WIDTH = 256;
export const HASH = 32;
const LEAF = Uint8Array.of(0), NODE = Uint8Array.of(1);

export const same = (one, other) => one.length === other.length && one.every((byte, i) => byte === other[i]);

export const leafHash = (leaf) => sha256(LEAF, leaf);

// The peaks are the roots of the perfect subtrees that the leaves so far fall into, largest first.
export const rootOf = (peaks) => peaks.length ? peaks.reduceRight((right, left) => sha256(NODE, left, right)) : sha256();

export class Tree {
  size = 0;
  peaks = [];

  append(hash) {
    for (let size = this.size; size % 2 === 1; size = (size - 1) / 2) hash = sha256(NODE, this.peaks.pop(), hash);
    this.peaks.push(hash);
    this.size += 1;
  }
}

// `level` is a number, or "entries". `size` is how many there are of what it holds: the last tile may not be whole.
export const tilePath = (level, number, size) => {
  const digits = String(number), groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/.../g);
  const width = Math.min(WIDTH, size - number * WIDTH);
  return `${level}/${groups.slice(0, -1).map((group) => `x${group}/`).join("")}${groups.at(-1)}${width < WIDTH ? `.p/${width}` : ""}`;
};
