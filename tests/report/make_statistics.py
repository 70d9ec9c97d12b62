"""Values of tests/report/statistics_values.h, by scipy (Debian: python3-scipy). Prints the header."""
import numpy
from scipy import optimize, special, stats

SAMPLES = {
    "gn": [99.12, 99.20, 99.07, 99.15, 99.18],
    "bn": [99.01, 99.16, 99.09, 98.87, 99.03],
    "close": [1000000.125, 1000000.25, 1000000.375, 1000000.5, 1000000.0, 1000000.75],
}
PAIRS = [("gn", "bn")]


def number(x):
    return repr(float(x))


def quantile(p, n):
    """Where scipy's tail is p: its own ppf is off by 2e-9 in the far tail."""
    tail = min(p, 1 - p)
    t = optimize.brentq(lambda t: numpy.log(stats.t.sf(t, n) / tail), 0, 1e4, xtol=1e-300, rtol=1e-14)
    return -t if p < 0.5 else t


def holm(p):
    order = numpy.argsort(p)
    adjusted, before = numpy.empty(len(p)), 0.0
    for rank, i in enumerate(order):
        before = max(before, min(1.0, p[i] * (len(p) - rank)))
        adjusted[i] = before
    return adjusted


print("/* Made by make_statistics.py with scipy. */")
print("static const struct { double a, b, x, value; } beta_values[] = {")
for a, b, x in [(0.5, 0.5, 0.1), (2, 3, 0.25), (2, 3, 0.9), (0.5, 50, 0.001), (50, 0.5, 0.999), (10, 10, 0.5), (1, 1, 0.3),
                (500, 0.5, 0.99), (0.5, 2, 1e-12), (5, 0.5, 1e-8)]:
    print(f"    {{{number(a)}, {number(b)}, {number(x)}, {number(special.betainc(a, b, x))}}},")
print("};\nstatic const struct { double t, freedom, cdf, two_sided; } t_values[] = {")
for t, n in [(0, 1), (1, 1), (-1, 1), (12.7062, 1), (2.776445, 4), (-2.776445, 4), (1e-6, 4), (0.3, 2.5), (8, 30), (40, 4), (1.96, 1e6),
             (1000, 2)]:
    print(f"    {{{number(t)}, {number(n)}, {number(stats.t.cdf(t, n))}, {number(2 * stats.t.sf(abs(t), n))}}},")
print("};\nstatic const struct { double p, freedom, quantile; } quantile_values[] = {")
for p, n in [(0.975, 1), (0.975, 2), (0.975, 4), (0.975, 9), (0.975, 100), (0.025, 4), (0.5001, 4), (0.995, 1), (1e-6, 3)]:
    print(f"    {{{number(p)}, {number(n)}, {number(quantile(p, n))}}},")
print("};")
for name, values in SAMPLES.items():
    print(f"static const double sample_{name}[] = {{{', '.join(map(number, values))}}};")
print("typedef struct expected { double mean, deviation, low, high, p; } expected;")
for name, values in SAMPLES.items():
    mean, error = numpy.mean(values), stats.sem(values)
    low, high = stats.t.interval(0.95, len(values) - 1, mean, error)
    p = stats.ttest_1samp(values, 0).pvalue
    print(f"static const expected mean_{name} = {{{', '.join(map(number, [mean, numpy.std(values, ddof=1), low, high, p]))}}};")
for a, b in PAIRS:
    difference = numpy.subtract(SAMPLES[a], SAMPLES[b])
    mean, error = numpy.mean(difference), stats.sem(difference)
    low, high = stats.t.interval(0.95, len(difference) - 1, mean, error)
    p = stats.ttest_rel(SAMPLES[a], SAMPLES[b]).pvalue
    print(f"static const expected difference_{a}_{b} = "
          f"{{{', '.join(map(number, [mean, numpy.std(difference, ddof=1), low, high, p]))}}};")
P = [0.01, 0.04, 0.03, 0.005, 0.9, 0.8]
print(f"static const double holm_p[] = {{{', '.join(map(number, P))}}};")
print(f"static const double holm_adjusted[] = {{{', '.join(map(number, holm(P)))}}};")
