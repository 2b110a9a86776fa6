"use strict";

// Counts while conditions are chosen. Without it, the form's buttons do the same.
const form = document.getElementById("builder");
const WAIT = 250;
let timer = 0;
let latest = 0;

document.documentElement.classList.add("scripted");

function address() {
  const query = new URLSearchParams(new FormData(form));
  return form.action + "?" + query.toString();
}

async function count() {
  const mine = ++latest;
  const size = document.getElementById("size");
  size.setAttribute("aria-busy", "true");
  const answer = await fetch(address(), { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("size");
  if (mine !== latest || !fresh) return;
  size.replaceChildren(...fresh.childNodes);
  size.removeAttribute("aria-busy");
  const counts = page.querySelectorAll(".alone");
  document.querySelectorAll(".alone").forEach((place, number) => {
    if (counts[number]) place.replaceChildren(...counts[number].childNodes);
  });
  const text = page.querySelector("textarea[name=where]");
  const typed = form.elements.where;
  if (text && document.activeElement !== typed) {
    typed.value = text.value;
    form.elements.was.value = text.value;
  }
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(() => count().catch(() => {}), WAIT);
}

form.addEventListener("input", (event) => {
  if (/^g\d+\.r\d+\.|^g\d+\.(match|not)$|^(match|where)$/.test(event.target.name)) later();
});
form.addEventListener("change", (event) => {
  if (/\.add$/.test(event.target.name) && event.target.value) form.requestSubmit();
});
