(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const tracks = new Map(data.map((track) => [track.name, track]));
  const pairs = new Map();
  const open = stories((table, index) => pairs.get(table).use(index));

  for (const section of document.querySelectorAll("[data-track]")) {
    const track = tracks.get(section.dataset.track);
    const [drawn, compared] = [plot(section, open), pair(section)];
    const show = (table) => {
      drawn(table);
      compared.choose(table);
    };
    for (const table of track.tables) pairs.set(table, compared);
    track.tables.forEach((table, n) => readCells(table, section.querySelector(`[data-table="${n}"] .board tbody`)));
    arrange(section, track, show);
    show(track.tables[0]);
    for (const button of section.querySelectorAll("[data-story]")) {
      const table = track.tables[Number(button.closest("[data-table]").dataset.table)];
      const index = Number(button.closest("tr").dataset.row);
      button.addEventListener("click", () => open(table, index));
    }
  }
  for (const part of document.querySelectorAll("[data-scripted]")) part.hidden = false;

  const themes = [...document.querySelectorAll("[data-theme]")].filter((each) => each.matches("button"));
  for (const button of themes) {
    button.addEventListener("click", () => {
      const theme = button.dataset.theme;
      if (theme) document.documentElement.dataset.theme = theme;
      else delete document.documentElement.dataset.theme;
      for (const each of themes) each.ariaPressed = String(each === button);
    });
  }
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const each of closed) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of closed) each.open = false;
  });
})();
