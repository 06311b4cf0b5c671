// Search, filter, sort, and times in the reader's zone. Every page is whole without it. Texts are only ever set as text.
"use strict";

const index = window.registerIndex || [];
const up = document.body.dataset.up;

function element(name, text, parent, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (parent) parent.append(made);
  return made;
}

for (const time of document.querySelectorAll("time[datetime]")) {
  const moment = new Date(time.dateTime);
  if (Number.isNaN(moment.valueOf())) continue;
  time.title = `${time.textContent} (UTC)`;
  time.textContent = moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  element("span", ` (${time.dateTime.slice(0, 16).replace("T", " ")} UTC)`, time, { class: "quiet" });
}

function sortBy(table, column, button) {
  const head = button.closest("th");
  const descending = head.getAttribute("aria-sort") === "ascending";
  for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const text = (row) => row.cells[column].querySelector("time")?.dateTime || row.cells[column].textContent.trim();
  const rows = [...table.tBodies[0].rows];
  rows.sort((one, other) => text(one).localeCompare(text(other), undefined, { numeric: true }) * (descending ? -1 : 1));
  table.tBodies[0].append(...rows);
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((cell, column) => {
    const button = element("button", cell.textContent, null, { type: "button" });
    button.addEventListener("click", () => sortBy(table, column, button));
    cell.replaceChildren(button);
  });
}

// A table that is wider than its place becomes a card a row; roles, since a browser may forget what a cell is that is
// no longer shown as one. What still has to be scrolled can be reached by the keyboard.
const ROLES = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };
for (const table of document.querySelectorAll(".scroll table")) {
  const names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
  for (const row of table.tBodies[0].rows) [...row.cells].forEach((cell, column) => { cell.dataset.column = names[column]; });
  for (const each of [table, ...table.querySelectorAll("thead, tbody, tr, td")]) each.setAttribute("role", ROLES[each.tagName]);
  for (const each of table.querySelectorAll("th")) each.setAttribute("role", each.scope === "row" ? "rowheader" : "columnheader");
}
function fit(place) {
  const table = place.querySelector("table");
  table.classList.remove("cards");
  table.classList.toggle("cards", place.scrollWidth > place.clientWidth);
  place.tabIndex = place.scrollWidth > place.clientWidth ? 0 : -1;
}
const fitting = new ResizeObserver((entries) => entries.forEach((entry) => fit(entry.target)));
for (const each of document.querySelectorAll(".scroll")) {
  fit(each);
  fitting.observe(each);
}

const place = document.getElementById("search");
if (place && index.length) {
  const MOST = 200;
  const texts = index.map((row) => row.join(" ").toLocaleLowerCase());
  const form = element("div", "", place, { class: "search", role: "search" });
  const words = element("input", "", element("label", "Search all exports", form), { type: "search", autocomplete: "off" });
  const kind = element("select", "", element("label", "Kind", form));
  const state = element("select", "", element("label", "Attention", form));
  for (const each of ["any", "push", "pull"]) element("option", each, kind);
  for (const each of ["any", "needed"]) element("option", each, state);
  const said = element("p", "", place, { role: "status" });
  const results = element("ul", "", place, { class: "found" });
  const listed = [...document.querySelectorAll("main > .scroll, main > .turns")];

  function show() {
    const wanted = words.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const asks = wanted.length > 0 || kind.value !== "any" || state.value !== "any";
    for (const each of listed) each.hidden = asks;
    const found = asks
      ? index.filter((row, number) => wanted.every((word) => texts[number].includes(word))
          && (kind.value === "any" || row[1] === kind.value) && (state.value === "any" || row[4]))
      : [];
    said.textContent = asks ? `${found.length} of ${index.length} exports${found.length > MOST ? `, the first ${MOST} shown` : ""}` : "";
    results.replaceChildren(...found.slice(0, MOST).map((row) => {
      const item = element("li", "");
      element("a", row[0], item, { href: `${up}datasets/${row[0]}.html` });
      item.append(` ${row[1]}, to ${row[2]}${row[4] ? `: ${row[4]}` : ""}`);
      return item;
    }));
  }
  for (const each of [words, kind, state]) each.addEventListener("input", show);
}
