// The server renders a dialog open in its page. Here it becomes modal, and a link can fetch one without leaving the page.
import { $, $$, onContent } from "./page.js";

let opener = null;

const fits = ({ value, dataset }) => [value.trim(), value.trim().toLowerCase()].includes(dataset.confirm);

const setUp = (dialog) => {
  const inPage = dialog.open;
  const fetched = inPage && opener !== null;
  // Taking the attribute away closes it without a word; close() would tell the listener below.
  if (inPage) { dialog.removeAttribute("open"); dialog.showModal(); }
  for (const input of $$("[data-confirm]", dialog)) {
    const button = $(".btn--danger", input.form);
    button.disabled = !fits(input);
    input.addEventListener("input", () => { button.disabled = !fits(input); });
  }
  ($("[autofocus]", dialog) ?? $("input:not([type=hidden]), select, textarea", dialog))?.focus();
  dialog.addEventListener("close", () => {
    if (!inPage) return;
    // The address must not bring back what was put away.
    if (!fetched) history.replaceState(history.state, "", dialog.dataset.close);
    dialog.remove();
    opener?.focus();
    opener = null;
  });
};

export const openDialog = (id) => { const dialog = $(`#${id}`); if (dialog && !dialog.open) dialog.showModal(); };

// Where the dialog would be, and only there: what else htmx asks for is somebody else's.
const unreachable = (e) => {
  const { elt, target } = e.detail;
  if (target?.id !== "dialog-place") return;
  target.replaceChildren($("#dialog-unreachable").content.cloneNode(true));
  const dialog = $("dialog", target);
  setUp(dialog);
  $(".btn--main", dialog).focus();
  // After the listener of setUp, which forgets the opener: the click names it again.
  dialog.addEventListener("close", () => { if (dialog.returnValue === "again") elt.click(); });
};

export const setUpDialogs = () => {
  document.addEventListener("click", (e) => {
    const dismiss = e.target.closest?.("[data-dismiss]");
    if (dismiss) { e.preventDefault(); dismiss.closest("dialog").close(); }
    const show = e.target.closest?.("[data-show]");
    if (show) { e.preventDefault(); openDialog(show.dataset.show); }
    const fetches = e.target.closest?.("[data-dialog]");
    if (fetches) {
      const menu = fetches.closest("details[name=menu]");
      opener = menu ? $("summary", menu) : fetches;
      if (menu) menu.open = false;
    }
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(name, unreachable);
  onContent((from) => { for (const dialog of $$("dialog[data-close]", from)) setUp(dialog); });
};
