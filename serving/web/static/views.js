"use strict";

// Views are addresses of the list under a name, kept in this browser alone.
// Of this shop: several may share a server, each under a path of its own.
const KEY = "regulars-views" + location.pathname.replace(/\/churn-list$/, "");
const box = document.querySelector(".views");
const list = box.querySelector("ul");

function views() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) || "[]");
    return Array.isArray(kept) ? kept.filter(isView) : [];
  } catch {
    return [];
  }
}

function isView(view) {
  return view && typeof view.name === "string" && typeof view.query === "string";
}

function keep(changed) {
  localStorage.setItem(KEY, JSON.stringify(changed));
  show();
}

function entry(view) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.textContent = view.name;
  link.href = location.pathname + "?" + view.query;
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "remove";
  remove.textContent = "×";
  remove.setAttribute("aria-label", box.dataset.remove + ": " + view.name);
  remove.addEventListener("click", () => keep(views().filter((one) => one.name !== view.name)));
  item.append(link, remove);
  return item;
}

function show() {
  const kept = views();
  list.replaceChildren(...kept.map(entry));
  if (!kept.length) {
    const none = document.createElement("li");
    none.textContent = box.dataset.none;
    list.append(none);
  }
}

box.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = box.querySelector("input");
  const query = new URLSearchParams(location.search);
  for (const name of ["cursor", "seen", "lang", "theme"]) query.delete(name);
  const view = { name: field.value.trim(), query: query.toString() };
  if (!view.name) return;
  keep([...views().filter((one) => one.name !== view.name), view]);
  field.value = "";
});

box.hidden = false;
show();
