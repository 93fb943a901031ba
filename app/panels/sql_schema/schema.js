// Tables and columns as a list. What is open and what is searched for stays when Streamlit sends the data again.

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".schema");
  root.schema ??= new Schema(root);
  root.schema.show(data);
}

const SETTER = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

class Schema {
  constructor(root) {
    this.opened = new Set();
    this.input = element("input");
    this.input.type = "search";
    this.list = element("div", "list");
    root.append(this.input, this.list);
    this.input.addEventListener("input", () => this.draw());
    // the caret stays in the editor, where the name goes
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
  }

  show(data) {
    const told = JSON.stringify(data);
    if (told === this.told) return;
    this.told = told;
    this.data = data;
    this.input.placeholder = data.words.find;
    this.input.setAttribute("aria-label", data.words.find);
    this.draw();
  }

  draw() {
    const wanted = this.input.value.trim().toLowerCase();
    const groups = this.data.groups.map((group) => this.group(group, wanted)).filter(Boolean);
    this.list.replaceChildren(...(groups.length ? groups : [element("div", "nothing", this.data.words.nothing)]));
  }

  group(group, wanted) {
    const tables = group.tables.map((table) => this.table(table, wanted)).filter(Boolean);
    if (!tables.length) return null;
    const made = element("div", "group");
    made.append(element("h3", "", group.title), ...tables);
    return made;
  }

  table(table, wanted) {
    const named = table.name.toLowerCase().includes(wanted);
    const columns = table.columns.filter((c) => named || c.name.toLowerCase().includes(wanted));
    if (wanted && !named && !columns.length) return null;
    const made = element("div", "table");
    const row = this.row(table.name, table.note, table.sentence);
    const has = table.columns.length > 0;
    row.prepend(element("span", "caret", has ? "›" : ""));
    row.lastChild.before(this.inserter(table.name));
    row.addEventListener("click", () => {
      if (!has) return this.insert(table.name);
      if (made.classList.toggle("open")) {
        this.opened.add(table.name);
        this.fill(made, table, columns);
      } else this.opened.delete(table.name);
      row.setAttribute("aria-expanded", made.classList.contains("open"));
    });
    made.append(row);
    if (has && (this.opened.has(table.name) || (wanted && !named))) {
      made.classList.add("open");
      this.fill(made, table, columns);
    }
    if (has) row.setAttribute("aria-expanded", made.classList.contains("open"));
    return made;
  }

  fill(made, table, columns) {
    if (made.querySelector(".columns")) return;
    const box = element("div", "columns");
    box.append(element("div", "sentence", table.sentence));
    for (const column of columns) {
      const note = column.unit ? `${column.type} · ${column.unit}` : column.type;
      const row = this.row(column.name, note, column.key ? `${column.sentence} (${this.data.words.key})` : column.sentence);
      row.classList.add("column");
      row.classList.toggle("key", column.key);
      row.addEventListener("click", () => this.insert(column.name));
      box.append(row);
    }
    made.append(box);
  }

  row(name, note, title) {
    const made = element("div", "row");
    made.title = title;
    made.tabIndex = 0;
    made.setAttribute("role", "button");
    made.append(element("code", "", name), element("span", "note", note));
    made.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      made.click();
    });
    return made;
  }

  inserter(name) {
    const made = element("button", "insert", "↵");
    made.title = this.data.words.insert;
    made.setAttribute("aria-label", `${this.data.words.insert}: ${name}`);
    made.addEventListener("click", (event) => {
      event.stopPropagation();
      this.insert(name, true);
    });
    return made;
  }

  insert(name, table = false) {
    const editor = document.querySelector(this.data.editor);
    if (!editor) return;
    const { selectionStart: from, selectionEnd: to, value } = editor;
    const word = /^[a-z_][a-z0-9_]*$/i.test(name) || name.includes("(") ? name : `"${name.replaceAll('"', '""')}"`;
    const blank = !value.trim();
    const before = value.slice(0, from);
    const space = before && !/[\s(.,]$/.test(before) ? " " : "";
    const text = blank && table ? `SELECT *\nFROM ${word}\nLIMIT 100` : before + space + word + value.slice(to);
    const caret = blank && table ? text.length : from + space.length + word.length;
    editor.focus();
    SETTER.call(editor, text);
    editor.dispatchEvent(new Event("input", { bubbles: true }));
    editor.setSelectionRange(caret, caret);
  }
}
