// SHA-256 (FIPS 180-4) of bytes as they come: what browsers have wants all of them at once, and only over https.
const roots = (exponent, count) => {
  const found = [];
  for (let n = 2; found.length < count; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (prime) found.push(((n ** exponent % 1) * 2 ** 32) | 0);
  }
  return found;
};
const K = Int32Array.from(roots(1 / 3, 64));
const BEGINNING = roots(1 / 2, 8);

export class Sha256 {
  #state = Int32Array.from(BEGINNING);
  #block = new Uint8Array(64);
  #words = new Int32Array(64);
  #held = 0;
  #bytes = 0;

  update(bytes) {
    this.#bytes += bytes.length;
    let at = 0;
    while (at < bytes.length) {
      const taken = Math.min(64 - this.#held, bytes.length - at);
      this.#block.set(bytes.subarray(at, at + taken), this.#held);
      at += taken;
      this.#held += taken;
      if (this.#held === 64) this.#digestBlock();
    }
  }

  // The hash, 32 bytes. The end: nothing can be added behind it until it begins anew.
  digest() {
    const bits = this.#bytes * 8, end = new Uint8Array((this.#held < 56 ? 64 : 128) - this.#held);
    end[0] = 0x80;
    const view = new DataView(end.buffer);
    view.setUint32(end.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(end.length - 4, bits >>> 0);
    this.update(end);
    const hash = new Uint8Array(32), written = new DataView(hash.buffer);
    this.#state.forEach((word, i) => written.setInt32(4 * i, word));
    return hash;
  }

  hex() {
    return [...this.digest()].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  begin() {
    this.#state.set(BEGINNING);
    this.#held = this.#bytes = 0;
  }

  #digestBlock() {
    const w = this.#words, block = this.#block, state = this.#state;
    for (let i = 0; i < 16; i++) w[i] = (block[4 * i] << 24) | (block[4 * i + 1] << 16) | (block[4 * i + 2] << 8) | block[4 * i + 3];
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15], y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const one = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => { state[i] = (state[i] + word) | 0; });
    this.#held = 0;
  }
}

// The hash of these bytes, one behind the other. It runs a million times in a row, so it makes nothing new but the hash.
const once = new Sha256();
export const sha256 = (...parts) => {
  once.begin();
  for (const part of parts) once.update(part);
  return once.digest();
};
