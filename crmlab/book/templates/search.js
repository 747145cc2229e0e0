// Full-text search over what search-index.js holds: [page, lesson, section, text, code] of every section.
const field = document.getElementById("query");
const hits = document.getElementById("hits");
const MOST = 40, AROUND = 90;

const plain = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const cjk = /[\u3400-\u9fff]/;
const index = sections.map(([page, lesson, section, text, code]) =>
  ({page, lesson, section, text, code, title: plain(`${lesson} ${section}`), words: plain(text), program: plain(code)}));

// A word is found where it begins one; Chinese, which has no spaces, anywhere.
const pattern = (word) => new RegExp((cjk.test(word) ? "" : "(?<![\\p{L}\\p{N}])") + escaped(word), "gu");
const count = (text, found) => (text.match(found) || []).length;

function score(entry, patterns) {
  let sum = 0;
  for (const each of patterns) {
    const points = 12 * count(entry.title, each) + 2 * Math.min(count(entry.words, each), 8)
      + Math.min(count(entry.program, each), 4);
    if (!points) return 0;  // every word must be there
    sum += points;
  }
  return sum;
}

function excerpt(entry, words) {
  const text = plain(entry.text).length === entry.text.length ? entry.text : plain(entry.text);
  const at = Math.max(0, plain(text).search(new RegExp(words.map(escaped).join("|"), "u")));
  const begin = at < AROUND ? 0 : text.indexOf(" ", at - AROUND) + 1;
  return (begin ? "… " : "") + text.slice(begin, at + 2 * AROUND) + (at + 2 * AROUND < text.length ? " …" : "");
}

function marked(text, words) {
  const made = document.createElement("p");
  for (const part of text.split(new RegExp(`(${words.map(escaped).join("|")})`, "iu"))) {
    const node = words.includes(plain(part)) ? document.createElement("mark") : document.createTextNode("");
    node.textContent = part;
    made.append(node);
  }
  return made;
}

function search() {
  const words = plain(field.value).split(/\s+/).filter(Boolean);
  hits.replaceChildren();
  const said = document.getElementById("found");
  if (!words.length) { said.textContent = phrases.ask; return; }
  const patterns = words.map(pattern);
  const found = index.map((entry) => [score(entry, patterns), entry]).filter(([points]) => points)
    .sort((a, b) => b[0] - a[0]);
  said.textContent = (found.length ? phrases.some : phrases.none).replace("{count}", found.length);
  for (const [, entry] of found.slice(0, MOST)) {
    const item = document.createElement("li"), link = document.createElement("a");
    link.href = entry.page;
    link.textContent = entry.section && entry.section !== entry.lesson ? `${entry.lesson} › ${entry.section}` : entry.lesson;
    item.append(link, marked(excerpt(entry, words), words));
    hits.append(item);
  }
}

field.value = new URLSearchParams(location.search).get("q") || "";
field.addEventListener("input", search);
field.form.addEventListener("submit", (event) => {
  event.preventDefault();
  history.replaceState(null, "", `?q=${encodeURIComponent(field.value)}`);
  search();
});
search();
field.focus();
