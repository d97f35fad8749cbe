// The picker of services by keyboard: field, tree and list are one stop. Arrow keys move, Enter takes, Esc closes.
// Without this file the tree and the list are plain links.
(() => {
  const picker = document.getElementById("picker");
  const field = document.getElementById("svc");
  const walk = document.getElementById("svc-walk");
  let pane = "list"; // where the arrow keys are: "list" or "tree"
  let at = null; // the link that Enter takes
  let moved = false; // since something was typed: until then, left and right move within the text

  const links = (which) => [...walk.querySelectorAll(`#svc-${which} a`)];
  const isOpen = () => !walk.hidden && walk.childElementCount > 0;

  // Inside a combobox only the field is a stop, and what it points at has the role of an option or of an item.
  function dress() {
    for (const [which, role, item] of [["list", "listbox", "option"], ["tree", "tree", "treeitem"]]) {
      const box = walk.querySelector(`#svc-${which}`);
      if (!box) continue;
      box.setAttribute("role", role);
      box.setAttribute("aria-label", which === "list" ? heading() : box.closest("nav").getAttribute("aria-label"));
      for (const link of links(which)) {
        link.parentElement.setAttribute("role", "none");
        link.setAttribute("role", item);
        link.setAttribute("aria-selected", String(link.hasAttribute("aria-current")));
        link.tabIndex = -1;
        if (which === "tree") link.setAttribute("aria-level", link.classList.contains("plat") ? "1" : "2");
      }
    }
    field.setAttribute("aria-expanded", String(isOpen()));
    const shown = isOpen() ? ["svc-tree", "svc-list"].filter((id) => document.getElementById(id)) : [];
    if (shown.length) field.setAttribute("aria-controls", shown.join(" "));
    else field.removeAttribute("aria-controls");
  }

  function heading() {
    return (walk.querySelector("#svc-heading") || walk.querySelector("#svc-none"))?.innerText.trim() || "";
  }

  function point(link) {
    at?.classList.remove("is-at");
    at = link || null;
    if (!at) return field.removeAttribute("aria-activedescendant");
    at.classList.add("is-at");
    at.scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", at.id);
  }

  function enter(which) {
    const found = links(which);
    pane = which;
    point(found.find((link) => link.hasAttribute("aria-current")) || found[0]);
  }

  function step(by) {
    const found = links(pane);
    const next = at ? found.indexOf(at) + by : 0;
    point(found[Math.max(0, Math.min(next, found.length - 1))]);
    moved = true;
  }

  function open(address) {
    return htmx.ajax("GET", address || picker.dataset.open, { target: walk });
  }

  function close() {
    point(null);
    walk.hidden = true;
    dress();
  }

  // The link and quantity that are filled in go along to the service.
  function go(address) {
    for (const name of ["link", "quantity"]) {
      const typed = document.getElementById(`f-${name}`)?.value;
      if (typed) address.searchParams.set(name, typed);
    }
    location.assign(address);
  }

  async function look(link, next) {
    await open(link.getAttribute("hx-get"));
    enter(next);
  }

  function sideways(event) {
    if (field.value && !moved) return;
    event.preventDefault();
    const toList = (event.key === "ArrowRight") !== (document.documentElement.dir === "rtl");
    if (!toList) return enter("tree");
    if (pane === "tree" && at && !at.hasAttribute("aria-current")) return look(at, "list");
    enter("list");
  }

  field.addEventListener("keydown", async (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (isOpen()) return step(event.key === "ArrowDown" ? 1 : -1);
      await open();
      enter("list");
    } else if (!isOpen()) {
      return;
    } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      sideways(event);
    } else if (event.key === "Escape") {
      event.preventDefault();
      field.value = "";
      close();
    } else if (event.key === "Enter" && (at || !field.value)) {
      event.preventDefault();
      if (at && pane === "list") go(new URL(at.href));
      else if (at) look(at, at.getAttribute("aria-expanded") === "false" ? "tree" : "list");
    }
  });
  field.form.addEventListener("submit", (event) => {
    event.preventDefault();
    const address = new URL(field.form.action);
    address.search = new URLSearchParams(new FormData(field.form));
    go(address);
  });

  field.addEventListener("input", () => {
    moved = false;
    point(null);
  });
  field.addEventListener("click", () => {
    if (!isOpen()) open();
  });

  picker.addEventListener("click", (event) => {
    const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.button);
    const link = event.target.closest("[data-take], [data-open-picker]");
    if (!link || !plain) return;
    event.preventDefault();
    if (link.matches("[data-take]")) return go(new URL(link.href));
    field.focus();
    open();
  });

  walk.addEventListener("htmx:beforeSwap", () => {
    point(null);
    walk.hidden = false;
  });
  walk.addEventListener("htmx:afterSettle", () => {
    dress();
    document.getElementById("svc-said").textContent = heading();
    if (field.value && !at) enter("list");
  });

  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  dress();
})();
