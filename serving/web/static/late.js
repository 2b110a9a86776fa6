"use strict";

// Parts that take longer than the rest of a page are asked for when the page stands.
for (const place of document.querySelectorAll("[data-late]")) {
  place.setAttribute("aria-busy", "true");
  fetch(place.dataset.late, { credentials: "same-origin" })
    .then((answer) => (answer.ok ? answer.text() : ""))
    .then((text) => {
      place.innerHTML = text;
    })
    .catch(() => {
      place.textContent = "";
    })
    .finally(() => place.removeAttribute("aria-busy"));
}
