// Runs before the stylesheet, so that a chosen theme never flashes. The admin keeps the same choice
// under the same name: light, dark, or auto, for which the system decides.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  let choice = "auto";
  try {
    choice = localStorage.getItem("theme") || "auto";
  } catch {
    // Storage can be forbidden; then the system's choice holds.
  }
  if (choice === "light" || choice === "dark") root.dataset.theme = choice;
})();
