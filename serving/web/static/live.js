"use strict";

// While something on the page is going on, asks for the page again and puts its live part in
// place. Without scripts the page loads itself again.
const PAUSE_MS = 1200;

function region(page) {
  return page.querySelector("[data-live]");
}

async function look() {
  const shown = region(document);
  if (!shown || shown.dataset.live !== "on") return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected) {
      location.assign(answer.url);
      return;
    }
    if (answer.ok) put(shown, await answer.text());
  } catch {
    // The server is starting again: the next look finds it.
  }
  setTimeout(look, PAUSE_MS);
}

function put(shown, text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const fresh = region(page);
  if (!fresh || fresh.dataset.live !== "on" || page.title !== document.title) {
    location.reload();
    return;
  }
  if (fresh.innerHTML === shown.innerHTML) return;
  const focused = document.activeElement && document.activeElement.id;
  shown.replaceWith(fresh);
  const log = fresh.querySelector(".joblog pre");
  if (log) log.parentElement.scrollTop = log.parentElement.scrollHeight;
  if (focused && document.getElementById(focused)) document.getElementById(focused).focus();
}

setTimeout(look, PAUSE_MS);
