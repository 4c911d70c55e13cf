// Lists of boxes: a search over them, and one box for a whole group.
import { $, $$, onContent } from "./page.js";

const showGroup = (box, members) => {
  const on = members.filter((m) => m.checked).length;
  box.checked = on === members.length;
  box.indeterminate = on > 0 && on < members.length;
};

const setUpGroup = (box, from) => {
  const members = $$(`[data-in="${box.dataset.group}"]`, from);
  showGroup(box, members);
  box.addEventListener("change", () => {
    for (const member of members) if (!member.closest("[hidden]")) member.checked = box.checked;
    showGroup(box, members);
  });
  for (const member of members) member.addEventListener("change", () => showGroup(box, members));
};

// A group stays while one of its entries is found, and all of its entries while the group itself is.
const find = (list, word) => {
  let found = 0;
  let heading = null;
  let whole = false;
  for (const option of $$(".opt", list)) {
    const says = option.textContent.toLowerCase().includes(word);
    if (option.classList.contains("opt--group")) {
      heading = option;
      whole = says;
      option.hidden = !says;
      continue;
    }
    option.hidden = !(says || (whole && option.classList.contains("opt--sub")));
    if (option.hidden) continue;
    found += 1;
    if (heading && option.classList.contains("opt--sub")) heading.hidden = false;
  }
  const nothing = $("[data-nothing]", list);
  if (nothing) nothing.hidden = found > 0;
};

export const setUpFinding = () =>
  onContent((from) => {
    for (const box of $$("[data-group]", from)) setUpGroup(box, box.closest("form") ?? document);
    for (const input of $$("[data-find]", from)) {
      const list = input.closest("[data-findable]");
      input.addEventListener("input", () => find(list, input.value.trim().toLowerCase()));
      // Enter in a search over boxes must not send the form around it; in a field of the form it should.
      if (!input.name) input.addEventListener("keydown", (e) => { if (e.key === "Enter") e.preventDefault(); });
    }
  });
