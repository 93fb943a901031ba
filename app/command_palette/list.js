// The palette's field and list. Streamlit calls the function below for every answer of the server; what the first call
// built stays, so that neither the caret nor the chosen row is lost.

const ASK_AFTER_MS = 60;
const ASK_AGAIN_MS = 700; // the model registry is still being imported
const MAC = /mac|iphone|ipad/i.test(navigator.platform);

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".palette");
  root.palette ??= new Palette(root);
  root.palette.ask = (text) => setStateValue("query", text);
  root.palette.show(data);
  return () => root.palette.stop();
}

class Palette {
  constructor(root) {
    this.root = root;
    this.input = root.querySelector("input");
    this.list = root.querySelector(".rows");
    this.keys = root.querySelector(".keys");
    this.rows = [];
    this.chosen = 0;
    this.answered = "";
    this.entered = null; // the event of an Enter that waits for its answer
    this.input.addEventListener("input", (event) => event.isComposing || this.typed());
    this.input.addEventListener("compositionend", () => this.typed());
    this.root.addEventListener("keydown", (event) => this.pressed(event));
    requestAnimationFrame(() => this.input.focus()); // after the dialog has put the focus on its own first button
  }

  typed() {
    clearTimeout(this.timer);
    this.entered = null;
    this.waits();
    this.timer = setTimeout(() => this.ask(this.input.value), ASK_AFTER_MS);
  }

  waits() {
    this.root.classList.toggle("waiting", this.input.value !== this.answered);
  }

  stop() {
    clearTimeout(this.timer);
    clearTimeout(this.again);
  }

  pressed(event) {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 6, PageUp: -6 }[event.key];
    if (step) this.choose(this.chosen + step, Math.abs(step) === 1);
    else if (event.key === "Enter") this.enter(event.ctrlKey || event.metaKey);
    else if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) this.input.select();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  enter(aside) {
    if (this.input.value !== this.answered) this.entered = { aside };
    else if (this.rows[this.chosen]) this.open(this.rows[this.chosen], aside);
  }

  open(row, aside) {
    if (aside) window.open(row.href, "_blank", "noopener");
    else {
      // as if the reader went forward to it: one entry of the history, where st.switch_page with a query makes two
      history.pushState({}, "", row.href);
      dispatchEvent(new PopStateEvent("popstate"));
    }
  }

  choose(index, round = false) {
    const n = this.rows.length;
    if (!n) return;
    this.chosen = round ? (index + n) % n : Math.max(0, Math.min(n - 1, index));
    this.rows.forEach((row, i) => row.setAttribute("aria-selected", String(i === this.chosen)));
    this.input.setAttribute("aria-activedescendant", this.rows[this.chosen].id);
    if (this.chosen === 0) this.list.scrollTop = 0;
    else this.rows[this.chosen].scrollIntoView({ block: "nearest" });
  }

  show({ query, groups, pending, words }) {
    this.input.placeholder = words.placeholder;
    this.input.setAttribute("aria-label", words.label);
    this.list.setAttribute("aria-label", words.label);
    this.keys.replaceChildren(
      key(["↑", "↓"], words.move),
      key(["↵"], words.open),
      key([MAC ? "⌘" : "Ctrl", "↵"], words.tab),
      key(["Esc"], words.close),
    );
    const before = query === this.answered ? this.rows[this.chosen]?.getAttribute("href") : null;
    this.answered = query;
    this.waits();
    this.rows = [];
    this.list.replaceChildren(...groups.map((group) => this.group(group, query)));
    this.choose(Math.max(0, this.rows.findIndex((row) => row.getAttribute("href") === before)));
    clearTimeout(this.again);
    if (pending) this.again = setTimeout(() => this.ask(this.input.value), ASK_AGAIN_MS);
    if (this.entered && this.input.value === query) {
      const { aside } = this.entered;
      this.entered = null;
      this.enter(aside);
    }
  }

  group({ title, rows }, query) {
    const drawn = element("div", "group");
    drawn.setAttribute("role", "group");
    if (title) {
      drawn.setAttribute("aria-label", title);
      drawn.append(element("div", "title", title));
    }
    drawn.append(...rows.map((row) => this.row(row, query)));
    return drawn;
  }

  row({ href, icon, title, detail, note }, query) {
    const drawn = element("a", "row");
    const index = this.rows.push(drawn) - 1;
    drawn.id = `row-${index}`;
    drawn.href = href;
    drawn.tabIndex = -1;
    drawn.setAttribute("role", "option");
    const sign = element("span", "icon", icon);
    sign.setAttribute("aria-hidden", "true");
    const text = element("span", "text");
    text.append(marked("b", title, query), marked("span", detail ?? "", query));
    drawn.append(sign, text, element("span", "note", note ?? ""), element("span", "enter", "↵"));
    // pointermove, not mouseenter: rows that slide under a resting pointer are not chosen
    drawn.addEventListener("pointermove", () => this.chosen === index || this.choose(index));
    drawn.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.open(drawn, false);
    });
    return drawn;
  }
}

function element(tag, name, text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}

function key(signs, meaning) {
  const part = element("span", "key");
  part.append(...signs.map((sign) => element("kbd", "", sign)), meaning);
  return part;
}

function marked(tag, text, query) {
  const made = element(tag, "");
  const wanted = query.trim().toLowerCase();
  const at = wanted ? text.toLowerCase().indexOf(wanted) : -1;
  if (at < 0) made.textContent = text;
  else made.append(text.slice(0, at), element("mark", "", text.slice(at, at + wanted.length)), text.slice(at + wanted.length));
  return made;
}
