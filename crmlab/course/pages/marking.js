"use strict";
(() => {
  const sheet = document.querySelector(".marking"), articles = [...sheet.querySelectorAll("article")];
  const points = (article) => article.querySelector(".given-points");
  const comment = (article) => article.querySelector("textarea");
  const key = (article) => [article.dataset.question, article.dataset.student, article.dataset.digest].join("|");

  const show = () => {
    let done = 0;
    for (const article of articles) {
      const field = points(article), marked = field.value !== "" && field.checkValidity();
      article.classList.toggle("right", marked);
      article.classList.toggle("todo", !marked);
      done += marked ? 1 : 0;
    }
    const count = sheet.querySelector(".count");
    count.textContent = count.dataset.text.replace("{done}", done).replace("{all}", articles.length);
  };

  // What has been typed survives a closed window, where the browser lets a file remember.
  const remember = () => {
    try {
      const held = articles.map((each) => [key(each), points(each).value, comment(each).value]);
      localStorage.setItem(sheet.dataset.store, JSON.stringify(held));
    } catch { /* then it does not */ }
  };
  const recall = () => {
    try {
      const held = JSON.parse(localStorage.getItem(sheet.dataset.store) || "[]");
      const found = new Map(held.map(([name, ...rest]) => [name, rest]));
      for (const article of articles) {
        const [given, said] = found.get(key(article)) || ["", ""];
        if (points(article).value === "") points(article).value = given;
        if (comment(article).value === "") comment(article).value = said;
      }
    } catch { /* then it starts with what the table says */ }
  };

  const cell = (text) => `"${text.replaceAll('"', '""')}"`;
  const table = () => {
    const lines = ["question,student,points,comment,digest"];
    for (const article of articles) {
      const { question, student, digest } = article.dataset;
      lines.push([question, student, points(article).value, comment(article).value, digest].map(cell).join(","));
    }
    return "\ufeff" + lines.join("\r\n") + "\r\n";
  };
  const save = () => {
    const wrong = articles.find((each) => !points(each).checkValidity());
    if (wrong) { points(wrong).reportValidity(); return; }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([table()], { type: "text/csv" }));
    link.download = sheet.dataset.file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };

  sheet.addEventListener("change", (event) => {
    const article = event.target.closest("article");
    if (article && event.target.type === "checkbox") {
      const boxes = [...article.querySelectorAll("input[type=checkbox]:checked")];
      points(article).value = boxes.reduce((sum, box) => sum + Number(box.value), 0);
    }
  });
  sheet.addEventListener("input", () => { show(); remember(); });
  sheet.addEventListener("change", () => { show(); remember(); });
  sheet.querySelector("button").addEventListener("click", save);
  recall();
  show();
})();
