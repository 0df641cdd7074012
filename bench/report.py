"""report.py: results as text, as tables for docs/performance.md, and as a drawing."""

import math
import os
import re

from rows import CEILINGS, FLOORS, GROUPS, ROW_FLOORS

UNITS = {"s": ("ms", 1000), "MB": ("MB", 1), "%": ("%", 1)}


def amount(row, engine):
    unit, factor = UNITS[row["unit"]]
    return f"{row[engine] * factor:.{2 if unit == '%' else 1}f} {unit}"


def mark(ratio, limits):
    """What a ratio is worth: below the floor, above it, at the goal."""
    if limits is None:
        return ""
    return "goal" if ratio >= limits[1] else "ok" if ratio >= limits[0] else "BELOW"


def limits_text(limits):
    return f"{limits[0]:g} / {limits[1]:g}" if limits else ""


def row_line(row):
    limits = ROW_FLOORS.get(row["name"])
    line = f"{row['group']:10} {row['name']:13} ours {amount(row, 'ours'):>11}  QEMU {amount(row, 'qemu'):>11}  {row['ratio']:7.2f}x"
    return line + (f"  ({limits_text(limits)}) {mark(row['ratio'], limits)}" if limits else "")


def group_rows(result):
    """(name, ratio, limits, number of rows), groups in their order."""
    order = {g: i for i, g in enumerate(GROUPS)}
    for group, ratio in sorted(result["groups"].items(), key=lambda g: order.get(g[0].split()[0], 99)):
        yield group, ratio, FLOORS.get(group), sum(r["group"] == group for r in result["rows"])


def group_table(result):
    lines = [f"{'group':10} {'rows':>4}  {'mean':>7}   floor / goal"]
    for group, ratio, limits, count in group_rows(result):
        lines.append(f"{group:10} {count:4}  {ratio:6.2f}x   {limits_text(limits):9} {mark(ratio, limits)}")
    return "\n".join(lines)


def missed(result):
    low = [f"{g} {ratio:.2f} < {limits[0]:g}" for g, ratio, limits, _ in group_rows(result) if mark(ratio, limits) == "BELOW"]
    for row in result["rows"]:
        limits = ROW_FLOORS.get(row["name"])
        if row["ours"] > CEILINGS.get(row["name"], math.inf):
            low.append(f"{row['name']} {amount(row, 'ours')} > {CEILINGS[row['name']]:g}")
        if mark(row["ratio"], limits) == "BELOW":
            low.append(f"{row['name']} {row['ratio']:.2f} < {limits[0]:g}")
    return low


def markdown(result):
    lines = [f"{result['date']}, commit {result['commit']}, {result['host']} with {result['host_cpus']} CPUs, "
             f"{result['qemu'].split('(')[0].strip()}, `{result['cpu']}` on both sides, least of {result['rounds']} rounds.", "",
             "| group | rows | geometric mean | floor / goal | |", "|---|--:|--:|--:|---|"]
    for group, ratio, limits, count in group_rows(result):
        lines.append(f"| {group} | {count} | **{ratio:.2f}x** | {limits_text(limits)} | {mark(ratio, limits)} |")
    lines += ["", "| group | row | ours | QEMU | ratio | floor / goal | |", "|---|---|--:|--:|--:|--:|---|"]
    for row in result["rows"]:
        limits = ROW_FLOORS.get(row["name"])
        lines.append(f"| {row['group']} | {row['name']} | {amount(row, 'ours')} | {amount(row, 'qemu')} | {row['ratio']:.2f}x | "
                     f"{limits_text(limits)} | {mark(row['ratio'], limits)} |")
    return "\n".join(lines)


def write(document, result, plot):
    """Puts the tables between the two marks of a document."""
    with open(document) as f:
        text = f.read()
    new, count = re.subn(r"(<!-- bench.py writes from here -->\n).*(<!-- to here -->)",
                         lambda m: m.group(1) + "\n" + markdown(result) + "\n\n" + m.group(2), text, flags=re.S)
    if count != 1:
        raise SystemExit(f"{document}: the marks are missing")
    with open(document, "w") as f:
        f.write(new)
    if plot:
        with open(os.path.abspath(plot), "w") as f:
            f.write(svg(result))
    return 0


def svg(result):
    """Bars of the ratios on a logarithmic scale, with ticks at floors and goals."""
    rows = [r for r in result["rows"] if r["ratio"] > 0]
    low, high = -1.0, max(2.0, max(math.log10(r["ratio"]) for r in rows) + 0.1)
    left, width, step = 170, 560, 13

    def x(ratio):
        return left + width * (min(max(math.log10(ratio), low), high) - low) / (high - low)

    body, y, group = [], 40, None
    for row in rows:
        if row["group"] != group:
            group = row["group"]
            y += 8
            mean = result["groups"].get(group)
            body.append(f'<text x="6" y="{y + 10}" font-weight="bold">{group}{f" {mean:.1f}x" if mean else ""}</text>')
        limits = ROW_FLOORS.get(row["name"]) or FLOORS.get(group)
        colour = {"goal": "#2a7f3f", "ok": "#5a9bd4", "BELOW": "#c0504d", "": "#888888"}[mark(row["ratio"], limits)]
        a, b = sorted((x(1), x(row["ratio"])))
        body.append(f'<rect x="{a:.1f}" y="{y}" width="{max(b - a, 1):.1f}" height="{step - 3}" fill="{colour}"/>')
        body.append(f'<text x="{left - 4}" y="{y + 9}" text-anchor="end">{row["name"]}</text>')
        body.append(f'<text x="{b + 4:.1f}" y="{y + 9}">{row["ratio"]:.2f}</text>')
        for limit in limits or ():
            body.append(f'<path d="M{x(limit):.1f} {y - 1}v{step - 1}" stroke="#000"/>')
        y += step
    grid = [f'<path d="M{x(t):.1f} 30V{y}" stroke="#ddd"/><text x="{x(t):.1f}" y="26" text-anchor="middle">{t:g}x</text>'
            for t in (0.1, 1, 10, 100, 1000) if math.log10(t) <= high]
    title = f'<text x="6" y="14">times as fast as QEMU ({result["cpu"]}); ticks: floor and goal; {result["date"]}, {result["commit"]}</text>'
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="800" height="{y + 10}" font-family="sans-serif" font-size="10">'
            f'<rect width="100%" height="100%" fill="#fff"/>{title}{"".join(grid)}{"".join(body)}</svg>\n')
