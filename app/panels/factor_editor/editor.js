// A text field over its own coloured copy. What is typed is sent when the reader pauses; what the server sends back
// (errors, another expression) is drawn without taking the caret away.

const ASK_AFTER_MS = 220;
const SHOWN = 9;
const TOKEN = /(\$\$?[A-Za-z_]\w*)|([A-Za-z_]\w*)(?=\s*\()|('[^']*'?|"[^"]*"?)|((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|([-+*\/<>=!&|~^(),]+)/g;
const KINDS = ["field", "call", "text", "number", "sign"];

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".editor");
  root.editor ??= new Editor(root);
  root.editor.send = (text) => setStateValue("text", text);
  root.editor.show(data);
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

class Editor {
  constructor(root) {
    this.root = root;
    this.area = element("textarea");
    for (const name of ["spellcheck", "autocorrect"]) this.area.setAttribute(name, "false");
    this.area.setAttribute("autocapitalize", "off");
    this.area.setAttribute("aria-controls", "completions");
    this.copy = element("pre");
    this.copy.setAttribute("aria-hidden", "true");
    this.list = element("ul", "completions");
    this.list.id = "completions";
    this.list.setAttribute("role", "listbox");
    this.list.hidden = true;
    this.hint = element("div", "hint");
    const box = element("div", "box");
    box.append(this.copy, this.area, this.list);
    root.append(box, this.hint);
    this.marks = [];
    this.found = [];
    this.area.addEventListener("input", (event) => event.isComposing || this.typed());
    this.area.addEventListener("compositionend", () => this.typed());
    this.area.addEventListener("scroll", () => { this.copy.scrollTop = this.area.scrollTop; });
    this.area.addEventListener("keydown", (event) => this.pressed(event));
    this.area.addEventListener("blur", () => { this.close(); this.flush(); });
    for (const name of ["click", "keyup"]) this.area.addEventListener(name, () => this.explain());
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
  }

  show(data) {
    this.words = Object.fromEntries(data.words.map((word) => [word.name, word]));
    this.data = data;
    this.area.placeholder = data.placeholder;
    this.area.setAttribute("aria-label", data.label);
    if (data.turn !== this.turn) {
      this.turn = data.turn;
      clearTimeout(this.timer);
      this.area.value = data.text;
      this.sent = data.text;
    }
    this.marks = data.text === this.area.value ? data.marks : [];
    this.paint();
  }

