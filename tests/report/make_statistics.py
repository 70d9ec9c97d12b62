"""Values of tests/report/statistics_values.h, by scipy (Debian: python3-scipy). Prints the header."""
import itertools

import numpy
from scipy import integrate, optimize, special, stats

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


def closed(difference, within):
    """Adjusted p-values by the definition: over all sets of hypotheses of which no two are of one pair."""
    pairs = range(len(difference))
    hypotheses = {(i, kind): p[i] for i in pairs for kind, p in enumerate((difference, within))}
    adjusted = dict.fromkeys(hypotheses, 0.0)
    for kinds in itertools.product((None, 0, 1), repeat=len(difference)):
        members = [(i, kind) for i, kind in zip(pairs, kinds) if kind is not None]
        if members:
            bound = min(1.0, len(members) * min(hypotheses[h] for h in members))
            for h in members:
                adjusted[h] = max(adjusted[h], bound)
    return [[adjusted[i, kind] for i in pairs] for kind in (0, 1)]


def by_signs(values):
    """By writing all of them down."""
    sums = [abs(sum(s * v for s, v in zip(signs, values))) for signs in itertools.product((-1, 1), repeat=len(values))]
    return sum(s >= abs(sum(values)) for s in sums) / len(sums)


def equivalence(values, margin):
    return max(stats.ttest_1samp(values, -margin, alternative="greater").pvalue, stats.ttest_1samp(values, margin, alternative="less").pvalue)


def power_difference(effect, deviation, n, level):
    t, shift = stats.t.ppf(1 - level / 2, n - 1), effect / deviation * numpy.sqrt(n)
    return stats.nct.sf(t, n - 1, shift) + stats.nct.cdf(-t, n - 1, shift)


def power_equivalence(effect, deviation, margin, n, level):
    """Over the variance of the sample, where scipy integrates."""
    t, scale = stats.t.ppf(1 - level, n - 1), deviation / numpy.sqrt(n)

    def given(chi2):
        room = margin - t * scale * numpy.sqrt(chi2 / (n - 1))
        return (stats.norm.cdf((room - effect) / scale) - stats.norm.cdf((-room - effect) / scale)) * stats.chi2.pdf(chi2, n - 1)

    most = (n - 1) * (margin / (t * scale)) ** 2
    return integrate.quad(given, 0, min(most, stats.chi2.isf(1e-15, n - 1)), epsabs=1e-12, epsrel=1e-12, limit=500)[0]


def crossed(table):
    """Both effects estimated cell by cell."""
    rows, columns = table.shape
    row, column, mean = table.mean(1, keepdims=True), table.mean(0, keepdims=True), table.mean()
    of_rows = columns * ((row - mean) ** 2).sum() / (rows - 1)
    of_columns = rows * ((column - mean) ** 2).sum() / (columns - 1)
    rest = ((table - row - column + mean) ** 2).sum() / ((rows - 1) * (columns - 1))
    return numpy.sqrt(max(of_rows + of_columns - rest, of_rows) / table.size)


def seeds(power):
    return next(n for n in itertools.count(2) if power(n) >= 0.8)


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
DIFFERENCE, WITHIN = [0.01, 0.2, 0.004, 0.9, 0.03], [0.4, 0.012, 0.7, 0.001, 0.03]
ADJUSTED = closed(DIFFERENCE, WITHIN)
for name, values in (("difference", DIFFERENCE), ("within", WITHIN), ("difference_adjusted", ADJUSTED[0]), ("within_adjusted", ADJUSTED[1])):
    print(f"static const double claims_{name}[] = {{{', '.join(map(number, values))}}};")
SIGNS = [[12, 3, -4, 9, 7], [5], [3, 3, 3], [0, 0], [10, -10, 4, 6, -1, 2, 8, 30, -7, 11, 5, 4]]
print("static const struct { size_t count; long values[16]; double p; } sign_values[] = {")
for values in SIGNS:
    print(f"    {{{len(values)}, {{{', '.join(map(str, values))}}}, {number(by_signs(values))}}},")
print("};")
print(f"static const double equivalence_gn = {number(equivalence(numpy.subtract(SAMPLES['gn'], 99.1), 0.1))};")
print("static const struct { double effect, deviation, margin, level, difference, equivalence; size_t count; } power_values[] = {")
for effect, deviation, margin, level, n in [(0, 0.1, 0.1, 0.05, 11), (0.1, 0.1, 0.1, 0.05, 10), (0.05, 0.2, 0.1, 0.05, 36), (0.1, 0.2, 0.3, 0.01, 8),
                                            (0, 0.3, 0.1, 0.05, 2), (0.02, 0.15, 0.1, 0.005, 60), (0.1, 0.1, 0.1, 0.05, 3), (0.1, 2, 0.1, 0.05, 400)]:
    values = effect, deviation, margin, level, power_difference(effect, deviation, n, level), power_equivalence(effect, deviation, margin, n, level)
    print(f"    {{{', '.join(map(number, values))}, {n}}},")
print("};")
print("static const struct { double deviation; size_t difference, equivalence; } seeds_values[] = {")
for deviation in (0.1, 0.15, 0.2, 0.02):
    print(f"    {{{deviation}, {seeds(lambda n: power_difference(0.1, deviation, n, 0.05))}, {seeds(lambda n: power_equivalence(0, deviation, 0.1, n, 0.05))}}},")
print("};")

table = numpy.random.default_rng(7).integers(-1, 2, (4, 12))
print(f"static const double crossed_rows[] = {{{', '.join(map(number, table.sum(1)))}}};")
print(f"static const double crossed_columns[] = {{{', '.join(map(number, table.sum(0)))}}};")
print(f"static const double crossed_squares = {number((table ** 2).sum())}, crossed_error = {number(crossed(table))};")
