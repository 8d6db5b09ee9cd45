// What the page asks of its server.

/** An answer that is none: with a line for people, and the status, 0 where nobody answered. */
export class Refusal extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export const LARGEST = 20_000_000; // bytes; the server refuses more

const GONE = "The server does not answer. Is siffra still running?";

/** Have a picture read. `viewer` names a camera, whose frames are read in each other's light. */
export async function read(picture, { viewer, rotate, signal } = {}) {
  const query = new URLSearchParams();
  if (viewer) query.set("viewer", viewer);
  if (rotate) query.set("rotate", rotate);
  const image = picture.type.startsWith("image/");
  return ask(`look?${query}`, {
    method: "POST",
    body: picture,
    headers: { "Content-Type": image ? picture.type : "application/octet-stream" },
    signal,
  });
}

/** What the server says of itself and of its camera. */
export function health() {
  return ask("health");
}

async function ask(address, options) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(GONE, 0);
  }
  const said = await answer.json().catch(() => ({}));
  if (answer.status === 401) throw new Refusal("This page needs the token again: load it anew.", 401);
  if (!answer.ok) throw new Refusal(said.error ?? `The server answers ${answer.status}.`, answer.status);
  return said;
}
