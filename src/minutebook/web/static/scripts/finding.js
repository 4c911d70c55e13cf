// Lists to choose from: a search over them, and one box for a whole group.
import { $, $$, onContent } from "./page.js";

const showGroup = (box, members) => {
  const on = members.filter((m) => m.checked).length;
  box.checked = on === members.length;
  box.indeterminate = on > 0 && on < members.length;
};

// The box of a group may have a name of its own: it then asks for the group as a whole, whatever will be in it, and is
// sent only where the group was chosen as such, not where each of its members happened to be.
const setUpGroup = (box, from) => {
  const members = $$(`[data-in="${box.dataset.group}"]`, from);
  const { name } = box;
  const ask = (whole) => { if (name) box.name = whole ? name : ""; };
  const begin = () => {
    ask(box.checked);
    if (box.checked) for (const member of members) member.checked = true;
    showGroup(box, members);
  };
  begin();
  box.form?.addEventListener("reset", () => setTimeout(begin)); // it is told before it is done
  box.addEventListener("change", () => {
    const shown = members.filter((member) => !member.closest("[hidden]"));
    ask(box.checked && shown.length === members.length);
    for (const member of shown) member.checked = box.checked;
    showGroup(box, members);
  });
  for (const member of members) member.addEventListener("change", () => { ask(false); showGroup(box, members); });
};

const nameOf = (option) => option.textContent.toLowerCase();

// A group stays while one of its entries is found, and all of its entries while the group itself is.
const find = (list, word) => {
  let found = 0;
  let heading = null;
  let whole = false;
  for (const option of $$(".opt", list)) {
    const says = nameOf(option).includes(word);
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

// Of several typed after one another, the one that is being typed.
const lastOf = (text) => text.split(",").at(-1).trim().toLowerCase();

// What Enter takes: the first that is found by itself, not for the sake of its group. A part of an address, or a pattern,
// is searched for as it is.
const firstMatch = (list, word) =>
  word && !/[@*]/.test(word) ? $$(".opt", list).find((option) => !option.hidden && nameOf(option).includes(word)) : undefined;

const mark = (list, match) => {
  for (const option of $$(".opt[data-next]", list)) delete option.dataset.next;
  if (match) match.dataset.next = "";
};

const take = (match, input) => {
  const box = $("input", match);
  if (box) {
    if (!box.checked) box.click();
  } else {
    const before = input.value.split(",").slice(0, -1).map((text) => text.trim());
    input.value = [...before, match.dataset.value].join(", ");
  }
};

const setUpSearch = (input) => {
  const list = input.closest("[data-findable]");
  const form = list.closest("form.filters");
  const word = () => (input.name ? lastOf(input.value) : input.value.trim().toLowerCase());
  const look = () => {
    find(list, word());
    if (form) mark(list, firstMatch(list, word()));
  };
  input.addEventListener("input", look);
  input.form?.addEventListener("reset", () => setTimeout(look));
  input.addEventListener("focus", () => input.select()); // what is typed takes the place of what was asked before
  input.addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || e.isComposing) return;
    const match = form && firstMatch(list, word());
    if (match) take(match, input);
    else if (list.dataset.findable === "links") {
      e.preventDefault();
      $$("a.opt", list).find((option) => !option.hidden)?.click();
    }
    // Elsewhere, and where nothing is called that, Enter in a search over boxes must not send the form around it.
    else if (!input.name && (!form || word())) e.preventDefault();
  });
};

export const setUpFinding = () =>
  onContent((from) => {
    for (const box of $$("[data-group]", from)) setUpGroup(box, box.closest("form") ?? document);
    for (const input of $$("[data-find]", from)) setUpSearch(input);
  });
