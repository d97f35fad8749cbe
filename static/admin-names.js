// The admin's search boxes for related rows are drawn by a library that gives them no name: they get their label's.
document.addEventListener("DOMContentLoaded", () => {
  // The library draws them when jQuery is ready; this stands in the same line, behind it.
  window.django.jQuery(() => {
    for (const select of document.querySelectorAll("select.admin-autocomplete")) {
      const label = document.querySelector(`label[for="${select.id}"]`)?.textContent.trim();
      const box = select.nextElementSibling;
      if (!label || !box?.classList.contains("select2")) continue;
      for (const part of box.querySelectorAll("[role=combobox], [role=textbox]")) part.setAttribute("aria-label", label);
    }
  });
});
