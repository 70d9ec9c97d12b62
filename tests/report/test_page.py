"""The page and the files beside it, of a made-up study: well formed, self-contained, accessible; figures that can be drawn again.

Arguments: syncnorm, make_study."""

import csv
import html
import html.parser
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

PROGRAM, MAKE_STUDY = sys.argv[1:3]
VOID = {"meta", "link", "br", "img", "input"}


class Page(html.parser.HTMLParser):
    """Elements, and that what is opened is closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.faults, self.text = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.runs, cls.report = os.path.join(cls.scratch.name, "runs"), os.path.join(cls.scratch.name, "out", "report")
        os.mkdir(cls.runs)
        subprocess.run([MAKE_STUDY, cls.runs], check=True)
        cls.files = sorted(os.path.join(cls.runs, name) for name in os.listdir(cls.runs) if name.endswith(".h5"))
        cls.done = subprocess.run([PROGRAM, "report", *cls.files, "--output", cls.report], text=True, capture_output=True)
        cls.page = Page(cls.read("report.html"))

    @classmethod
    def read(cls, name):
        with open(os.path.join(cls.report, name), encoding="utf-8", newline="") as file:
            return file.read()

    def figures(self, extension):
        return {name[:-len(extension) - 1] for name in os.listdir(os.path.join(self.report, "figures"))
                if name.endswith("." + extension)}

    def test_says_where(self):
        self.assertEqual((self.done.returncode, self.done.stderr), (0, ""))
        self.assertIn(f"{self.report}/report.html: 50 runs of 10 experiments", self.done.stdout)

    def test_is_well_formed(self):
        self.assertEqual((self.page.faults, self.page.open), ([], []))
        ids = [attributes["id"] for _, attributes in self.page.elements if "id" in attributes]
        self.assertEqual(len(ids), len(set(ids)))
        for attributes in self.page.all("use"):  # what a figure refers to is its own
            self.assertIn(attributes["xlink:href"][1:], ids)

    def test_needs_nothing_else(self):
        for tag, attributes in self.page.elements:
            for name in "src", "href", "xlink:href", "srcset", "action", "data":
                beside = tag == "a" and re.fullmatch(r"figures/[\w-]+\.(svg|pdf|tsv|gp)", attributes.get(name) or "")
                self.assertRegex("#" if beside else attributes.get(name) or "#", r"^(#|data:)", f"<{tag} {name}>")
            self.assertFalse([name for name in attributes if name.startswith("on")])
        self.assertEqual(self.page.all("script"), [])
        self.assertNotRegex(self.read("report.html"), r"@import|url\(\s*['\"]?(http|//|file)")

    def test_speaks_to_everybody(self):
        self.assertEqual(self.page.elements[0], ("html", {"lang": "en"}))
        self.assertEqual(len(self.page.all("h1")), 1)
        self.assertTrue(all(image.get("alt") for image in self.page.all("img")))
        drawings = self.page.all("svg")
        self.assertEqual(len(drawings), len(self.figures("svg")))
        ids = {attributes.get("id") for _, attributes in self.page.elements}
        for drawing in drawings:
            self.assertEqual(drawing["role"], "img")
            self.assertTrue(set(drawing["aria-labelledby"].split()) <= ids)
        self.assertTrue(any("viewport" == meta.get("name") for meta in self.page.all("meta")))

    def test_figures_come_with_data_and_script(self):
        names = self.figures("svg")
        self.assertEqual(names, self.figures("tsv"))
        self.assertEqual(names, self.figures("gp"))
        self.assertEqual(names, self.figures("pdf"))
        for name in names:
            with open(os.path.join(self.report, "figures", name + ".pdf"), "rb") as file:
                self.assertEqual(file.read(5), b"%PDF-", name)
        self.assertLessEqual({"train-loss", "test-loss", "train-accuracy", "test-accuracy", "penalty", "gap", "gradient-norm",
                              "error-by-scope", "disagreement-by-layer", "running-mean-gap", "precise-mean-gap", "time-split",
                              "speed-by-ranks"}, names)
        for name in names:
            rows = [line.split("\t") for line in self.read(f"figures/{name}.tsv").splitlines()]
            self.assertGreater(len(rows), 1, name)
            self.assertEqual({len(row) for row in rows}, {len(rows[0])}, name)
            root = xml.parse(os.path.join(self.report, "figures", name + ".svg")).getroot()
            self.assertTrue(root.tag.endswith("svg"))
            self.assertGreater(len(list(root.iter("{http://www.w3.org/2000/svg}path"))), 4, name)

    def test_is_styled(self):
        style = self.read("report.html").split("<style>")[1].split("</style>")[0]
        self.assertIn("font: 1rem/1.55 system-ui", style)
        self.assertEqual(style.count("{"), style.count("}"))

    def test_figures_are_numbered(self):
        numbers = [int(n) for n in re.findall(r"<figcaption><strong>Figure (\d+)\. ", self.read("report.html"))]
        self.assertEqual(numbers, list(range(1, len(self.figures("svg")) + 1)))
        self.assertEqual(numbers, [int(n) for n in re.findall(r"(?m)^\*\*Figure (\d+)\. ", self.read("report.md"))])

    def test_numbers_of_the_answer_lead_to_their_tables(self):
        page = self.read("report.html")
        answer = page[page.index('id="section-the-answer"'):page.index("<figure")]
        self.assertGreater(answer.count('<a href="#table-answer">'), 5)
        ids = {attributes.get("id") for _, attributes in self.page.elements}
        self.assertLessEqual(set(re.findall(r'<a href="#(table-[^"]*)"', page)), ids)
        for text in (page, self.read("report.md")):
            self.assertFalse(set(text) & {"\x02", "\x03", "\x1f"})

    def test_boxes_take_series_away(self):
        """Each box has a rule, whose parts of the drawing are there and of no other box."""
        ids = {attributes.get("id") for _, attributes in self.page.elements}
        boxes = {attributes["id"] for attributes in self.page.all("input") if "more" not in attributes["class"].split()}
        self.assertGreater(len(boxes), 20)
        rules = re.findall(r"#(show-[\w-]+):not\(:checked\) ~ svg #([\w-]+)", self.read("report.html"))
        self.assertEqual({box for box, _ in rules}, boxes)
        parts = [part for _, part in rules]
        self.assertEqual(len(parts), len(set(parts)))
        self.assertLessEqual(set(parts), ids)

    def test_points_say_what_they_are(self):
        titles = re.findall(r'<g class="tip"><title>([^<]*)</title>', self.read("report.html"))
        self.assertIn("ln: 99.03 at 15", titles)
        self.assertNotIn("gnuplot_svg", self.read("report.html"))

    def test_keys_leave_room_for_the_plot(self):
        with tempfile.TemporaryDirectory() as runs:
            report = os.path.join(runs, "report")
            subprocess.run([MAKE_STUDY, runs, "a-suffix"], check=True)  # labels of nearly all lengths
            subprocess.run([PROGRAM, "report", *(os.path.join(runs, name) for name in os.listdir(runs)), "--output", report],
                           check=True, capture_output=True)
            for name in os.listdir(os.path.join(report, "figures")):
                if not name.endswith(".svg") or name in ("time-split.svg", "answer.svg"):  # of bars
                    continue
                with open(os.path.join(report, "figures", name), encoding="utf-8") as file:
                    border = re.search(r"d='M([\d.]+),([\d.]+) L\1,([\d.]+) L[\d.]+,\3 ", file.read())
                self.assertGreater(float(border[3]) - float(border[2]), 190, name)

    @staticmethod
    def drawn(svg):
        """Without groups that draw nothing, in which a gnuplot that drew something before leaves its colour."""
        return re.sub(r"<g [^>]*>\s*</g>", "", svg)

    def test_scripts_work_by_hand(self):
        with tempfile.TemporaryDirectory() as copy:
            for name in self.figures("gp"):
                for extension in "gp", "tsv":
                    shutil.copy(os.path.join(self.report, "figures", f"{name}.{extension}"), copy)
                done = subprocess.run(["gnuplot", f"{name}.gp"], cwd=copy, text=True, capture_output=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""), name)
                with open(os.path.join(copy, name + ".svg"), encoding="utf-8") as file:
                    self.assertEqual(self.drawn(file.read()), self.drawn(self.read(f"figures/{name}.svg")))

    def merged(self, header, row):
        """A row of a CSV file as tables for readers have it: two numbers in a cell, a dash or nothing where there is none."""
        cells, i = [], 0
        while i < len(header):
            following = header[i + 1] if i + 1 < len(header) else ""
            two = " ± " if following == header[i] + " ± 95 % interval" else " to " if header[i].endswith(" from") else None
            if two and row is header:
                cells.append(header[i].removesuffix(" from"))
            else:
                cells.append(row[i] + two + row[i + 1] if two and row[i + 1] else row[i])
            i += 2 if two else 1
        return cells

    def plain(self, text):
        """Numbers as programs write them: with a hyphen for a minus, and thousands not set apart."""
        return re.sub(r"(?<=\d),(?=\d{3})", "", text.replace("−", "-"))

    def test_numbers_are_for_readers(self):
        markdown = self.read("report.md")
        self.assertRegex(markdown, r"\| −\d")
        self.assertNotRegex(markdown, r"\| -\d")
        large = {cell for row in csv.reader(self.read("cost.csv").splitlines()) for cell in row if re.fullmatch(r"\d{5,}", cell)}
        self.assertTrue(large)
        for cell in large:
            self.assertIn(f"| {int(cell):,} |", markdown)

    def test_tables_say_the_same_everywhere(self):
        names = [name for name in os.listdir(self.report) if name.endswith(".csv") and name != "epochs.csv"]  # for programs alone
        self.assertLessEqual({"comparison.csv", "differences.csv", "published.csv", "cost.csv", "evaluations.csv", "recipe.csv",
                              "runs.csv", "starts.csv", "confusion-gn.csv"}, set(names))
        text, markdown = self.plain("".join(self.page.text)), html.unescape(re.sub(r"\\(.)", r"\1", self.read("report.md")))
        markdown = self.plain(markdown)
        for name in names:
            rows = [[self.plain(cell) for cell in row] for row in csv.reader(self.read(name).splitlines())]
            self.assertEqual({len(row) for row in rows}, {len(rows[0])}, name)
            for row in rows:
                self.assertTrue(all(cell in text for cell in self.merged(rows[0], row)), f"{name}: {row}")
                line = "| " + " | ".join(re.escape(cell) or "–?" for cell in self.merged(rows[0], row)) + " |"
                self.assertRegex(markdown, line.replace("|", r"\|"), name)

    def test_markdown_refers_to_what_is_there(self):
        for path in re.findall(r"\]\(([^)]+)\)", self.read("report.md")):
            self.assertTrue(os.path.exists(os.path.join(self.report, path)), path)

    def test_writes_the_same_again(self):
        before = {name: self.read(name) for name in ("report.html", "report.md", "comparison.csv")}
        subprocess.run([PROGRAM, "report", *reversed(self.files), "--output", self.report], check=True, capture_output=True)
        self.assertEqual(before, {name: self.read(name) for name in before})

    def refuse(self, code, says, *arguments):
        done = subprocess.run([PROGRAM, "report", *arguments], text=True, capture_output=True, cwd=self.scratch.name)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(done.stderr, r"\Asyncnorm[^\n]+\n\Z")
        self.assertIn(says, done.stderr)
        return done.stdout

    def test_wrong_usage(self):
        self.refuse(2, "no run file", "--output", "x")
        self.refuse(2, "--output DIR is missing", self.files[0])
        self.refuse(2, "it must be one of gn", *self.files[:2], "--output", "x", "--baseline", "nothing")
        self.refuse(2, "--outptu", self.files[0], "--outptu", "x")

    def test_a_dry_run_names_runs_by_their_initial_model(self):
        done = subprocess.run([PROGRAM, "study", "--dry-run", "--rate", "1000", "--norm", "gn", "--init", self.files[0]],
                              text=True, capture_output=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        held = subprocess.run([PROGRAM, "inspect", self.files[0]], text=True, capture_output=True, check=True).stdout
        digests = [line.split()[1] for line in held.splitlines() if re.match(r"\s*digest\s+[0-9a-f]{32}", line)]
        name = re.search(r"^gn-init([0-9a-f]+)-s1 ", done.stdout, re.M)
        self.assertTrue(any(digest.startswith(name[1]) for digest in digests), done.stdout)

    def test_a_bad_file_is_named_and_the_rest_reported(self):
        bad = os.path.join(self.scratch.name, "bad.h5")
        with open(self.files[0], "rb") as file, open(bad, "wb") as out:
            out.write(file.read()[:-100])
        said = self.refuse(1, "bad.h5", bad, self.files[0], "--output", "partly")
        self.assertIn("partly/report.html: 1 run of 1 experiment", said)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
