"use strict";
// Texts are computed in Python; what records say is only ever set as textContent.

/** The newest child of a parent: an element with its class and text. */
function put(parent, name, kind = "", text = "") {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  if (text !== "") made.textContent = text;
  return parent.appendChild(made);
}

/** The same of SVG; attributes that say what a shape looks like stand in the style. */
function draw(parent, name, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== "") made.textContent = text;
  return parent.appendChild(made);
}

/** The texts of a table as it stands in the page, which has them once, column by column. */
function readCells(table, body) {
  const rows = [...body.rows];
  table.columns.forEach((column, i) => { column.cells = rows.map((row) => row.cells[i + 1].textContent); });
}

/** Sorting, filtering and choosing of a track's tables; `changed` hears of another suite. */
function arrange(section, track, changed) {
  const find = (selector) => section.querySelector(selector);
  const all = (selector) => [...section.querySelectorAll(selector)];
  const views = all("[data-table]");
  const status = find("[data-status]");
  const shown = () => views[Number(find("[data-suite]").value)];
  const orders = new Map();

  function filter() {
    const words = find("[data-filter]").value.toLowerCase().split(/\s+/).filter(Boolean);
    const view = shown();
    const rows = [...view.querySelectorAll(".board tbody tr")];
    for (const row of rows) {
      const name = row.querySelector("[data-story]").textContent.toLowerCase();
      row.hidden =
        !words.every((word) => name.includes(word)) ||
        (find("[data-trained]").checked && !("isTrained" in row.dataset)) ||
        (find("[data-unmarked]").checked && "isMarked" in row.dataset);
    }
    const left = rows.filter((row) => !row.hidden).length;
    view.querySelector("[data-empty]").hidden = left > 0;
    status.textContent = `${left} of ${rows.length} rows${orders.get(view) ?? ""}`;
  }

  function sort(button) {
    const head = button.closest("th");
    const column = Number(button.dataset.sort);
    const first = column < 0 ? "ascending" : "descending";
    const other = column < 0 ? "descending" : "ascending";
    const way = head.ariaSort === first ? other : first;
    for (const each of head.parentElement.children) each.removeAttribute("aria-sort");
    head.ariaSort = way;
    const sign = way === "ascending" ? 1 : -1;
    const body = head.closest("table").tBodies[0];
    const key = (row) => row.cells[column + 1].dataset.value;
    const name = (row) => row.querySelector("[data-story]").textContent;
    const compare = (a, b) => {
      if (column < 0) return sign * name(a).localeCompare(name(b), "en");
      const [x, y] = [key(a), key(b)];
      if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
      return sign * (Number(x) - Number(y)) || a.dataset.row - b.dataset.row;
    };
    body.append(...[...body.rows].sort(compare));
    const words = button.textContent.split(/\s+/).filter(Boolean);
    orders.set(shown(), `, sorted by ${words.join(" ")}, ${way}`);
    filter();
  }

  // Where a table fits, its head sticks to the window; else it scrolls in a box of its own.
  const fit = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      target.classList.toggle("fits", target.firstElementChild.offsetWidth <= target.clientWidth);
    }
  });
  for (const box of all(".board")) fit.observe(box);
  for (const button of all("[data-sort]")) button.addEventListener("click", () => sort(button));
  for (const name of ["[data-filter]", "[data-trained]", "[data-unmarked]"]) {
    find(name).addEventListener("input", filter);
  }
  find("[data-suite]").addEventListener("change", () => {
    for (const view of views) view.hidden = view !== shown();
    filter();
    changed(track.tables[Number(find("[data-suite]").value)]);
  });
  filter();
}
