package main

// measurements are temperatures of one day, by hour.
const measurements = `hour,celsius
0,11.2
3,9.8
6,9.1
9,13.4
12,18.9
15,21.3
18,19.0
21,14.7
`

const loadCell = `import csv
with open("temperatures.csv") as f:
    rows = [(int(r["hour"]), float(r["celsius"])) for r in csv.DictReader(f)]
print(len(rows), "rows")
rows[0]`

// statsCell goes on with rows, which loadCell left.
const statsCell = `import statistics
hours, degrees = zip(*rows)
warmest = max(rows, key=lambda row: row[1])
print(f"mean {statistics.mean(degrees):.1f} °C, warmest at {warmest[0]}:00")`

const findCell = `import importlib.util
importlib.util.find_spec("matplotlib") is not None`

// plotCell looks for packages anew: they may have been installed after Python started.
const plotCell = `import importlib, site, sys
if site.getusersitepackages() not in sys.path:
    site.addsitedir(site.getusersitepackages())
importlib.invalidate_caches()
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
figure, axes = plt.subplots(figsize=(6, 4), dpi=100)
axes.plot(hours, degrees, marker="o", color="tab:red")
axes.set(xlabel="hour", ylabel="°C", title="A day in May")`
