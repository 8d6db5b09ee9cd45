// One line about what a source does, or why it does nothing.

/** Say something on a stage, commands in backticks; nothing takes the notice away. */
export function notice(element, words, problem = false) {
  if (element.dataset.words !== words) {
    element.dataset.words = words;
    element.replaceChildren(...words.split("`").map((part, index) => (index % 2 ? code(part) : part)));
  }
  element.classList.toggle("problem", problem && Boolean(words));
}

function code(command) {
  const element = document.createElement("code");
  element.classList.toggle("line", command.includes(" "));
  element.textContent = command;
  return element;
}

/** A message of the server, which may stand anywhere, as a sentence of its own. */
export function sentence(message) {
  const whole = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}
