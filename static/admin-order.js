// Puts the rows of a list in order, by pointer or with the arrow keys. Without this file the numbers are typed.
(() => {
  const rows = [...document.querySelectorAll("#result_list tbody tr")];
  const field = (row) => row.querySelector('input[name$="-position"]');
  const told = document.getElementById("how-to-order");
  if (!told || rows.length < 2 || !rows.every(field)) return;
  const body = rows[0].parentElement;
  const before = rows.map((row) => [row, field(row).value]);
  const name = (row) => (row.querySelector("th bdi") ?? row.querySelector("th")).textContent.trim();
  told.hidden = false;

  // The places the rows have among them are dealt out anew, each higher than the one before.
  function renumber() {
    const now = [...body.rows];
    if (now.every((row, n) => row === rows[n])) {
      for (const [row, place] of before) field(row).value = place;
      return;
    }
    let last = -1;
    const places = before.map(([, place]) => Number(place)).sort((a, b) => a - b);
    now.forEach((row, n) => {
      last = Math.max(places[n], last + 1);
      field(row).value = last;
    });
  }

  function say(row) {
    const facts = { name: name(row), place: [...body.rows].indexOf(row) + 1, all: rows.length };
    told.textContent = told.dataset.place.replace(/\{(\w+)\}/g, (_, word) => facts[word]);
  }

  function step(event, row, handle) {
    const other = { ArrowUp: row.previousElementSibling, ArrowDown: row.nextElementSibling }[event.key];
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    if (!other) return;
    if (event.key === "ArrowUp") other.before(row);
    else other.after(row);
    renumber();
    handle.focus();
    say(row);
  }

  function follow(event, row) {
    const under = document.elementFromPoint(event.clientX, event.clientY)?.closest("#result_list tbody tr");
    if (!under || under === row) return;
    const box = under.getBoundingClientRect();
    if (event.clientY < box.top + box.height / 2) under.before(row);
    else under.after(row);
  }

  // Heard on the document: the row moves while it is dragged, and takes its handle out from under the pointer.
  let dragged = null;
  document.addEventListener("pointermove", (event) => {
    if (dragged) follow(event, dragged);
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    document.addEventListener(kind, () => {
      if (!dragged) return;
      dragged.classList.remove("is-dragged");
      renumber();
      say(dragged);
      dragged = null;
    });
  }

  for (const row of rows) {
    const handle = document.createElement("button");
    handle.type = "button";
    handle.className = "drag-handle";
    handle.textContent = "\u283f";
    handle.setAttribute("aria-label", `${told.dataset.move}: ${name(row)}`);
    handle.addEventListener("keydown", (event) => step(event, row, handle));
    handle.addEventListener("pointerdown", () => {
      dragged = row;
      row.classList.add("is-dragged");
    });
    field(row).before(handle);
  }
})();