  typed() {
    this.marks = [];
    this.paint();
    this.suggest();
    this.explain();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), ASK_AFTER_MS);
  }

  flush() {
    clearTimeout(this.timer);
    if (this.area.value === this.sent) return;
    this.sent = this.area.value;
    this.send(this.sent);
  }

  paint() {
    const text = this.area.value;
    const cuts = new Set([0, text.length]);
    for (const mark of this.marks) cuts.add(Math.min(mark.from, text.length)).add(Math.min(mark.to, text.length));
    const spans = [];
    for (const found of text.matchAll(TOKEN)) {
      const kind = KINDS[found.slice(1).findIndex((part) => part !== undefined)];
      spans.push({ from: found.index, to: found.index + found[0].length, kind });
      cuts.add(found.index).add(found.index + found[0].length);
    }
    const edges = [...cuts].sort((a, b) => a - b);
    const parts = [];
    for (let i = 0, s = 0; i + 1 < edges.length; i++) {
      const [from, to] = [edges[i], edges[i + 1]];
      while (s < spans.length && spans[s].to <= from) s++;
      const kind = spans[s] && spans[s].from <= from ? spans[s].kind : "";
      const mark = this.marks.find((m) => m.from <= from && to <= m.to);
      const known = kind !== "call" || this.words[text.slice(from, to)];
      const part = element("span", [known ? kind : "", mark ? `wrong ${mark.tone}` : ""].join(" ").trim(), text.slice(from, to));
      parts.push(part);
    }
    const beyond = this.marks.find((m) => m.from >= text.length);
    parts.push(element("span", beyond ? `wrong ${beyond.tone}` : "", " "));
    this.copy.replaceChildren(...parts);
    this.copy.scrollTop = this.area.scrollTop;
  }

  word() {
    const before = this.area.value.slice(0, this.area.selectionStart);
    return /(\$\$?\w*|[A-Za-z_]\w*)$/.exec(before)?.[0] ?? "";
  }

  suggest() {
    const word = this.word();
    const small = word.toLowerCase();
    const all = this.data.words;
    const starts = all.filter((w) => w.name.toLowerCase().startsWith(small));
    const holds = all.filter((w) => !starts.includes(w) && w.name.toLowerCase().includes(small.replace(/^\$+/, "$")));
    this.found = word && word !== "$$" ? [...starts, ...holds].slice(0, SHOWN) : [];
    if (this.found.length === 1 && this.found[0].name === word) this.found = [];
    this.choose(0);
    this.list.replaceChildren(...this.found.map((w, i) => this.row(w, i)));
    this.list.hidden = !this.found.length;
    if (this.list.hidden) return;
    const last = this.at(this.area.selectionStart - word.length);
    this.list.style.left = `${Math.min(last.left, Math.max(0, this.root.clientWidth - 420))}px`;
    this.list.style.top = `${last.bottom + 2}px`;
  }

  at(position) {
    // where a character stands, by its place in the coloured copy
    const range = document.createRange();
    let rest = position;
    for (const part of this.copy.children) {
      const text = part.firstChild;
      if (!text) continue;
      if (rest <= text.length) {
        range.setStart(text, rest);
        range.setEnd(text, Math.min(rest + 1, text.length));
        break;
      }
      rest -= text.length;
    }
    const box = this.copy.parentElement.getBoundingClientRect();
    const place = range.getBoundingClientRect();
    return { left: place.left - box.left, bottom: place.bottom - box.top };
  }

  row(word, index) {
    const made = element("li");
    made.setAttribute("role", "option");
    made.setAttribute("aria-selected", String(index === this.chosen));
    made.append(element("code", word.kind, word.shape || word.name), element("span", "", word.sentence));
    made.addEventListener("click", () => this.accept(word));
    return made;
  }

  choose(index) {
    this.chosen = index;
    [...this.list.children].forEach((row, i) => row.setAttribute("aria-selected", String(i === index)));
  }

  close() {
    this.found = [];
    this.list.hidden = true;
  }

  pressed(event) {
    if (event.isComposing) return;
    const n = this.found.length;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.flush();
    else if (!n) return;
    else if (event.key === "ArrowDown") this.choose((this.chosen + 1) % n);
    else if (event.key === "ArrowUp") this.choose((this.chosen + n - 1) % n);
    else if (event.key === "Enter" || event.key === "Tab") this.accept(this.found[this.chosen]);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  accept(word) {
    const { selectionStart: caret, value } = this.area;
    const from = caret - this.word().length;
    const rest = value.slice(caret).replace(/^\w+/, "");
    const opens = word.kind === "call" && !rest.startsWith("(") ? "(" : "";
    this.area.value = value.slice(0, from) + word.name + opens + rest;
    const place = from + word.name.length + opens.length;
    this.area.focus();
    this.area.setSelectionRange(place, place);
    this.close();
    this.typed();
    this.close();
  }

  explain() {
    // of the operator whose brackets the caret is in: what it takes and gives
    const before = this.area.value.slice(0, this.area.selectionStart);
    let depth = 0;
    let name = "";
    for (let i = before.length - 1; i >= 0 && !name; i--) {
      if (before[i] === ")") depth++;
      else if (before[i] === "(" && depth-- === 0) {
        name = /([A-Za-z_]\w*)\s*$/.exec(before.slice(0, i))?.[1] ?? "";
        depth = 0;
        if (!name) continue;
      }
    }
    const word = this.words?.[name];
    this.hint.replaceChildren(...(word ? [element("code", "call", word.shape), element("span", "", word.sentence)] : []));
  }
}
