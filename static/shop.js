// What the pages can do a little better with a script. Each of them works without this file.
(() => {
  const root = document.documentElement;
  const themes = ["auto", "light", "dark"];
  const pictures = { auto: "monitor", light: "sun", dark: "moon" };

  function storedTheme() {
    try {
      return localStorage.getItem("theme") || "auto";
    } catch {
      return "auto";
    }
  }

  function showTheme(choice) {
    if (choice === "auto") delete root.dataset.theme;
    else root.dataset.theme = choice;
    for (const button of document.querySelectorAll("[data-theme-button]")) {
      button.querySelector("[data-word]").textContent = button.dataset[choice];
      const use = button.querySelector("use");
      use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${pictures[choice]}`));
    }
  }

  function nextTheme() {
    const choice = themes[(themes.indexOf(storedTheme()) + 1) % themes.length];
    try {
      localStorage.setItem("theme", choice);
    } catch {
      // Storage can be forbidden; the choice then lasts as long as the page.
    }
    showTheme(choice);
  }

  function fill(button, event) {
    event.preventDefault();
    const field = document.querySelector(button.dataset.fill);
    field.value = button.dataset.value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  }

  function goTo(selector, event) {
    event.preventDefault();
    const field = selector.length > 1 && document.querySelector(selector);
    if (!field) return;
    field.closest("details")?.setAttribute("open", "");
    field.focus();
  }

  function reveal(button) {
    const field = document.querySelector(button.dataset.reveal);
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  }

  async function copy(button) {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      return;
    }
    const use = button.querySelector("use");
    const before = use.getAttribute("href");
    use.setAttribute("href", before.replace(/#.*/, "#check"));
    setTimeout(() => use.setAttribute("href", before), 1500);
  }

  const handlers = [
    ["[data-theme-button]", nextTheme],
    ["[data-fill]", fill],
    ["[data-to-field]", (link, event) => goTo(link.hash, event)],
    // A grey button stays in the order of tabs, says why it is grey, and leads to what is missing.
    ['[aria-disabled="true"][data-way]', (button, event) => goTo(button.dataset.way, event)],
    ["[data-reveal]", reveal],
    ["[data-copy]", copy],
    ["[data-print]", () => window.print()],
  ];

  document.addEventListener("click", (event) => {
    for (const [selector, handle] of handlers) {
      const button = event.target.closest(selector);
      if (button) return handle(button, event);
    }
  });

  // A second click on a busy button sends nothing; the nonce in the form makes sure of it on the server as well.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.busy) return;
    if (form.getAttribute("aria-busy") === "true") return event.preventDefault();
    const grey = form.querySelector('[aria-disabled="true"][data-way]');
    if (grey && !event.submitter?.name) return goTo(grey.dataset.way, event); // Enter in a field
    form.setAttribute("aria-busy", "true");
    for (const button of document.querySelectorAll(`[data-busy-button="${form.id}"]`)) {
      const spin = document.createElement("span");
      spin.className = "spin";
      button.replaceChildren(spin, form.dataset.busy);
    }
    if (form.classList.contains("htmx-request")) sendAfterAnswer(event, form);
  });

  // What was typed before htmx listened, or put back by the browser, has no quote yet. This listener is htmx's second.
  document.addEventListener("DOMContentLoaded", () => {
    const fields = document.getElementById("order-form")?.querySelectorAll("fieldset input, fieldset textarea") ?? [];
    const typed = [...fields].find((field) => field.type !== "hidden" && field.value !== field.defaultValue);
    typed?.dispatchEvent(new Event("change", { bubbles: true }));
  });

  function hiddenField(name, value) {
    const field = document.createElement("input");
    [field.type, field.name, field.value] = ["hidden", name, value];
    return field;
  }

  // Leaving in the middle of a quote would cut it off, which the console shows as an error: it is answered first.
  // What is sent is what was on the screen at the click: a new charge in that answer must not slip in.
  function sendAfterAnswer(event, form) {
    event.preventDefault();
    const shown = form.elements.shown_charge?.value;
    const button = event.submitter;
    const send = () => {
      if (shown !== undefined && form.elements.shown_charge) form.elements.shown_charge.value = shown;
      // A script's submit leaves the button out: "Add funds" would place the order instead of keeping it.
      if (button?.name) form.append(hiddenField(button.name, button.value));
      if (button?.hasAttribute("formaction")) form.action = button.formAction;
      form.submit();
    };
    form.addEventListener("htmx:afterSettle", send, { once: true });
    form.addEventListener("htmx:sendError", send, { once: true });
    form.addEventListener("htmx:responseError", send, { once: true });
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.matches('form[aria-busy="true"]')) event.preventDefault();
  });

  // Coming back through the browser's history shows the page as it was left: busy. It is not any more.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted && document.querySelector('form[aria-busy="true"]')) location.reload();
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
    if (event.target.matches("[data-select-all]")) {
      for (const box of selectable()) box.checked = event.target.checked;
    }
    if (event.target.matches("[data-select-all], .c-sel input")) showSelected();
  });

  // Rows that are chosen, and how many of them the bar below the list names.
  const selectable = () => document.querySelectorAll(".c-sel input[name]");
  function showSelected() {
    const boxes = [...selectable()];
    const chosen = boxes.filter((box) => box.checked).length;
    for (const count of document.querySelectorAll("[data-selected-count]")) count.textContent = chosen;
    for (const all of document.querySelectorAll("[data-select-all]")) {
      all.checked = chosen > 0 && chosen === boxes.length;
      all.indeterminate = chosen > 0 && chosen < boxes.length;
    }
  }

  // One menu of a row is open at a time; Escape and a click elsewhere close it.
  function closeMenus(but) {
    for (const menu of document.querySelectorAll("[data-menu][open]")) if (menu !== but) menu.open = false;
  }
  document.addEventListener("click", (event) => closeMenus(event.target.closest("[data-menu]")));
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest("[data-menu][open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  // A row that has changed keeps its mark; one whose menu is open waits for the next time.
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { target, fragment } = event.detail;
    if (target.querySelector("[data-menu][open]")) event.detail.shouldSwap = false;
    const box = fragment.querySelector(".c-sel input");
    if (box) box.checked = target.querySelector(".c-sel input")?.checked ?? false;
  });

  // The server says what is wrong beside a field; the field itself learns it from there.
  document.addEventListener("htmx:afterSettle", () => {
    for (const foot of document.querySelectorAll("[data-foot-of]")) {
      const field = document.getElementById(foot.dataset.footOf);
      if (!field) continue;
      const words = foot.querySelector(".error, .offer, .hint");
      if (foot.querySelector(".error, .offer")) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
      if (words) field.setAttribute("aria-describedby", words.id);
      else field.removeAttribute("aria-describedby");
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const field = document.querySelector("[data-slash]");
    if (!field) return;
    event.preventDefault();
    field.focus();
  });

  // Whatever polls stops while nobody looks, and catches up when somebody does.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.target.closest("[data-live]")) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    for (const element of document.querySelectorAll("[data-live]")) element.dispatchEvent(new Event("catch-up"));
  });

  // Without a network the page keeps what it shows and says from when that is.
  for (const kind of ["online", "offline"]) {
    window.addEventListener(kind, () => {
      for (const note of document.querySelectorAll("[data-offline]")) {
        note.hidden = kind === "online";
        note.querySelector("[data-since]").textContent = new Date().toTimeString().slice(0, 5);
      }
    });
  }

  showTheme(storedTheme());
  document.querySelector("[data-focus]")?.focus();
})();
